/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process.h - a handle on a running process that never slips to another */
#ifndef SIGFRAME_SOURCE_PROCESS_H
#define SIGFRAME_SOURCE_PROCESS_H

#include "source/pagemap.h"
#include "source/procfs.h"

/* What a snapshot of a process keeps open; its `source`. */
struct process {
	pid_t pid;
	int dir;	/* /proc/PID; of no other process, ever */
	int mem;	/* its memory; reads 0 bytes after exit or exec */
	pid_t mm_tid;	/* a thread that is not a zombie */
	struct pagemap pages;
	bool pages_opened;
};

/*
 * Find process `pid`, make sure that it can be examined, and fill in what the
 * snapshot says about the process as a whole; mappings and threads are left
 * to the caller. The snapshot closes the process, also after an error.
 */
struct error *process_open(pid_t pid, struct snapshot *s) MUST_USE;

/*
 * Copy what can be had of `size` bytes at `addr`, which the caller knows to
 * be in readable mappings.
 */
size_t process_read(const struct snapshot *s, uint64_t addr, void *buf,
		    size_t size);

/* Does it still have the memory that it had when it was opened? */
bool process_has_memory(const struct process *p);

/*
 * Is any thread of it left that is not a zombie? 1 or 0, or minus errno if
 * that cannot be found out.
 */
int process_is_alive(const struct process *p);

/*
 * Does it trace this very process? Then it must not be stopped: it would never
 * let us go on to let it go.
 */
bool process_traces_us(const struct process *p);

/* Where thread `tid` is; false if that cannot be read. */
bool process_syscall(const struct process *p, pid_t tid,
		     struct procfs_syscall *ret);

/*
 * Does a thread use a shadow stack? As its status says, in a line that kernels
 * without them lack (arch_proc_pid_thread_features(),
 * arch/x86/kernel/cpu/proc.c). UNKNOWN if that cannot be read.
 */
enum tri process_shadow_stack(const struct process *p, pid_t tid);

/*
 * Has the thread exited of which procfs_stat() returned `failed` and *stat?
 * Not if it failed for want of files or memory.
 */
bool process_has_exited(int failed, const struct procfs_stat *stat);

/*
 * Why the kernel refused to let thread `tid` be traced: "already traced by
 * ...", or what procfs_refusal() says. `name` is the process's.
 */
struct error *process_refusal(const struct process *p, pid_t tid,
			      const char *name) MUST_USE;

#endif
