/* SPDX-License-Identifier: GPL-3.0-or-later */
/* areas.c - memory that may be stack, and what a scan of it found */
#include "source/areas.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "source/sorted.h"

/* The first piece of a stack mostly has it; then they grow. */
#define FIRST_PIECE KIB(4)
#define LAST_PIECE (AREA_WINDOW - AREA_OVERLAP)

static bool belongs_together(const struct mapping *a, const struct mapping *b)
{
	return a->end == b->start && a->prot & b->prot & PROT_READ &&
	       a->inode == b->inode && (!a->inode || a->device == b->device);
}

bool areas_init(struct areas *areas, const struct snapshot *s,
		stacks_read_fn *read)
{
	struct area *list = calloc(s->mappings_count + 1, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < s->mappings_count && list; i++) {
		const struct mapping *m = &s->mappings[i];

		if (!(m->prot & PROT_READ))
			continue;
		if (count && i && belongs_together(m - 1, m)) {
			list[count - 1].end = m->end;
			continue;
		}
		list[count++] = (struct area){ .start = m->start,
					       .end = m->end };
	}
	areas->snapshot = s;
	areas->read = read;
	areas->list = list;
	areas->count = count;
	areas->restorers = list ? restorers_create(s, read) : NULL;
	if (!areas->restorers)
		free(list);
	return areas->restorers;
}

void areas_deinit(struct areas *areas)
{
	for (size_t i = 0; i < areas->count; i++) {
		struct area *a = &areas->list[i];

		for (size_t k = 0; k < a->copies_count; k++)
			free(a->copies[k].data);
		free(a->copies);
		free(a->scanned);
		free(a->hits);
		free(a->returns);
	}
	free(areas->list);
	restorers_destroy(areas->restorers);
}

struct area *areas_find(const struct areas *areas, uint64_t addr)
{
	size_t low = sorted_above(areas->list, areas->count,
				  sizeof(*areas->list),
				  offsetof(struct area, end), addr);

	if (low == areas->count || areas->list[low].start > addr)
		return NULL;
	return &areas->list[low];
}

/* The first scanned range that ends above `addr`. */
static size_t range_above(const struct area *a, uint64_t addr)
{
	return sorted_above(a->scanned, a->scanned_count, sizeof(*a->scanned),
			    offsetof(struct range, end), addr);
}

/* [start, end) is free of scanned ranges. */
static void add_scanned(struct areas *areas, struct area *a, uint64_t start,
			uint64_t end)
{
	size_t i = range_above(a, start);
	bool after = i && a->scanned[i - 1].end == start;
	bool before = i < a->scanned_count && a->scanned[i].start == end;

	if (after && before) {
		a->scanned[i - 1].end = a->scanned[i].end;
		a->scanned_count--;
		memmove(&a->scanned[i], &a->scanned[i + 1],
			(a->scanned_count - i) * sizeof(*a->scanned));
	} else if (after) {
		a->scanned[i - 1].end = end;
	} else if (before) {
		a->scanned[i].start = start;
	} else {
		struct range *more = sorted_insert(a->scanned,
						   &a->scanned_count,
						   sizeof(*more), i);

		if (!more) {
			areas->no_memory = true;
			return;
		}
		a->scanned = more;
		more[i] = (struct range){ start, end };
	}
}

bool area_is_scanned(const struct area *a, uint64_t start, uint64_t end)
{
	size_t i = range_above(a, start);

	return i < a->scanned_count && a->scanned[i].start <= start &&
	       a->scanned[i].end >= end;
}

/* The first hit at or above `addr`, which is not 0. */
static size_t hit_from(const struct area *a, uint64_t addr)
{
	return sorted_above(a->hits, a->hits_count, sizeof(*a->hits),
			    offsetof(struct scan_hit, address), addr - 1);
}

static void add_hit(struct areas *areas, struct area *a, struct scan_hit hit)
{
	size_t i = hit_from(a, hit.address + 1);
	struct scan_hit *more;

	/* its marks are there as well */
	if (i && a->hits[i - 1].address == hit.address)
		return;
	more = sorted_insert(a->hits, &a->hits_count, sizeof(*more), i);
	if (!more) {
		areas->no_memory = true;
		return;
	}
	a->hits = more;
	more[i] = hit;
}

/* The first return above `addr`. */
static size_t return_above(const struct area *a, uint64_t addr)
{
	return sorted_above(a->returns, a->returns_count, sizeof(*a->returns),
			    0, addr);
}

static void add_return(struct areas *areas, struct area *a, uint64_t addr)
{
	size_t i = return_above(a, addr);
	uint64_t *more = sorted_insert(a->returns, &a->returns_count,
				       sizeof(*more), i);

	if (!more) {
		areas->no_memory = true;
		return;
	}
	a->returns = more;
	more[i] = addr;
}

uint64_t area_last_return(const struct area *a, uint64_t from, uint64_t end)
{
	size_t i = end ? return_above(a, end - 1) : 0;

	return i && a->returns[i - 1] >= from ? a->returns[i - 1] : 0;
}

/*
 * Have [start, start + size) of the area in the window, as far as it can be
 * read, and keep what is before that if there is room for both. Returns how
 * much there is. It begins with a page, which costs no more: it is often
 * looked at from a little below next.
 */
