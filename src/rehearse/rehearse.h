/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearse.h - really return from a frame, on this machine, in a child */
#ifndef SIGFRAME_REHEARSE_REHEARSE_H
#define SIGFRAME_REHEARSE_REHEARSE_H

#include "describe/host.h"
#include "kernel/predict.h"

/* What the pages of the image are when sigreturn meets them. */
enum rehearse_pages {
	REHEARSE_PRESENT,
	REHEARSE_ABSENT,	/* mapped, the first access to each faults */
};

/* Where rehearsals take place. */
struct rehearse_stage {
	const struct host *host;	/* probed */
	enum tri ia32;			/* runs 32-bit programs */
	enum rehearse_pages pages;
};

/*
 * What became of a frame. Registers count by value: a component that was in
 * use, is reset, and was initial anyway has not been lost.
 */
struct rehearsal {
	bool done;		/* else nothing was learned, `reason` says why */
	enum outcome outcome;	/* UNKNOWN if not done, or not comparable */
	char reason[128];	/* for people, of UNKNOWN; else empty */
	uint64_t lost;		/* components that came back initial */
	uint64_t garbled;	/* that came back with other bytes */
	uint32_t registers[XSTATE_MAX];	/* of these, by xregs_files[] */
	bool mxcsr_differs;
	bool spun;		/* it never came back */
	int signal;		/* that it got instead; 0: none */
	int code;		/* its si_code; 0 where it was killed */
	uint64_t features;	/* F of the child */

	/* What predict() expects of the frame as it was put before the child. */
	struct verdict expected;
	bool agrees;
	char difference[96];	/* where not */
};

/*
 * Rehearse the return from `f` by a task that may use `features`. It covers
 * the extended state and the segment selectors: the child has the frame's
 * bytes, its image at the same place in a page and with as much readable
 * behind it, but goes on at code of ours, on a stack of ours, with no signal
 * mask and alternate stack but ours. What that leaves out (rip, rsp, restorer,
 * shadow stack) predict() has to judge.
 *
 * Components that a task has to ask for are asked for if the frame has them
 * and this CPU does. Refused, with a reason: x32; 32-bit frames where the
 * kernel has none; frames around which too little of the memory is known;
 * selectors of the process's own tables; and whatever a kernel of rules R2
 * might never come back from, since such a child cannot even be killed.
 *
 * For what the child is and is not, see describe/trial.h; it also lives under
 * a filter that lets it do nothing but return, and exit.
 */
void rehearse(const struct rehearse_stage *stage, const struct frame_facts *f,
	      uint64_t features, struct rehearsal *ret);

#endif
