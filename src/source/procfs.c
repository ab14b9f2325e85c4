/* SPDX-License-Identifier: GPL-3.0-or-later */
/* procfs.c - what /proc says of a process, and why it refuses to */
#include "source/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/lines.h"
#include "base/text.h"

/* A number in `base` at *text, which moves behind it. */
static bool take_number(const char **text, int base, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(*text, &end, base);
	if (end == *text || errno)
		return false;
	*text = end;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

bool procfs_parse_syscall(const char *text, struct procfs_syscall *ret)
{
	*ret = (struct procfs_syscall){ .where = PROCFS_RUNNING, .nr = -1 };
	if (!strncmp(text, "running", 7))
		return true;

	char *end;
	long long nr = strtoll(text, &end, 10);
	uint64_t argument;

	if (end == text)
		return false;
	ret->where = nr < 0 ? PROCFS_ELSEWHERE : PROCFS_IN_SYSCALL;
	ret->nr = nr < 0 ? -1 : nr;
	text = end;
	for (unsigned i = 0; i < 6 && nr >= 0; i++)
		if (!take_number(&text, 16, &argument))
			return false;
	return take_number(&text, 16, &ret->sp) &&
	       take_number(&text, 16, &ret->pc);
}

bool procfs_parse_stat(const char *text, struct procfs_stat *ret)
{
	const char *name = strchr(text, '(');
	/* the name may hold anything, the rest has no parentheses */
	const char *end = strrchr(text, ')');
	uint64_t value;

	*ret = (struct procfs_stat){ 0 };
	if (!name || !end || end < name || !take_number(&text, 10, &value))
		return false;
	ret->pid = (pid_t)value;

	size_t length = (size_t)(end - ++name);

	if (length >= sizeof(ret->name))
		length = sizeof(ret->name) - 1;
	memcpy(ret->name, name, length);

	if (end[1] != ' ' || !end[2])
		return false;
	ret->state = end[2];
	text = end + 3;
	if (!take_number(&text, 10, &value))
		return false;
	ret->parent = (pid_t)value;
	/* process group, session, terminal and its process group between */
	for (unsigned i = 0; i < 5; i++)
		if (!take_number(&text, 10, &ret->flags))
			return false;
	return true;
}

static const struct {
	const char *label;
	int base;
	unsigned count;		/* 0: the last one, of any number */
	size_t offset;
} status_lines[] = {
	{ "Tgid:", 10, 1, offsetof(struct procfs_status, tgid) },
	{ "NStgid:", 10, 0, offsetof(struct procfs_status, tgid_inside) },
	{ "TracerPid:", 10, 1, offsetof(struct procfs_status, tracer) },
	{ "Uid:", 10, 4, offsetof(struct procfs_status, uid) },
	{ "Gid:", 10, 4, offsetof(struct procfs_status, gid) },
	{ "SigBlk:", 16, 1, offsetof(struct procfs_status, blocked) },
	{ "CapPrm:", 16, 1, offsetof(struct procfs_status, cap_permitted) },
	{ "CapEff:", 16, 1, offsetof(struct procfs_status, cap_effective) },
	{ "Seccomp:", 10, 1, offsetof(struct procfs_status, seccomp) },
	{ "voluntary_ctxt_switches:", 10, 1,
	  offsetof(struct procfs_status, switches[0]) },
	{ "nonvoluntary_ctxt_switches:", 10, 1,
	  offsetof(struct procfs_status, switches[1]) },
};

/* The last of the numbers to the end of the line. */
static bool take_last(const char *line, int base, uint64_t *ret)
{
	const char *start = line + strcspn(line, "\n");

	while (start > line && start[-1] != '\t')
		start--;
	return take_number(&start, base, ret);
}

static bool has_shadow_stack(const char *line)
{
	struct span words = { line, strcspn(line, "\n") }, word;
	bool found = false;

	if (!span_take(&words, "x86_Thread_features:"))
		return false;
	while (!found && span_word(&words, &word))
		found = span_equal(word, "shstk");
	return found;
}

static bool parse_status_line(const char *line, struct procfs_status *ret)
{
	uint64_t value;

	ret->shadow_stack |= has_shadow_stack(line);
	for (size_t i = 0; i < ARRAY_SIZE(status_lines); i++) {
		size_t length = strlen(status_lines[i].label);

		if (strncmp(line, status_lines[i].label, length) != 0)
			continue;
		line += length;
		if (!status_lines[i].count) {
			if (!take_last(line, status_lines[i].base, &value))
				return false;
			memcpy((uint8_t *)ret + status_lines[i].offset, &value,
			       sizeof(value));
		}
		for (unsigned k = 0; k < status_lines[i].count; k++) {
			if (!take_number(&line, status_lines[i].base, &value))
				return false;
			memcpy((uint8_t *)ret + status_lines[i].offset +
				       k * sizeof(value),
			       &value, sizeof(value));
		}
		return true;
	}
	return true;
}

bool procfs_parse_status(const char *text, struct procfs_status *ret)
{
	*ret = (struct procfs_status){ 0 };
	while (text && *text) {
		if (!parse_status_line(text, ret))
			return false;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return ret->tgid != 0;
}

bool procfs_parse_mapping(const char *line, struct mapping *ret)
{
	uint64_t major, minor;

	*ret = (struct mapping){ 0 };
	if (!take_number(&line, 16, &ret->start) || !take_char(&line, '-') ||
	    !take_number(&line, 16, &ret->end) || !take_char(&line, ' ') ||
	    ret->end <= ret->start || strnlen(line, 5) < 5)
		return false;
	ret->prot = mapping_prot((line[0] == 'r' ? PROT_READ : 0) |
				 (line[1] == 'w' ? PROT_WRITE : 0) |
				 (line[2] == 'x' ? PROT_EXEC : 0));
	ret->shared = line[3] == 's';
	line += 4;
	if (!take_number(&line, 16, &ret->offset) ||
	    !take_number(&line, 16, &major) || !take_char(&line, ':') ||
	    !take_number(&line, 16, &minor) ||
	    !take_number(&line, 10, &ret->inode))
		return false;
	ret->device = makedev((unsigned)major, (unsigned)minor);

	line += strspn(line, " ");

	size_t length = strcspn(line, "\n");

	if (length)
		ret->path = strndup(line, length);
	return !length || ret->path;
}

unsigned procfs_auxv_word(struct bytes auxv)
{
	uint64_t first = 0;

	/* types are small: only two words of 32 bits make a large one */
	return bytes_u64(auxv, 0, &first) && first >> 32 ? 4 : 8;
}

uint64_t procfs_auxv(struct bytes auxv, uint64_t type)
{
	unsigned width = procfs_auxv_word(auxv);
	uint64_t entry, value;

	for (uint64_t off = 0; bytes_word(auxv, off, width, &entry) &&
			       bytes_word(auxv, off + width, width, &value) &&
			       entry;
	     off += 2 * width)
		if (entry == type)
			return value;
	return 0;
}

ssize_t procfs_read(int dir, char *buf, size_t size, const char *fmt, ...)
{
	char name[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);

	CLEANUP_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < size - 1) {
		ssize_t n = read(fd, buf + done, size - 1 - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
		/* a line is all that such a file has: spare another read */
		if (buf[done - 1] == '\n' && done < 512)
			break;
	}
	buf[done] = '\0';
	return (ssize_t)done;
}

/* "NAME" of the process itself, "task/TID/NAME" of a thread. */
static ssize_t read_of(int dir, pid_t tid, const char *name, char *buf,
		       size_t size)
{
	return tid ? procfs_read(dir, buf, size, "task/%d/%s", tid, name)
		   : procfs_read(dir, buf, size, "%s", name);
}

int procfs_stat(int dir, pid_t tid, struct procfs_stat *ret)
{
	char text[1024];
	ssize_t size = read_of(dir, tid, "stat", text, sizeof(text));

	if (size < 0)
		return (int)size;
	return procfs_parse_stat(text, ret) ? 0 : -EPROTO;
}

int procfs_status(int dir, pid_t tid, struct procfs_status *ret)
{
	char text[8192];
	ssize_t size = read_of(dir, tid, "status", text, sizeof(text));

	if (size < 0)
		return (int)size;
	return procfs_parse_status(text, ret) ? 0 : -EPROTO;
}

struct error *procfs_check(void)
{
	char self[32];
	ssize_t size = readlink("/proc/self", self, sizeof(self) - 1);

	if (size < 0)
		return error_os(errno, "/proc is not mounted");
	self[size] = '\0';
	if (atoi(self) != getpid())
		return error_new(ERROR_UNSUPPORTED,
				 "/proc is that of another PID namespace");
	return NULL;
}

/* A list of numbers under construction. */
struct numbers {
	pid_t *list;
	size_t count;
};

static bool add_number(struct numbers *n, pid_t number)
{
	pid_t *more = array_grow(n->list, n->count, sizeof(*more));

	if (!more)
		return false;
	n->list = more;
	n->list[n->count++] = number;
	return true;
}

/* The list, or none if it failed. */
static int give_numbers(struct numbers *n, int result, pid_t **ret,
			size_t *count_ret)
{
	if (result) {
		free(n->list);
		return result;
	}
	*ret = n->list;
	*count_ret = n->count;
	return 0;
}

int procfs_list(int dir, const char *name, pid_t **ret, size_t *count_ret)
{
	struct numbers n = { NULL, 0 };
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd >= 0 ? fdopendir(fd) : NULL;
	int result = stream ? 0 : -errno;
	struct dirent *entry;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		return result;
	}
	errno = 0;
	while (!result && (entry = readdir(stream))) {
		char first = entry->d_name[0];

		if (first >= '1' && first <= '9' &&
		    !add_number(&n, (pid_t)strtol(entry->d_name, NULL, 10)))
			result = -ENOMEM;
		errno = 0;
	}
	if (!result)
		result = -errno;
	closedir(stream);
	return give_numbers(&n, result, ret, count_ret);
}

/* A stdio stream of a file of thread `tid`; NULL: minus errno in *ret. */
static FILE *open_lines(int dir, pid_t tid, const char *what, int *ret)
{
	char name[64];

	snprintf(name, sizeof(name), "task/%d/%s", tid, what);

	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	*ret = file ? 0 : -errno;
	if (!file && fd >= 0)
		close(fd);
	/* the kernel fills at most a page per read */
	if (file)
		setvbuf(file, NULL, _IOFBF, 16384);
	return file;
}

int procfs_children(int dir, pid_t tid, pid_t **ret, size_t *count_ret)
{
	struct numbers n = { NULL, 0 };
	int result, child;
	FILE *file = open_lines(dir, tid, "children", &result);

	if (!file)
		return result;
	while (!result && fscanf(file, "%d", &child) == 1)
		if (!add_number(&n, child))
			result = -ENOMEM;
	if (!result && ferror(file))
		result = -EIO;
	fclose(file);
	return give_numbers(&n, result, ret, count_ret);
}

int procfs_maps(int dir, pid_t tid, struct snapshot *s)
{
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	int result;
	FILE *file = open_lines(dir, tid, "maps", &result);

	if (!file)
		return result;
	for (;;) {
		struct mapping m;
		struct mapping *added = NULL;

		errno = 0;
		if (getline(&line, &room, file) < 0) {
			result = -errno;
			break;
		}
		if (procfs_parse_mapping(line, &m))
			added = snapshot_add_mapping(s);
		if (!added) {
			free(m.path);
			result = -ENOMEM;
			break;
		}
		*added = m;
	}
	fclose(file);
	return result;
}

/* The same object behind two links? Unknown if one cannot be followed. */
static enum tri same_link(const char *path, int dir, const char *name)
{
	struct stat a, b;

	if (stat(path, &a) || fstatat(dir, name, &b, 0))
		return TRI_UNKNOWN;
	return tri_of(a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/*
 * The files of a process that is not dumpable belong to root, the others to
 * its effective user (fs/proc/base.c, task_dump_owner()).
 */
static enum tri is_dumpable(int dir, const struct procfs_status *target)
{
	struct stat st;

	if (!target->uid[1] || fstatat(dir, "maps", &st, 0))
		return TRI_UNKNOWN;
	return tri_of(st.st_uid == target->uid[1]);
}

void procfs_access(int dir, pid_t pid, const char *name,
		   struct procfs_access *ret)
{
	char text[64];
	uint64_t map[3] = { 0 };
	const char *at = text;

	*ret = (struct procfs_access){ .pid = pid, .name = name, .yama = -1 };

	CLEANUP_FD int own = open("/proc/self", O_PATH | O_CLOEXEC);

	if (own < 0 || procfs_status(own, 0, &ret->own))
		ret->own = (struct procfs_status){ 0 };
	if (procfs_status(dir, 0, &ret->target))
		ret->target = (struct procfs_status){ 0 };
	if (procfs_read(AT_FDCWD, text, sizeof(text),
			"/proc/sys/kernel/yama/ptrace_scope") > 0)
		ret->yama = (int)strtol(text, NULL, 10);
	ret->dumpable = is_dumpable(dir, &ret->target);
	ret->same_user_ns = same_link("/proc/self/ns/user", dir, "ns/user");
	/* the first user namespace maps all ids to themselves */
	if (procfs_read(AT_FDCWD, text, sizeof(text), "/proc/self/uid_map") > 0)
		ret->in_user_ns = !take_number(&at, 10, &map[0]) ||
				  !take_number(&at, 10, &map[1]) ||
				  !take_number(&at, 10, &map[2]) ||
				  map[2] != UINT32_MAX;
}

/* The first of the target's ids that is not ours; false if all are. */
static bool differs(uint64_t own, const uint64_t ids[4], uint64_t *ret)
{
	for (unsigned i = 0; i < 3; i++) {
		if (ids[i] == own)
			continue;
		*ret = ids[i];
		return true;
	}
	return false;
}

#define NEEDS_CAP "that takes CAP_SYS_PTRACE"

static void explain(const struct procfs_access *a, struct text *t)
{
	bool capable = a->own.cap_effective >> CAP_SYS_PTRACE & 1;
	uint64_t other;

	if (!a->target.tgid || !a->own.tgid)
		text_add(t, "/proc does not say why");
	else if (capable && a->same_user_ns == TRI_NO)
		text_add(t, "it belongs to another user namespace, where "
			    "CAP_SYS_PTRACE of this one does not count");
	else if (capable && a->same_user_ns == TRI_UNKNOWN && a->in_user_ns)
		text_add(t, "it probably belongs to another user namespace, "
			    "where CAP_SYS_PTRACE of this one does not count");
	else if (!capable && differs(a->own.uid[3], a->target.uid, &other))
		text_printf(t,
			    "it runs as user %" PRIu64 ", this is user %"
			    PRIu64 "; " NEEDS_CAP, other, a->own.uid[3]);
	else if (!capable && differs(a->own.gid[3], a->target.gid, &other))
		text_printf(t,
			    "it runs as group %" PRIu64 ", this is group %"
			    PRIu64 "; " NEEDS_CAP, other, a->own.gid[3]);
	else if (!capable && a->dumpable == TRI_NO)
		text_add(t, "it is not dumpable (it changed its privileges, "
			    "or PR_SET_DUMPABLE); " NEEDS_CAP);
	else if (!capable && a->same_user_ns == TRI_NO)
		text_add(t, "it belongs to another user namespace; "
			    NEEDS_CAP " there");
	else if (!capable && a->target.cap_permitted & ~a->own.cap_permitted)
		text_add(t, "it has capabilities that this process lacks; "
			    NEEDS_CAP);
	else if (a->yama >= 3)
		text_printf(t,
			    "kernel.yama.ptrace_scope is %d: nobody may until "
			    "the next boot", a->yama);
	else if (!capable && a->yama == 2)
		text_add(t, "kernel.yama.ptrace_scope is 2; " NEEDS_CAP);
	else if (!capable && a->yama == 1)
		text_add(t, "kernel.yama.ptrace_scope is 1: only its "
			    "ancestors may; else " NEEDS_CAP);
	else if (a->own.seccomp)
		text_add(t, "probably the seccomp filter that this process "
			    "runs under");
	else if (!capable && a->dumpable == TRI_UNKNOWN)
		text_add(t, "it may not be dumpable; " NEEDS_CAP);
	else
		text_add(t, "probably a security module (SELinux, AppArmor, "
			    "Landlock and so on)");
}

struct error *procfs_refusal(const struct procfs_access *a)
{
	struct text t = TEXT_INIT;

	text_printf(&t, "process %d (%s): permission denied: ", a->pid,
		    a->name);
	explain(a, &t);

	struct error *err = text_bad(&t)
				    ? &error_no_memory
				    : error_new(ERROR_PERMISSION, "%s",
						text_string(&t));

	text_deinit(&t);
	return err;
}
