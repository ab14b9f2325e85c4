/* SPDX-License-Identifier: GPL-3.0-or-later */
/* decoder.h - capstone for code of both widths */
#ifndef SIGFRAME_LOCATE_DECODER_H
#define SIGFRAME_LOCATE_DECODER_H

#include "locate/capstone_library.h"
#include "x86/gprs.h"

enum { DECODER_INSTRUCTION_MAX = 15 };	/* bytes */

/* For code of one width; opened when the first instruction is. */
struct decoder_mode {
	csh handle;
	cs_insn *insn;		/* the last one */
	bool tried;		/* to open it */
};

struct decoder {
	const struct capstone_library *capstone;	/* NULL: not yet */
	cs_opt_type option;
	size_t value;
	struct decoder_mode wide;	/* 64-bit code */
	struct decoder_mode narrow;	/* 32-bit code */
};

/* With one option set, such as CS_OPT_DETAIL to CS_OPT_ON. */
void decoder_init(struct decoder *d, cs_opt_type option, size_t value);
/* Zeroed is fine. */
void decoder_deinit(struct decoder *d);

/*
 * The next instruction of `*size` bytes at `*code`, which come from `*pc` and
 * run in the segment `cs`; all three are moved behind it. Borrowed until the
 * next call. NULL if the bytes make no sense, or if there is no capstone.
 */
cs_insn *decoder_next(struct decoder *d, uint64_t cs, const uint8_t **code,
		      size_t *size, uint64_t *pc);

/*
 * `err`, which it takes, or if that is NULL why a decoder could not be opened
 * since the last call. Whoever made use of one has to ask in the end.
 */
struct error *decoder_trouble(struct error *err) MUST_USE;

#endif
