/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary.h - the end of a report: what all inputs come to */
#ifndef SIGFRAME_REPORT_SUMMARY_H
#define SIGFRAME_REPORT_SUMMARY_H

#include "report/emitter.h"
#include "report/model.h"

/* Why inputs could not be examined: JSON only. */
void report_emit_errors(const struct report_error *errors, size_t count,
			struct emitter *e);

/* What was counted in `r`. Needs no input to be there. */
void report_emit_summary(const struct report *r, struct emitter *e);

#endif