static size_t extend_window(struct areas *areas, const struct area *a,
			    uint64_t start, size_t size)
{
	uint64_t from = start;
	uint64_t skip = start - areas->window_addr;

	if (start < areas->window_addr || skip > areas->window_size) {
		areas->window_size = 0;
		start = max64(start & -AREA_PAGE, a->start);
		size += from - start;
	} else if (skip + size > sizeof(areas->window)) {
		areas->window_size -= skip;
		memmove(areas->window, areas->window + skip,
			areas->window_size);
	} else {
		start = areas->window_addr;
		size += skip;
	}
	areas->window_addr = start;
	if (areas->window_size < size)
		areas->window_size += areas->read(
			areas->snapshot, start + areas->window_size,
			areas->window + areas->window_size,
			size - areas->window_size);
	size = min64(areas->window_size, size);
	return size > from - start ? size - (from - start) : 0;
}

/*
 * Scan from `start` on, at most to `end` and at most `size` bytes. Returns
 * where it got to: `start` itself if that cannot be read.
 */
static uint64_t scan_piece(struct areas *areas, struct area *a, uint64_t start,
			   uint64_t end, size_t size)
{
	struct scan_hit hit;
	uint64_t cursor = start, at;

	end = above(start, size, end);
	size = extend_window(areas, a, start,
			     above(end, AREA_OVERLAP, a->end) - start);

	uint64_t skip = start - areas->window_addr;
	struct bytes b = { areas->window + skip, size, start };

	end = min64(end, start + b.size);
	/* what lies in the overlap is the next piece's */
	while (scan_next_below(b, end, &cursor, &hit))
		add_hit(areas, a, hit);
	cursor = start;
	while (restorers_next(areas->restorers, b, end, &cursor, &at))
		add_return(areas, a, at);
	if (end > start)
		add_scanned(areas, a, start, end);
	return end;
}

enum stacks_found areas_next_hit(struct areas *areas, struct area *a,
				 uint64_t from, uint64_t end,
				 struct scan_hit *ret)
{
	uint64_t at = from;
	size_t piece = FIRST_PIECE;

	for (;;) {
		size_t i = range_above(a, at);
		bool seen = i < a->scanned_count && a->scanned[i].start <= at;

		if (seen) {
			at = a->scanned[i].end;

			size_t k = hit_from(a, from);

			if (k < a->hits_count &&
			    a->hits[k].address < min64(at, end)) {
				*ret = a->hits[k];
				return STACKS_HIT;
			}
		}
		if (areas->no_memory)
			return STACKS_UNSURE;
		if (at >= end)
			return end < a->end ? STACKS_UNSURE : STACKS_NOTHING;
		if (seen)
			continue;

		uint64_t stop = i < a->scanned_count
					? min64(end, a->scanned[i].start)
					: end;

		if (scan_piece(areas, a, at, stop, piece) == at)
			return STACKS_UNSURE;
		if (piece < LAST_PIECE)
			piece *= 4;
	}
}

size_t areas_fetch(struct areas *areas, uint64_t addr, uint8_t *buf,
		   size_t size)
{
	struct bytes w = { areas->window, areas->window_size,
			   areas->window_addr };

	if (addr >= w.addr && bytes_has(w, addr - w.addr, size)) {
		memcpy(buf, w.data + (addr - w.addr), size);
		return size;
	}
	return areas->read(areas->snapshot, addr, buf, size);
}

/* Who goes to and fro between two states is seen in each with one half. */
#define WATCH_LOOKS 32
#define WATCH_MAX MIB(32)	/* read for that in all, unless once is more */
#define WATCH_PIECE KIB(4)

static bool is_shared(const struct areas *areas, uint64_t addr)
{
	const struct mapping *m = snapshot_mapping(areas->snapshot, addr);

	return m && m->shared;
}

static void add_changed(struct copy *c, uint64_t from, uint64_t to)
{
	bool any = c->changed.start < c->changed.end;

	c->changed = (struct range){
		.start = any ? min64(c->changed.start, from) : from,
		.end = any ? max64(c->changed.end, to) : to,
	};
}

/* Read a copy once more; adds what is not there any more, or not the same. */
static void compare(struct areas *areas, struct copy *c)
{
	uint8_t now[WATCH_PIECE];

	for (uint64_t at = c->start; at < c->end; at += WATCH_PIECE) {
		size_t size = min64(c->end - at, WATCH_PIECE);
		size_t got = areas->read(areas->snapshot, at, now, size);
		const uint8_t *was = c->data + (at - c->start);
		bool same = got == size && !memcmp(now, was, size);

		for (size_t i = 0; !same && i < size; i++)
			if (i >= got || now[i] != was[i])
				add_changed(c, at + i, at + i + 1);
	}
}

void areas_watch(struct areas *areas)
{
	for (unsigned n = 0; n < WATCH_LOOKS; n++) {
		uint64_t size = 0;

		for (size_t i = 0; i < areas->count; i++) {
			struct area *a = &areas->list[i];

			for (size_t k = 0; k < a->copies_count; k++) {
				struct copy *c = &a->copies[k];

				if (!is_shared(areas, c->start) &&
				    !is_shared(areas, c->end - 1))
					continue;
				compare(areas, c);
				size += c->end - c->start;
			}
		}
		if (!size || size * (n + 2) > WATCH_MAX)
			break;
	}
}
