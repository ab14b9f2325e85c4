/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brief.h - an input in one line of text */
#ifndef SIGFRAME_REPORT_BRIEF_H
#define SIGFRAME_REPORT_BRIEF_H

#include "report/emitter.h"
#include "report/model.h"

/*
 * The outcome of all of it, its size, its name and the ids of what speaks
 * against it; in front of the `first` one what stands above the columns.
 */
void report_emit_brief(const struct report *r, const struct report_input *in,
		       bool first, struct emitter *e);

#endif
