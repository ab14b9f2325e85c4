/* SPDX-License-Identifier: GPL-3.0-or-later */
/* live.h - a running process as a snapshot */
#ifndef SIGFRAME_SOURCE_LIVE_H
#define SIGFRAME_SOURCE_LIVE_H

#include "source/snapshot.h"

enum live_stop {
	LIVE_STOP_AUTO,		/* only threads that run or may have a frame */
	LIVE_STOP_ALL,
	LIVE_STOP_NONE,		/* none at all: weaker evidence */
};

struct live_options {
	enum live_stop stop;
	bool closer;		/* AUTO: nor spare any, see struct thread */
	bool registers; /* AUTO: nor any that may have a frame */
	bool no_shadow_stacks;	/* this CPU has none (CET_SS in CPUID) */
	bool every;		/* no thread is clear, all stacks are kept */
	bool whole_xstate;	/* keep all of what stopped threads have */
	const pid_t *tids;	/* only these threads; none: all */
	size_t tids_count;
};

/*
 * Look at process `pid`. Threads are looked at first through /proc and
 * process_vm_readv; those that have to be are seized, interrupted, copied and
 * let go together, signals that arrive meanwhile included. When this returns
 * the process runs (or is stopped) as before, whatever happened. A thread
 * that cannot be examined has `problem` set; ERROR_GONE, ERROR_PERMISSION and
 * so on are returned if nothing of the process can be.
 */
struct error *live_open(pid_t pid, const struct live_options *options,
			struct snapshot **ret) MUST_USE;

/*
 * `pid` and all its descendants, parents before children. The caller frees
 * *ret. ERROR_GONE if pid does not exist.
 */
struct error *live_tree(pid_t pid, pid_t **ret, size_t *count_ret) MUST_USE;

/* All processes but kernel threads, by number; the caller frees *ret. */
struct error *live_all(pid_t **ret, size_t *count_ret) MUST_USE;

#endif
