/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nested.c - this process finds its own frames when they are many, or spoilt */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/recall.h"
#include "self.h"
#include "x86/sigframe.h"
#include "x86/xstate.h"

enum { DEPTH_MAX = 300, ALT_SIZE = 1 << 20 };

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

/* From a frame's address to the image that the kernel puts there. */
#define IMAGE 456

static uint64_t truth[DEPTH_MAX];	/* the first delivered first */
static volatile unsigned depth, wanted;
static struct located *located;
static struct snapshot *snapshot;
static bool forgetting;		/* facts of frames, where that is possible */
static unsigned judged;

static struct verdict *judge(void *arg, const struct frame_facts *f)
{
	(void)arg;
	judged += f->area.bytes.size != 0;
	return calloc(1, sizeof(struct verdict));
}

/* Must not be inlined: it is the first step of the walk. */
__attribute__((__noinline__)) static void look(void)
{
	struct locate_options options = {
		.unwind = true,
		.judge = forgetting ? judge : NULL,
	};
	const struct snapshot_ops *self;
	struct snapshot_ops ops;

	snapshot = self_snapshot();
	self = snapshot->ops;
	ops = *self;
	ops.steady = forgetting;
	snapshot->ops = &ops;

	struct thread *t = &snapshot->threads[0];

	SELF_REGISTERS(t);
	assert_null(locate(snapshot, &options, &located));
	snapshot->ops = self;
}

static void forget(void)
{
	located_destroy(located);
	snapshot_destroy(snapshot);
	located = NULL;
	snapshot = NULL;
}

static void install(int flags, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_NODEFER | flags,
	};

	depth = 0;
	sigaction(SIGUSR1, &sa, NULL);
}

static void go_deeper(int sig, siginfo_t *info, void *context)
{
	(void)info;
	truth[depth++] = (uint64_t)(uintptr_t)context - 8;
	if (depth < wanted)
		raise(sig);
	else
		look();
}

static void all_are_found(void)
{
	const struct located_thread *t = &located->threads[0];

	assert_int_equal(t->frames_count, wanted);
	assert_int_equal(t->complete, TRI_YES);
	assert_null(t->lost);
	for (unsigned i = 0; i < wanted; i++) {
		const struct located_frame *f = &t->frames[i];

		assert_int_equal(f->facts->sigframe.address,
				 truth[wanted - 1 - i]);
		assert_int_equal(f->evidence, FRAME_UNWOUND | FRAME_SCANNED);
	}
}

static void many(void **state)
{
	static const unsigned depths[] = { 64, DEPTH_MAX };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(depths); i++) {
		wanted = depths[i];
		install(0, go_deeper);
		raise(SIGUSR1);
		all_are_found();
		forget();
	}
}

static void disarmed_stack(void **state)
{
	CLEANUP_FREE char *memory = malloc(ALT_SIZE);
	stack_t alt = { .ss_sp = memory, .ss_size = ALT_SIZE,
			.ss_flags = (int)SS_AUTODISARM };
	stack_t off = { .ss_flags = SS_DISABLE };

	(void)state;
	assert_non_null(memory);
	assert_int_equal(sigaltstack(&alt, NULL), 0);
	wanted = 8;
	install(SA_ONSTACK, go_deeper);
	raise(SIGUSR1);
	all_are_found();
	for (unsigned i = 0; i < wanted; i++)
		assert_int_equal(located->threads[0].frames[i].stack,
				 FRAME_ON_ALTERNATE);
	forget();
	assert_int_equal(sigaltstack(&off, NULL), 0);
}

static bool found(uint64_t address)
{
	const struct located_thread *t = &located->threads[0];

	for (size_t i = 0; i < t->frames_count; i++)
		if (t->frames[i].facts->sigframe.address == address)
			return true;
	return false;
}

static unsigned spoilt_words, spoilt_found;

/* What is spoilt is found, or the thread is not called complete. */
static void spoil(uint64_t frame, unsigned offset)
{
	volatile uint64_t *word = (uint64_t *)(uintptr_t)(frame + offset);
	const uint64_t values[] = { 0, UINT64_MAX, frame + 64 };
	uint64_t kept = *word;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		if (values[i] == kept)
			continue;
		*word = values[i];
		look();
		*word = kept;

		bool seen = found(frame);

		spoilt_words++;
		spoilt_found += seen;
		if (!seen && located->threads[0].complete == TRI_YES)
			fail_msg("0x%llx at %u: missed, yet complete",
				 (unsigned long long)values[i], offset);
		forget();
	}
}

static void spoil_all(int sig, siginfo_t *info, void *context)
{
	uint64_t frame = (uint64_t)(uintptr_t)context - 8;

	(void)sig;
	(void)info;
	for (unsigned off = 0; off < 440; off += 8)
		spoil(frame, off);
	for (unsigned off = XSTATE_SW_OFF; off < XSTATE_MIN_SIZE; off += 8)
		spoil(frame, IMAGE + off);
}

static void spoilt(void **state)
{
	(void)state;
	install(0, spoil_all);
	raise(SIGUSR1);
	printf("# %u of %u spoilt frames are found\n", spoilt_found,
	       spoilt_words);
}

