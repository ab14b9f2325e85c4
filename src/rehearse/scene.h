/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scene.h - a frame put where a child can return from it */
#ifndef SIGFRAME_REHEARSE_SCENE_H
#define SIGFRAME_REHEARSE_SCENE_H

#include "describe/trial.h"
#include "rehearse/rehearse.h"

#define SCENE_RESULT_SIZE (3 * TRIAL_PAGE)

/* The memory of one rehearsal, and what lies in it. */
struct scene {
	void *memory;		/* NULL: none */
	size_t size;
	struct trial_job *job;	/* one row */
	struct frame_facts facts;	/* the frame as it is there */
	uint64_t features;	/* F of the child */
	struct bytes result;	/* XSAVE image to be, in this CPU's layout */
};

/*
 * Put `f` in place. False if that cannot be done; `why` then says so. To be
 * struck in both cases. `f` and what it borrows has to outlive *ret.
 */
bool scene_set(struct scene *ret, const struct rehearse_stage *stage,
	       const struct frame_facts *f, uint64_t features, char *why,
	       size_t why_size);
void scene_strike(struct scene *s);

#endif
