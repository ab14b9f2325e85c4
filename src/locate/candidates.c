/* SPDX-License-Identifier: GPL-3.0-or-later */
/* candidates.c - places on a thread's stacks that may be signal frames */
#include "locate/candidates.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "locate/registered.h"

enum {
	CHUNK = 64 << 10,
	MARGIN = AHEAD_MARGIN,
	PAGE = 4096,
	/* no stack has as many that are frames; hostile ones may */
	HITS_MAX = 8192,
};

void candidates_deinit(struct candidates *c)
{
	free(c->hits);
	*c = (struct candidates){ 0 };
}

/* The kernel's "[vvar]" cannot be read, though it says so; "[vdso]". */
static bool is_kernels(const struct snapshot *s, const struct mapping *m)
{
	const struct mapping *vdso = s->vdso ? snapshot_mapping(s, s->vdso)
					     : NULL;

	return (m->path && !strncmp(m->path, "[v", 2)) ||
	       (vdso && m->end == vdso->start && !(m->prot & PROT_WRITE));
}

/* Looked at for one thread, in bytes. */
#define SCANNED_MAX (UINT64_C(256) << 20)

/*
 * Does the stack go on there? mprotect and mlock split mappings, and only one
 * of the parts keeps the name "[stack]".
 */
static bool goes_on(const struct snapshot *s, const struct mapping *m,
		    const struct mapping *next)
{
	bool files = mapping_is_file(m) || mapping_is_file(next);

	return next->start == m->end && (next->prot & PROT_READ) &&
	       !is_kernels(s, next) &&
	       (!files || (m->path && next->path &&
			   !strcmp(m->path, next->path)));
}

static uint64_t stack_limit(uint64_t sp, uint64_t end)
{
	return end - sp > CANDIDATES_STACK_MAX ? sp + CANDIDATES_STACK_MAX
					       : end;
}

uint64_t candidates_stack_end(const struct snapshot *s, uint64_t sp)
{
	const struct mapping *m = snapshot_mapping(s, sp);

	if (m)
		return stack_limit(sp, m->end);
	return s->mappings_count ? sp : stack_limit(sp, UINT64_MAX);
}

uint64_t candidates_stack_reach(const struct snapshot *s, uint64_t sp)
{
	const struct mapping *m = snapshot_mapping(s, sp);

	while (m && m + 1 < s->mappings + s->mappings_count &&
	       m->end - sp < CANDIDATES_STACK_MAX && goes_on(s, m, m + 1))
		m++;
	return m ? stack_limit(sp, m->end) : candidates_stack_end(s, sp);
}

uint64_t candidates_next_thread(const struct snapshot *s,
				const struct thread *t, uint64_t sp,
				uint64_t end)
{
	for (size_t i = 0; i < s->threads_count; i++) {
		const struct thread *other = &s->threads[i];
		uint64_t at = other->regs.r[X86_RSP];

		if (other->has & THREAD_HAS_PC_SP && other->tid != t->tid &&
		    at > sp && at < end)
			end = at;
	}
	return end;
}

static bool is_before(const struct scan_hit *h, uint64_t address, unsigned kind)
{
	return h->address < address ||
	       (h->address == address && h->kind < kind);
}

/* The first hit that is not before that address and kind. */
static size_t find(const struct candidates *c, uint64_t address, unsigned kind)
{
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_before(&c->hits[middle], address, kind))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* They come in order nearly always. */
static struct error *add(struct candidates *c, const struct scan_hit *hit)
{
	size_t i = find(c, hit->address, hit->kind);

	if (i < c->count && c->hits[i].address == hit->address &&
	    c->hits[i].kind == hit->kind)
		return NULL;
	if (c->count == c->room) {
		size_t room = c->room ? 2 * c->room : 16;
		struct scan_hit *hits =
			reallocarray(c->hits, room, sizeof(*hits));

		if (!hits)
			return &error_no_memory;
		c->hits = hits;
		c->room = room;
	}
	memmove(&c->hits[i + 1], &c->hits[i],
		(c->count - i) * sizeof(*c->hits));
	c->hits[i] = *hit;
	c->count++;
	return NULL;
}

/* Places where a restorer's address is and something else speaks for one. */
static struct error *add_registered(struct candidates *c,
				    const struct snapshot *s,
				    const uint64_t *restorers, size_t count,
				    struct bytes b, uint64_t limit)
{
	unsigned width = s->word == 4 ? 4 : 8;
	struct error *err = NULL;
	uint64_t word;

	for (uint64_t off = -b.addr & (width - 1u);
	     count && !err && c->count < HITS_MAX && b.addr + off < limit &&
	     bytes_word(b, off, width, &word);
	     off += width) {
		bool found = false;

		for (size_t i = 0; i < count; i++)
			found |= word == restorers[i];
		for (unsigned kind = 0; found && !err &&
					kind < SIGFRAME_KINDS; kind++) {
			const struct scan_hit hit = { kind, b.addr + off };
			struct sigframe f;

			if (registered_is(s, kind, word) &&
			    sigframe_decode(kind, bytes_from(b, off), &f) &&
			    scan_supports(&f, b))
				err = add(c, &hit);
		}
	}
	return err;
}

