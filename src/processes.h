/* SPDX-License-Identifier: GPL-3.0-or-later */
/* processes.h - which processes the command line asks for */
#ifndef SIGFRAME_PROCESSES_H
#define SIGFRAME_PROCESSES_H

#include "options.h"

struct process_wanted {
	pid_t pid;
	bool named;	/* by the user, who wants to know if it is gone */
};

/* Each is there once. */
struct processes {
	struct process_wanted *list;
	size_t count;
};

/* Starts as PROCESSES_INIT. */
#define PROCESSES_INIT { NULL, 0 }

/*
 * Add what is asked for with `pid`, which the user has named: that process,
 * with `tree` also its descendants. ERROR_GONE if it has none to be listed.
 */
struct error *processes_add(struct processes *p, pid_t pid,
			    bool tree) MUST_USE;

/* Add all there are, but for kernel threads and this process. */
struct error *processes_add_all(struct processes *p) MUST_USE;

void processes_deinit(struct processes *p);

#endif
