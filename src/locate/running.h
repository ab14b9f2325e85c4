/* SPDX-License-Identifier: GPL-3.0-or-later */
/* running.h - what the threads of a process are standing on */
#ifndef SIGFRAME_LOCATE_RUNNING_H
#define SIGFRAME_LOCATE_RUNNING_H

#include "locate/sweep.h"
#include "locate/unwind.h"

struct running {
	/* the parts of stacks that threads will go back over, sorted */
	struct written_range *ranges;
	size_t count;
	/* the frames in them, sorted */
	struct sweep_known *frames;
	size_t frames_count;
	/* from there up, a thread may have frames that are not known; sorted */
	uint64_t *doubtful;
	size_t doubtful_count;
	bool lost;		/* there is a thread that may be anywhere */
};

/* Fills in the frames; nobody stands on anything so far. */
struct error *running_find_frames(const struct located *l,
				  struct running *ret) MUST_USE;

/*
 * The rest, for running_find_frames()'s result. Unwinds what lies beyond the
 * outermost frame of each thread of `l`, which takes long.
 */
struct error *running_find_stacks(const struct snapshot *s, struct unwind *u,
				  const struct located *l,
				  struct running *r) MUST_USE;
void running_deinit(struct running *r);

/* Does a thread stand on any of [start, end)? */
bool running_overlaps(const struct running *r, uint64_t start, uint64_t end);

/* Is the address within a frame that a thread will return from? */
bool running_in_frame(const struct running *r, uint64_t addr);

/* May a thread have a frame there that is not known to be its? */
bool running_is_doubtful(const struct running *r, const struct snapshot *s,
			 uint64_t addr);

/*
 * Has a thread left that address behind, on the stack that it still stands on?
 */
bool running_has_left(const struct running *r, const struct snapshot *s,
		      uint64_t addr);

#endif
