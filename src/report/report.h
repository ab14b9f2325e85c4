/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - the one walk over the model that makes text and JSON */
#ifndef SIGFRAME_REPORT_REPORT_H
#define SIGFRAME_REPORT_REPORT_H

#include "report/emitter.h"
#include "report/model.h"

/* What to show beyond the usual. */
struct report_view {
	bool registers;		/* register values */
	bool raw;		/* the bytes of the frame and its xstate */
};

/* Everything `r` has to say, to `e`, which the caller finishes. */
void report_emit(const struct report *r, const struct report_view *view,
		 struct emitter *e);

#endif
