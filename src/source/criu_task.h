/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_task.h - threads and processes, as CRIU's core images have them */
#ifndef SIGFRAME_SOURCE_CRIU_TASK_H
#define SIGFRAME_SOURCE_CRIU_TASK_H

#include "source/imagefiles.h"

/* What of a process its threads want to know. */
struct criu_task {
	bool dead;		/* it has exited, but was not waited for */
	bool compat;		/* a 32-bit one */
	bool pending_known;
	uint64_t pending;	/* signals of the process, bit n-1 */
};

/*
 * Read core-PID.img, which is that of the first thread, and take what it says
 * of the process: its name, the signal actions, whether it is a 32-bit one.
 * The thread is only added if `wanted`. If the process is dead, the thread is
 * `clear` and of state 'Z'. ERROR_UNSUPPORTED if it is not of x86.
 */
struct error *criu_task_read(const struct image_files *files, pid_t pid,
			     bool wanted, struct snapshot *s,
			     struct criu_task *ret) MUST_USE;

/* Add another thread; what is wrong with its image is its `problem`. */
struct error *criu_task_add(const struct image_files *files, pid_t tid,
			    const struct criu_task *task,
			    struct snapshot *s) MUST_USE;

#endif
