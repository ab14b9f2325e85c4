/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restore.h - the parts of a report that tell what "criu restore" would do */
#ifndef SIGFRAME_REPORT_RESTORE_H
#define SIGFRAME_REPORT_RESTORE_H

#include "base/text.h"
#include "report/report.h"

/* For report.c only. One line for all targets of which the same can be said;
 * nothing of what is no checkpoint. */
void report_emit_restores(const struct report *r,
			  const struct report_input *in, struct emitter *e);

/* Target by target: the reasons, and what each thread loses. */
void report_emit_criu(const struct report *r, const struct report_input *in,
		      struct emitter *e);

/* "; criu refuses 1 of 2 checkpoints"; nothing without checkpoints. */
void report_add_restored(const struct report_counts *c, struct text *t);

#endif
