/* SPDX-License-Identifier: GPL-3.0-or-later */
/* process.c - a handle on a running process that never slips to another */
#include "source/process.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "source/elffile.h"
#include "source/elfnames.h"

/* How long a thread that was let go is waited for, in all 10 ms. */
enum { RESUME_TRIES = 20, RESUME_NAP = 500000 };

/* Bytes of neighbouring mappings whose pages are asked about at once. */
#define AHEAD_MAX (UINT64_C(128) << 20)

/*
 * Unlike process_vm_readv(), this reads the memory that the process had when
 * it was opened or none: neither another program's after exec, nor another
 * process's that got its PID. The caller keeps to readable mappings.
 */
size_t process_read(const struct snapshot *s, uint64_t addr, void *buf,
		    size_t size)
{
	const struct process *p = s->source;
	size_t done = 0;

	while (done < size && addr <= INT64_MAX - size) {
		ssize_t n = pread(p->mem, (uint8_t *)buf + done, size - done,
				  (off_t)(addr + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

bool process_has_memory(const struct process *p)
{
	uint8_t byte;

	return pread(p->mem, &byte, 1, 0) != 0;
}

/* `fd` is the regular file that was mapped. */
static bool is_mapped_file(int fd, const struct mapping *m, bool exact)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return false;
	/*
	 * Some file systems tell stat() another device than the kernel shows
	 * in maps: that only matters where the file was found by its name.
	 */
	return st.st_ino == m->inode && (exact || st.st_dev == m->device);
}

static struct error *process_open_file(const struct snapshot *s,
				       const struct mapping *m, int *fd_ret)
{
	const struct process *p = s->source;
	char name[96];
	CLEANUP_FD int place = -1;
	bool exact = true;

	if (!m->path || !m->inode)
		return error_new(ERROR_UNSUPPORTED, "not a file's mapping");
	/* the link is the file itself, wherever its name leads by now */
	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
		 m->start, m->end);
	place = openat(p->dir, name, O_PATH | O_CLOEXEC);
	if (place < 0 && m->path[0] == '/') {
		exact = false;
		place = open(m->path, O_PATH | O_CLOEXEC);
	}
	if (place < 0)
		return error_os(errno, "cannot open the mapped file");
	if (!is_mapped_file(place, m, exact))
		return error_new(ERROR_GONE,
				 "the name no longer leads to the file that "
				 "is mapped");

	int fd = elffile_reopen(place);

	if (fd < 0)
		return error_os(errno, "cannot open the mapped file");
	*fd_ret = fd;
	return NULL;
}

/*
 * How far to ask about at once from the mapping on that holds `from`: over
 * small ones, as stacks are. A large one may have pages by the million.
 */
static uint64_t pages_ahead(const struct snapshot *s, uint64_t from)
{
	const struct mapping *m = snapshot_mapping(s, from);
	const struct mapping *last = s->mappings + s->mappings_count;
	uint64_t left = AHEAD_MAX;

	/* "[vsyscall]" is not the process's */
	while (m && m < last && m->end - m->start <= left &&
	       m->end <= INT64_MAX) {
		left -= m->end - m->start;
		m++;
	}
	return m && m > s->mappings ? m[-1].end : from;
}

static uint64_t process_next_data(const struct snapshot *s, uint64_t from,
				  uint64_t to, uint64_t *end_ret)
{
	struct process *p = s->source;
	uint64_t ahead = 0;

	if (!p->pages_opened) {
		char name[64];

		snprintf(name, sizeof(name), "task/%d/pagemap", p->mm_tid);
		pagemap_init(&p->pages,
			     openat(p->dir, name, O_RDONLY | O_CLOEXEC));
		p->pages_opened = true;
	}
	if (from < p->pages.from || from >= p->pages.to)
		ahead = pages_ahead(s, from);
	return pagemap_next(&p->pages, from, to, ahead, end_ret);
}

bool process_traces_us(const struct process *p)
{
	CLEANUP_FD int self = open("/proc/self",
				   O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct procfs_status own;
	struct procfs_stat tracer;

	/* it is a thread that traces */
	return self >= 0 && !procfs_status(self, 0, &own) && own.tracer &&
	       !procfs_stat(p->dir, (pid_t)own.tracer, &tracer);
}

bool process_syscall(const struct process *p, pid_t tid,
		     struct procfs_syscall *ret)
{
	char text[256];

	return procfs_read(p->dir, text, sizeof(text), "task/%d/syscall",
			   tid) > 0 &&
	       procfs_parse_syscall(text, ret);
}

enum tri process_shadow_stack(const struct process *p, pid_t tid)
{
	struct procfs_status status;

	if (procfs_status(p->dir, tid, &status))
		return TRI_UNKNOWN;
	return tri_of(status.shadow_stack);
}

static bool process_stood(const struct snapshot *s, size_t thread)
{
	const struct thread *t = &s->threads[thread];
	uint64_t pc = t->regs.r[X86_RIP];
	/* who was stopped in a system call may still be on the way back to it */
	unsigned tries = t->stopped && t->orig_rax >= 0 ? RESUME_TRIES : 1;
	struct procfs_syscall now = { .where = PROCFS_RUNNING };

	if (!(t->has & THREAD_HAS_PC_SP))
		return false;
	for (unsigned n = 0; n < tries && now.where == PROCFS_RUNNING; n++) {
		if (n)
			nanosleep(&(struct timespec){ .tv_nsec = RESUME_NAP },
				  NULL);
		if (!process_syscall(s->source, t->tid, &now))
			return false;
	}
	/* a call that is to be restarted is two bytes back meanwhile */
	return now.where != PROCFS_RUNNING && now.sp == t->regs.r[X86_RSP] &&
	       (now.pc == pc || now.pc == pc + 2);
}

static void process_close(struct snapshot *s)
{
	struct process *p = s->source;

	if (!p)
		return;
	pagemap_deinit(&p->pages);
	if (p->dir >= 0)
		close(p->dir);
	if (p->mem >= 0)
		close(p->mem);
	free(p);
}

static const struct snapshot_ops process_ops = {
	.read = process_read,
	.next_data = process_next_data,
	.stood = process_stood,
	.open_file = process_open_file,
	.close = process_close,
};

static struct error *no_process(pid_t pid)
{
	return error_new(ERROR_GONE, "no process %d", pid);
}

static struct error *open_dir(pid_t pid, int *ret)
{
	char name[32];

	if (pid <= 0)
		return no_process(pid);

	struct error *err = procfs_check();

	if (err)
		return err;
	snprintf(name, sizeof(name), "/proc/%d", pid);
	*ret = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret >= 0)
		return NULL;

	int reason = errno;

	if (reason != ENOENT && reason != ESRCH)
		return error_os(reason, "cannot open %s", name);
	if (!kill(pid, 0) || errno == EPERM)
		return error_new(ERROR_PERMISSION,
				 "process %d is hidden: /proc is mounted with "
				 "hidepid", pid);
	return no_process(pid);
}

/* "process PID (NAME) WHAT" */
static struct error *named_error(enum error_code code, pid_t pid,
				 const char *name, const char *what)
{
	return error_new(code, "process %d (%s) %s", pid, name, what);
}

static bool is_gone(int failed)
{
	return failed == -ENOENT || failed == -ESRCH;
}

bool process_has_exited(int failed, const struct procfs_stat *stat)
{
	return failed ? is_gone(failed)
		      : stat->state == 'Z' || stat->state == 'X' ||
				stat->state == 'x';
}

/* It is a process, and may have memory of its own. */
static struct error *check_kind(pid_t pid, const struct procfs_stat *stat,
				const struct procfs_status *status)
{
	if ((pid_t)status->tgid != pid)
		return error_new(ERROR_BAD_INPUT,
				 "%d is a thread of process %d, not a process",
				 pid, (int)status->tgid);
	if (stat->flags & PROCFS_PF_KTHREAD)
		return named_error(ERROR_UNSUPPORTED, pid, stat->name,
				   "is a kernel thread: it has no stack in "
				   "user space");
	if (pid == getpid())
		return named_error(ERROR_USAGE, pid, stat->name,
				   "is this very process");
	return NULL;
}

/*
 * The first thread that is not a zombie: the leader can be one alone. 0 if
 * there is none, minus errno if that cannot be told.
 */
static pid_t find_live_thread(const struct process *p)
{
	CLEANUP_FREE pid_t *tids = NULL;
	size_t count = 0;
	int failed = procfs_list(p->dir, "task", &tids, &count);

	if (failed)
		return is_gone(failed) ? 0 : failed;
	for (size_t i = 0; i < count; i++) {
		struct procfs_stat stat;

		failed = procfs_stat(p->dir, tids[i], &stat);
		if (!process_has_exited(failed, &stat))
			return failed ? failed : tids[i];
	}
	return 0;
}

int process_is_alive(const struct process *p)
{
	struct procfs_stat stat;
	int failed = procfs_stat(p->dir, p->mm_tid, &stat);

	if (!process_has_exited(failed, &stat))
		return failed ? failed : 1;

	pid_t tid = find_live_thread(p);

	return tid > 0 ? 1 : tid;
}

static struct error *refused(const struct process *p, const char *name)
{
	struct procfs_access access;

	procfs_access(p->dir, p->pid, name, &access);
	return procfs_refusal(&access);
}

struct error *process_refusal(const struct process *p, pid_t tid,
			      const char *name)
{
	struct procfs_status status;
	char tracer[32] = "";

	if (procfs_status(p->dir, tid, &status) || !status.tracer)
		return refused(p, name);

	if (procfs_read(AT_FDCWD, tracer, sizeof(tracer), "/proc/%d/comm",
			(int)status.tracer) > 0)
		tracer[strcspn(tracer, "\n")] = '\0';
	return error_new(ERROR_PERMISSION, "already traced by process %d (%s)",
			 (int)status.tracer, tracer);
}

/* Who has given up the memory already looks like somebody else's. */
static bool is_exiting(const struct process *p)
{
	struct procfs_stat stat;
	int failed = procfs_stat(p->dir, p->mm_tid, &stat);

	return process_has_exited(failed, &stat) ||
	       (!failed && stat.flags & PROCFS_PF_EXITING);
}

static struct error *open_memory(struct process *p, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "task/%d/mem", p->mm_tid);
	p->mem = openat(p->dir, path, O_RDONLY | O_CLOEXEC);
	if (p->mem >= 0)
		return NULL;
	if (errno == ENOENT || errno == ESRCH)
		return no_process(p->pid);
	if (errno == EACCES || errno == EPERM)
		return is_exiting(p) ? no_process(p->pid) : refused(p, name);
	return error_os(errno, "cannot open the memory of process %d", p->pid);
}

/* What may be missing without harm. */
static struct error *describe(struct process *p, struct snapshot *s)
{
	char path[64];
	char buf[PATH_MAX];
	struct utsname host;
	ssize_t size;

	snprintf(path, sizeof(path), "task/%d/exe", p->mm_tid);
	size = readlinkat(p->dir, path, buf, sizeof(buf));
	if (size > 0) {
		s->executable = strndup(buf, (size_t)size);
		if (!s->executable)
			return &error_no_memory;
	}
	if (!uname(&host)) {
		s->kernel = strdup(host.release);
		if (!s->kernel)
			return &error_no_memory;
	}
	size = procfs_read(p->dir, buf, sizeof(buf), "task/%d/auxv",
			   p->mm_tid);
	if (size > 0) {
		struct bytes auxv = { (uint8_t *)buf, (size_t)size, 0 };

		s->minsigstksz = procfs_auxv(auxv, AT_MINSIGSTKSZ);
		s->vdso = procfs_auxv(auxv, AT_SYSINFO_EHDR);
		s->random = procfs_auxv(auxv, AT_RANDOM);
		s->word = procfs_auxv_word(auxv);
		s->machine = s->word == 4 ? EM_386 : EM_X86_64;
	}
	return NULL;
}

struct error *process_open(pid_t pid, struct snapshot *s)
{
	struct process *p = malloc(sizeof(*p));
	struct procfs_stat stat;
	struct procfs_status status;

	if (!p)
		return &error_no_memory;
	*p = (struct process){ .pid = pid, .dir = -1, .mem = -1 };
	p->pages.fd = -1;
	s->source = p;
	s->ops = &process_ops;
	s->pid = pid;

	struct error *err = open_dir(pid, &p->dir);

	if (err)
		return err;

	int failed = procfs_stat(p->dir, 0, &stat);

	if (!failed)
		failed = procfs_status(p->dir, 0, &status);
	if (is_gone(failed))
		return no_process(pid);
	if (failed)
		return error_os(-failed, "cannot read about process %d", pid);
	memcpy(s->command, stat.name, sizeof(s->command));
	s->pid_inside = (pid_t)status.tgid_inside;
	err = check_kind(pid, &stat, &status);
	if (err)
		return err;

	p->mm_tid = process_has_exited(0, &stat) ? find_live_thread(p) : pid;
	if (p->mm_tid < 0)
		return error_os(-p->mm_tid, "cannot read about the threads of "
				"process %d", pid);
	if (!p->mm_tid)
		return named_error(ERROR_GONE, pid, stat.name,
				   "is a zombie: it has exited and its parent "
				   "has not taken note");
	if (p->mm_tid != pid)
		snapshot_note(s, "the main thread of process %d has exited",
			      pid);
	err = open_memory(p, stat.name);
	if (err)
		return err;
	return describe(p, s);
}
