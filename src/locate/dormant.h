/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.h - frames on stacks that will be run on again */
#ifndef SIGFRAME_LOCATE_DORMANT_H
#define SIGFRAME_LOCATE_DORMANT_H

#include "locate/chain.h"

/* A frame that no thread is on its way to. */
struct dormant_frame {
	struct frame_check check;
	unsigned evidence;		/* enum frame_evidence */
	enum frame_stack stack;
	struct parked_context context;	/* kind NULL: none leads to it */
};

struct dormant {
	struct dormant_frame *frames;	/* by address */
	size_t count;
	uint64_t memory;		/* as in struct located */
	uint64_t searched;
	/*
	 * How many of them, or of frames that are not whole, a thread may be
	 * on its way to if it has left a stack without saving a context: all
	 * but those that lie behind a thread on the stack it stands on.
	 */
	size_t unexplained;
	uint64_t unexplained_mask; /* signals blocked before any of those */
	/*
	 * Frames, whole or not, that a saved context may or may not lead to:
	 * unwinding went past them in doubt, or got lost before.
	 */
	size_t unsure;
};

/*
 * Look for frames beyond those that the threads of `l` have, in at most
 * `limit` bytes of memory, and for saved contexts that lead to them: of all
 * shapes in x86/context.h, and stack pointers of functions that switch stacks.
 * A context counts if unwinding from it arrives at a frame, and not on a
 * stack that a thread runs on; of several for a frame the most certain. What
 * no context leads to is only given if it is whole, and not where a thread
 * that is not wholly known may still get to. The process is not stopped.
 */
struct error *dormant_find(const struct snapshot *s, struct code *code,
			   struct unwind *u, const struct located *l,
			   uint64_t limit, const struct ahead *ahead,
			   struct dormant *ret) MUST_USE;
void dormant_deinit(struct dormant *d);

#endif
