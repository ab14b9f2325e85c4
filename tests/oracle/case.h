/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case.h - one experiment with a signal frame, as a line of text */
#ifndef ORACLE_CASE_H
#define ORACLE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What distinguishes one experiment from another: all of it words, so that a
 * case is mutated by index and written as "field=value ...". Commas will do for
 * the blanks when it is read.
 */
enum oracle_field {
	CASE_MACHINE,		/* index of machines[]; by name in text */
	CASE_KIND,		/* enum sigframe_kind; by name in text */
	CASE_SEED,		/* of the bytes in the image and around it */
	/* software bytes, and MAGIC2 */
	CASE_SIZE,		/* xstate_size, S */
	CASE_EXTENDED,		/* extended_size, E */
	CASE_FEATURES,		/* xfeatures, Q */
	CASE_MAGIC1,
	CASE_MAGIC2,
	CASE_MAGIC2_AT,		/* byte of the image */
	CASE_MAGIC2_ALSO,	/* another place for a good one; 0: none */
	/* XSAVE header; `compact` also packs the data as xcomp_bv says */
	CASE_BV,
	CASE_XCOMP,
	CASE_COMPACT,
	CASE_RESERVED,		/* byte of the header to be 1; 0: none */
	CASE_MXCSR,
	/* where the image lies */
	CASE_SHIFT,		/* bytes off from 64-byte alignment */
	CASE_PAGE_OFFSET,	/* byte of its page; multiple of 64 */
	CASE_ROOM,		/* bytes before unmapped memory; 0: plenty */
	CASE_ABSENT,		/* pages are not present before the return */
	CASE_FPSTATE,		/* pointer in the frame; CASE_DEFAULT */
	/* the frame */
	CASE_FRAME_APART,	/* not right below the image */
	CASE_FRAME_ROOM,	/* its bytes before unmapped memory; 0: all */
	CASE_UC_FLAGS,
	CASE_RIP,		/* CASE_DEFAULT: the landing pad */
	CASE_RSP,		/* CASE_DEFAULT: a word of ordinary stack */
	CASE_RFLAGS,
	CASE_CS,
	CASE_SS,
	CASE_SIGMASK,
	CASE_STACK_SP,		/* uc_stack; CASE_DEFAULT: as registered */
	CASE_STACK_FLAGS,
	CASE_STACK_SIZE,
	CASE_FIELDS,
};

#define CASE_DEFAULT UINT64_MAX

struct oracle_case {
	uint64_t v[CASE_FIELDS];
};

/* Name in text, for messages. */
const char *case_field_name(enum oracle_field field);

/*
 * Write `c` as one line without a newline, fields that differ from `base`
 * only. Returns what snprintf would.
 */
int case_format(const struct oracle_case *c, const struct oracle_case *base,
		char *ret, size_t size);

/*
 * Read such a line over *ret, which holds the values of fields not named.
 * The machine comes first: `base` is asked for its values then. False with
 * the unknown word in *bad_ret (pointing into `line`).
 */
bool case_parse(const char *line,
		void (*base)(void *arg, uint64_t machine, uint64_t kind,
			     struct oracle_case *ret),
		void *arg, struct oracle_case *ret, const char **bad_ret);

#endif
