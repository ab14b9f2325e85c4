/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls.h - system calls that block for a long time */
#ifndef SIGFRAME_TESTS_CALLS_H
#define SIGFRAME_TESTS_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* What a call blocks on. */
struct place {
	int fd;
	int other;	/* keeps it from being ready */
	void *memory;
};

struct call {
	const char *name;
	const char *function;	/* as sigframe-inspect(1) calls it */
	bool fragile;		/* ends with EINTR when a tracer stops it */
	bool timed;		/* ends after calls_time() */
	int (*make)(struct place *p);	/* -1: not to be had here; or NULL */
	long (*run)(const struct place *p);
	void (*unmake)(const struct place *p);	/* what outlives a process */
};

#define CALLS_MOST 32

/* Up to CALLS_MOST of them, ending with one without a name. */
extern const struct call calls_of_time[];
extern const struct call calls_of_files[];
extern const struct call calls_of_pipes[];
extern const struct call calls_of_sockets[];
extern const struct call calls_of_ipc[];

/* How long timed calls block: the duration, and when it ends. */
const struct timespec *calls_time(void);
int calls_milliseconds(void);
struct timespec calls_deadline(clockid_t clock);

/* A file to write to, private to the process, or -1. */
int calls_file(void);

/* Another process that waits for ever, and has the file locked; 0: none. */
int calls_idler(int fd_to_lock);

#endif
