/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsy.h - the parts of a report that tell what a thread died of */
#ifndef SIGFRAME_REPORT_AUTOPSY_H
#define SIGFRAME_REPORT_AUTOPSY_H

#include "base/text.h"
#include "report/emitter.h"
#include "report/model.h"

/* For report.c only. ", killed by SIGSEGV (SI_KERNEL)", where that is known. */
void report_add_killer(const struct report_input *in, struct text *t);

/* One line for each death that is explained; `name` goes in front, or NULL. */
void report_emit_causes(const struct report_input *in, const char *name,
			struct emitter *e);

/* All about them, and the hints. */
void report_emit_autopsies(const struct report_input *in, struct emitter *e);

#endif
