/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.h - the walk over what was compared that makes text and JSON */
#ifndef SIGFRAME_REPORT_COMPARISON_H
#define SIGFRAME_REPORT_COMPARISON_H

#include "report/compared.h"
#include "report/report.h"

/*
 * Everything that differs, and what came of all, to `e`, which the caller
 * finishes. In the text the values of extended registers only if the view
 * wants registers.
 */
void report_emit_comparison(const struct compared *c, const struct report_view *view,
		     struct emitter *e);

/* JSON only: why there is no comparison. */
void report_emit_no_comparison(const struct error *err, struct emitter *e);

/* For comparison.c only: an array of what differs, and one of what may. */
void report_emit_differences(const struct difference_side *before,
				 const struct difference_side *after,
				 const struct difference *d,
				 const struct report_view *view,
				 struct emitter *e);
void report_emit_not_known(const struct difference *d, bool shown,
			     struct emitter *e);

#endif
