/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ahead.h - stacks that were scanned for the sweep while they were at hand */
#ifndef SIGFRAME_LOCATE_AHEAD_H
#define SIGFRAME_LOCATE_AHEAD_H

#include "source/snapshot.h"
#include "x86/scan.h"

/*
 * Threads' stacks are read when threads are located, and again when all memory
 * is swept for frames. A short run of written memory is scanned the first time
 * instead, and only what was found is kept.
 */
struct ahead_run {
	uint64_t start;		/* [start, end), as snapshot_next_data() */
	uint64_t end;
	size_t first;		/* of its hits */
	size_t hits;
};

/* Starts as zeros. */
struct ahead {
	struct ahead_run *runs;
	size_t runs_count;
	struct scan_hit *hits;
	size_t hits_count;
};

void ahead_deinit(struct ahead *a);

/*
 * Scan the run that holds `addr`, if that is a short one of a snapshot that is
 * steady. Whatever is left out is left to the sweep.
 */
void ahead_look(struct ahead *a, const struct snapshot *s, uint64_t addr);

/* More than lies between a frame's address and its last mark, in bytes. */
#define AHEAD_MARGIN 2048

struct ahead_hits {
	const struct scan_hit *next;	/* [next, end), by address */
	const struct scan_hit *end;
};

/*
 * Are all hits in [from, to) known, since that is a part of a run that was
 * looked at lately? None is missing that a scan of this part would find; there
 * may be more, as more of the stack was in sight. Good until the next look.
 * `a` may be NULL.
 */
bool ahead_tells(const struct ahead *a, const struct snapshot *s,
		 uint64_t from, uint64_t to, struct ahead_hits *ret);

/* When all is scanned, and before the next. */
void ahead_sort(struct ahead *a);

/* That very run, or NULL. */
const struct ahead_run *ahead_find(const struct ahead *a, uint64_t start,
				   uint64_t end);

#endif
