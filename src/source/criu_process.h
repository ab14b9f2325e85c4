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
	const struct core_options *options;
	pid_t pid;
	const pid_t *threads;	/* `pid` among them; none: not known */
	size_t threads_count;
};

/*
 * Fill in an empty snapshot, which is to be destroyed whatever happens. See
 * checkpoint_snapshot().
 */
struct error *criu_process_fill(const struct criu_process *p,
				struct snapshot *s) MUST_USE;

#endif
