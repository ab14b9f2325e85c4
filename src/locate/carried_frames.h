/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carried_frames.h - frames that were found where an export was made */
#ifndef SIGFRAME_LOCATE_CARRIED_FRAMES_H
#define SIGFRAME_LOCATE_CARRIED_FRAMES_H

#include "base/text.h"
#include "locate/locate.h"

/*
 * Finding frames takes the program's files and whole stacks, and an exported
 * core has neither. So it carries, as CARRIED_FRAMES, where the frames are,
 * why they are believed and the names of the code around them. What a frame
 * holds is always read from its bytes.
 */
void carried_frames_write(const struct located *l, struct text *t);

/* Of the deaths, which are looked for again: there is nothing to search. */
struct carried_deaths {
	bool searched;		/* all of them, see struct located_death */
	struct located_frame *suspects;	/* addresses and names */
	size_t suspects_count;
};

void carried_deaths_deinit(struct carried_deaths *d);

/* Move the names to the suspects of `l`, by address. */
void carried_deaths_apply(struct carried_deaths *d, struct located *l);

/*
 * Fill in *l, which is zeroed, from s->carried_frames, but of the frames only
 * kind, address, evidence, stack, context and names. Threads that the text
 * does not mention are incomplete. *whole_ret is false if there are not as
 * many frames as were written. ERROR_BAD_INPUT if it makes no sense; what *l
 * has then is for located_destroy().
 */
struct error *carried_frames_read(const struct snapshot *s, struct located *l,
				  struct carried_deaths *deaths_ret,
				  bool *whole_ret) MUST_USE;

#endif
