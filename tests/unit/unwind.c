/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwind.c - this process finds the signal frames that it is in */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "locate/locate.h"
#include "self.h"

enum { DEPTH = 3, ALT_SIZE = 256 << 10 };

static const int signals[DEPTH] = { SIGUSR1, SIGUSR2, SIGWINCH };

/* What the handlers saw, the first delivered first. */
static uint64_t truth[DEPTH];
static volatile sig_atomic_t depth;
static struct located *located;
static struct snapshot *snapshot;

/* Must not be inlined: it is the first step of the walk. */
__attribute__((__noinline__)) static void look(void)
{
	struct locate_options options = { .unwind = true };

	snapshot = self_snapshot();

	struct thread *t = &snapshot->threads[0];

	SELF_REGISTERS(t);
	assert_null(locate(snapshot, &options, &located));
}

static void handler(int sig, siginfo_t *info, void *context)
{
	int level = depth++;

	(void)sig;
	(void)info;
	truth[level] = (uint64_t)(uintptr_t)context - 8;
	if (depth < DEPTH)
		raise(signals[depth]);
	else
		look();
}

static void passer_by(int sig)
{
	(void)sig;
}

/* Leave a frame that has been returned from, deep below. */
__attribute__((__noinline__)) static void leave_stale(int levels)
{
	volatile char room[512];

	room[0] = (char)levels;
	if (levels)
		leave_stale(levels - 1);
	else
		raise(SIGHUP);
	room[1] = room[0];
}

/* A large hole in the stack, in which old bytes stay. */
__attribute__((__noinline__)) static void over_stale_bytes(void)
{
	volatile char hole[64 << 10];

	hole[0] = 1;
	raise(signals[0]);
	hole[1] = hole[0];
}

static void deliver(int flags)
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | flags,
	};

	depth = 0;
	for (unsigned i = 0; i < DEPTH; i++)
		sigaction(signals[i], &sa, NULL);
	sa.sa_handler = passer_by;
	sa.sa_flags = 0;
	sigaction(SIGHUP, &sa, NULL);

	leave_stale(40);
	over_stale_bytes();
}

static void check(bool altstack)
{
	const struct located_thread *t = &located->threads[0];

	assert_int_equal(located->threads_count, 1);
	assert_int_equal(t->frames_count, DEPTH);
	assert_int_equal(t->complete, TRI_YES);
	assert_null(t->incomplete);
	assert_non_null(t->place.module);
	for (unsigned i = 0; i < DEPTH; i++) {
		const struct located_frame *f = &t->frames[i];

		assert_int_equal(f->facts->sigframe.address,
				 truth[DEPTH - 1 - i]);
		assert_int_equal(f->evidence, FRAME_UNWOUND | FRAME_SCANNED);
		assert_int_equal(f->stack, altstack ? FRAME_ON_ALTERNATE
						    : FRAME_ON_MAIN);
		assert_int_equal(f->facts->around.restorer, TRI_YES);
		assert_non_null(f->restorer_code);
		assert_non_null(f->interrupted.module);
		assert_non_null(f->interrupted.instruction);
	}
	located_destroy(located);
	snapshot_destroy(snapshot);
	located = NULL;
	snapshot = NULL;
}

static void on_one_stack(void **state)
{
	(void)state;
	deliver(0);
	assert_true(located->threads[0].stale >= 1);
	check(false);
}

static void on_alternate_stack(void **state)
{
	CLEANUP_FREE char *memory = malloc(ALT_SIZE);
	stack_t alt = { .ss_sp = memory, .ss_size = ALT_SIZE };
	stack_t off = { .ss_flags = SS_DISABLE };

	(void)state;
	assert_non_null(memory);
	assert_int_equal(sigaltstack(&alt, NULL), 0);
	deliver(SA_ONSTACK);
	assert_int_equal(sigaltstack(&off, NULL), 0);
	check(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(on_one_stack),
		cmocka_unit_test(on_alternate_stack),
	};

	if (!self_frames_are_real()) {
		puts("1..0 # SKIP valgrind delivers signals itself");
		return 77;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
