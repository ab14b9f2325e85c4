/* SPDX-License-Identifier: GPL-3.0-or-later */
/* child.h - what the oracle and the process it sacrifices share */
#ifndef ORACLE_CHILD_H
#define ORACLE_CHILD_H

#include <stdint.h>

#include "x86/gprs.h"

/*
 * The child is a program of its own, never built with a sanitizer. It gets
 * descriptor CHILD_CONTROL (a socket) and CHILD_MEMORY (a memfd that starts
 * with struct child_shared). For each byte read from the socket it does the
 * request and answers with one byte; a case that kills it or never returns is
 * noticed by the missing answer.
 */
enum {
	CHILD_CONTROL = 0,
	CHILD_MEMORY = 3,
};

/*
 * The child's memory, as far as a frame may refer to it. Below 4 GiB, so that
 * 32-bit frames can.
 */
#define CHILD_PAGE UINT64_C(4096)
#define CHILD_PAD UINT64_C(0x1f000000)	/* code: return here to be recorded */
#define CHILD_TRAP (CHILD_PAD + 32)	/* int3, in 64-bit and 32-bit code */
#define CHILD_STACK UINT64_C(0x1f010000) /* one page of ordinary memory */
#define CHILD_ALTSTACK UINT64_C(0x1f100000)
#define CHILD_ALTSTACK_SIZE UINT64_C(0x20000)
#define CHILD_ARENA UINT64_C(0x20000000) /* frames and images */

enum {
	CHILD_PAGES = 16,		/* of the arena */
	CHILD_XSTATE = 16384,		/* room for any XSAVE image */
};

/*
 * Exit status of a child whose heap lies where it wanted its memory: the
 * kernel places it at random, and the next one may be luckier.
 */
#define CHILD_TAKEN 3

/* What a page of the arena is when sigreturn meets it. */
enum child_page {
	CHILD_UNMAPPED,
	CHILD_PRESENT,
	CHILD_ABSENT,		/* mapped, but the first access faults */
};

struct child_request {
	uint64_t sp;		/* at the syscall instruction */
	uint32_t nr;		/* system call */
	uint32_t int80;		/* by int $0x80 instead of syscall */
	uint32_t xsave;		/* the kernel uses XSAVE */
	uint64_t xfeatures;	/* components to fill and to read back */
	uint8_t pages[CHILD_PAGES];	/* enum child_page */
};

enum child_path {
	CHILD_NOTHING,		/* no answer: set by the parent */
	CHILD_LANDED,		/* the code at CHILD_PAD ran */
	CHILD_SIGNALLED,	/* a signal handler ran instead */
	CHILD_CONTINUED,	/* the system call returned, as an error */
};

struct child_result {
	uint32_t path;		/* enum child_path */
	uint32_t signo;		/* of the signal; 0: none */
	int32_t code;		/* si_code */
	uint64_t address;	/* si_addr */
	uint64_t trapno;
	uint64_t err;
	uint64_t regs[X86_REGS];	/* DS and on are not recorded */
	uint32_t xstate_size;	/* bytes in xstate; 0: none there */
	uint8_t xstate[CHILD_XSTATE] __attribute__((aligned(64)));
};

struct child_shared {
	struct child_request request;
	struct child_result result;
	/* XSAVE image of the child after start, before any case */
	uint8_t clean[CHILD_XSTATE] __attribute__((aligned(64)));
	/* what the registers hold when sigreturn is called */
	uint8_t live[CHILD_XSTATE] __attribute__((aligned(64)));
};

/*
 * Page n of the arena in the memfd. Not one behind the other, so that the
 * kernel neither merges the mappings nor maps neighbours on a fault.
 */
static inline uint64_t child_page_offset(unsigned n)
{
	uint64_t first = (sizeof(struct child_shared) + CHILD_PAGE - 1) &
			 -CHILD_PAGE;

	return first + 2 * n * CHILD_PAGE;
}

#define CHILD_MEMORY_SIZE child_page_offset(CHILD_PAGES)

#endif
