/* SPDX-License-Identifier: GPL-3.0-or-later */
/* components.h - which components an XSAVE image has, and what is in them */
#ifndef SIGFRAME_REPORT_COMPONENTS_H
#define SIGFRAME_REPORT_COMPONENTS_H

#include "kernel/predict.h"
#include "report/emitter.h"

/* As the image says it; a bit per component. */
struct image_use {
	uint64_t in_use;
	bool in_use_known;	/* else these are not all */
	uint64_t possible;
};

/* For frame.c only: an array of them. */
void report_emit_use(const struct frame_facts *f, const struct image_use *i,
		     struct emitter *e);

#endif
