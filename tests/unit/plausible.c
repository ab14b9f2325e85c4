/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plausible.c - which bytes are taken for a live frame without unwinding */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "frame_builder.h"
#include "locate/plausible.h"

#define STACK_AT UINT64_C(0x7ffd12340000)
#define ALT_AT UINT64_C(0x7ffd12350000)
#define CODE_AT UINT64_C(0x401000)
#define SP (STACK_AT + 0x1000)
#define USR1 (UINT64_C(1) << 9)
/* in a frame, and in its extended state */
#define SIGMASK 304
#define IMAGE 456
#define MAGIC1 464
#define MXCSR 24

static uint8_t stack_bytes[0x20000], code_bytes[0x1000];
static const struct memory stack = { stack_bytes, sizeof(stack_bytes),
				     STACK_AT };
static const struct memory code_memory = { code_bytes, sizeof(code_bytes),
					   CODE_AT };

static size_t read_memory(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	(void)s;
	return memory_read(addr >= STACK_AT ? &stack : &code_memory, addr, buf,
			   size);
}

static const struct snapshot_ops ops = { .read = read_memory };

static void add_mapping(struct snapshot *s, const struct memory *memory,
			unsigned prot)
{
	struct mapping *m = snapshot_add_mapping(s);

	assert_non_null(m);
	m->start = memory->addr;
	m->end = memory->addr + memory->size;
	m->prot = prot;
}

static struct snapshot *make(void)
{
	static const uint8_t restorer[] = { 0x48, 0xc7, 0xc0, 0x0f, 0,
					    0,	  0,	0x0f, 0x05 };
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);

	assert_non_null(s);
	s->ops = &ops;
	memset(stack_bytes, 0, sizeof(stack_bytes));
	memset(code_bytes, 0x90, sizeof(code_bytes));
	memcpy(code_bytes, restorer, sizeof(restorer));
	add_mapping(s, &code_memory, PROT_READ | PROT_EXEC);
	add_mapping(s, &stack, PROT_READ | PROT_WRITE);
	snapshot_finish(s);
	return s;
}

static uint64_t deliver(uint64_t sp)
{
	const struct delivery d = {
		.kind = SIGFRAME_X86_64,
		.sp = sp,
		.pc = CODE_AT + 0x10,
		.restorer = CODE_AT,
	};

	return frame_build(&stack, &d);
}

/* What is made of the frame by a context with that mask, and then no more. */
static enum tri judge(struct snapshot *s, uint64_t frame, uint64_t sp,
		      uint64_t mask, bool mask_known)
{
	const struct plausible_context at = { sp, mask, mask_known };
	struct candidates hits = { 0 };
	struct code *code = code_create(s);
	struct frame_check check;
	enum tri found;

	assert_non_null(code);
	assert_null(candidates_scan(&hits, s, SP, STACK_AT + stack.size));
	assert_true(facts_check(s, code, SIGFRAME_X86_64, frame, &check));
	found = plausible_judge(s, code, &hits, &check, &at);
	candidates_deinit(&hits);
	code_destroy(code);
	return found;
}

/* While a signal is handled, it is blocked. */
static void masks(void **state)
{
	static const struct {
		uint64_t before, now;
		bool known;
		enum tri found;
	} rows[] = {
		{ 0, USR1, true, TRI_YES },
		{ 1, 1 | USR1, true, TRI_YES },
		{ 0, 0, true, TRI_UNKNOWN },
		{ 1, 1, true, TRI_UNKNOWN },
		{ 1 | USR1, 1, true, TRI_UNKNOWN },
		{ 0, 0, false, TRI_YES },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *s = make();
		uint64_t f = deliver(STACK_AT + 0x8000);

		memory_put(&stack, f + SIGMASK, 8, rows[i].before);
		assert_int_equal(judge(s, f, SP, rows[i].now, rows[i].known),
				 rows[i].found);
		snapshot_destroy(s);
	}
}

/* Something was written there that no kernel writes. */
static void damage(void **state)
{
	static const struct {
		uint16_t off;
		uint32_t value;
	} rows[] = {
		{ MAGIC1, 0 },
		{ 2696, 0 },			/* the second magic number */
		{ MXCSR, 0x7ffd1f80 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *s = make();
		uint64_t f = deliver(STACK_AT + 0x8000);

		memory_put(&stack, f + IMAGE + rows[i].off, 4, rows[i].value);
		assert_int_equal(judge(s, f, SP, USR1, true), TRI_UNKNOWN);
		snapshot_destroy(s);
	}
}

/* A later frame lies in what is left of this one. */
static void overwritten(void **state)
{
	static const uint16_t distances[] = { 0x1c0, 0x2c0, 0x800 };

	(void)state;
	for (unsigned i = 0; i < sizeof(distances) / sizeof(distances[0]); i++) {
		struct snapshot *s = make();
		uint64_t sp = STACK_AT + 0x8000;
		uint64_t old = deliver(sp - distances[i]);
		uint64_t new = old + distances[i];

		/* a kernel writes all of it */
		memset(stack_bytes + (new - STACK_AT), 0x55, sp - 128 - new);
		assert_int_equal(deliver(sp), new);
		assert_int_equal(judge(s, new, SP, USR1, true), TRI_YES);
		assert_int_equal(judge(s, old, SP, USR1, true), TRI_NO);
		snapshot_destroy(s);
	}
}

/* On the alternate stack of another thread, which found it there already. */
static void elsewhere(void **state)
{
	const struct delivery d = {
		.kind = SIGFRAME_X86_64,
		.sp = ALT_AT + 0x6000,
		.pc = CODE_AT + 0x10,
		.restorer = CODE_AT,
		.altstack_sp = ALT_AT,
		.altstack_size = 0x8000,
	};
	struct snapshot *s = make();
	uint64_t f = frame_build(&stack, &d);

	(void)state;
	assert_int_equal(judge(s, f, SP, USR1, true), TRI_NO);
	assert_int_equal(judge(s, f, ALT_AT + 0x100, USR1, true), TRI_YES);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(masks),
		cmocka_unit_test(damage),
		cmocka_unit_test(overwritten),
		cmocka_unit_test(elsewhere),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
