/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame.h - the parts of a report that tell of one frame */
#ifndef SIGFRAME_REPORT_FRAME_H
#define SIGFRAME_REPORT_FRAME_H

#include "report/report.h"

/* For report.c only: one object, a frame with its verdicts. */
void report_emit_frame(const struct report *r, const struct report_view *view,
		       const struct report_frame *f, struct emitter *e);

/* For frame.c only: the values of the registers, and the bytes. */
void report_emit_registers(const struct located_frame *f, struct emitter *e);
void report_emit_raw(const struct located_frame *f, struct emitter *e);

/* For frame.c only: what came of trying; nothing if nobody asked. */
void report_emit_rehearsal(const struct report_frame *f, struct emitter *e);

/* JSON only: an array of the components' names. */
void report_emit_components(const struct field *f, uint64_t mask,
			    struct emitter *e);

/* For frame.c only: what becomes of the frame on each target. */
void report_emit_verdicts(const struct report *r,
			  const struct report_frame *f, struct emitter *e);

#endif
