/* SPDX-License-Identifier: GPL-3.0-or-later */
/* witness.h - signal handlers that tell where their frames are, and wait */
#ifndef SIGFRAME_TESTS_WITNESS_H
#define SIGFRAME_TESTS_WITNESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The page: a file that corpus.py maps, too. Its name is in $WITNESS. All
 * words are of this machine, in the same place for 32-bit and 64-bit code.
 */
enum witness_state {
	WITNESS_ENTERED = 1,	/* the handler runs, or a nested one does */
	WITNESS_WAITING,	/* the handler stays until `go` changes */
	WITNESS_LEAVING,	/* nothing but the return is left to do */
};

enum witness_kind { WITNESS_X86_64, WITNESS_IA32_RT, WITNESS_IA32 };

/* One delivery of a signal. */
struct witness_entry {
	uint32_t state;		/* enum witness_state, 0: not filled in */
	uint32_t tid;
	uint32_t signo;
	uint32_t kind;		/* enum witness_kind */
	uint64_t address;	/* where the return address is */
	uint64_t fpstate;	/* as it is in the frame */
	uint64_t pc;		/* that was interrupted */
	uint32_t alternate;	/* lies on an alternate stack */
	uint32_t how;		/* enum witness_wait */
	uint64_t unused[2];
};

#define WITNESS_ENTRIES 16383

struct witness_page {
	uint32_t go;		/* handlers end when it changes */
	uint32_t hot;		/* programs compute while it is not 0 */
	uint32_t next;		/* entries taken so far */
	uint32_t unused[13];
	struct witness_entry entries[WITNESS_ENTRIES];
};

/*
 * What a handler does comes with the signal, as its value:
 *	bits 0-3	enum witness_wait
 *	bits 4-7	functions, with frames of various sizes, to wait below
 *	bits 8-27	up to five signals, 4 bits each (0 ends them), that are
 *			raised one inside the other: 1 + index into `signals`
 */
enum witness_wait {
	WITNESS_FUTEX,
	WITNESS_SUSPEND,	/* sigsuspend; WITNESS_WAKE ends it */
	WITNESS_POLL,		/* of the fifo $WITNESS.in */
	WITNESS_SLEEP,
	WITNESS_SPIN,
	WITNESS_CLOCK,		/* spin in the vDSO */
	WITNESS_SEARCH,		/* below a function that libc calls back */
	WITNESS_WAITS,
};

#define WITNESS_WAKE 47		/* a signal whose handler only returns */
#define WITNESS_MARK 63		/* blocked while a handler has not returned */

/*
 * Take part: map the page and handle the signals that $WITNESS_SIGNALS names.
 * Does nothing without $WITNESS. A shared library does so when it is loaded.
 */
void witness_begin(void);

/*
 * Give the calling thread an alternate stack that is large enough. Without,
 * those that have none get one when they return from the first signal, if
 * there is an 'A' in $WITNESS_SIGNALS.
 */
void witness_thread(void);

/* To be called by a handler of one's own; it returns when that may. */
void witness_handle(int signo, siginfo_t *info, void *context);

/* Is there to be computed? If not, waits a moment. */
bool witness_hot(void);

#endif
