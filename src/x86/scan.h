/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - places in memory that may be signal frames */
#ifndef SIGFRAME_X86_SCAN_H
#define SIGFRAME_X86_SCAN_H

#include "x86/sigframe.h"

/* A cheap first look found these; whether it is a frame is decided later. */
struct scan_hit {
	enum sigframe_kind kind;
	uint64_t address;	/* of the frame */
};

/*
 * The next place in `stack` at or above *cursor (an address, 8-aligned by
 * the callee, advanced past the hit) that looks like a signal frame: a return
 * address slot whose ucontext has plausible constants (uc_flags, uc_link,
 * segment selectors, flag bits) and an fpstate pointer that is 0 or points at
 * an XSAVE or FXSAVE image the way the kind does. Only frames whose ucontext
 * lies wholly in `stack` are found. False if there is none.
 *
 * It errs on the side of a hit: a process none of whose stacks has one has no
 * signal frame there.
 */
bool scan_next(struct bytes stack, uint64_t *cursor, struct scan_hit *ret);

/*
 * Does anything beside its return address speak for a frame, `f`, which was
 * decoded from `stack`? For those whose return address is known to be right.
 */
bool scan_supports(const struct sigframe *f, struct bytes stack);

/*
 * The same for places below `limit` only; what lies behind is looked at as a
 * part of them.
 */
bool scan_next_below(struct bytes stack, uint64_t limit, uint64_t *cursor,
		     struct scan_hit *ret);

#endif
