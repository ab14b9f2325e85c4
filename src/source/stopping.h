/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stopping.h - bringing the threads of a process to a halt */
#ifndef SIGFRAME_SOURCE_STOPPING_H
#define SIGFRAME_SOURCE_STOPPING_H

#include "source/tasks.h"

/*
 * Fetch the memory that copies of those will take which are not settled, or
 * have something like a frame, from the kernel now, so that nobody has to stand
 * still for that.
 */
void stopping_prepare(const struct tasks *tasks);

/*
 * Stop all of `tasks` that are not settled, and the process's threads that
 * appear meanwhile, if `tids` has them (or is empty). Waits for a second at
 * most. *missed_ret: how many there were in the end that were not even tried,
 * because new ones kept appearing.
 */
struct error *stopping_stop(struct tracer *tracer, struct tasks *tasks,
			    const struct process *p, const pid_t *tids,
			    size_t tids_count, size_t *missed_ret) MUST_USE;

#endif
