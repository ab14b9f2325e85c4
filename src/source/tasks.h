/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tasks.h - the threads of a process while it is being looked at */
#ifndef SIGFRAME_SOURCE_TASKS_H
#define SIGFRAME_SOURCE_TASKS_H

#include "source/process.h"
#include "source/procfs.h"
#include "source/stacks.h"
#include "source/tracer.h"

struct task {
	struct thread thread;	/* becomes the snapshot's */
	struct tracee tracee;
	struct procfs_syscall at;	/* where it is, if not stopped */
	char activity[64];	/* changes whenever the thread runs */
	char activity_then[64];	/* by task_mark(), or "" */
	bool gone;		/* exited */
	bool listed;
	bool has_sp;		/* regs.r[X86_RSP] and X86_RIP are known */
	bool unmoved;		/* has not run since task_look_begin() */
	enum stacks_found found;
	bool spare;		/* it is neither clear nor to be stopped */
};

struct tasks {
	struct task *list;	/* in the kernel's order */
	size_t count;
};

/*
 * Take in the threads that are not listed yet, if `tids` has them (or is
 * empty), and mark those that have exited as gone.
 */
struct error *tasks_update(struct tasks *tasks, const struct process *p,
			   const pid_t *tids, size_t tids_count,
			   size_t *added_ret) MUST_USE;
void tasks_deinit(struct tasks *tasks);

/*
 * Nothing is left to do about it: it is gone, or clear, or spared, or was
 * stopped and its registers read.
 */
bool task_settled(const struct task *t);

/*
 * Keep in mind how far it has run; task_stood() says whether it has run
 * between then and the last task_look_end().
 */
void task_mark(struct task *t, const struct process *p);
bool task_stood(const struct task *t);

/* Find out where it is blocked, without touching it; else it has no sp. */
void task_look_begin(struct task *t, const struct process *p);

/*
 * Is it still there, and has it not run in between? Only then is what was
 * read of its stack meanwhile true, and it is spared if `spare` says so, else
 * clear if `found` does.
 */
void task_look_end(struct task *t, const struct process *p);

/*
 * Is it on a stack that is not known to be its own? Then it may be in the
 * handler of a frame on another one. Its sp is known, and the mappings of `s`.
 */
bool task_may_be_elsewhere(const struct task *t, const struct snapshot *s);

#endif
