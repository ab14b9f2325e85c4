/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stacks.c - which stacks are clear, and what of the others is copied */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "base/cleanup.h"
#include "frame_builder.h"
#include "source/stacks.h"

#define PAGE UINT64_C(4096)
#define BASE UINT64_C(0x7f0000000000)
#define SIZE (UINT64_C(1) << 20)

/* The process: one megabyte at BASE, with a hole if `hole` is not 0. */
static uint8_t bytes[SIZE];
static const struct memory memory = { bytes, SIZE, BASE };
static uint64_t hole;
static size_t reads;
static bool huge;	/* zeros behind the end, without end */

static size_t read_memory(const struct snapshot *s, uint64_t addr, void *buf,
			  size_t size)
{
	uint64_t end = BASE + SIZE;

	(void)s;
	reads++;
	if (huge && addr >= end) {
		memset(buf, 0, size);
		return size;
	}
	assert_true(addr >= BASE && addr < end);
	if (hole && addr < hole + PAGE && addr + size > hole)
		size = addr < hole ? hole - addr : 0;
	assert_true(size <= end - addr);
	memcpy(buf, bytes + (addr - BASE), size);
	return size;
}

/* Mappings [from, to), in pages from BASE on; the last has to == 0. */
struct layout {
	unsigned from;
	unsigned to;
	unsigned prot;
	uint64_t inode;
};

#define RW (PROT_READ | PROT_WRITE)

static struct snapshot *make(const struct layout *layout)
{
	struct snapshot *s = snapshot_create(SOURCE_PROCESS);

	assert_non_null(s);
	for (; layout->to; layout++) {
		struct mapping *m = snapshot_add_mapping(s);

		assert_non_null(m);
		m->start = BASE + layout->from * PAGE;
		m->end = BASE + layout->to * PAGE;
		m->prot = layout->prot;
		m->inode = layout->inode;
	}
	memset(bytes, 0, sizeof(bytes));
	hole = 0;
	reads = 0;
	return s;
}

static struct stacks *begin(const struct snapshot *s)
{
	struct stacks *st = stacks_create(s, read_memory);

	assert_non_null(st);
	return st;
}

/* A frame that interrupted a thread whose stack pointer was `sp`. */
static uint64_t put_frame(uint64_t sp)
{
	struct delivery d = { .kind = SIGFRAME_X86_64, .sp = sp,
			      .pc = 0x401234, .restorer = 0x402000 };

	return frame_build(&memory, &d);
}

static uint64_t put_altstack_frame(uint64_t sp, uint64_t base, uint64_t size)
{
	struct delivery d = { .kind = SIGFRAME_X86_64, .sp = sp,
			      .pc = 0x401234, .restorer = 0x402000,
			      .altstack_sp = base, .altstack_size = size,
			      .enters_altstack = true };

	return frame_build(&memory, &d);
}

/* Hand over; true if all of [start, end) has been copied, and is right. */
static void finish(struct stacks *st, struct snapshot *s)
{
	assert_null(stacks_give(st, s));
	stacks_destroy(st);
	snapshot_finish(s);
	for (size_t i = 0; i < s->captures_count; i++) {
		const struct capture *c = &s->captures[i];

		if (i)
			assert_true(c->start >= s->captures[i - 1].start +
							s->captures[i - 1].size);
		assert_memory_equal(c->data, bytes + (c->start - BASE),
				    c->size);
	}
}

static bool copied(const struct snapshot *s, uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < s->captures_count && start < end; i++) {
		const struct capture *c = &s->captures[i];

		if (c->start <= start && start < c->start + c->size)
			start = c->start + c->size;
	}
	return start >= end;
}

static uint64_t copied_size(const struct snapshot *s)
{
	uint64_t size = 0;

	for (size_t i = 0; i < s->captures_count; i++)
		size += s->captures[i].size;
	return size;
}

static const struct layout one_stack[] = {
	{ 0, 1, 0 }, { 1, 64, RW }, { 0 },
};

