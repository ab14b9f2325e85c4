/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.h - findings in words */
#ifndef SIGFRAME_REPORT_MESSAGE_H
#define SIGFRAME_REPORT_MESSAGE_H

#include "base/text.h"
#include "kernel/criu.h"

/* "avx, opmask"; components without a name as "component 20". */
void message_add_components(struct text *t, uint64_t mask);

/* "ymm0-3, 7 upper halves": registers of a component, by xregs_files[]. */
void message_add_registers(struct text *t, unsigned component, uint32_t set);

/* "SIGUSR1, SIGUSR2"; "none" for 0. `mask` has bit n-1 for signal n. */
void message_add_signals(struct text *t, uint64_t mask);

/* What checks[index] or hazards[index] has to say of this frame, one line. */
void message_add_check(struct text *t, unsigned index,
		       const struct frame_facts *f, const struct target *target);
void message_add_hazard(struct text *t, unsigned index,
			const struct frame_facts *f,
			const struct target *target);

/* The same of criu_reasons[index], with the values found. */
void message_add_criu(struct text *t, enum criu_index index,
		      const struct criu_findings *f);

/*
 * Everything about the check, hazard or reason of criu_reasons[] of that id,
 * several lines, or a list of all if id is NULL. False, nothing added, if there
 * is none of that id.
 */
bool message_add_explanation(struct text *t, const char *id);

#endif
