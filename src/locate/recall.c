/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recall.c - facts of frames that were not kept, read once more */
#include "locate/recall.h"

#include "locate/deaths.h"

const struct frame_facts *recall_frame(struct recall *r,
				       const struct located_frame *f)
{
	if (f->facts)
		return f->facts;
	facts_read(r->snapshot, f, &r->room, &r->facts);
	return &r->facts;
}

/* Both runs, if nothing of them is missing. */
static const struct kept_frame *keep(struct kept *kept,
				     const struct located_frame *f)
{
	struct bytes frame = f->facts->frame.bytes;
	struct bytes area = f->facts->area.bytes;

	if (frame.size != sigframe_shapes[f->kind].size ||
	    area.size != f->area_wanted)
		return NULL;
	return kept_add(kept, frame, area);
}

struct error *recall_settle(const struct snapshot *s,
			    const struct locate_options *options,
			    struct kept *kept, struct located_frame *f)
{
	if (!options->judge || !s->ops || !s->ops->steady || deaths_concern(f))
		return NULL;
	f->verdicts = options->judge(options->judge_arg, f->facts);
	if (!f->verdicts)
		return &error_no_memory;
	f->around = f->facts->around;
	f->fpstate = f->facts->sigframe.fpstate;
	f->kept = keep(kept, f);
	facts_deinit(f);
	return NULL;
}
