/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls.h - the call instruction before a return address */
#ifndef SIGFRAME_LOCATE_CALLS_H
#define SIGFRAME_LOCATE_CALLS_H

#include "locate/code.h"

struct calls_site {
	enum tri present;	/* there is a call instruction */
	bool target_known;
	uint64_t target;	/* what it calls, behind the PLT */
};

/*
 * Look at what stands before `pc`, as 32-bit code if the code segment `cs`
 * says so. UNKNOWN if that code is not to be had.
 */
void calls_before(struct code *c, uint64_t pc, uint64_t cs,
		  struct calls_site *ret);

#endif
