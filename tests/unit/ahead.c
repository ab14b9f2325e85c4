/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ahead.c - a stack that was scanned before tells what a scan would find */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "frame_builder.h"
#include "locate/candidates.h"

#define STACK_AT UINT64_C(0x7ffd12340000)
enum { SIZE = 0x20000, RUN = 0x4000, ROUNDS = 3000 };

static uint8_t bytes[SIZE];
static const struct memory stack = { bytes, sizeof(bytes), STACK_AT };
static uint64_t run_at, run_end;

static size_t read_memory(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	(void)s;
	return memory_read(&stack, addr, buf, size);
}

static uint64_t next_data(const struct snapshot *s, uint64_t from, uint64_t to,
			  uint64_t *end_ret)
{
	(void)s;
	*end_ret = run_end < to ? run_end : to;
	if (from >= run_end)
		*end_ret = to;
	return from >= run_end ? to : from > run_at ? from : run_at;
}

static const struct snapshot_ops ops = {
	.read = read_memory,
	.steady = true,
	.next_data = next_data,
};

static uint64_t seed = UINT64_C(0x6168656164);

static uint64_t below(uint64_t n)
{
	return frame_random(&seed) % n;
}

/* Frames one above the other, of which some are spoilt. */
static void fill(void)
{
	uint64_t sp = run_end;

	memset(bytes, 0, sizeof(bytes));
	for (unsigned i = 0; i < 40; i++)
		memory_put(&stack, run_at + 8 * below((run_end - run_at) / 8),
			   8, frame_random(&seed));
	while (sp - run_at > 4000) {
		const struct delivery d = {
			.kind = SIGFRAME_X86_64,
			.sp = sp - 8 * below(100),
			.pc = 0x401000,
			.restorer = 0x402000,
			.xstate_size = 832,
			.xfeatures = 7,
		};
		uint64_t at = frame_build(&stack, &d);

		for (uint64_t n = below(6); n; n--)
			memory_put(&stack, at + 8 * below(150), 8,
				   below(2) ? 0 : frame_random(&seed));
		sp = at;
	}
}

/*
 * Whatever is found by looking is found without, too: more may be, as an image
 * that is far from its frame is in sight of a longer run.
 */
static void compare(const struct snapshot *s, const struct ahead *a,
		    uint64_t from, uint64_t to)
{
	struct candidates plain = { 0 }, told = { .ahead = a };
	const struct scan_hit *h = NULL;

	assert_null(candidates_scan(&plain, s, from, to));
	assert_null(candidates_scan(&told, s, from, to));
	while ((h = candidates_next(&plain, h, from, to)))
		assert_non_null(candidates_find(&told, h->kind, h->address));
	for (size_t i = 0; i < told.count; i++) {
		h = &told.hits[i];
		assert_true(h->address >= from && h->address < to);
		assert_true(candidates_find(&plain, h->kind, h->address) ||
			    memory_get(&stack, h->address + 232, 8) !=
				    h->address + 456);
	}
	assert_int_equal(told.missing_from, plain.missing_from);
	assert_int_equal(told.missing_to, plain.missing_to);
	candidates_deinit(&plain);
	candidates_deinit(&told);
}

static void finds_the_same(void **state)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct mapping *m = s ? snapshot_add_mapping(s) : NULL;
	size_t known = 0;

	(void)state;
	assert_non_null(m);
	m->start = STACK_AT;
	m->end = STACK_AT + SIZE;
	m->prot = PROT_READ | PROT_WRITE;
	s->ops = &ops;
	snapshot_finish(s);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ahead a = { 0 };
		struct ahead_hits hits;
		uint64_t from, to;

		run_end = below(2) ? STACK_AT + SIZE
				   : STACK_AT + SIZE - 0x1000 * below(8);
		run_at = run_end - (0x1000 + below(RUN - 0x1000));
		fill();
		from = run_at + 8 * below((run_end - run_at) / 8);
		to = from + below(run_end - from + 64);
		ahead_look(&a, s, from);
		known += ahead_tells(&a, s, from, to, &hits);
		compare(s, &a, from, to);
		ahead_deinit(&a);
	}
	/* else there was nothing to compare */
	assert_true(known > ROUNDS / 4 && known < ROUNDS);
	s->ops = NULL;
	snapshot_destroy(s);
}

/* All there is, and all that has data, in the highest pages but one. */
enum { PAGE = 0x1000 };
#define HIGH_AT (-(uint64_t)PAGE - SIZE)

static size_t read_high(const struct snapshot *s, uint64_t addr, void *buf,
			size_t size)
{
	return addr < HIGH_AT
		       ? 0
		       : read_memory(s, addr - HIGH_AT + STACK_AT, buf, size);
}

static struct snapshot *high_snapshot(const struct snapshot_ops *o)
{
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct mapping *m = s ? snapshot_add_mapping(s) : NULL;

	assert_non_null(m);
	m->start = HIGH_AT;
	m->end = HIGH_AT + SIZE;
	m->prot = PROT_READ | PROT_WRITE;
	s->ops = o;
	snapshot_finish(s);
	memset(bytes, 0, sizeof(bytes));
	return s;
}

