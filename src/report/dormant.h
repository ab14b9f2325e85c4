/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.h - the parts of a report that tell of stacks without a thread */
#ifndef SIGFRAME_REPORT_DORMANT_H
#define SIGFRAME_REPORT_DORMANT_H

#include "base/text.h"
#include "report/report.h"

/* For report.c only. "2 WORDs", "2 WORDs and 1 dormant". */
void report_add_frames(const struct report_counts *c, const char *word,
		       struct text *t);

/* The frames on parked stacks, and how much memory was searched for them. */
void report_emit_dormant(const struct report *r, const struct report_view *view,
			 const struct report_input *in, struct emitter *e);

/* For frame.c only: what leads to a dormant frame; nothing of another. */
void report_emit_parked(const struct located_frame *f, struct emitter *e);

#endif
