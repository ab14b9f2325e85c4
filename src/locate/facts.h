/* SPDX-License-Identifier: GPL-3.0-or-later */
/* facts.h - what a snapshot tells about one place that may be a frame */
#ifndef SIGFRAME_LOCATE_FACTS_H
#define SIGFRAME_LOCATE_FACTS_H

#include "locate/code.h"
#include "locate/locate.h"

/* What speaks for and against a place being a signal frame. */
struct frame_check {
	struct sigframe sigframe;
	/*
	 * Its return address leads to code that calls sigreturn for this
	 * kind. NO: nowhere, or to sigreturn for another kind. UNKNOWN: the
	 * code is not in the table, or (code_known false) not to be had.
	 */
	enum tri restorer;
	bool code_known;
	const struct restorer *restorer_code;	/* NULL: not known */
	/* It has magic1 and lies where a kernel would have put it. */
	enum sigframe_placement placement;
	uint64_t end;		/* first address behind it, saturated */
};

/*
 * Look at the place. False if what sigreturn reads of a frame cannot be read
 * there.
 */
bool facts_check(const struct snapshot *s, struct code *code,
		 enum sigframe_kind kind, uint64_t address,
		 struct frame_check *ret);

/*
 * Fill in everything about the frame, but not where it comes from: facts,
 * restorer code. Bytes are borrowed from the snapshot's captures or owned.
 */
struct error *facts_gather(const struct snapshot *s,
			   const struct frame_check *check,
			   struct located_frame *ret) MUST_USE;

#endif
