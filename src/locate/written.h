/* SPDX-License-Identifier: GPL-3.0-or-later */
/* written.h - the memory that a process has written to, piece by piece */
#ifndef SIGFRAME_LOCATE_WRITTEN_H
#define SIGFRAME_LOCATE_WRITTEN_H

#include "locate/ahead.h"

/* What is looked for may begin in one piece and end in the next, in bytes. */
#define WRITTEN_MARGIN 2048

struct written_range {
	uint64_t start;
	uint64_t end;
};

/* A walk over ranges of memory. What was never touched costs nothing. */
struct written {
	const struct snapshot *snapshot;
	struct written_range *ranges;	/* in the order of the walk */
	size_t ranges_count;
	uint64_t limit;		/* bytes to look at */
	uint64_t memory;	/* bytes that there are, so far */
	uint64_t searched;	/* bytes of them that were given out */
	const struct ahead *ahead;	/* runs need not be read; or NULL */
	const struct ahead_run *known;	/* the last piece is one; or NULL */
	/* the walk's own */
	size_t index;
	uint64_t at;
	uint64_t run_end;
	uint8_t *buf;
};

/* Is the mapping the main thread's stack, or has it a guard below? */
bool written_is_stack(const struct snapshot *s, const struct mapping *m);

/* Can a stack be in memory that is not among that of written_init()? */
bool written_leaves_out(const struct snapshot *s);

/*
 * All private memory that can be written to, first what looks like a stack;
 * at most `limit` bytes of it.
 */
struct error *written_init(struct written *w, const struct snapshot *s,
			   uint64_t limit) MUST_USE;

/* The same over `ranges`, each in one mapping; takes them, also if it fails. */
struct error *written_init_ranges(struct written *w, const struct snapshot *s,
				  uint64_t limit, struct written_range *ranges,
				  size_t count) MUST_USE;
void written_deinit(struct written *w);

/*
 * The next piece; ret->size bytes of it are new, and *all_ret has up to
 * WRITTEN_MARGIN more, which come again; of w->known both have no bytes. False
 * at the end: `memory` and `searched` say then how much there is and how much
 * of it there was to see.
 */
bool written_next(struct written *w, struct bytes *ret, struct bytes *all_ret);

#endif
