/* SPDX-License-Identifier: GPL-3.0-or-later */
/* running.c - what the threads of a process are standing on */
#include "locate/running.h"

#include <stdlib.h>

#include "locate/recall.h"

/* Registers as a thread has them, or a frame that it returns from. */
#define PC_SP_KNOWN (1u << X86_RIP | 1u << X86_RSP)
#define ALL_KNOWN ((1u << X86_DWARF_REGS) - 1)

enum { RED_ZONE = 128 };

void running_deinit(struct running *r)
{
	free(r->ranges);
	free(r->frames);
	free(r->doubtful);
	*r = (struct running){ 0 };
}

static int by_word(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static void sort(void *array, size_t count, size_t size)
{
	if (count)
		qsort(array, count, size, by_word);
}

static void add_range(struct running *r, uint64_t sp, uint64_t end)
{
	uint64_t start = sp > RED_ZONE ? sp - RED_ZONE : 0;

	if (end > start)
		r->ranges[r->count++] = (struct written_range){ start, end };
}

/* Where the stack ends that the last known registers of a thread are on. */
static uint64_t find_end(const struct snapshot *s, struct unwind *u,
			 const struct cfi_context *from)
{
	const struct mapping *m = snapshot_mapping(s, from->gprs.r[X86_RSP]);
	struct unwind_result r;

	unwind_segment(u, from, &r);
	/* who knows what is above: all of it, if it is a stack */
	if (r.end == UNWIND_LOST && m && written_is_stack(s, m))
		return m->end;
	return r.end == UNWIND_FRAME ? r.frame : r.sp;
}

static void add_thread(struct running *r, const struct snapshot *s,
		       struct unwind *u, const struct located_thread *t)
{
	struct cfi_context at = {
		.gprs = t->thread->regs,
		.known = t->thread->has & THREAD_HAS_GPRS ? ALL_KNOWN
							  : PC_SP_KNOWN,
	};
	bool doubtful = t->complete != TRI_YES;
	struct recall recall;

	recall.snapshot = s;
	if (!(t->thread->has & THREAD_HAS_PC_SP)) {
		r->lost = true;
		return;
	}
	for (size_t i = 0; i < t->frames_count; i++) {
		add_range(r, at.gprs.r[X86_RSP], t->frames[i].end);
		if (doubtful)
			r->doubtful[r->doubtful_count++] = at.gprs.r[X86_RSP];
		at.gprs = recall_frame(&recall, &t->frames[i])->sigframe.regs;
		at.known = ALL_KNOWN;
	}
	if (doubtful)
		r->doubtful[r->doubtful_count++] = at.gprs.r[X86_RSP];
	add_range(r, at.gprs.r[X86_RSP], find_end(s, u, &at));
}

/* So that a range can be found by its start: they do not overlap. */
static void merge(struct running *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct written_range range = r->ranges[i];

		if (kept && r->ranges[kept - 1].end >= range.start) {
			if (range.end > r->ranges[kept - 1].end)
				r->ranges[kept - 1].end = range.end;
			continue;
		}
		r->ranges[kept++] = range;
	}
	r->count = kept;
}

/* Room for one of each frame, and one more of each thread. */
static size_t room_for(const struct located *l)
{
	size_t room = l->threads_count + 1;

	for (size_t i = 0; i < l->threads_count; i++)
		room += l->threads[i].frames_count;
	return room;
}

struct error *running_find_frames(const struct located *l,
				  struct running *ret)
{
	*ret = (struct running){
		.frames = calloc(room_for(l), sizeof(*ret->frames)),
	};
	if (!ret->frames)
		return &error_no_memory;
	for (size_t i = 0; i < l->threads_count; i++) {
		const struct located_thread *t = &l->threads[i];

		for (size_t k = 0; k < t->frames_count; k++)
			ret->frames[ret->frames_count++] = (struct sweep_known){
				t->frames[k].address, t->frames[k].end };
	}
	sort(ret->frames, ret->frames_count, sizeof(*ret->frames));
	return NULL;
}

struct error *running_find_stacks(const struct snapshot *s, struct unwind *u,
				  const struct located *l, struct running *r)
{
	size_t room = room_for(l);

	r->ranges = calloc(room, sizeof(*r->ranges));
	r->doubtful = calloc(room, sizeof(*r->doubtful));
	if (!r->ranges || !r->doubtful)
		return &error_no_memory;
	for (size_t i = 0; i < l->threads_count; i++)
		add_thread(r, s, u, &l->threads[i]);
	sort(r->ranges, r->count, sizeof(*r->ranges));
	merge(r);
	sort(r->doubtful, r->doubtful_count, sizeof(*r->doubtful));
	return NULL;
}

/* The first range that ends behind `addr`; r->count if there is none. */
static size_t range_behind(const struct running *r, uint64_t addr)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->ranges[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool running_overlaps(const struct running *r, uint64_t start, uint64_t end)
{
	size_t i = range_behind(r, start);

	return i < r->count && r->ranges[i].start < end;
}

bool running_has_left(const struct running *r, const struct snapshot *s,
		      uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(s, addr);
	size_t i = range_behind(r, addr);

	/* of memory that is not all one stack nothing is known */
	return m && written_is_stack(s, m) && i < r->count &&
	       r->ranges[i].start > addr && r->ranges[i].start < m->end;
}

bool running_in_frame(const struct running *r, uint64_t addr)
{
	size_t low = 0, high = r->frames_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->frames[middle].end <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->frames_count && r->frames[low].start <= addr;
}

bool running_is_doubtful(const struct running *r, const struct snapshot *s,
			 uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(s, addr);
	size_t low = 0, high = r->doubtful_count;

	/* the last one at or below it */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->doubtful[middle] <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return r->lost || (low && m && r->doubtful[low - 1] >= m->start);
}
