/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - the one walk over the model that makes text and JSON */
#ifndef SIGFRAME_REPORT_REPORT_H
#define SIGFRAME_REPORT_REPORT_H

#include "report/emitter.h"
#include "report/model.h"

enum report_form {
	REPORT_TEXT,
	REPORT_JSON,	/* one document */
	REPORT_LINES,	/* a document for each input */
	REPORT_BRIEF,	/* a line of text for each input */
};

/* What to show, and beyond the usual. */
struct report_view {
	enum report_form form;	/* the emitter fits it */
	bool registers;		/* register values */
	bool raw;		/* the bytes of the frame and its xstate */
};

/* The walk as it goes from input to input. */
struct report_walk {
	const struct report *report;
	const struct report_view *view;
	struct emitter *emitter;
	bool begun;	/* starts as false */
	bool failed;	/* the reader has not got all */
};

/*
 * Tell about an input of the report that has just been added, and before
 * the first one what stands in front of all of them. It may be forgotten then.
 */
struct error *report_emit_input(struct report_walk *w,
				const struct report_input *in) MUST_USE;

/*
 * Is there more to tell than that nothing was found? A sweep says nothing of
 * the others, but in JSON.
 */
bool report_is_notable(const struct report_input *in);

/*
 * One that could not be examined, where each has a document of its own; others
 * have it at the end, from the report.
 */
struct error *report_emit_error(struct report_walk *w,
				const struct report_error *error) MUST_USE;

/*
 * Tell what all of them come to, and finish. Text says nothing if there was
 * none, JSON why.
 */
struct error *report_emit_end(struct report_walk *w) MUST_USE;

#endif
