/* SPDX-License-Identifier: GPL-3.0-or-later */
/* registered.c - frames by the restorer that sigaction() was told of */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <elf.h>
#include <signal.h>
#include <sys/mman.h>

#include "frame_builder.h"
#include "locate/locate.h"
#include "locate/plausible.h"
#include "locate/registered.h"
#include "locate/returning.h"

#define STACK_AT UINT64_C(0x7ffd12340000)
#define CODE_AT UINT64_C(0x401000)
#define RESTORER (CODE_AT + 0x100)
#define PC (CODE_AT + 0x800)
#define HANDLER (CODE_AT + 0x200)
#define HAS_RESTORER UINT64_C(0x04000000)
#define USR1 (UINT64_C(1) << (SIGUSR1 - 1))
#define HUP (UINT64_C(1) << (SIGHUP - 1))
#define SIGMASK 304
#define INFO 312

static uint8_t stack_bytes[0x10000];
static const struct memory stack = { stack_bytes, sizeof(stack_bytes),
				     STACK_AT };
/* what cannot be read of the stack, if anything */
static uint64_t hole;

/* The code is in a file that is not there. */
static size_t read_memory(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	uint64_t end = STACK_AT + sizeof(stack_bytes);

	(void)s;
	if (addr < STACK_AT || addr >= end || addr / 4096 == hole / 4096)
		return 0;
	if (hole > addr)
		end = hole & ~UINT64_C(4095);
	if (size > end - addr)
		size = end - addr;
	memcpy(buf, stack_bytes + (addr - STACK_AT), size);
	return size;
}

static const struct snapshot_ops ops = { .read = read_memory };

static void add_mapping(struct snapshot *s, uint64_t start, uint64_t end,
			unsigned prot, const char *path)
{
	struct mapping *m = snapshot_add_mapping(s);

	assert_non_null(m);
	m->start = start;
	m->end = end;
	m->prot = prot;
	m->path = strdup(path);
	assert_non_null(m->path);
}

static struct snapshot *make(void)
{
	struct snapshot *s = snapshot_create(SOURCE_CRIU);

	assert_non_null(s);
	s->ops = &ops;
	memset(stack_bytes, 0, sizeof(stack_bytes));
	hole = 0;
	add_mapping(s, CODE_AT, CODE_AT + 0x1000, PROT_READ | PROT_EXEC,
		    "/bin/gone");
	add_mapping(s, STACK_AT, STACK_AT + sizeof(stack_bytes),
		    PROT_READ | PROT_WRITE, "[stack]");
	snapshot_finish(s);
	s->actions_known = true;
	s->actions[SIGUSR1 - 1] = (struct signal_action){
		.handler = HANDLER,
		.flags = SA_SIGINFO | HAS_RESTORER,
		.restorer = RESTORER,
		.mask = HUP,
	};
	return s;
}

/* SIGUSR1, with nothing blocked before. */
static uint64_t deliver(uint64_t sp)
{
	const struct delivery d = {
		.kind = SIGFRAME_X86_64,
		.sp = sp,
		.pc = PC,
		.restorer = RESTORER,
	};
	uint64_t f = frame_build(&stack, &d);

	memory_put(&stack, f + INFO, 4, SIGUSR1);
	memory_put(&stack, f + INFO + 8, 4, (uint32_t)SI_TKILL);
	return f;
}

static struct thread *add_thread(struct snapshot *s, uint64_t sp,
				 uint64_t pc, uint64_t mask)
{
	struct thread *t = snapshot_add_thread(s, 1);

	assert_non_null(t);
	t->regs.r[X86_RSP] = sp;
	t->regs.r[X86_RIP] = pc;
	t->regs.r[X86_CS] = X86_USER_CS;
	t->sigmask = mask;
	t->has = THREAD_HAS_PC_SP | THREAD_HAS_GPRS | THREAD_HAS_SIGMASK;
	return t;
}

/* The only thread's frames, and whether these are all. */
static struct located *look(struct snapshot *s, size_t frames, bool complete)
{
	const struct locate_options options = {
		.unwind = true,
		.dormant = LOCATE_DORMANT_NONE,
	};
	struct located *l = NULL;

	assert_null(locate(s, &options, &l));
	assert_int_equal(l->threads[0].frames_count, frames);
	assert_int_equal(l->threads[0].complete == TRI_YES, complete);
	for (size_t i = 0; i < frames; i++) {
		const struct located_frame *f = &l->threads[0].frames[i];

		assert_true(f->evidence & FRAME_REGISTERED);
		assert_int_equal(f->returns, FRAME_RETURN_REGISTERED);
		assert_int_equal(f->facts->around.restorer, TRI_YES);
	}
	return l;
}

static void finish(struct snapshot *s, struct located *l)
{
	located_destroy(l);
	snapshot_destroy(s);
}

