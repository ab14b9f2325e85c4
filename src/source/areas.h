/* SPDX-License-Identifier: GPL-3.0-or-later */
/* areas.h - memory that may be stack, and what a scan of it found */
#ifndef SIGFRAME_SOURCE_AREAS_H
#define SIGFRAME_SOURCE_AREAS_H

#include "source/restorers.h"
#include "source/stacks.h"
#include "x86/scan.h"

#define KIB(n) (UINT64_C(1024) * (n))
#define MIB(n) (KIB(1024) * (n))

/* Larger than any frame with its extended state, so none is cut in two. */
#define AREA_OVERLAP KIB(16)
#define AREA_WINDOW KIB(256 + 16)
#define AREA_PAGE KIB(4)

struct range {
	uint64_t start;
	uint64_t end;
};

struct copy {
	uint64_t start;
	uint64_t end;
	uint8_t *data;
	struct range changed;	/* since it was made; empty: nothing */
};

/*
 * Neighbouring mappings that may together be one stack, which mprotect() and
 * mlock() split.
 */
struct area {
	uint64_t start;
	uint64_t end;
	struct range *scanned;		/* sorted, apart from each other */
	size_t scanned_count;
	struct scan_hit *hits;		/* sorted, all in `scanned` */
	size_t hits_count;
	uint64_t *returns;		/* sorted, so are they */
	size_t returns_count;
	struct copy *copies;		/* sorted, not overlapping */
	size_t copies_count;
};

/* All readable memory of a process. */
struct areas {
	const struct snapshot *snapshot;
	stacks_read_fn *read;
	struct restorers *restorers;
	struct area *list;		/* sorted */
	size_t count;
	bool no_memory;			/* something is missing because of it */
	uint64_t window_addr;		/* what was read last */
	size_t window_size;
	uint8_t window[AREA_WINDOW + AREA_PAGE];
};

/* False if there is no memory. */
bool areas_init(struct areas *areas, const struct snapshot *s,
		stacks_read_fn *read);
void areas_deinit(struct areas *areas);

/* The area that holds `addr`, or NULL. */
struct area *areas_find(const struct areas *areas, uint64_t addr);

/*
 * The first hit in [from, end), which lies in `a`; scans what has not been
 * scanned yet. NOTHING if there is none up to the end of `a`, UNSURE if there
 * is none up to an `end` before that, or up to a hole: bytes that cannot be
 * read.
 */
enum stacks_found areas_next_hit(struct areas *areas, struct area *a,
				 uint64_t from, uint64_t end,
				 struct scan_hit *ret);

/*
 * The last word in [from, end), of what has been scanned, that leads to code
 * which returns from signals, see restorers.h; 0: none.
 */
uint64_t area_last_return(const struct area *a, uint64_t from, uint64_t end);

/* Has all of [start, end) been read and scanned? */
bool area_is_scanned(const struct area *a, uint64_t start, uint64_t end);

/* Read memory, most likely what was scanned last; how much could be had. */
size_t areas_fetch(struct areas *areas, uint64_t addr, uint8_t *buf,
		   size_t size);

/* As stacks_watch(). */
void areas_watch(struct areas *areas);

static inline uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* addr - size, but not below `floor`; addr >= floor. */
static inline uint64_t below(uint64_t addr, uint64_t size, uint64_t floor)
{
	return addr - floor > size ? addr - size : floor;
}

/* addr + size, but not above `ceiling`; addr <= ceiling. */
static inline uint64_t above(uint64_t addr, uint64_t size, uint64_t ceiling)
{
	return ceiling - addr > size ? addr + size : ceiling;
}

#endif
