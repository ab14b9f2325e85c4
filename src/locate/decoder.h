/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder.h - capstone for code of both widths */
#ifndef SIGFRAME_LOCATE_DECODER_H
#define SIGFRAME_LOCATE_DECODER_H

/* It has an enum x86_reg of its own. */
#define x86_reg capstone_x86_reg
#include <capstone/capstone.h>
#undef x86_reg

#include "base/error.h"
#include "x86/gprs.h"

enum { DECODER_INSTRUCTION_MAX = 15 };	/* bytes */

/* Starts zeroed. */
struct decoder {
	csh wide;		/* 64-bit code */
	csh narrow;		/* 32-bit code */
};

/*
 * Open both with one option set, such as CS_OPT_DETAIL to CS_OPT_ON;
 * decoder_deinit() is due in any case.
 */
struct error *decoder_init(struct decoder *d, cs_opt_type option,
			   size_t value) MUST_USE;
void decoder_deinit(struct decoder *d);

/* The one for code that runs in the segment `cs`. */
static inline csh decoder_for(const struct decoder *d, uint64_t cs)
{
	return cs == X86_USER32_CS ? d->narrow : d->wide;
}

#endif
