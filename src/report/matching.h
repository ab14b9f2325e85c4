/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matching.h - what of one look at a process is what of another */
#ifndef SIGFRAME_REPORT_MATCHING_H
#define SIGFRAME_REPORT_MATCHING_H

#include "report/compared.h"

/* A frame of an input with the thread that it belongs to, or NULL. */
struct matching_frame {
	const struct located_thread *thread;
	const struct located_frame *frame;
};

#define MATCHING_NONE SIZE_MAX

/* One side: everything there is, and what it is on the other side. */
struct matching_side {
	const struct compared_input *input;
	size_t *threads;	/* as `located`: index there, or MATCHING_NONE */
	struct matching_frame *frames;
	size_t *frame_partners;
	size_t frames_count;
};

struct matching {
	struct matching_side sides[COMPARED_SIDES];
	enum compared_match match;
};

/*
 * Match the frames of two inputs by address and kind, and their threads: by
 * tid if it is the same process id, else by their frames, then by their stack
 * pointers, then by the stacks that these are in. matching_deinit() is due in
 * any case.
 */
struct error *matching_init(struct matching *m,
			    const struct compared_input *before,
			    const struct compared_input *after) MUST_USE;
void matching_deinit(struct matching *m);

/* How many frames have the same address and kind in both. */
struct error *matching_common(const struct compared_input *a,
			      const struct compared_input *b,
			      size_t *ret) MUST_USE;

#endif
