/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unwind.h - from one signal frame to the next by call frame information */
#ifndef SIGFRAME_LOCATE_UNWIND_H
#define SIGFRAME_LOCATE_UNWIND_H

#include "locate/cfi.h"
#include "locate/code.h"
#include "locate/modules.h"

struct unwind;

/* All three have to outlive it. */
struct error *unwind_create(const struct snapshot *s, struct modules *m,
			    struct code *code, struct unwind **ret) MUST_USE;
void unwind_destroy(struct unwind *u);

enum unwind_end {
	UNWIND_FRAME,		/* the way on leads through a signal frame */
	UNWIND_OUTERMOST,	/* there is no caller any more */
	UNWIND_NOWHERE,		/* the return address is 0; sp is behind it */
	UNWIND_LOST,
};

struct unwind_result {
	enum unwind_end end;
	uint64_t pc;		/* the last that was reached, */
	uint64_t sp;		/* and the stack pointer there */
	/* UNWIND_FRAME */
	uint64_t frame;		/* its address */
	enum sigframe_kind kind;
	/* UNWIND_LOST */
	const char *why;
};

/*
 * Walk up the stack from `start` to the first signal frame, recognised by the
 * code its handler returns to: known restorer bytes, or call frame
 * information that says "signal frame".
 */
void unwind_segment(struct unwind *u, const struct cfi_context *start,
		    struct unwind_result *ret);

#endif
