/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passing.h - places that a walk up the stack went past without stopping */
#ifndef SIGFRAME_LOCATE_PASSING_H
#define SIGFRAME_LOCATE_PASSING_H

#include "locate/facts.h"
#include "locate/unwind.h"

/* A walk that is over, and where it went. */
struct passing {
	const struct snapshot *s;
	struct code *code;
	struct unwind *u;
	const struct unwind_result *walk;
	uint64_t sp;		/* where it began */
	uint64_t end;		/* of the stack */
	uint64_t cs;
};

enum passing_verdict {
	PASSING_STALE,		/* left over: its handler has returned */
	PASSING_LIVE,		/* its return address was overwritten */
	PASSING_DOUBTFUL,
};

/*
 * Was the walk right to go past this convincing frame? A left-over frame may
 * lie between the frames of functions, or its first word may have become the
 * return address of a later call: then a call instruction precedes what it
 * leads to, of the function that the walk came from, as far as that can be
 * told. What no call precedes was written over the return address of a handler
 * that still runs.
 */
enum passing_verdict passing_judge(const struct passing *p,
				   const struct frame_check *check);

#endif
