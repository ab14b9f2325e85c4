/* SPDX-License-Identifier: GPL-3.0-or-later */
/* candidates.c - frames between zeros, which are passed over */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "locate/candidates.h"
#include "x86/scan.h"

#define STACK_AT UINT64_C(0xf7000000)
#define STACK_SIZE (192u << 10)
#define CODE_AT UINT64_C(0x401000)

static uint8_t stack_bytes[STACK_SIZE];
static const struct memory stack = { stack_bytes, STACK_SIZE, STACK_AT };

static size_t read_stack(const struct snapshot *s, uint64_t addr, void *buf,
			 size_t size)
{
	(void)s;
	return memory_read(&stack, addr, buf, size);
}

static const struct snapshot_ops ops = { .read = read_stack };

static struct snapshot *make(void)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct mapping *m;

	assert_non_null(s);
	s->ops = &ops;
	m = snapshot_add_mapping(s);
	assert_non_null(m);
	m->start = STACK_AT;
	m->end = STACK_AT + STACK_SIZE;
	m->prot = PROT_READ | PROT_WRITE;
	snapshot_finish(s);
	return s;
}

/* Are these all that are in memory, whatever lies between them? */
static void check_all(const struct candidates *c)
{
	const struct bytes all = { stack_bytes, STACK_SIZE, STACK_AT };
	uint64_t cursor = STACK_AT;
	struct scan_hit hit;
	size_t count = 0;

	while (scan_next(all, &cursor, &hit)) {
		assert_non_null(candidates_find(c, hit.kind, hit.address));
		count++;
	}
	assert_int_equal(c->count, count);
}

/*
 * A frame that the stack pointer `sp` leads to, of which the start is gone.
 * Unless `run` is 0, only so many bytes before it are zeros, again and again.
 */
static void check_frame(const struct snapshot *s, enum sigframe_kind kind,
			uint64_t sp, size_t wiped, uint64_t from, size_t run)
{
	const struct delivery d = {
		.kind = kind,
		.sp = sp,
		.pc = CODE_AT,
		.restorer = CODE_AT + 0x100,
	};
	struct candidates c = { 0 };

	memset(stack_bytes, 0, sizeof(stack_bytes));

	uint64_t frame = frame_build(&stack, &d);

	memset(stack_bytes + (frame - STACK_AT), 0, wiped);
	for (uint64_t at = frame - 8; run && at >= STACK_AT; at -= run + 8)
		memory_put(&stack, at, 8, 1);
	assert_null(candidates_scan(&c, s, from, STACK_AT + STACK_SIZE));
	assert_true(c.missing_from == c.missing_to);
	if (!wiped)
		assert_non_null(candidates_find(&c, kind, frame));
	if (from == STACK_AT)
		check_all(&c);
	candidates_deinit(&c);
}

/* At the limits of pages, of what is read at once, and of all there is. */
static void between_zeros(void **state)
{
	static const size_t wiped[] = { 0, 8, 168, 240, 304, 700 };
	static const enum sigframe_kind kinds[] = { SIGFRAME_X86_64,
						    SIGFRAME_IA32_RT };
	struct snapshot *s = make();

	(void)state;
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
		for (size_t w = 0; w < ARRAY_SIZE(wiped); w++)
			for (uint64_t sp = STACK_AT + 8192;
			     sp <= STACK_AT + STACK_SIZE; sp += 712)
				check_frame(s, kinds[k], sp, wiped[w], STACK_AT,
					    0);
	snapshot_destroy(s);
}

/*
 * Zeros are counted from where the stack pointer is. Where they are too few to
 * be passed over, some frame begins where a piece that is looked at ends.
 */
static void from_anywhere(void **state)
{
	static const size_t runs[] = { 0, 8, 1016, 2040, 4088 };
	struct snapshot *s = make();

	(void)state;
	for (size_t r = 0; r < ARRAY_SIZE(runs); r++)
		for (uint64_t from = STACK_AT; from < STACK_AT + 8192;
		     from += 8)
			check_frame(s, SIGFRAME_X86_64, STACK_AT + 16384, 0,
				    from, runs[r]);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_zeros),
		cmocka_unit_test(from_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