/* All that the kernel did for the handler is as it did it. */
static void in_handler(void **state)
{
	static const struct {
		uint64_t now;		/* blocked in the handler */
		uint64_t flags;
		bool complete;
		size_t frames;
	} rows[] = {
		{ USR1 | HUP, 0, true, 1 },
		{ USR1, 0, false, 1 },		/* the handler changed it */
		{ USR1 | HUP | 1 << 20, 0, false, 1 },
		{ HUP, SA_NODEFER, true, 1 },
		{ USR1 | HUP, SA_NODEFER, false, 1 },
		{ 0, 0, false, 0 },		/* it may be left over */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *s = make();
		uint64_t f = deliver(STACK_AT + 0x8000);

		s->actions[SIGUSR1 - 1].flags |= rows[i].flags;
		add_thread(s, f - 0x40, PC, rows[i].now);
		finish(s, look(s, rows[i].frames, rows[i].complete));
	}
}

/* Bytes below the frame are missing: there may be another. */
static void missing(void **state)
{
	struct snapshot *s = make();
	uint64_t f = deliver(STACK_AT + 0x8000);

	(void)state;
	add_thread(s, f - 0x3000, PC, USR1 | HUP);
	hole = f - 0x2000;
	finish(s, look(s, 1, false));
}

/* In the restorer: the frame is where the stack pointer says. */
static void returning(void **state)
{
	static const struct {
		uint64_t pc;
		size_t frames;
	} rows[] = {
		{ RESTORER, 1 },
		{ RESTORER + 7, 1 },
		{ RESTORER + 9, 1 },
		/* from here on another function may be */
		{ RESTORER + 16, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct snapshot *s = make();
		uint64_t f = deliver(STACK_AT + 0x8000);
		struct located *l;

		add_thread(s, f + 8, rows[i].pc, USR1 | HUP);
		l = look(s, rows[i].frames, true);
		if (rows[i].frames)
			assert_true(l->threads[0].frames[0].evidence &
				    FRAME_RETURNING);
		finish(s, l);
	}
}

/* Spoilt so much that only the restorer's address gives it away. */
static void spoilt(void **state)
{
	struct snapshot *s = make();
	uint64_t f = deliver(STACK_AT + 0x8000);
	struct candidates hits = { 0 };

	(void)state;
	/* all but the pointer to the extended state */
	memset(stack_bytes + (f + 8 - STACK_AT), 0xa5, 224);
	memset(stack_bytes + (f + 456 + 464 - STACK_AT), 0, 8);
	assert_null(candidates_scan(&hits, s, STACK_AT,
				    STACK_AT + sizeof(stack_bytes)));
	assert_non_null(candidates_find(&hits, SIGFRAME_X86_64, f));
	candidates_deinit(&hits);

	s->actions_known = false;
	assert_null(candidates_scan(&hits, s, STACK_AT,
				    STACK_AT + sizeof(stack_bytes)));
	assert_null(candidates_find(&hits, SIGFRAME_X86_64, f));
	candidates_deinit(&hits);
	snapshot_destroy(s);
}

/* A stack pointer near 0, and a frame that would begin below it. */
static void end_of_memory(void **state)
{
	struct snapshot *s = make();
	struct candidates hits = { 0 };

	(void)state;
	assert_null(candidates_scan(&hits, s, 4, UINT64_MAX - 2));
	assert_int_equal(hits.count, 0);
	candidates_deinit(&hits);
	snapshot_destroy(s);
}

/* 32-bit handlers without SA_SIGINFO have frames of another kind. */
static void kinds(void **state)
{
	struct snapshot *s = make();
	enum sigframe_kind kind;
	uint64_t list[SNAPSHOT_SIGNALS];

	(void)state;
	assert_true(registered_is(s, SIGFRAME_X86_64, RESTORER));
	assert_false(registered_is(s, SIGFRAME_IA32_RT, RESTORER));
	assert_false(registered_is(s, SIGFRAME_X86_64, RESTORER + 1));
	assert_false(registered_is(s, SIGFRAME_X86_64, 0));
	s->actions[0] = (struct signal_action){ .restorer = PC };
	assert_int_equal(registered_list(s, list), 1);
	assert_int_equal(list[0], RESTORER);

	s->word = 4;
	s->machine = EM_386;
	assert_true(registered_kind(s, RESTORER, X86_USER32_CS, &kind));
	assert_int_equal(kind, SIGFRAME_IA32_RT);
	assert_false(registered_kind(s, RESTORER, X86_USER_CS, &kind));
	s->actions[0] = (struct signal_action){ .flags = HAS_RESTORER,
						.restorer = RESTORER };
	assert_true(registered_is(s, SIGFRAME_IA32, RESTORER));
	assert_false(registered_kind(s, RESTORER, X86_USER32_CS, &kind));
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_handler),
		cmocka_unit_test(missing),
		cmocka_unit_test(returning),
		cmocka_unit_test(spoilt),
		cmocka_unit_test(end_of_memory),
		cmocka_unit_test(kinds),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
