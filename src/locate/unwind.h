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

/* From a function to the one that called it. */
struct unwind_step {
	uint64_t pc;		/* in the function, */
	uint64_t sp;		/* and the stack pointer there */
	uint64_t slot;		/* where the return address is; 0: no memory */
	uint64_t ra;		/* the return address */
	bool pointer;		/* by the frame pointer, which may skip some */
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
	bool astray;		/* the way on is known, and is not this stack, */
	bool has_onward;	/* but leads to another one: */
	struct cfi_context onward;	/* the caller there */
	/* the way there; the unwinder's, up to the next walk */
	const struct unwind_step *steps;
	size_t steps_count;
	bool pointers;		/* not all of it by call frame information */
};

/*
 * Walk up the stack from `start` to the first signal frame, recognised by the
 * code its handler returns to: code that calls sigreturn, or call frame
 * information that says "signal frame". Code without such information is left
 * by its instructions or by the frame pointer, see pointers.h.
 */
void unwind_segment(struct unwind *u, const struct cfi_context *start,
		    struct unwind_result *ret);

/* The same from a context that is behind a call: a result's `onward`. */
void unwind_onward(struct unwind *u, const struct cfi_context *start,
		   struct unwind_result *ret);

/* Does the function that `pc` is in start at `start`? By symbols. */
bool unwind_starts_at(struct unwind *u, uint64_t pc, uint64_t start);

/* Where does the function start that `pc` is in? By symbols. */
bool unwind_start_of(struct unwind *u, uint64_t pc, uint64_t *ret);

/*
 * Is `pc` in a function that call frame information describes as an ordinary
 * one, and not at its start?
 */
bool unwind_is_inside(struct unwind *u, uint64_t pc, uint64_t cs);

/* Does call frame information say that nothing has called the code at `pc`? */
bool unwind_is_outermost(struct unwind *u, uint64_t pc, uint64_t cs);

#endif
