/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.h - registers after a return, beside those that a frame holds */
#ifndef SIGFRAME_REHEARSE_COMPARE_H
#define SIGFRAME_REHEARSE_COMPARE_H

#include "rehearse/rehearse.h"

/* What a child found in its registers when it had returned. */
struct returned {
	struct bytes image;	/* saved by XSAVE, in the layout of `cpu` */
	const struct cpu_model *cpu;
	uint64_t saved;		/* components that were asked for */
	uint32_t pkru;		/* was read apart, `image` lacks it */
};

/*
 * Hold `r` against what `f` holds in use: sets outcome, lost, garbled,
 * registers and mxcsr_differs of *ret; reason where it cannot be told.
 */
void compare_registers(const struct frame_facts *f, const struct returned *r,
		       struct rehearsal *ret);

/*
 * Is that what `ret->expected` says? Sets agrees and difference. `r` is NULL
 * where nothing came back.
 */
void compare_verdict(const struct frame_facts *f, const struct returned *r,
		     struct rehearsal *ret);

#endif
