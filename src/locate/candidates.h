/* SPDX-License-Identifier: GPL-3.0-or-later */
/* candidates.h - places on a thread's stacks that may be signal frames */
#ifndef SIGFRAME_LOCATE_CANDIDATES_H
#define SIGFRAME_LOCATE_CANDIDATES_H

#include "locate/ahead.h"

/* Grows as the stacks of one thread are looked at. Starts as zeros. */
struct candidates {
	const struct ahead *ahead;	/* need not be looked at; or NULL */
	struct scan_hit *hits;	/* by address, then kind */
	size_t count;
	size_t room;
	/* what has been looked at last, [from, to) */
	uint64_t from;
	uint64_t to;
	uint64_t scanned;	/* bytes in all */
	/* the first hole in what was looked at; empty: none */
	uint64_t missing_from;
	uint64_t missing_to;
};

void candidates_deinit(struct candidates *c);

/* More of a stack than this is not looked at, in bytes. */
#define CANDIDATES_STACK_MAX (UINT64_C(16) << 20)

/* Where the mapping that `sp` is in ends, which is as much as is sure. */
uint64_t candidates_stack_end(const struct snapshot *s, uint64_t sp);

/*
 * How far the stack may go on behind that, over mappings that lie next to each
 * other: mprotect and mlock split a stack, but other stacks may follow, too.
 */
uint64_t candidates_stack_reach(const struct snapshot *s, uint64_t sp);

/* Where a thread other than `t` is on the stack [sp, end); `end`: none is. */
uint64_t candidates_next_thread(const struct snapshot *s,
				const struct thread *t, uint64_t sp,
				uint64_t end);

/*
 * Add every place in [from, to) that looks like a frame; of a larger range
 * the last CANDIDATES_STACK_MAX bytes. What was looked at in the previous call
 * is not looked at again.
 */
struct error *candidates_scan(struct candidates *c, const struct snapshot *s,
			      uint64_t from, uint64_t to) MUST_USE;

/* The hit at `address`, NULL if there is none. */
const struct scan_hit *candidates_find(const struct candidates *c,
				       enum sigframe_kind kind,
				       uint64_t address);

/*
 * The hit with the lowest address in [from, to); `after`: behind that one.
 * NULL: none.
 */
const struct scan_hit *candidates_next(const struct candidates *c,
				       const struct scan_hit *after,
				       uint64_t from, uint64_t to);

#endif
