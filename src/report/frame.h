/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame.h - the parts of a report that tell of one frame */
#ifndef SIGFRAME_REPORT_FRAME_H
#define SIGFRAME_REPORT_FRAME_H

#include "base/text.h"
#include "report/report.h"
#include "x86/siginfo.h"

/* JSON only: what wrote this, and in which format. */
void report_emit_tool(struct emitter *e);

/* "process 7 (worker)", "small.core: core of worker, process 7" */
void report_add_source(const struct snapshot *s, struct text *t);

/* For report.c only: one object, a target. */
void report_emit_target(const struct report_target *rt, struct emitter *e);

/* For report.c only: one object, a frame with its verdicts. */
void report_emit_frame(const struct report *r, const struct report_view *view,
		       const struct report_frame *f,
		       const struct frame_facts *facts, struct emitter *e);

/*
 * For restore.c, too: what the frame has of its signal. False if its handler
 * was told the number only, or nothing; of 32-bit frames that is f->sig.
 */
bool report_frame_signal(const struct sigframe *f, struct siginfo *ret);

/* For frame.c only: the values of the registers, and the bytes. */
void report_emit_registers(const struct frame_facts *facts, struct emitter *e);
void report_emit_raw(const struct frame_facts *facts, struct emitter *e);

/* For frame.c only: what came of trying; nothing if nobody asked. */
void report_emit_rehearsal(const struct report_frame *f, struct emitter *e);

/* JSON only: an array of the components' names. */
void report_emit_components(const struct field *f, uint64_t mask,
			    struct emitter *e);

/* What the check of that index, which has fired, means for the verdict. */
enum outcome report_check_outcome(unsigned index, const struct verdict *v);

/* For frame.c only: what becomes of the frame on each target. */
void report_emit_verdicts(const struct report *r,
			  const struct report_frame *f,
			  const struct frame_facts *facts, struct emitter *e);

#endif
