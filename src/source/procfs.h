/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procfs.h - what /proc says of a process, and why it refuses to */
#ifndef SIGFRAME_SOURCE_PROCFS_H
#define SIGFRAME_SOURCE_PROCFS_H

#include "source/snapshot.h"

/*
 * Directories are descriptors of /proc/PID: they stay with the process, so
 * that nothing is ever read from another one that got its PID.
 */

/* /proc/PID/task/TID/syscall (fs/proc/base.c, proc_pid_syscall()). */
enum procfs_where {
	PROCFS_RUNNING,		/* or about to: nothing is known */
	PROCFS_IN_SYSCALL,	/* blocked in system call `nr` */
	PROCFS_ELSEWHERE,	/* blocked, stopped or faulting; nr is -1 */
};

struct procfs_syscall {
	enum procfs_where where;
	int64_t nr;
	uint64_t sp;
	uint64_t pc;
};

/* /proc/PID/stat */
struct procfs_stat {
	pid_t pid;
	char name[32];		/* comm; foreign */
	char state;
	pid_t parent;
	uint64_t flags;		/* PF_* of the kernel */
};

#define PROCFS_PF_EXITING UINT64_C(0x00000004)
#define PROCFS_PF_KTHREAD UINT64_C(0x00200000)

/* /proc/PID/status; absent lines leave 0. Ids: real, effective, saved, fs. */
struct procfs_status {
	uint64_t tgid;
	uint64_t tgid_inside;	/* in the innermost of its pid namespaces */
	uint64_t tracer;
	uint64_t uid[4];
	uint64_t gid[4];
	uint64_t blocked;	/* signal mask, bit n-1 */
	uint64_t cap_permitted;
	uint64_t cap_effective;
	uint64_t seccomp;	/* mode, 0: none */
	uint64_t switches[2];	/* voluntary and other context switches */
	bool shadow_stack; /* "shstk" is among the thread's features */
};

/* Parsers of the files' text. False, *ret undefined, if it is malformed. */
bool procfs_parse_syscall(const char *text, struct procfs_syscall *ret);
bool procfs_parse_stat(const char *text, struct procfs_stat *ret);
bool procfs_parse_status(const char *text, struct procfs_status *ret);

/* One line of maps; ret->path is allocated. False also without memory. */
bool procfs_parse_mapping(const char *line, struct mapping *ret);

/*
 * The value of an auxv entry, 0 if there is none. The words of a 32-bit
 * process are found out from the bytes.
 */
uint64_t procfs_auxv(struct bytes auxv, uint64_t type);
/* Bytes of one of its words: 4 or 8. */
unsigned procfs_auxv_word(struct bytes auxv);

/*
 * Read a small file relative to `dir` into `buf`, and a NUL behind. Returns
 * the bytes read, or minus errno.
 */
ssize_t procfs_read(int dir, char *buf, size_t size, const char *fmt, ...)
	PRINTF(4, 5);

/* Of the process `dir` (tid 0) or its thread `tid`; 0, or minus errno. */
int procfs_stat(int dir, pid_t tid, struct procfs_stat *ret);
int procfs_status(int dir, pid_t tid, struct procfs_status *ret);

/*
 * Does /proc number processes as system calls do? Else it is another PID
 * namespace's, and who is read about is not who is stopped.
 */
struct error *procfs_check(void) MUST_USE;

/*
 * The numbers among the names in directory `name` relative to `dir`, in its
 * order. The caller frees *ret. 0, or minus errno.
 */
int procfs_list(int dir, const char *name, pid_t **ret, size_t *count_ret);

/*
 * The children that thread `tid` started, as procfs_list() gives them. -ENOENT
 * also where the kernel keeps no such list.
 */
int procfs_children(int dir, pid_t tid, pid_t **ret, size_t *count_ret);

/* Append the mappings that thread `tid` has; 0, or minus errno. */
int procfs_maps(int dir, pid_t tid, struct snapshot *s);

/* What decides whether the kernel lets one process examine another. */
struct procfs_access {
	pid_t pid;
	const char *name;	/* comm; foreign */
	struct procfs_status own;
	struct procfs_status target;
	int yama;		/* kernel.yama.ptrace_scope; -1: no Yama */
	enum tri dumpable;
	enum tri same_user_ns;
	bool in_user_ns;	/* this process is not in the first one */
};

/* Ask /proc for it; what it does not tell stays unknown. */
void procfs_access(int dir, pid_t pid, const char *name,
		   struct procfs_access *ret);

/*
 * ERROR_PERMISSION that names what stands in the way, judged in the order of
 * the kernel's __ptrace_may_access().
 */
struct error *procfs_refusal(const struct procfs_access *a) MUST_USE;

#endif