/* The image is somewhere else, as checkpoints and sandboxes put it. */
static void move_image(int sig, siginfo_t *info, void *context)
{
	uint64_t frame = (uint64_t)(uintptr_t)context - 8;
	uint64_t *fpstate = (uint64_t *)(uintptr_t)(frame + 232);
	uint64_t kept = *fpstate;
	uint32_t *size = (uint32_t *)(uintptr_t)(kept + 480);
	uint32_t kept_size = *size;
	void *copy = NULL;

	(void)sig;
	(void)info;
	assert_int_equal(posix_memalign(&copy, 64, 16384), 0);
	memset(copy, 0, 16384);
	memcpy(copy, (void *)(uintptr_t)kept, kept_size + 4);
	*fpstate = (uint64_t)(uintptr_t)copy;
	look();
	*fpstate = kept;
	assert_int_equal(located->threads[0].frames_count, 1);
	assert_int_equal(located->threads[0].complete, TRI_YES);
	assert_true(located->threads[0].frames[0].evidence & FRAME_UNWOUND);
	assert_int_equal(located->threads[0].frames[0].facts->area.bytes.addr,
			 (uint64_t)(uintptr_t)copy);
	forget();
	free(copy);

	*size = kept_size + 3;
	look();
	*size = kept_size;
	assert_int_equal(located->threads[0].frames_count, 1);
	assert_int_equal(located->threads[0].complete, TRI_YES);
	forget();
}

static void moved(void **state)
{
	(void)state;
	install(0, move_image);
	raise(SIGUSR1);
}

/* Copies of a frame, and of its context, are none. */
static void copy_frame(int sig, siginfo_t *info, void *context)
{
	static const unsigned skips[] = { 0, 8 };
	uint8_t room[16384 + 64];
	const uint8_t *frame = (const uint8_t *)context - 8;
	size_t size = *(const uint32_t *)(frame + IMAGE + 480) + IMAGE + 4u;

	(void)sig;
	(void)info;
	assert_true(size < 16384);
	for (unsigned i = 0; i < ARRAY_SIZE(skips); i++) {
		uint8_t *to = room + (8 - (uintptr_t)room % 16 + 16) % 16;

		memset(room, 0, sizeof(room));
		memcpy(to + skips[i], frame + skips[i], size - skips[i]);
		__asm__ volatile("" ::"r"(to) : "memory");
		look();
		assert_int_equal(located->threads[0].frames_count, 1);
		assert_int_equal(
			located->threads[0].frames[0].facts->sigframe.address,
			(uint64_t)(uintptr_t)frame);
		assert_int_equal(located->threads[0].complete, TRI_YES);
		forget();
	}
}

static void same_run(const struct run *a, const struct run *b)
{
	assert_int_equal(a->bytes.addr, b->bytes.addr);
	assert_int_equal(a->bytes.size, b->bytes.size);
	assert_memory_equal(a->bytes.data, b->bytes.data,
			    a->bytes.size < 2048 ? a->bytes.size : 2048);
	assert_int_equal(a->end, b->end);
}

/* What was forgotten is known as it was. */
static void recall(int sig, siginfo_t *info, void *context)
{
	struct recall again = { .snapshot = NULL };
	const struct frame_facts *is, *was;
	struct snapshot *kept_snapshot;
	struct located *kept;

	(void)sig;
	(void)info;
	(void)context;
	look();
	kept = located;
	kept_snapshot = snapshot;
	was = kept->threads[0].frames[0].facts;
	forgetting = true;
	judged = 0;
	look();
	forgetting = false;
	assert_int_equal(located->threads[0].frames_count, 1);
	assert_int_equal(judged, 1);
	assert_null(located->threads[0].frames[0].facts);
	assert_non_null(located->threads[0].frames[0].verdicts);
	assert_int_equal(located->threads[0].frames[0].end,
			 kept->threads[0].frames[0].end);
	again.snapshot = snapshot;
	is = recall_frame(&again, &located->threads[0].frames[0]);
	assert_memory_equal(&is->sigframe, &was->sigframe,
			    sizeof(is->sigframe));
	assert_memory_equal(&is->around, &was->around, sizeof(is->around));
	assert_memory_equal(&is->layout, &was->layout, sizeof(is->layout));
	assert_int_equal(is->family, was->family);
	same_run(&is->frame, &was->frame);
	same_run(&is->area, &was->area);
	forget();
	located_destroy(kept);
	snapshot_destroy(kept_snapshot);
}

static void forgotten(void **state)
{
	(void)state;
	install(0, recall);
	raise(SIGUSR1);
}

static void copied(void **state)
{
	(void)state;
	install(0, copy_frame);
	raise(SIGUSR1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many),
		cmocka_unit_test(disarmed_stack),
		cmocka_unit_test(spoilt),
		cmocka_unit_test(moved),
		cmocka_unit_test(copied),
		cmocka_unit_test(forgotten),
	};

	if (!self_frames_are_real()) {
		puts("1..0 # SKIP valgrind delivers signals itself");
		return 77;
	}
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
