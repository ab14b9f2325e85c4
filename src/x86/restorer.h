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

/*
 * May the code that starts `code` return from a signal, though it is not in the
 * table? A cheap look that errs on the side of yes: there is something like an
 * instruction that loads the system call's number in the first RESTORER_REACH
 * bytes.
 */
enum { RESTORER_REACH = 64 };
bool restorer_possible(struct bytes code);

/* The target of a jump that `code` starts with; false if it is none. */
bool restorer_jump(struct bytes code, uint64_t *ret);

#endif
