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
 * Does call frame information lead to what cannot be a caller? What is on the
 * stack, up to `reach`, was overwritten then, and there may have been a frame.
 * Not if it has no room for one, nor where the thread began: code that makes a
 * thread by clone() has no caller on the new one's stack, and the first of a
 * program has its arguments there. A thread, `t`, cannot be there itself unless
 * that killed it.
 */
bool lost_to_nowhere(const struct snapshot *s, struct code *code,
		     struct unwind *u, const struct thread *t,
		     const struct unwind_result *walk, uint64_t cs,
		     uint64_t reach);

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
