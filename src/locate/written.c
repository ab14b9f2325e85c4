/* SPDX-License-Identifier: GPL-3.0-or-later */
/* written.c - the memory that a process has written to, piece by piece */
#include "locate/written.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CHUNK = 256 << 10 };

bool written_is_stack(const struct snapshot *s, const struct mapping *m)
{
	if ((m->path && !strcmp(m->path, "[stack]")) ||
	    (s->random && s->random - m->start < m->end - m->start))
		return true;
	/* anonymous memory may have been given a name */
	if (m->path && m->path[0] == '/')
		return false;
	return m > s->mappings && m[-1].end == m->start && !m[-1].prot;
}

bool written_leaves_out(const struct snapshot *s)
{
	for (size_t i = 0; i < s->mappings_count; i++) {
		const struct mapping *m = &s->mappings[i];
		uint64_t end;

		if (m->shared ? m->prot & PROT_WRITE
			      : !m->prot &&
					snapshot_next_data(s, m->start, m->end,
							   &end) < m->end)
			return true;
	}
	return false;
}

static bool wanted(const struct mapping *m)
{
	unsigned prot = PROT_READ | PROT_WRITE;

	return (m->prot & prot) == prot && !m->shared;
}

/* Does a thread run there? Only then has a core's main stack a mark. */
static bool *find_used(const struct snapshot *s)
{
	bool *used = calloc(s->mappings_count + 1, sizeof(*used));

	for (size_t i = 0; used && i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];
		const struct mapping *m =
			t->has & THREAD_HAS_PC_SP
				? snapshot_mapping(s, t->regs.r[X86_RSP])
				: NULL;

		if (m)
			used[m - s->mappings] = true;
	}
	return used;
}

struct error *written_init_ranges(struct written *w, const struct snapshot *s,
				  uint64_t limit, struct written_range *ranges,
				  size_t count)
{
	*w = (struct written){
		.snapshot = s,
		.ranges = ranges,
		.ranges_count = count,
		.limit = limit,
		.buf = malloc(CHUNK + WRITTEN_MARGIN),
	};
	if (ranges && w->buf)
		return NULL;
	written_deinit(w);
	return &error_no_memory;
}

struct error *written_init(struct written *w, const struct snapshot *s,
			   uint64_t limit)
{
	struct written_range *ranges = calloc(s->mappings_count + 1,
					      sizeof(*ranges));
	bool *used = find_used(s);
	size_t count = 0;

	for (unsigned pass = 0; pass < 2 && ranges && used; pass++) {
		for (size_t i = 0; i < s->mappings_count; i++) {
			const struct mapping *m = &s->mappings[i];
			bool first = used[i] || written_is_stack(s, m);

			if (wanted(m) && first == !pass)
				ranges[count++] = (struct written_range){
					m->start, m->end };
		}
	}
	if (!used) {
		free(ranges);
		ranges = NULL;
	}
	free(used);
	return written_init_ranges(w, s, limit, ranges, count);
}

void written_deinit(struct written *w)
{
	free(w->ranges);
	free(w->buf);
	w->ranges = NULL;
	w->buf = NULL;
}

/* The next run of bytes; false if there is none. */
static bool next_run(struct written *w)
{
	while (w->index < w->ranges_count) {
		const struct written_range *r = &w->ranges[w->index];
		uint64_t from = w->at > r->start ? w->at : r->start;
		uint64_t start = r->end, end = r->end;

		if (from < r->end)
			start = snapshot_next_data(w->snapshot, from, r->end,
						   &end);
		if (start < r->end && end > start) {
			w->at = start;
			w->run_end = end;
			w->memory += end - start;
			return true;
		}
		w->index++;
		w->at = 0;
	}
	return false;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

bool written_next(struct written *w, struct bytes *ret, struct bytes *all_ret)
{
	for (;;) {
		if (w->at >= w->run_end && !next_run(w))
			return false;

		uint64_t left = w->run_end - w->at;

		w->known = w->ahead && left <= w->limit - w->searched
				   ? ahead_find(w->ahead, w->at, w->run_end)
				   : NULL;
		if (w->known) {
			*all_ret = (struct bytes){ NULL, 0, w->at };
			*ret = (struct bytes){ NULL, left, w->at };
			w->searched += left;
			w->at = w->run_end;
			return true;
		}

		uint64_t size = least(least(left, CHUNK),
				      w->limit - w->searched);
		uint64_t want = least(left, size + WRITTEN_MARGIN);
		enum run_end end;
		size_t got = size ? snapshot_read(w->snapshot, w->at, w->buf,
						  want, &end)
				  : 0;

		if (!got) {
			/* too much, or not to be had */
			w->at = w->run_end;
			continue;
		}
		size = least(size, got);
		*all_ret = (struct bytes){ w->buf, got, w->at };
		*ret = bytes_first(*all_ret, size);
		w->searched += size;
		w->at = got < want && size == got ? w->run_end : w->at + size;
		return true;
	}
}