static const struct snapshot_ops high_ops = {
	.read = read_high,
	.steady = true,
	.next_data = next_data,
};

/* The hits that are known in [from, to); -1 if they are not. */
static int known_in(const struct ahead *a, const struct snapshot *s,
		    uint64_t from, uint64_t to)
{
	struct ahead_hits h;

	return ahead_tells(a, s, from, to, &h) ? (int)(h.end - h.next) : -1;
}

static void nothing_is_known_of_nothing(void **state)
{
	static const struct snapshot_ops moving = { .read = read_high,
						    .next_data = next_data };
	struct snapshot *s = high_snapshot(&high_ops);
	struct ahead a = { 0 };

	(void)state;
	run_at = run_end = HIGH_AT + SIZE;
	ahead_sort(&a);
	assert_null(ahead_find(&a, HIGH_AT, HIGH_AT + PAGE));
	assert_int_equal(known_in(NULL, s, HIGH_AT, HIGH_AT + PAGE), -1);
	assert_int_equal(known_in(&a, s, HIGH_AT, HIGH_AT + PAGE), -1);
	/* no data, no mapping */
	ahead_look(&a, s, HIGH_AT + SIZE - 8);
	ahead_look(&a, s, HIGH_AT - 8);
	ahead_look(&a, s, HIGH_AT + SIZE);
	ahead_look(&a, s, UINT64_MAX);
	/* a source whose memory changes */
	run_at = HIGH_AT + SIZE - RUN;
	s->ops = &moving;
	ahead_look(&a, s, run_at);
	assert_int_equal(a.runs_count, 0);
	s->ops = NULL;
	snapshot_destroy(s);
}

static void runs_end_where_data_does(void **state)
{
	struct snapshot *s = high_snapshot(&high_ops);
	struct ahead a = { 0 };
	uint64_t end = HIGH_AT + SIZE;

	(void)state;
	/* too long from there on, and not from its last page on */
	run_end = end;
	run_at = end - RUN - PAGE;
	ahead_look(&a, s, run_at);
	assert_int_equal(a.runs_count, 0);
	ahead_look(&a, s, end - 8);
	assert_int_equal(a.runs_count, 1);
	assert_true(a.runs[0].start == end - 3 * PAGE && a.runs[0].end == end);
	ahead_deinit(&a);

	/* as long as may be, and nothing behind it */
	run_at = end - RUN;
	ahead_look(&a, s, run_at);
	ahead_look(&a, s, end - 8);
	assert_int_equal(a.runs_count, 1);
	assert_non_null(ahead_find(&a, run_at, end));
	assert_null(ahead_find(&a, run_at, end - 1));
	assert_null(ahead_find(&a, run_at + 1, end));
	assert_int_equal(known_in(&a, s, run_at, end), 0);
	assert_int_equal(known_in(&a, s, run_at - 8, end), -1);
	assert_int_equal(known_in(&a, s, run_at, end + 1), -1);
	assert_int_equal(known_in(&a, s, end, end), -1);
	ahead_deinit(&a);

	/* memory behind it that was not scanned may have the last mark */
	run_end = end - PAGE;
	run_at = run_end - RUN;
	ahead_look(&a, s, run_at);
	assert_int_equal(known_in(&a, s, run_at, run_end), -1);
	assert_int_equal(known_in(&a, s, run_at, run_end - AHEAD_MARGIN + 1),
			 -1);
	assert_int_equal(known_in(&a, s, run_at, run_end - AHEAD_MARGIN), 0);
	ahead_deinit(&a);
	s->ops = NULL;
	snapshot_destroy(s);
}

/* The frame's marks lie on both sides of `to`. */
static void frames_are_where_they_start(void **state)
{
	const struct memory high = { bytes, sizeof(bytes), HIGH_AT };
	struct snapshot *s = high_snapshot(&high_ops);
	struct ahead a = { 0 };
	const struct delivery d = {
		.kind = SIGFRAME_X86_64,
		.sp = HIGH_AT + SIZE - PAGE,
		.pc = 0x401000,
		.restorer = 0x402000,
		.xstate_size = 832,
		.xfeatures = 7,
	};
	uint64_t at = frame_build(&high, &d);

	(void)state;
	run_end = HIGH_AT + SIZE;
	run_at = run_end - RUN;
	ahead_look(&a, s, d.sp);
	assert_int_equal(known_in(&a, s, run_at, run_end), 1);
	assert_int_equal(known_in(&a, s, at, at + 1), 1);
	assert_int_equal(known_in(&a, s, run_at, at + 1), 1);
	assert_int_equal(known_in(&a, s, run_at, at), 0);
	assert_int_equal(known_in(&a, s, at + 1, run_end), 0);
	assert_true(a.hits_count == 1 && a.hits[0].address == at &&
		    a.hits[0].kind == SIGFRAME_X86_64);
	ahead_deinit(&a);
	s->ops = NULL;
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_same),
		cmocka_unit_test(nothing_is_known_of_nothing),
		cmocka_unit_test(runs_end_where_data_does),
		cmocka_unit_test(frames_are_where_they_start),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
