/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recall.h - facts of frames that were not kept, read once more */
#ifndef SIGFRAME_LOCATE_RECALL_H
#define SIGFRAME_LOCATE_RECALL_H

#include "locate/facts.h"

/* Large: one will do for all frames. */
struct recall {
	const struct snapshot *snapshot;	/* of the frames, still open */
	struct frame_facts facts;
	struct facts_room room;
};

/*
 * What there is to know of the frame: what it has, or what it had, in *r then,
 * which is good until the next call.
 */
const struct frame_facts *recall_frame(struct recall *r,
				       const struct located_frame *f);

/*
 * Judge the frame as the options say, and forget its facts: its bytes are kept
 * in `kept`, or can be read again. Nothing is done where that is not possible
 * or they are needed.
 */
struct error *recall_settle(const struct snapshot *s,
			    const struct locate_options *options,
			    struct kept *kept, struct located_frame *f)
	MUST_USE;

#endif
