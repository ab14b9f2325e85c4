/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elsewhere.h - may a thread have left a handler's stack for another one? */
#ifndef SIGFRAME_LOCATE_ELSEWHERE_H
#define SIGFRAME_LOCATE_ELSEWHERE_H

#include "locate/chain.h"
#include "locate/dormant.h"

/* Of one thread; without `why` it has not. */
struct elsewhere {
	char *why;
	/*
	 * It came to the end of a stack, and it is not known to have another:
	 * what is blocked there tells which handlers it may be in.
	 */
	bool at_end;
	struct plausible_context at;
};

/*
 * Where unwinding got lost or came to a return address of 0, `chain`, is there
 * another stack that it may have led to? Not from one that is known to be the
 * thread's own. Without unwinding nothing of that is known.
 */
struct error *elsewhere_look(const struct snapshot *s, const struct thread *t,
			     const struct chain *chain,
			     struct elsewhere *ret) MUST_USE;
void elsewhere_deinit(struct elsewhere *e);

/*
 * Does the doubt remain after a search for frames that are on no thread's way?
 * `d`: what it has found; NULL: not everything was searched. *unmarked is kept
 * from one thread to the next, as in lost_elsewhere().
 */
bool elsewhere_remains(const struct snapshot *s, struct code *code,
		       const struct thread *t, const struct elsewhere *e,
		       const struct dormant *d, enum tri *unmarked);

#endif
