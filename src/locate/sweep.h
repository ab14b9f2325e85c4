/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.h - signal frames anywhere in the memory of a process */
#ifndef SIGFRAME_LOCATE_SWEEP_H
#define SIGFRAME_LOCATE_SWEEP_H

#include "locate/facts.h"
#include "locate/written.h"

/* A place taken for a frame, whoever may be on the way to it. */
struct sweep_frame {
	struct frame_check check;
	bool whole;	/* nothing has been written over it */
};

struct sweep {
	struct sweep_frame *frames;	/* by address, apart from each other */
	size_t count;
	size_t room;
	uint64_t memory;	/* bytes that can be written to and were */
	uint64_t searched;	/* of these */
};

/* [start, end) of a frame that is known already. */
struct sweep_known {
	uint64_t start;
	uint64_t end;
};

/*
 * Look through at most `limit` bytes of the memory that the process has
 * written to, stacks first, for frames that overlap none of `known`, which is
 * sorted by address. Of candidates that overlap, the one with the stronger
 * evidence stays. Everything found is believed: its return address leads to
 * code that calls sigreturn, or it lies where a kernel would have put it.
 * What was scanned ahead is not read again.
 */
struct error *sweep_find(const struct snapshot *s, struct code *code,
			 uint64_t limit, const struct ahead *ahead,
			 const struct sweep_known *known,
			 size_t known_count, struct sweep *ret) MUST_USE;
void sweep_deinit(struct sweep *w);

/* The frame that holds `addr`, or NULL. */
const struct sweep_frame *sweep_at(const struct sweep *w, uint64_t addr);

/* The first frame at or above `addr`, or NULL. */
const struct sweep_frame *sweep_above(const struct sweep *w, uint64_t addr);

#endif
