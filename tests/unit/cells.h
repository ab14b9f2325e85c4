/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cells.h - tables of what becomes of a frame under each set of rules */
#ifndef SIGFRAME_TESTS_UNIT_CELLS_H
#define SIGFRAME_TESTS_UNIT_CELLS_H

#include "made.h"

/* What sigreturn comes to; the mask of a cell says for which components. */
enum ending {
	NOT_SAID,
	FULL,		/* by XRSTOR; `mask` of what is in use is lost */
	FX,		/* x87 and SSE alone; `mask` is lost */
	GARBAGE,	/* by XRSTOR; `mask` comes from foreign bytes */
	DROPPED,	/* by XRSTOR, but MXCSR loses bits */
	FX_DROPPED,	/* x87 and SSE alone, and MXCSR loses bits */
	INIT,		/* everything initial */
	SEGV,		/* refused */
	SEGV_AFTER,	/* restored, and then the return faults */
	IN_DOUBT,	/* by XRSTOR; whether `mask` is its own is not known */
};

struct cell {
	enum ending end;
	uint64_t mask;
};

/* Sets of rules that a table tells apart; R2, R3 and R5 hardly differ. */
enum column { C1, C235, C4, C6, C7, COLUMNS };

/*
 * Predict under every set of rules that `cells` says something of, once with
 * the layout of `m` known and once with it read off the frame; returns how many
 * verdicts are wrong, having shown them. The masks are cut to `in_use`.
 */
unsigned cells_wrong(const char *id, struct made *m, enum made_cpu target,
		     const struct cell cells[COLUMNS], uint64_t in_use);

#endif
