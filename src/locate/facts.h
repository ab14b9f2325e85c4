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
	 * Its return address leads to code that calls sigreturn for it: NO if
	 * that does not exist, or is known to do something else. code_known
	 * is false if it is not to be had.
	 */
	enum tri restorer;
	enum frame_return returns;
	bool code_known;
	const struct restorer *restorer_code;	/* NULL: not in the table */
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

/* It is no chance that this place looks like a frame of its kind. */
bool facts_convincing(const struct frame_check *check);

/*
 * Are both marks of a kernel still around its extended state, and MXCSR one
 * that a CPU can have held? Bytes that were left on the stack are, after a
 * while, written over in part.
 */
bool facts_intact(const struct snapshot *s, const struct frame_check *check);

/*
 * It lies on the alternate stack that it names, so that its handler runs
 * there, but a context with stack pointer `sp` does not.
 */
bool facts_elsewhere(const struct frame_check *check, uint64_t sp);

/*
 * May a context with stack pointer `sp`, on a stack that ends at `end`, be
 * inside the handler of this frame? Only where a frame leads tells a live one
 * from the rest: other threads' stacks may lie in the same mapping.
 */
bool facts_fit(const struct snapshot *s, const struct frame_check *check,
	       uint64_t sp, uint64_t end);

/*
 * Fill in everything about the frame, but not where it comes from: facts,
 * restorer code. Bytes are borrowed from the snapshot's captures or owned.
 * No XSAVE image but the frame's own is larger than `image_max` bytes.
 * facts_deinit() is due also after an error.
 */
struct error *facts_gather(const struct snapshot *s,
			   const struct frame_check *check,
			   uint32_t image_max,
			   struct located_frame *ret) MUST_USE;
void facts_deinit(struct located_frame *f);

/* Bytes of the largest kind's fixed part. */
#define FACTS_FRAME_MAX KEPT_FRAME_MAX

struct facts_room {
	uint8_t bytes[KEPT_BYTES];
};

/*
 * The same facts once more, of a frame whose facts are not there but all else,
 * with its bytes in `room`: as they were kept, or read again, and what cannot
 * be read any more is missing.
 */
void facts_read(const struct snapshot *s, const struct located_frame *from,
		struct facts_room *room, struct frame_facts *ret);

#endif
