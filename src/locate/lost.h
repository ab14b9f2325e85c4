/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lost.h - what may hide a frame where unwinding got lost */
#ifndef SIGFRAME_LOCATE_LOST_H
#define SIGFRAME_LOCATE_LOST_H

#include "locate/candidates.h"
#include "locate/unwind.h"

/*
 * The first word in [from, to), a stack, that may be the return address of a
 * handler, and is that of no frame that was found by its marks: a handler may
 * have overwritten everything else. 0: none, or no memory. `hits` holds what
 * has those marks.
 */
uint64_t lost_return(const struct snapshot *s, struct code *code,
		     const struct candidates *hits, uint64_t from,
		     uint64_t to);

/* The same among the bytes that a walk by frame pointers has jumped over. */
uint64_t lost_skipped(const struct snapshot *s, struct code *code,
		      const struct candidates *hits,
		      const struct unwind_result *walk);

/*
 * Does call frame information lead to what cannot be a caller, for there is no
 * code, or no call before it on the own stack of thread `t`? What is there, up
 * to `reach`, was overwritten then, and there may have been a frame; or the
 * registers were, and it is elsewhere. Not if the stack has no room for one,
 * nor where the thread began: code that makes a thread by clone() has no caller
 * on the new one's stack, and the first of a program has its arguments there.
 * What is above these is nobody's stack.
 */
bool lost_to_nowhere(const struct snapshot *s, struct code *code,
		     struct unwind *u, const struct thread *t,
		     const struct unwind_result *walk, uint64_t cs,
		     uint64_t reach);

/*
 * Is the thread where there is no code? It cannot be, and its registers are
 * damaged, unless that is what killed it: a page fault has that address, other
 * faults there have none (SI_KERNEL), and signals from elsewhere tell nothing.
 */
bool lost_itself(const struct snapshot *s, const struct thread *t);

/*
 * Is there such a return address in written memory where no thread's stack
 * pointer is, and not that of a whole frame? Thread `t`, whose stack is not
 * known to be its own, may have come from there; not if its registers are
 * known, which would have told. Also without memory to find out. *known is
 * what an earlier call has found, UNKNOWN before the first: memory is searched
 * once, however many threads there are.
 */
bool lost_elsewhere(const struct snapshot *s, struct code *code,
		    const struct thread *t, enum tri *known);

#endif
