/* SPDX-License-Identifier: GPL-3.0-or-later */
/* confine.c - a process gives up what it could do harm with */
#include "locate/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/valgrind.h"
#include "locate/bpf.h"
#include "locate/question.h"

/* Overflow uid and gid: nobody's. */
#define NOBODY 65534

/* uapi/linux/landlock.h, which may be older than the kernel. */
enum { LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1 };

struct landlock_rights {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

/* By version, the last for all that follow: what there is to be denied. */
static const struct {
	struct landlock_rights rights;
	size_t size;
} landlocks[] = {
	{ { .fs = 0x1fff }, 8 },
	{ { .fs = 0x3fff }, 8 },
	{ { .fs = 0x7fff }, 8 },
	{ { .fs = 0x7fff, .net = 3 }, 16 },
	{ { .fs = 0xffff, .net = 3 }, 16 },
	{ { .fs = 0xffff, .net = 3, .scoped = 3 }, 24 },
};

/* No file can be opened, and no port used. It is no harm if there is none. */
static void deny_files(void)
{
	long version = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
	CLEANUP_FD int fd = -1;

	if (version < 1)
		return;
	if (version > (long)ARRAY_SIZE(landlocks))
		version = ARRAY_SIZE(landlocks);
	fd = (int)syscall(LANDLOCK_CREATE, &landlocks[version - 1].rights,
			  landlocks[version - 1].size, 0);
	if (fd >= 0)
		(void)syscall(LANDLOCK_RESTRICT, fd, 0);
}

#define ALLOW(nr)                                                              \
	BPF_IF_EQUAL((nr), 0, 1), BPF_END(SECCOMP_RET_ALLOW)
#define ALLOW_WITH(nr, arg, value)                                             \
	BPF_IF_EQUAL((nr), 0, 4), BPF_LOAD(args[arg]),                         \
		BPF_IF_EQUAL((value), 1, 0),                                   \
		BPF_END(SECCOMP_RET_ERRNO | EACCES), BPF_END(SECCOMP_RET_ALLOW)
#define ALLOW_WITHOUT(nr, arg, bits)                                           \
	BPF_IF_EQUAL((nr), 0, 4), BPF_LOAD(args[arg]),                         \
		BPF_IF_ANY((bits), 0, 1), BPF_END(SECCOMP_RET_KILL_PROCESS),   \
		BPF_END(SECCOMP_RET_ALLOW)
#define TRAP(nr)                                                               \
	BPF_IF_EQUAL((nr), 0, 1), BPF_END(SECCOMP_RET_TRAP)
#define REFUSE(nr)                                                             \
	BPF_IF_EQUAL((nr), 0, 1), BPF_END(SECCOMP_RET_ERRNO | EACCES)

static struct sock_filter instructions[] = {
	BPF_LOAD(arch),
	BPF_IF_EQUAL(AUDIT_ARCH_X86_64, 1, 0),
	BPF_END(SECCOMP_RET_KILL_PROCESS),
	BPF_LOAD(nr),
	/* all but these few: the kernel goes through the list for each */
	BPF_IF_ABOVE(SYS_newfstatat, 0, 1),
	BPF_END(SECCOMP_RET_KILL_PROCESS),
	ALLOW(SYS_recvmsg),
	/* not sendmsg: it would send descriptors, its own socket's too */
	ALLOW(SYS_sendto),
	ALLOW(SYS_pread64),
	ALLOW_WITHOUT(SYS_mmap, 2, PROT_EXEC),
	ALLOW(SYS_munmap),
	ALLOW(SYS_brk),
	ALLOW(SYS_close),
	TRAP(SYS_newfstatat),
	ALLOW(SYS_rt_sigreturn),
	ALLOW(SYS_fstat),
	/* F_GETFD: is this a descriptor? */
	ALLOW_WITH(SYS_fcntl, 1, F_GETFD),
	ALLOW(SYS_read),
	ALLOW(SYS_lseek),
	ALLOW(SYS_mremap),
	ALLOW(SYS_madvise),
	ALLOW_WITHOUT(SYS_mprotect, 2, PROT_EXEC),
	ALLOW(SYS_exit_group),
	/* qsort() asks how much memory there is */
	ALLOW(SYS_sysinfo),
	/* libdw asks for names, and goes on without files that it has not */
	REFUSE(SYS_openat),
	REFUSE(SYS_readlink),
	REFUSE(SYS_getcwd),
#if CONFINE_SANITIZED
	ALLOW(SYS_futex),
	ALLOW(SYS_write),
	ALLOW(SYS_getpid),
	ALLOW(SYS_gettid),
	ALLOW(SYS_sched_yield),
	ALLOW(SYS_sigaltstack),
	ALLOW(SYS_rt_sigaction),
	ALLOW(SYS_rt_sigprocmask),
	REFUSE(SYS_prctl),
#else
	/* pthread_once(), with nobody waiting */
	ALLOW_WITH(SYS_futex, 1, FUTEX_WAKE_PRIVATE),
#endif
	BPF_END(SECCOMP_RET_KILL_PROCESS),
};

/*
 * fstat() is newfstatat() in some C libraries, which finds any file by name.
 * Filters do not see names, so that it is trapped, and done here without one.
 */
static void stat_descriptor(int number, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	if (r[REG_R10] != AT_EMPTY_PATH || *(const char *)r[REG_RSI])
		r[REG_RAX] = -EACCES;
	else if (syscall(SYS_fstat, r[REG_RDI], r[REG_RDX]))
		r[REG_RAX] = -errno;
	else
		r[REG_RAX] = 0;
}

static bool handle_traps(void)
{
	const struct sigaction action = {
		.sa_sigaction = stat_descriptor,
		.sa_flags = SA_SIGINFO,
	};
	sigset_t trap;

	sigemptyset(&trap);
	sigaddset(&trap, SIGSYS);
	return !sigaction(SIGSYS, &action, NULL) &&
	       !sigprocmask(SIG_UNBLOCK, &trap, NULL);
}

bool confine_calls(void)
{
	static const struct sock_fprog program = {
		.len = ARRAY_SIZE(instructions),
		.filter = instructions,
	};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && handle_traps() &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* A file may make it use much memory: nobody else is to be killed for it. */
static void offer_to_die(void)
{
	CLEANUP_FD int fd = open("/proc/self/oom_score_adj",
				 O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1000", 4);
}

static bool limit(int what, uint64_t most)
{
	struct rlimit old;

	if (getrlimit((enum __rlimit_resource)what, &old))
		return false;
	if (most > old.rlim_max)
		most = old.rlim_max;
	return !setrlimit((enum __rlimit_resource)what,
			  &(struct rlimit){ most, most });
}

static bool limit_all(const struct confine_limits *l)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, 0) &&
	       limit(RLIMIT_NPROC, 0) && limit(RLIMIT_MEMLOCK, 0) &&
	       /* two a file, and the socket */
	       limit(RLIMIT_NOFILE, 2 * QUESTION_FILES + 1) &&
	       limit(RLIMIT_CPU, l->seconds) &&
	       (CONFINE_SANITIZED || valgrind_is_here() ||
		limit(RLIMIT_AS, l->memory));
}

/*
 * root without capabilities still owns root's files. In a user namespace there
 * may be nobody else, or groups that cannot be left.
 */
static bool drop_privileges(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[2] = { 0 };

	if (!geteuid() || !getuid()) {
		(void)!setgroups(0, NULL);
		(void)!setresgid(NOBODY, NOBODY, NOBODY);
		(void)!setresuid(NOBODY, NOBODY, NOBODY);
	}
	return !syscall(SYS_capset, &header, none);
}

bool confine(int fd, pid_t parent, const struct confine_limits *limits)
{
	offer_to_die();
	if (fd != CONFINE_FD && dup2(fd, CONFINE_FD) < 0)
		return false;
	closefrom(CONFINE_SANITIZED ? STDERR_FILENO + 1 : CONFINE_FD + 1);
	/* valgrind keeps some for itself */
	if (!limit_all(limits) && !valgrind_is_here())
		return false;
	if (!drop_privileges() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return false;
	/* both would be undone by a change of user */
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_PDEATHSIG, SIGKILL) ||
	    getppid() != parent)
		return false;
	/*
	 * Who may not open anything needs not be denied files. Valgrind makes
	 * calls of its own.
	 */
	if (valgrind_is_here() || !confine_calls())
		deny_files();
	return true;
}