/* How many bytes from `off` on are zeros, at least: whole blocks of them. */
static uint64_t zeros_at(struct bytes b, uint64_t off)
{
	uint64_t words[8], at = off;

	for (; at + sizeof(words) <= b.size; at += sizeof(words)) {
		memcpy(words, b.data + at, sizeof(words));
		if (words[0] | words[1] | words[2] | words[3] |
		    words[4] | words[5] | words[6] | words[7])
			break;
	}
	return at - off;
}

/*
 * As scan_next_below(). Stacks are mostly zeros, and these alone are no frame;
 * what a frame begins with may be, for less than MARGIN.
 */
static bool next_hit(struct bytes b, uint64_t limit, uint64_t *cursor,
		     struct scan_hit *ret)
{
	while (*cursor < limit) {
		uint64_t zeros = zeros_at(b, *cursor - b.addr);
		uint64_t left = limit - *cursor;
		uint64_t stop;

		if (zeros > MARGIN)
			*cursor += zeros - MARGIN < left ? zeros - MARGIN
							 : left;
		stop = limit - *cursor < PAGE ? limit : *cursor + PAGE;
		if (scan_next_below(b, stop, cursor, ret))
			return true;
		*cursor = stop;
	}
	return false;
}

static void note_missing(struct candidates *c, uint64_t from, uint64_t to)
{
	if (c->missing_from == c->missing_to)
		c->missing_from = from;
	else if (c->missing_to != from)
		return;
	c->missing_to = to;
}

/* What was found there before. */
static struct error *add_known(struct candidates *c, struct ahead_hits known,
			       uint64_t to)
{
	struct error *err = NULL;

	for (; known.next < known.end && !err; known.next++) {
		if (c->count == HITS_MAX) {
			note_missing(c, known.next->address, to);
			break;
		}
		err = add(c, known.next);
	}
	return err;
}

struct error *candidates_scan(struct candidates *c, const struct snapshot *s,
			      uint64_t from, uint64_t to)
{
	CLEANUP_FREE uint8_t *buf = NULL;
	uint64_t restorers[SNAPSHOT_SIGNALS];
	size_t restorers_count = registered_list(s, restorers);
	struct ahead_hits known;
	uint64_t next;

	/* a stack pointer may be anything: what ends the range is known */
	if (to > from && to - from > CANDIDATES_STACK_MAX)
		from = to - CANDIDATES_STACK_MAX;
	if (from >= c->from && from <= c->to) {
		from = c->to;
	} else {
		c->from = from;
		c->to = from;
	}
	/* neither more than that nor the page behind it wraps to 0 */
	_Static_assert(MARGIN <= PAGE, "room for either");
	if (to > UINT64_MAX - PAGE)
		to = UINT64_MAX - PAGE;
	if (from >= to)
		return NULL;
	/* stacks that lead to each other again and again */
	if (c->scanned > SCANNED_MAX) {
		note_missing(c, from, to);
		return NULL;
	}
	c->scanned += to - from;
	if (!restorers_count && ahead_tells(c->ahead, s, from, to, &known)) {
		c->to = to;
		return add_known(c, known, to);
	}
	buf = malloc(to - from + MARGIN < CHUNK ? to - from + MARGIN : CHUNK);
	if (!buf)
		return &error_no_memory;
	c->to = to;

	for (uint64_t base = from; base < to; base = next) {
		uint64_t want = to - base + MARGIN;
		uint64_t limit = to;
		uint64_t cursor = base;
		struct scan_hit hit;
		enum run_end end;

		if (want > CHUNK) {
			want = CHUNK;
			limit = base + CHUNK - MARGIN;
		}

		size_t got = snapshot_read(s, base, buf, want, &end);

		next = limit;
		if (got < want && base + got < limit) {
			/* go on behind the page that is missing */
			next = (base + got + PAGE) & ~(uint64_t)(PAGE - 1);
			limit = base + got;
			note_missing(c, limit, next < to ? next : to);
		}
		while (next_hit((struct bytes){ buf, got, base }, limit,
				&cursor, &hit)) {
			struct error *err = NULL;

			if (c->count == HITS_MAX) {
				note_missing(c, hit.address, to);
				return NULL;
			}
			err = add(c, &hit);
			if (err)
				return err;
		}

		struct error *err = add_registered(
			c, s, restorers, restorers_count,
			(struct bytes){ buf, got, base }, limit);

		if (err)
			return err;
	}
	return NULL;
}

const struct scan_hit *candidates_find(const struct candidates *c,
				       enum sigframe_kind kind,
				       uint64_t address)
{
	size_t i = find(c, address, kind);

	return i < c->count && c->hits[i].address == address &&
			       c->hits[i].kind == kind
		       ? &c->hits[i]
		       : NULL;
}

const struct scan_hit *candidates_next(const struct candidates *c,
				       const struct scan_hit *after,
				       uint64_t from, uint64_t to)
{
	size_t i = find(c, from, 0);

	/* of several kinds at one address one is enough */
	if (after && after->address >= from)
		i = find(c, after->address, SIGFRAME_KINDS);
	return i < c->count && c->hits[i].address < to ? &c->hits[i] : NULL;
}
