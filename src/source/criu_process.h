/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_process.h - one process in CRIU's images as a snapshot */
#ifndef SIGFRAME_SOURCE_CRIU_PROCESS_H
#define SIGFRAME_SOURCE_CRIU_PROCESS_H

#include "source/checkpoint.h"
#include "source/criu_files.h"

/* What its snapshot is made of; all outlives it. */
struct criu_process {
	const struct image_files *images;
	const struct criu_files *files;
	const char *sysroot;
	const char *executable;	/* instead of the one that it names */
	pid_t pid;
	const pid_t *threads;	/* `pid` among them; none: not known */
	size_t threads_count;
	/* only these; none: all */
	const pid_t *tids;
	size_t tids_count;
};

/* Is the thread one of those that are wanted? */
bool criu_process_wants(const struct criu_process *p, pid_t tid);

/*
 * Fill in an empty snapshot, which is to be destroyed whatever happens. See
 * checkpoint_snapshot().
 */
struct error *criu_process_fill(const struct criu_process *p,
				struct snapshot *s) MUST_USE;

#endif
