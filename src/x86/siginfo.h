/* SPDX-License-Identifier: GPL-3.0-or-later */
/* siginfo.h - what a signal was and where it came from */
#ifndef SIGFRAME_X86_SIGINFO_H
#define SIGFRAME_X86_SIGINFO_H

#include "base/bytes.h"

/* Which of the values below a siginfo_t carries (uapi/asm-generic/siginfo.h). */
enum siginfo_form {
	SIGINFO_PLAIN,		/* none */
	SIGINFO_SENDER,		/* pid, uid */
	SIGINFO_CHILD,		/* pid, uid, status */
	SIGINFO_FAULT,		/* addr */
	SIGINFO_TIMER,		/* timer id in pid, overruns in uid */
	SIGINFO_SYSCALL,	/* addr of the call, number in status */
};

struct siginfo {
	int32_t signo;
	int32_t code;
	const char *signal_name;	/* "SIGSEGV"; NULL: no such signal */
	const char *code_name;		/* "SEGV_MAPERR"; NULL: not known */
	const char *meaning;		/* "address not mapped", or NULL */
	enum siginfo_form form;
	uint32_t pid;
	uint32_t uid;
	int32_t status;
	uint64_t addr;
};

/*
 * Decode siginfo_t at the start of `b`; `compat` is the layout of 32-bit
 * processes. False if the bytes are too few or cannot be what a kernel wrote:
 * a frame of a handler without SA_SIGINFO has stale bytes there.
 */
bool siginfo_decode(struct bytes b, bool compat, struct siginfo *ret);

/* "SIGUSR1", "SIGRTMIN+3"; NULL if there is no signal of that number. */
const char *siginfo_signal_name(unsigned signo);

#define SIGINFO_SIGNALS 64

#endif
