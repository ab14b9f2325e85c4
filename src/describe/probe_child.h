/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_child.h - a process that returns from made-up frames, and dies */
#ifndef SIGFRAME_DESCRIBE_PROBE_CHILD_H
#define SIGFRAME_DESCRIBE_PROBE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROBE_PAGE 4096

/* Bit n-1: signal n. All but those caught, SIGSEGV (11) and SIGBUS (7). */
#define PROBE_BLOCKED (~(UINT64_C(1) << 10 | UINT64_C(1) << 6))

enum probe_path {
	PROBE_NOTHING,		/* not tried: the child ended before */
	PROBE_LANDED,		/* where the frame says */
	PROBE_SIGNALLED,	/* in a handler of SIGSEGV or SIGBUS */
	PROBE_CONTINUED,	/* behind the system call: it was refused */
};

/* One return. Shared with assembly, like all in struct probe_job. */
struct probe_row {
	uint64_t sp;		/* at rt_sigreturn: frame address + 8 */
	uint64_t result;	/* address of the registers afterwards */
	uint64_t path;		/* enum probe_path, set by the child */
};

#define PROBE_ROWS 8

/*
 * All that the child needs. It lies with the frames in memory shared with the
 * parent, at the same address in both. Addresses are plain numbers.
 */
struct probe_job {
	uint64_t live;		/* XSAVE image to load before each return */
	uint64_t components;	/* that are loaded, and saved to `result` */
	uint64_t row;		/* the next of `rows` */
	uint64_t rows_end;
	uint64_t memory;	/* pages to touch before all else */
	uint64_t memory_end;
	uint64_t blocked;	/* PROBE_BLOCKED */
	struct {
		uint64_t sp, flags, size;
	} altstack;		/* stack_t */
	struct {
		uint64_t handler, flags, restorer, mask;
	} action;		/* struct kernel_sigaction */
	struct probe_row rows[PROBE_ROWS];
};

/* Where a frame's interrupted code is: the child notes what came back. */
uint64_t probe_landing(void);

/*
 * Have a child do `job`: all but live, components, the rows' sp and result and
 * the alternate stack is filled in here. `count` rows. False if no child could
 * be had, or it had to be killed; `why` then says so. What rows were done
 * their `path` tells.
 *
 * The child is a copy of the process, but runs nothing of it: no library, no
 * handler, no instrumented code, only its own assembly. It is made without an
 * exit signal, so that the parent gets no SIGCHLD, wait() for any child does
 * not see it, and it can be waited for even where SIGCHLD is ignored. All
 * signals are blocked in it but SIGSEGV and SIGBUS; it leaves no core. After
 * PROBE_DEADLINE it is killed by its pid.
 */
bool probe_child_run(struct probe_job *job, unsigned count, uint64_t memory,
		     size_t size, char *why, size_t why_size);

#define PROBE_DEADLINE 500	/* milliseconds */

#endif
