/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plausible.h - is a frame live for which nothing but its bytes speaks? */
#ifndef SIGFRAME_LOCATE_PLAUSIBLE_H
#define SIGFRAME_LOCATE_PLAUSIBLE_H

#include "locate/candidates.h"
#include "locate/facts.h"

/* A context that may be in the frame's handler. */
struct plausible_context {
	uint64_t sp;
	uint64_t mask;		/* blocked signals, bit n-1 */
	bool mask_known;
};

/*
 * A signal is blocked while it is handled, and was not before, when `before`
 * was. It is not where the handler, or SA_NODEFER, has let it in: that is for
 * others to know, the bytes of a frame cannot tell it from one left over.
 */
static inline bool plausible_is_masked(const struct plausible_context *at,
				       uint64_t before)
{
	return !at->mask_known || (at->mask & ~before);
}

/*
 * Above a stack pointer there may also be frames that were returned from, in
 * room that functions have not written to yet. YES: a live one is likely;
 * NO: it is not this context's; UNKNOWN: it may be live and spoilt. `hits`
 * holds what else was found there.
 */
enum tri plausible_judge(const struct snapshot *s, struct code *code,
			 const struct candidates *hits,
			 const struct frame_check *check,
			 const struct plausible_context *at);

/*
 * Is there a frame in [from, to) that the context is likely to be in? `hits`
 * holds what was found there.
 */
bool plausible_any(const struct snapshot *s, struct code *code,
		   const struct candidates *hits, uint64_t from, uint64_t to,
		   const struct plausible_context *at);

/*
 * Is it no less sure than by unwinding that the context is in the handler of
 * this frame? It is whole, its return address is the restorer of its signal's
 * action, and what is blocked is just what the kernel blocks for that action
 * (arch/x86/kernel/signal.c, signal_setup_done()).
 */
bool plausible_certain(const struct snapshot *s,
		       const struct frame_check *check,
		       const struct plausible_context *at);

#endif