static void look_finds(void **state)
{
	struct snapshot *s = make(one_stack);
	struct stacks *st = begin(s);
	uint64_t sp = BASE + 40 * PAGE;

	(void)state;
	assert_int_equal(stacks_look(st, sp), STACKS_NOTHING);
	/* no memory there at all, or none that can be read */
	assert_int_equal(stacks_look(st, BASE - 8), STACKS_UNSURE);
	assert_int_equal(stacks_look(st, BASE + 8), STACKS_UNSURE);
	assert_int_equal(stacks_look(st, BASE + 64 * PAGE), STACKS_UNSURE);
	assert_int_equal(stacks_look(st, UINT64_MAX), STACKS_UNSURE);
	stacks_destroy(st);

	/* far above, and so that it lies across pieces of the scan */
	for (uint64_t top = 62 * PAGE; top > 44 * PAGE; top -= 1000) {
		memset(bytes, 0, sizeof(bytes));

		uint64_t frame = put_frame(BASE + top);

		st = begin(s);
		assert_int_equal(stacks_look(st, sp), STACKS_HIT);
		stacks_destroy(st);
		/* in any order: from above it there is nothing */
		st = begin(s);
		assert_int_equal(stacks_look(st, frame + 4000),
				 STACKS_NOTHING);
		assert_int_equal(stacks_look(st, frame + 8), STACKS_HIT);
		assert_int_equal(stacks_look(st, sp), STACKS_HIT);
		assert_int_equal(stacks_look(st, frame + 4000),
				 STACKS_NOTHING);
		stacks_destroy(st);
	}
	snapshot_destroy(s);
}

/* What was scanned for one thread is not read again for the next. */
static void look_reads_once(void **state)
{
	struct snapshot *s = make(one_stack);
	struct stacks *st = begin(s);

	(void)state;
	assert_int_equal(stacks_look(st, BASE + 8 * PAGE), STACKS_NOTHING);

	size_t before = reads;

	/* the first words are looked at for each; they are mostly at hand */
	for (unsigned page = 9; page < 64; page++)
		assert_int_equal(stacks_look(st, BASE + page * PAGE),
				 STACKS_NOTHING);
	assert_true(reads <= before + 64 - 9);
	before = reads;
	assert_int_equal(stacks_look(st, BASE + 7 * PAGE), STACKS_NOTHING);
	assert_int_equal(reads, before + 1);
	stacks_destroy(st);
	snapshot_destroy(s);
}

