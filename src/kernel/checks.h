/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checks.h - the named reasons for an outcome, and the hazards */
#ifndef SIGFRAME_KERNEL_CHECKS_H
#define SIGFRAME_KERNEL_CHECKS_H

#include "kernel/walk.h"

/* Where in sigreturn a check stands, in the order of events. */
enum check_stage {
	CHECK_FRAME,	/* reading the frame */
	CHECK_POINTER,	/* fpstate itself */
	CHECK_CHOICE,	/* XSAVE or FXSAVE rules: the first to fire decides */
	CHECK_XSAVE,	/* XRSTOR from user memory */
	CHECK_FX,	/* FXRSTOR from user memory */
	CHECK_COPY,	/* ia32, XSAVE image through a kernel buffer */
	CHECK_COPY_FX,	/* ia32, FXSAVE image through a kernel buffer */
	CHECK_RESULT,	/* what the registers hold afterwards */
	CHECK_RETURN,	/* the way back to user mode */
};

#define CHECK_AT(stage) (1u << (stage))

#define CHECK_VALUES 2

/* A named reason. Adding one is adding a row to checks[]. */
struct check {
	const char *id;		/* kebab-case, never renamed */
	const char *title;	/* what is wrong, one short sentence */
	const char *effect;	/* what the kernel or CPU does about it */
	const char *advice;	/* what the user can do about it */
	const char *source;	/* kernel file and function, or CPU manual */
	/*
	 * The values in this case, or NULL: "{d0} > {d1}"; d is decimal, x is
	 * hex, c a mask of components, i one of instruction set extensions.
	 */
	const char *detail;
	unsigned stages;	/* CHECK_AT() bits */
	/*
	 * What firing leads to; in CHECK_CHOICE, INTACT stands for "on with
	 * FXSAVE rules", whose outcome depends on what that loses.
	 */
	enum outcome outcome;
	/* TRI_YES: fires. TRI_UNKNOWN: it may, the evidence is missing. */
	enum tri (*fires)(const struct walk *w);
	void (*values)(const struct walk *w, uint64_t ret[CHECK_VALUES]);
};

extern const struct check checks[];
extern const unsigned checks_count;	/* at most 64 */

/* Something that leaves the outcome as it is but can hurt. */
struct hazard {
	const char *id;
	const char *title;
	const char *effect;
	const char *advice;
	const char *source;
	const char *detail;
	bool (*applies)(const struct walk *w);
	void (*values)(const struct walk *w, uint64_t ret[CHECK_VALUES]);
};

extern const struct hazard hazards[];
extern const unsigned hazards_count;	/* at most 64 */

/*
 * The values that checks[index] or hazards[index] has to tell about `f` on
 * `t` under the first of the target's rules. False if it has none.
 */
bool check_values(unsigned index, const struct frame_facts *f,
		  const struct target *t, uint64_t ret[CHECK_VALUES]);
bool hazard_values(unsigned index, const struct frame_facts *f,
		   const struct target *t, uint64_t ret[CHECK_VALUES]);

#endif
