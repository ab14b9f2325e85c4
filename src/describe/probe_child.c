/* SPDX-License-Identifier: GPL-3.0-or-later */
/* probe_child.c - a process that returns from made-up frames, and dies */
#include "describe/probe_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"

/* For one who cannot be killed at once, beyond PROBE_DEADLINE. */
#define KILL_DEADLINE 500

#define SA_RESTORER_FLAG 0x04000000

/* Never returns. */
void probe_child_enter(struct probe_job *job) __attribute__((__noreturn__));
void probe_child_landing(void);
void probe_child_handler(void);

/* Offsets in struct probe_job and struct probe_row for the assembly. */
#define JOB_LIVE 0
#define JOB_COMPONENTS 8
#define JOB_ROW 16
#define JOB_ROWS_END 24
#define JOB_MEMORY 32
#define JOB_MEMORY_END 40
#define JOB_BLOCKED 48
#define JOB_ALTSTACK 56
#define JOB_ACTION 80
#define ROW_SP 0
#define ROW_RESULT 8
#define ROW_PATH 16
#define ROW_SIZE 24

#define CHECK_JOB(name, field)                                                 \
	_Static_assert(offsetof(struct probe_job, field) == (name), #field)
CHECK_JOB(JOB_LIVE, live);
CHECK_JOB(JOB_COMPONENTS, components);
CHECK_JOB(JOB_ROW, row);
CHECK_JOB(JOB_ROWS_END, rows_end);
CHECK_JOB(JOB_MEMORY, memory);
CHECK_JOB(JOB_MEMORY_END, memory_end);
CHECK_JOB(JOB_BLOCKED, blocked);
CHECK_JOB(JOB_ALTSTACK, altstack);
CHECK_JOB(JOB_ACTION, action);
#define CHECK_ROW(name, field)                                                 \
	_Static_assert(offsetof(struct probe_row, field) == (name), #field)
CHECK_ROW(ROW_SP, sp);
CHECK_ROW(ROW_RESULT, result);
CHECK_ROW(ROW_PATH, path);
_Static_assert(sizeof(struct probe_row) == ROW_SIZE, "rows");
_Static_assert(PROBE_LANDED == 1 && PROBE_SIGNALLED == 2 &&
	       PROBE_CONTINUED == 3, "paths");

#define STRING(x) #x
#define NUMBER(x) STRING(x)
#define CALL(nr) "	mov $" NUMBER(nr) ", %eax\n	syscall\n"
#define JOB(name) NUMBER(JOB_##name) "(%rbx)"
#define ROW(name) NUMBER(ROW_##name) "(%r12)"
#define LOAD_JOB "	mov probe_child_job(%rip), %rbx\n"

/*
 * Without calls, returns or a stack: after a return the stack is wherever the
 * frame says. rbx is the job, r12 the row, both found anew after each.
 */
__asm__(".local probe_child_job\n"
	".comm probe_child_job, 8, 8\n"
	".text\n"
	".globl probe_child_enter\n"
	".hidden probe_child_enter\n"
	"probe_child_enter:\n"
	"	mov %rdi, probe_child_job(%rip)\n"
	LOAD_JOB
	/* prctl: die with the parent, leave no core */
	"	mov $1, %edi\n"			/* PR_SET_PDEATHSIG */
	"	mov $9, %esi\n"
	CALL(157)
	"	mov $4, %edi\n"			/* PR_SET_DUMPABLE */
	"	xor %esi, %esi\n"
	CALL(157)
	/*
	 * Shared pages are not there after a fork. All have to be, so that
	 * XRSTOR takes no page fault: see RULES_PREFAULT_XSTATE_SIZE.
	 */
	"	mov " JOB(MEMORY) ", %rcx\n"
	"1:	orb $0, (%rcx)\n"
	"	add $4096, %rcx\n"
	"	cmp " JOB(MEMORY_END) ", %rcx\n"
	"	jb 1b\n"
	"	lea " JOB(ALTSTACK) ", %rdi\n"
	"	xor %esi, %esi\n"
	CALL(131)				/* sigaltstack */
	"	mov $11, %edi\n"		/* SIGSEGV */
	"	lea " JOB(ACTION) ", %rsi\n"
	"	xor %edx, %edx\n"
	"	mov $8, %r10d\n"
	CALL(13)				/* rt_sigaction */
	"	mov $7, %edi\n"			/* SIGBUS */
	"	lea " JOB(ACTION) ", %rsi\n"
	"	xor %edx, %edx\n"
	"	mov $8, %r10d\n"
	CALL(13)
	"	mov $2, %edi\n"			/* SIG_SETMASK */
	"	lea " JOB(BLOCKED) ", %rsi\n"
	"	xor %edx, %edx\n"
	"	mov $8, %r10d\n"
	CALL(14)				/* rt_sigprocmask */

	"2:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	cmp " JOB(ROWS_END) ", %r12\n"
	"	jae 4f\n"
	"	mov " JOB(LIVE) ", %rcx\n"
	"	mov " JOB(COMPONENTS) ", %eax\n"
	"	mov 4+" JOB(COMPONENTS) ", %edx\n"
	"	xrstor64 (%rcx)\n"
	"	mov " ROW(SP) ", %rsp\n"
	CALL(15)				/* rt_sigreturn */
	"	mov $3, %esi\n"
	"	jmp 3f\n"

	".globl probe_child_landing\n"
	".hidden probe_child_landing\n"
	"probe_child_landing:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	mov " ROW(RESULT) ", %rcx\n"
	"	mov " JOB(COMPONENTS) ", %eax\n"
	"	mov 4+" JOB(COMPONENTS) ", %edx\n"
	"	xsave64 (%rcx)\n"
	"	mov $1, %esi\n"
	"	jmp 3f\n"

	".globl probe_child_handler\n"
	".hidden probe_child_handler\n"
	"probe_child_handler:\n"
	"	mov $2, %esi\n"

	"3:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	mov %rsi, " ROW(PATH) "\n"
	"	addq $" NUMBER(ROW_SIZE) ", " JOB(ROW) "\n"
	"	jmp 2b\n"

	"4:	xor %edi, %edi\n"
	CALL(231)				/* exit_group */
	"	hlt\n");

uint64_t probe_landing(void)
{
	return (uint64_t)(uintptr_t)probe_child_landing;
}

static void fill_job(struct probe_job *job, unsigned count, uint64_t memory,
		     size_t size)
{
	job->row = (uint64_t)(uintptr_t)job->rows;
	job->rows_end = job->row + count * sizeof(job->rows[0]);
	job->memory = memory;
	job->memory_end = memory + size;
	job->blocked = PROBE_BLOCKED;
	job->action.handler = (uint64_t)(uintptr_t)probe_child_handler;
	job->action.flags = SA_ONSTACK | SA_NODEFER | SA_RESTORER_FLAG;
	/* wanted, but no handler returns */
	job->action.restorer = job->action.handler;
	job->action.mask = job->blocked;
}

/*
 * Like fork(), without an exit signal and what libraries do in a child. -1,
 * and errno, without a child. Sanitizers would have the child call them.
 */
__attribute__((__no_sanitize__("address", "undefined")))
static pid_t start(struct probe_job *job)
{
	sigset_t all, old;
	long pid;
	int error;

	/* the child must not run a handler that was made for its parent */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (!pid)
		probe_child_enter(job);
	error = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return (pid_t)pid;
}

static long milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000L;
}

/* Wait until all writing ends of the pipe are closed; false: out of time. */
static bool wait_closed(int fd, long timeout)
{
	long end = milliseconds() + timeout;

	for (;;) {
		struct pollfd p = { .fd = fd };
		long left = end - milliseconds();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return true;
		if (n == 0 || errno != EINTR)
			return false;
	}
}

/* Takes away what is left of the child; false if it goes on living. */
static bool reap(pid_t pid, bool gone, int *status_ret)
{
	pid_t got;

	do
		got = waitpid(pid, status_ret, __WALL | (gone ? 0 : WNOHANG));
	while (got < 0 && errno == EINTR);
	if (got < 0)		/* somebody else has: its rows will tell */
		*status_ret = 0;
	return got != 0;
}

bool probe_child_run(struct probe_job *job, unsigned count, uint64_t memory,
		     size_t size, char *why, size_t why_size)
{
	CLEANUP_FD int read_end = -1;
	CLEANUP_FD int write_end = -1;
	int ends[2], status = 0;
	pid_t pid;

	fill_job(job, count, memory, size);
	/* its end closes the pipe: works for any kernel, and without SIGCHLD */
	if (pipe2(ends, O_CLOEXEC)) {
		snprintf(why, why_size, "no pipe: %s", strerror(errno));
		return false;
	}
	read_end = ends[0];
	write_end = ends[1];
	pid = start(job);
	if (pid < 0) {
		snprintf(why, why_size, "no child process: %s",
			 strerror(errno));
		return false;
	}
	close(TAKE_FD(write_end));

	bool gone = wait_closed(read_end, PROBE_DEADLINE);

	if (!gone) {
		kill(pid, SIGKILL);
		gone = wait_closed(read_end, KILL_DEADLINE);
		reap(pid, gone, &status);
		snprintf(why, why_size, "the child was not done in time");
		return false;
	}
	reap(pid, gone, &status);
	if (WIFSIGNALED(status)) {
		snprintf(why, why_size, "the child was killed by signal %d",
			 WTERMSIG(status));
		return false;
	}
	return true;
}