static void holes_and_neighbours(void **state)
{
	static const struct {
		const char *what;
		struct layout layout[4];
		unsigned hole;	/* page */
		enum stacks_found want;
	} cases[] = {
		{ "split anonymous mapping",
		  { { 1, 30, RW }, { 30, 64, RW } }, 0, STACKS_HIT },
		{ "split in three",
		  { { 1, 30, RW }, { 30, 31, RW }, { 31, 64, RW } }, 0,
		  STACKS_HIT },
		{ "gap between",
		  { { 1, 30, RW }, { 31, 64, RW } }, 0, STACKS_NOTHING },
		{ "split by mprotect",
		  { { 1, 30, RW }, { 30, 64, PROT_READ } }, 0, STACKS_HIT },
		{ "neighbour that cannot be read",
		  { { 1, 30, RW }, { 30, 64, PROT_WRITE } }, 0,
		  STACKS_NOTHING },
		{ "split mapping of a file",
		  { { 1, 30, RW, 5 }, { 30, 64, PROT_READ, 5 } }, 0,
		  STACKS_HIT },
		{ "neighbour with another file",
		  { { 1, 30, RW, 4 }, { 30, 64, RW, 5 } }, 0, STACKS_NOTHING },
		{ "neighbour with a file",
		  { { 1, 30, RW }, { 30, 64, RW, 5 } }, 0, STACKS_NOTHING },
		{ "guard region inside the mapping",
		  { { 1, 64, RW } }, 30, STACKS_UNSURE },
		{ "guard region in front of a split",
		  { { 1, 32, RW }, { 32, 64, PROT_READ } }, 30,
		  STACKS_UNSURE },
		{ "guard region behind a split",
		  { { 1, 28, RW }, { 28, 64, PROT_READ } }, 30,
		  STACKS_UNSURE },
		{ "stack pointer in the hole",
		  { { 1, 64, RW } }, 20, STACKS_UNSURE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct snapshot *s = make(cases[i].layout);
		struct stacks *st = begin(s);

		print_message("# %s\n", cases[i].what);
		put_frame(BASE + 50 * PAGE);
		hole = cases[i].hole ? BASE + cases[i].hole * PAGE : 0;
		assert_int_equal(stacks_look(st, BASE + 20 * PAGE + 64),
				 cases[i].want);
		assert_int_equal(stacks_copy(st, BASE + 20 * PAGE + 64, true),
				 cases[i].want);
		finish(st, s);
		snapshot_destroy(s);
	}
}

static void copies_frames(void **state)
{
	struct snapshot *s = make(one_stack);
	struct stacks *st = begin(s);
	uint64_t outer = put_frame(BASE + 60 * PAGE);
	uint64_t inner = put_frame(outer - 1000);
	uint64_t sp = inner - 20000;

	(void)state;
	assert_int_equal(stacks_copy(st, sp, false), STACKS_HIT);
	finish(st, s);
	assert_true(copied(s, sp - 128, BASE + 64 * PAGE));
	assert_true(copied_size(s) <= 64 * PAGE + BASE - sp + 256);
	snapshot_destroy(s);

	/* nothing there: kept only if asked to */
	s = make(one_stack);
	st = begin(s);
	assert_int_equal(stacks_copy(st, sp, false), STACKS_NOTHING);
	finish(st, s);
	assert_int_equal(s->captures_count, 0);
	st = begin(s);
	assert_int_equal(stacks_copy(st, sp, true), STACKS_NOTHING);
	finish(st, s);
	assert_true(copied(s, sp - 128, BASE + 64 * PAGE));
	snapshot_destroy(s);
}

/* What lies behind a hole is needed to get from frame to frame. */
static void copies_behind_holes(void **state)
{
	struct snapshot *s = make(one_stack);
	struct stacks *st = begin(s);
	uint64_t sp = BASE + 20 * PAGE;

	(void)state;
	hole = BASE + 30 * PAGE;
	assert_int_equal(stacks_copy(st, sp, false), STACKS_UNSURE);
	finish(st, s);
	assert_true(copied(s, sp - 128, hole));
	assert_false(copied(s, hole, hole + 1));
	assert_true(copied(s, hole + PAGE, BASE + 64 * PAGE));
	snapshot_destroy(s);
}

/* A frame on an alternate stack leads to the stack it interrupted. */
/*
 * Words where a frame that was returned from had its alternate stack: they
 * would have it end right below one that waits.
 */
static void old_words(void **state)
{
	struct snapshot *s = make(one_stack);
	struct stacks *st = begin(s);
	uint64_t outer = put_frame(BASE + 60 * PAGE);
	uint64_t old = put_frame(outer - 2 * PAGE);

	(void)state;
	memory_put(&memory, old + 24, 8, 0);
	memory_put(&memory, old + 40, 8, outer);
	assert_int_equal(stacks_copy(st, old - PAGE, false), STACKS_HIT);
	finish(st, s);
	assert_true(copied(s, old - PAGE, BASE + 60 * PAGE));
	snapshot_destroy(s);
}

static void follows_stacks(void **state)
{
	static const struct layout layout[] = {
		{ 0, 32, RW }, { 40, 80, RW }, { 90, 120, RW }, { 0 },
	};
	struct snapshot *s = make(layout);
	struct stacks *st = begin(s);
	uint64_t third = BASE + 118 * PAGE;
	uint64_t on_second = put_altstack_frame(third, BASE + 41 * PAGE,
						16 * PAGE);
	uint64_t on_first = put_altstack_frame(on_second - 512,
					       BASE + PAGE, 16 * PAGE);

	(void)state;
	assert_int_equal(stacks_copy(st, on_first - 64, false), STACKS_HIT);
	finish(st, s);
	assert_true(copied(s, on_first - 192, BASE + 17 * PAGE));
	assert_true(copied(s, on_second - 640, BASE + 57 * PAGE));
	assert_true(copied(s, third - 128, BASE + 120 * PAGE));
	/* what lies above an alternate stack is not part of it */
	assert_false(copied(s, BASE + 17 * PAGE, BASE + 17 * PAGE + 1));
	assert_false(copied(s, BASE + 57 * PAGE, BASE + 57 * PAGE + 1));
	snapshot_destroy(s);
}

/* Frames that lead in circles, into nowhere and past the last address. */
static void hostile_pointers(void **state)
{
	static const uint64_t offsets[] = { 168, 232, 24, 40 };
	static const uint64_t values[] = {
		0, 1, 8, UINT64_MAX, UINT64_MAX - 7, UINT64_MAX - 4096,
		UINT64_C(0x8000000000000000), BASE, BASE - 1, BASE + SIZE,
		BASE + SIZE - 1, BASE + 64 * PAGE - 1, BASE + 30 * PAGE,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			struct snapshot *s = make(one_stack);
			struct stacks *st = begin(s);
			uint64_t frame = put_frame(BASE + 50 * PAGE);

			memory_put(&memory, frame + offsets[i], 8, values[k]);
			assert_int_equal(stacks_copy(st, frame - 64, false),
					 STACKS_HIT);
			finish(st, s);
			assert_true(copied(s, frame - 192, frame + 1000));
			snapshot_destroy(s);
		}
	}
}

