/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ahead.c - stacks that were scanned for the sweep while they were at hand */
#include "locate/ahead.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/array.h"

enum {
	PAGE = 4096,
	BELOW = 2 * PAGE,	/* where a run starts below a stack pointer */
	RUN_MAX = 4 * PAGE,
	RUNS_MAX = 1 << 16,
	HITS_MAX = 64,		/* of a run; more are made up */
	RECENT = 4,		/* runs that the same thread may come back to */
};

void ahead_deinit(struct ahead *a)
{
	free(a->runs);
	free(a->hits);
	*a = (struct ahead){ 0 };
}

/* One of the last few runs, which holds `addr`; or NULL. */
static const struct ahead_run *recent(const struct ahead *a, uint64_t addr)
{
	for (size_t i = 0; i < RECENT && i < a->runs_count; i++) {
		const struct ahead_run *r = &a->runs[a->runs_count - 1 - i];

		if (addr >= r->start && addr < r->end)
			return r;
	}
	return NULL;
}

static bool add_hit(struct ahead *a, const struct scan_hit *hit)
{
	struct scan_hit *hits = array_grow(a->hits, a->hits_count,
					   sizeof(*hits));

	if (!hits)
		return false;
	a->hits = hits;
	hits[a->hits_count++] = *hit;
	return true;
}

/* False if it is too much. */
static bool scan(struct ahead *a, struct bytes b)
{
	uint64_t cursor = b.addr;
	struct scan_hit hit;
	size_t count = 0;

	while (scan_next_below(b, b.addr + b.size, &cursor, &hit))
		if (++count > HITS_MAX || !add_hit(a, &hit))
			return false;
	return true;
}

/*
 * The run that holds `addr`, as the sweep will come across it, if it is a
 * short one; else from a little below on.
 */
static uint64_t run_at(const struct snapshot *s, const struct mapping *m,
		       uint64_t addr, uint64_t *end_ret)
{
	uint64_t start = snapshot_next_data(s, m->start, m->end, end_ret);

	if (start <= addr && addr < *end_ret && *end_ret - start <= RUN_MAX)
		return start;
	start = addr - m->start > BELOW + addr % PAGE
			? addr - addr % PAGE - BELOW
			: m->start;
	return snapshot_next_data(s, start, m->end, end_ret);
}

void ahead_look(struct ahead *a, const struct snapshot *s, uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(s, addr);
	size_t first = a->hits_count;
	uint8_t buf[RUN_MAX];
	struct ahead_run *runs;
	uint64_t start, end;
	enum run_end why;
	size_t size;

	if (!m || !s->ops || !s->ops->steady || recent(a, addr) ||
	    a->runs_count == RUNS_MAX)
		return;
	start = run_at(s, m, addr, &end);
	if (start > addr || end <= addr || end - start > RUN_MAX)
		return;
	size = end - start;
	runs = array_grow(a->runs, a->runs_count, sizeof(*runs));
	if (!runs)
		return;
	a->runs = runs;
	if (snapshot_read(s, start, buf, size, &why) != size ||
	    !scan(a, (struct bytes){ buf, size, start })) {
		a->hits_count = first;
		return;
	}
	runs[a->runs_count++] = (struct ahead_run){
		start, end, first, a->hits_count - first };
}

bool ahead_tells(const struct ahead *a, const struct snapshot *s,
		 uint64_t from, uint64_t to, struct ahead_hits *ret)
{
	const struct ahead_run *r = a ? recent(a, from) : NULL;

	/* nothing may be behind the run that a mark could be in */
	if (!r || to > r->end ||
	    (r->end - to < AHEAD_MARGIN &&
	     snapshot_mapped(s, r->end, PROT_READ) != TRI_NO))
		return false;
	*ret = (struct ahead_hits){ 0 };
	if (!r->hits)
		return true;
	ret->next = a->hits + r->first;
	ret->end = ret->next + r->hits;
	while (ret->next < ret->end && ret->next->address < from)
		ret->next++;
	while (ret->next < ret->end && ret->end[-1].address >= to)
		ret->end--;
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct ahead_run *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

void ahead_sort(struct ahead *a)
{
	if (a->runs_count)
		qsort(a->runs, a->runs_count, sizeof(*a->runs), by_start);
}

const struct ahead_run *ahead_find(const struct ahead *a, uint64_t start,
				   uint64_t end)
{
	size_t low = 0, high = a->runs_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->runs[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < a->runs_count && a->runs[low].start == start &&
			       a->runs[low].end == end
		       ? &a->runs[low]
		       : NULL;
}
