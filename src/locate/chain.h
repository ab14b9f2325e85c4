/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.h - from a thread's registers outward through its signal frames */
#ifndef SIGFRAME_LOCATE_CHAIN_H
#define SIGFRAME_LOCATE_CHAIN_H

#include "base/text.h"
#include "locate/ahead.h"
#include "locate/facts.h"
#include "locate/plausible.h"
#include "locate/unwind.h"

struct chain_link {
	struct frame_check check;
	unsigned evidence;	/* enum frame_evidence */
};

/* The frames of one thread, innermost first: the last delivered. */
struct chain {
	struct chain_link *links;
	size_t count;
	size_t room;
	uint64_t end_sp;	/* on the stack where the chain ends */
	enum tri complete;	/* as in struct located_thread */
	struct text incomplete;
	struct text lost;	/* where unwinding first did not go on */
	bool at_zero;		/* it ends at a return address of 0 */
	size_t stale;
};

/*
 * Follow the chain. Each step starts from a set of registers, first the
 * thread's, then the ones that a frame would restore. Unwinding leads to the
 * next frame; where it gets lost, or `u` is NULL, the next one upward that
 * fits is taken. What cannot be examined is said in `incomplete`; an error
 * means that there is no memory. Stacks on the way are scanned for `ahead`,
 * if that is not NULL.
 */
struct error *chain_follow(const struct snapshot *s, struct code *code,
			   struct unwind *u, const struct thread *t,
			   struct ahead *ahead, struct chain *ret) MUST_USE;
void chain_deinit(struct chain *c);

/* What thread `t` is in at the end of its chain, at `sp`, if no walk leads on.
 */
struct plausible_context chain_context(const struct chain *chain,
				       const struct thread *t, uint64_t sp);

#endif