/* Two threads on one mapping: each copy ends where the next stack begins. */
static void shared_mapping(void **state)
{
	static const struct layout layout[] = { { 0, 256, RW }, { 0 } };
	struct snapshot *s = make(layout);
	uint64_t low = put_frame(BASE + 20 * PAGE) - 64;
	uint64_t high = put_frame(BASE + 240 * PAGE) - 64;
	uint64_t pointers[] = { high, low };
	struct stacks *st = begin(s);

	(void)state;
	assert_null(stacks_set_pointers(st, pointers, 2));
	assert_int_equal(stacks_copy(st, low, false), STACKS_HIT);
	assert_int_equal(stacks_copy(st, high, false), STACKS_HIT);
	finish(st, s);
	assert_true(copied(s, low - 128, BASE + 20 * PAGE));
	assert_true(copied(s, high - 128, BASE + 240 * PAGE));
	assert_true(copied_size(s) < 64 * PAGE);
	snapshot_destroy(s);
}

/* More than a process can sensibly have is refused, and said to be. */
static void too_much(void **state)
{
	static const struct layout layout[] = { { 0, 64, RW }, { 0 } };
	struct snapshot *s = make(layout);
	struct stacks *st = begin(s);

	(void)state;
	put_frame(BASE + 50 * PAGE);
	assert_int_equal(stacks_copy(st, BASE + 40 * PAGE, false), STACKS_HIT);
	assert_false(stacks_full(st));
	finish(st, s);
	snapshot_destroy(s);

	/* more frames than are followed */
	s = make(layout);
	st = begin(s);
	for (unsigned i = 0; i < 200; i++)
		put_frame(BASE + 4 * PAGE + i * 1200);
	assert_int_equal(stacks_copy(st, BASE, false), STACKS_HIT);
	assert_true(stacks_full(st));
	finish(st, s);
	snapshot_destroy(s);

	/* a mapping so large that COPIES_MAX is reached inside it */
	s = make(layout);
	s->mappings[0].end = BASE + (UINT64_C(1) << 30);
	huge = true;
	st = begin(s);
	for (unsigned i = 0; i < 400; i++)
		stacks_copy(st, BASE + 2 * SIZE + i * 2 * SIZE, true);
	assert_true(stacks_full(st));
	assert_null(stacks_give(st, s));
	assert_true(copied_size(s) <= UINT64_C(64) << 20);
	huge = false;
	stacks_destroy(st);
	snapshot_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(look_finds),
		cmocka_unit_test(look_reads_once),
		cmocka_unit_test(holes_and_neighbours),
		cmocka_unit_test(copies_frames),
		cmocka_unit_test(copies_behind_holes),
		cmocka_unit_test(old_words),
		cmocka_unit_test(follows_stacks),
		cmocka_unit_test(hostile_pointers),
		cmocka_unit_test(shared_mapping),
		cmocka_unit_test(too_much),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
