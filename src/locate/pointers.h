/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pointers.h - one step up the stack through code that says nothing about it */
#ifndef SIGFRAME_LOCATE_POINTERS_H
#define SIGFRAME_LOCATE_POINTERS_H

#include "locate/cfi.h"
#include "locate/code.h"

enum pointers_start {
	POINTERS_UNKNOWN,	/* where the function starts, or how */
	POINTERS_BEFORE,	/* nothing has been pushed yet */
	POINTERS_PUSHED,	/* the caller's frame pointer has */
	POINTERS_SET,		/* and its own was set */
};

enum pointers_way {
	POINTERS_NONE,		/* there is no way; *c is as it was */
	POINTERS_EXACT,		/* by instructions */
	POINTERS_FRAME,		/* by the frame pointer */
};

/*
 * For code without call frame information, such as that of a JIT compiler.
 * `exact` says that its next instruction is the one at the context's pc, not
 * one behind a call: then the instructions up to a return, or the start of a
 * function, tell where the return address is. Else, and if they do not, the
 * frame pointer has to lead to one. Only an address that follows a call, or
 * is that of a restorer, is taken for one. Unless the function is known to
 * have set the frame pointer, the caller's has to make sense, too.
 */
enum pointers_way pointers_step(const struct snapshot *s, struct code *code,
				bool exact, enum pointers_start start,
				struct cfi_context *c, uint64_t *slot_ret);

/* What the function at `start` has done when it comes to `pc`. */
enum pointers_start pointers_start(struct code *code, uint64_t start,
				   uint64_t pc);

/*
 * Can code return to `ra`? It is executable and follows a call, or calls
 * sigreturn. UNKNOWN if the code is not to be had.
 */
enum tri pointers_is_return(const struct snapshot *s, struct code *code,
			    uint64_t ra, uint64_t cs);

#endif
