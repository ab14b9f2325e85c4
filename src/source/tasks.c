/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tasks.c - the threads of a process while it is being looked at */
#include "source/tasks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/ownstack.h"

/* Among the first `count`, mostly at `hint`; `count` if it is not there. */
static size_t find(const struct tasks *tasks, size_t count, pid_t tid,
		   size_t hint)
{
	for (size_t n = 0; n < count; n++) {
		size_t i = hint + n < count ? hint + n : hint + n - count;

		if (tasks->list[i].thread.tid == tid)
			return i;
	}
	return count;
}

static struct error *add(struct tasks *tasks, const struct process *p,
			 pid_t tid)
{
	struct procfs_stat stat;
	int failed = procfs_stat(p->dir, tid, &stat);

	/* a zombie has no stack any more */
	if (process_has_exited(failed, &stat))
		return NULL;

	struct task *more = array_grow(tasks->list, tasks->count,
				       sizeof(*more));

	if (!more)
		return &error_no_memory;
	tasks->list = more;

	struct task *t = &tasks->list[tasks->count++];

	*t = (struct task){
		.thread = { .tid = tid, .orig_rax = -1, .syscall = -1,
			    .state = (char)(failed ? '\0' : stat.state) },
		.tracee = { .tid = tid },
		.listed = true,
		.found = STACKS_UNSURE,
	};
	if (failed)
		t->thread.problem = error_os(-failed, "cannot read about "
					     "thread %d", tid);
	else
		memcpy(t->thread.name, stat.name, sizeof(t->thread.name));
	return NULL;
}

struct error *tasks_update(struct tasks *tasks, const struct process *p,
			   const pid_t *tids, size_t tids_count,
			   size_t *added_ret)
{
	CLEANUP_FREE pid_t *now = NULL;
	size_t count = 0, hint = 0;
	size_t before = tasks->count;
	int failed = procfs_list(p->dir, "task", &now, &count);
	struct error *err = NULL;

	*added_ret = 0;
	/* a process that has exited has no threads left */
	if (failed == -ENOMEM)
		return &error_no_memory;
	if (failed && failed != -ENOENT && failed != -ESRCH)
		return error_os(-failed, "cannot list the threads of process "
				"%d", p->pid);
	for (size_t i = 0; i < before; i++)
		tasks->list[i].listed = false;
	for (size_t i = 0; i < count && !err; i++) {
		if (!snapshot_wants(tids, tids_count, now[i]))
			continue;

		size_t at = find(tasks, before, now[i], hint);

		if (at == before) {
			err = add(tasks, p, now[i]);
			continue;
		}
		tasks->list[at].listed = true;
		hint = at + 1;
	}
	for (size_t i = 0; i < before && !err; i++)
		tasks->list[i].gone |= !tasks->list[i].listed;
	*added_ret = tasks->count - before;
	return err;
}

void tasks_deinit(struct tasks *tasks)
{
	for (size_t i = 0; i < tasks->count; i++) {
		free(tasks->list[i].thread.xstate);
		error_free(tasks->list[i].thread.problem);
	}
	free(tasks->list);
	*tasks = (struct tasks){ 0 };
}

bool task_settled(const struct task *t)
{
	return t->gone || t->thread.clear || t->thread.spared ||
	       t->thread.has & THREAD_HAS_GPRS;
}

/* What the thread has run so far, as text that changes if it runs again. */
static bool read_activity(const struct process *p, pid_t tid, char *buf,
			  size_t size)
{
	struct procfs_status status;
	ssize_t got = procfs_read(p->dir, buf, size, "task/%d/schedstat", tid);

	/* all zero where the kernel keeps no account of it */
	if (got > 0 && strspn(buf, "0 \n") < (size_t)got)
		return true;
	if (procfs_status(p->dir, tid, &status))
		return false;
	snprintf(buf, size, "%" PRIu64 " %" PRIu64, status.switches[0],
		 status.switches[1]);
	return true;
}

void task_mark(struct task *t, const struct process *p)
{
	if (!read_activity(p, t->thread.tid, t->activity_then,
			   sizeof(t->activity_then)))
		t->activity_then[0] = '\0';
}

bool task_stood(const struct task *t)
{
	return t->unmoved && !strcmp(t->activity, t->activity_then);
}

void task_look_begin(struct task *t, const struct process *p)
{
	t->unmoved = false;
	t->thread.has = 0;
	t->has_sp = read_activity(p, t->thread.tid, t->activity,
				  sizeof(t->activity)) &&
		    process_syscall(p, t->thread.tid, &t->at) &&
		    t->at.where != PROCFS_RUNNING;
	if (!t->has_sp)
		return;
	t->thread.regs.r[X86_RSP] = t->at.sp;
	t->thread.regs.r[X86_RIP] = t->at.pc;
}

void task_look_end(struct task *t, const struct process *p)
{
	struct procfs_syscall at;
	char activity[sizeof(t->activity)];

	/*
	 * In this order: a thread that runs shows in the first file, and by
	 * the time it is blocked again in the second.
	 */
	t->unmoved = t->has_sp && process_syscall(p, t->thread.tid, &at) &&
		     at.where == t->at.where && at.nr == t->at.nr &&
		     at.sp == t->at.sp && at.pc == t->at.pc &&
		     read_activity(p, t->thread.tid, activity,
				   sizeof(activity)) &&
		     !strcmp(activity, t->activity);
	if (!t->unmoved)
		return;
	t->thread.syscall = t->at.nr;
	t->thread.has |= THREAD_HAS_PC_SP | THREAD_HAS_SYSCALL;
	t->thread.clear = t->found == STACKS_NOTHING && !t->spare;
	t->thread.spared = t->spare;
}

bool task_may_be_elsewhere(const struct task *t, const struct snapshot *s)
{
	return !ownstack_holds(s, process_read, t->thread.tid,
			       t->thread.regs.r[X86_RSP]);
}
