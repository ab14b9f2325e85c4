/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trial.h - a process that returns from frames put before it, and dies */
#ifndef SIGFRAME_DESCRIBE_TRIAL_H
#define SIGFRAME_DESCRIBE_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRIAL_PAGE 4096

/* Bit n-1: signal n. All but those caught, SIGSEGV (11) and SIGBUS (7). */
#define TRIAL_BLOCKED (~(UINT64_C(1) << 10 | UINT64_C(1) << 6))

enum trial_path {
	TRIAL_NOTHING,		/* not tried */
	TRIAL_TRIED,		/* not come back from, as far as is known */
	TRIAL_LANDED,		/* where the frame says */
	TRIAL_SIGNALLED,	/* in a handler of SIGSEGV or SIGBUS */
	TRIAL_CONTINUED,	/* behind the system call: a return was refused */
};

/* One return, or another call. Shared with assembly, like all in struct trial_job. */
struct trial_row {
	uint64_t sp;		/* stack pointer at the system call */
	uint64_t call;		/* its number */
	uint64_t int80;		/* by int $0x80: a call of 32-bit programs */
	uint64_t result;	/* address for the registers afterwards */
	/* from here on set by the child */
	uint64_t path;		/* enum trial_path */
	uint64_t pkru;		/* afterwards, if job->pkru */
	uint64_t signal;	/* that was caught */
	uint64_t code;		/* its si_code; CONTINUED: what was answered */
};

#define TRIAL_ROWS 10

/* Pages, by address. */
struct trial_pages {
	uint64_t start;
	uint64_t end;
};

/*
 * All that the child needs. It lies with the frames in memory shared with the
 * parent, at the same address in both. Addresses are plain numbers.
 *
 * Each frame has to hold TRIAL_BLOCKED as its signal mask, the alternate stack
 * below, a stack pointer to memory of ours, flags without TF, in rbx the
 * address of the job, in rbp its `pkru`, and in rip trial_landing() or a pad.
 */
struct trial_job {
	uint64_t live;		/* XSAVE image to load before each; 0: none */
	uint64_t loaded;	/* components of it that are loaded */
	uint64_t saved;		/* components that are saved to `result` */
	uint64_t pkru;		/* 1: PKRU can be read here */
	struct trial_pages present;	/* to touch before all else; writable */
	struct trial_pages present_image;	/* these too; end 0: none */
	struct trial_pages absent;	/* to make absent; end 0: none */
	uint64_t filter;	/* struct sock_fprog to live under; 0: none */
	uint64_t dynamic;	/* component to ask permission for; 0: none */
	struct {
		uint64_t sp, flags, size;
	} altstack;		/* stack_t */
	/* from here on filled in by trial_run() */
	uint64_t row;		/* the next of `rows` */
	uint64_t rows_end;
	uint64_t parent;	/* process */
	uint64_t pipe;		/* descriptor to keep open */
	uint64_t blocked;	/* TRIAL_BLOCKED */
	struct {
		uint64_t handler, flags, restorer, mask;
	} action;		/* struct kernel_sigaction */
	struct trial_row rows[TRIAL_ROWS];
};

/* Where 64-bit code goes on after a return: the child notes what came back. */
uint64_t trial_landing(void);

/*
 * Code that leads there from 32-bit code (at TRIAL_PAD_32) and from 64-bit
 * code (at TRIAL_PAD_64), to be executed at `address`, below 4 GiB, as the
 * job. It uses no memory, which PKRU or a selector may forbid.
 */
#define TRIAL_PAD_32 0
#define TRIAL_PAD_64 8
#define TRIAL_PAD_SIZE 32
void trial_make_pad(uint64_t address, uint8_t ret[TRIAL_PAD_SIZE]);

enum trial_fate {
	TRIAL_DONE,		/* to the last row: their `path` tells */
	TRIAL_KILLED,		/* by a signal that it could not catch */
	TRIAL_SPUN,		/* ran on and on, until the deadline, in a row */
	TRIAL_FAILED,		/* nothing was learned: `why` says why */
};

struct trial_end {
	enum trial_fate fate;
	int signal;		/* if KILLED */
	char why[96];		/* for people; of all but DONE */
};

/*
 * Have a child do the first `count` rows of `job`. It has `deadline`
 * milliseconds, then it is killed by its pid.
 *
 * The child is a copy of the process, but runs nothing of it: no library, no
 * handler, no instrumented code, only its own assembly. It is made without an
 * exit signal, so that the parent gets no SIGCHLD, wait() for any child does
 * not see it, and it can be waited for even where SIGCHLD is ignored. It dies
 * with its parent, is in a process group of its own, and has no descriptor
 * but one end of a pipe. All signals are blocked in it but SIGSEGV and SIGBUS;
 * it leaves no core.
 */
struct trial_end trial_run(struct trial_job *job, unsigned count,
			   long deadline);

/* For one who has a few rows. */
#define TRIAL_DEADLINE 500

#endif
