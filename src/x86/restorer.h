/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorer.h - code that calls sigreturn */
#ifndef SIGFRAME_X86_RESTORER_H
#define SIGFRAME_X86_RESTORER_H

#include "x86/sigframe.h"

/* One row per known sequence of instructions. */
struct restorer {
	const char *name;		/* "mov $15,%rax; syscall" */
	const uint8_t *code;
	uint8_t size;
	uint8_t syscall_off;		/* of the syscall instruction */
	uint8_t pop;			/* bytes popped before it */
	enum sigframe_kind kind;
};

/* Bytes that restorer_match() may need. */
#define RESTORER_MAX 16

/*
 * The restorer whose code starts `code`; an endbr64 or endbr32 in front is
 * skipped. NULL if it is none that is known.
 */
const struct restorer *restorer_match(struct bytes code);

#endif
