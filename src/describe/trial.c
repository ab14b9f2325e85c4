/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trial.c - a process that returns from frames put before it, and dies */
#include "describe/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/wait.h"

/* For one who cannot be killed at once, beyond the deadline. */
#define KILL_DEADLINE 500
/* A return that has taken so many milliseconds of a CPU is none. */
#define SPINNING 100

#define SA_RESTORER_FLAG 0x04000000

/* How the child ends that never came to its rows; 0: it did. */
enum child_exit {
	CHILD_ORPHANED = 1,
	CHILD_NO_DYNAMIC = 2,
	CHILD_NO_FILTER = 3,
};

/* Never returns. */
void trial_child_enter(struct trial_job *job) __attribute__((__noreturn__));
void trial_child_landing(void);
void trial_child_handler(void);

/* Offsets in struct trial_job and struct trial_row for the assembly. */
#define JOB_LIVE 0
#define JOB_LOADED 8
#define JOB_SAVED 16
#define JOB_PKRU 24
#define JOB_PRESENT 32
#define JOB_PRESENT_END 40
#define JOB_IMAGE 48
#define JOB_IMAGE_END 56
#define JOB_ABSENT 64
#define JOB_ABSENT_END 72
#define JOB_FILTER 80
#define JOB_DYNAMIC 88
#define JOB_ALTSTACK 96
#define JOB_ROW 120
#define JOB_ROWS_END 128
#define JOB_PARENT 136
#define JOB_PIPE 144
#define JOB_BLOCKED 152
#define JOB_ACTION 160
#define ROW_SP 0
#define ROW_CALL 8
#define ROW_INT80 16
#define ROW_RESULT 24
#define ROW_PATH 32
#define ROW_PKRU 40
#define ROW_SIGNAL 48
#define ROW_CODE 56
#define ROW_SIZE 64

#define CHECK_JOB(name, field)                                                 \
	_Static_assert(offsetof(struct trial_job, field) == (name), #field)
CHECK_JOB(JOB_LIVE, live);
CHECK_JOB(JOB_LOADED, loaded);
CHECK_JOB(JOB_SAVED, saved);
CHECK_JOB(JOB_PKRU, pkru);
CHECK_JOB(JOB_PRESENT, present.start);
CHECK_JOB(JOB_PRESENT_END, present.end);
CHECK_JOB(JOB_IMAGE, present_image.start);
CHECK_JOB(JOB_IMAGE_END, present_image.end);
CHECK_JOB(JOB_ABSENT, absent.start);
CHECK_JOB(JOB_ABSENT_END, absent.end);
CHECK_JOB(JOB_FILTER, filter);
CHECK_JOB(JOB_DYNAMIC, dynamic);
CHECK_JOB(JOB_ALTSTACK, altstack);
CHECK_JOB(JOB_ROW, row);
CHECK_JOB(JOB_ROWS_END, rows_end);
CHECK_JOB(JOB_PARENT, parent);
CHECK_JOB(JOB_PIPE, pipe);
CHECK_JOB(JOB_BLOCKED, blocked);
CHECK_JOB(JOB_ACTION, action);
#define CHECK_ROW(name, field)                                                 \
	_Static_assert(offsetof(struct trial_row, field) == (name), #field)
CHECK_ROW(ROW_SP, sp);
CHECK_ROW(ROW_CALL, call);
CHECK_ROW(ROW_INT80, int80);
CHECK_ROW(ROW_RESULT, result);
CHECK_ROW(ROW_PATH, path);
CHECK_ROW(ROW_PKRU, pkru);
CHECK_ROW(ROW_SIGNAL, signal);
CHECK_ROW(ROW_CODE, code);
_Static_assert(sizeof(struct trial_row) == ROW_SIZE, "rows");
_Static_assert(TRIAL_TRIED == 1 && TRIAL_LANDED == 2 &&
	       TRIAL_SIGNALLED == 3 && TRIAL_CONTINUED == 4, "paths");
_Static_assert(CHILD_ORPHANED == 1 && CHILD_NO_DYNAMIC == 2 &&
	       CHILD_NO_FILTER == 3, "exits");

#define STRING(x) #x
#define NUMBER(x) STRING(x)
#define CALL(nr) "	mov $" NUMBER(nr) ", %eax\n	syscall\n"
#define JOB(name) NUMBER(JOB_##name) "(%rbx)"
#define ROW(name) NUMBER(ROW_##name) "(%r12)"
#define LOAD_JOB "	mov trial_child_job(%rip), %rbx\n"
#define RDPKRU "	.byte 0x0f, 0x01, 0xee\n"
#define WRPKRU "	.byte 0x0f, 0x01, 0xef\n"

/*
 * Without calls, returns or a stack: after a return the stack is wherever the
 * frame says. rbx is the job, r12 the row. Memory is only used aligned, the
 * frame may have set AC.
 */
__asm__(".local trial_child_job\n"
	".comm trial_child_job, 8, 8\n"
	".text\n"
	".globl trial_child_enter\n"
	".hidden trial_child_enter\n"
	"trial_child_enter:\n"
	"	mov %rdi, trial_child_job(%rip)\n"
	LOAD_JOB
	/* prctl: die with the parent, leave no core */
	"	mov $1, %edi\n"			/* PR_SET_PDEATHSIG */
	"	mov $9, %esi\n"
	CALL(157)
	"	mov $4, %edi\n"			/* PR_SET_DUMPABLE */
	"	xor %esi, %esi\n"
	CALL(157)
	/* it may have died before */
	CALL(110)				/* getppid */
	"	mov $1, %edi\n"
	"	cmp %rax, " JOB(PARENT) "\n"
	"	jne 9f\n"
	"	xor %edi, %edi\n"
	"	xor %esi, %esi\n"
	CALL(109)				/* setpgid */
	/* older kernels lack close_range: then they stay, of no use */
	"	xor %edi, %edi\n"
	"	mov " JOB(PIPE) ", %rsi\n"
	"	sub $1, %rsi\n"
	"	jc 1f\n"
	"	xor %edx, %edx\n"
	CALL(436)				/* close_range */
	"1:	mov " JOB(PIPE) ", %rdi\n"
	"	add $1, %rdi\n"
	"	mov $-1, %esi\n"
	"	xor %edx, %edx\n"
	CALL(436)
	/*
	 * Shared pages are not there after a fork. All have to be, so that
	 * XRSTOR takes no page fault: see RULES_PREFAULT_XSTATE_SIZE.
	 */
	"	mov " JOB(PRESENT) ", %rcx\n"
	"1:	orb $0, (%rcx)\n"
	"	add $4096, %rcx\n"
	"	cmp " JOB(PRESENT_END) ", %rcx\n"
	"	jb 1b\n"
	"	mov " JOB(IMAGE) ", %rcx\n"
	"1:	cmp " JOB(IMAGE_END) ", %rcx\n"
	"	jae 1f\n"
	"	orb $0, (%rcx)\n"
	"	add $4096, %rcx\n"
	"	jmp 1b\n"
	"1:	mov " JOB(ABSENT) ", %rdi\n"
	"	mov " JOB(ABSENT_END) ", %rsi\n"
	"	sub %rdi, %rsi\n"
	"	jbe 1f\n"
	"	mov $4, %edx\n"			/* MADV_DONTNEED */
	CALL(28)				/* madvise */
	"1:	lea " JOB(ALTSTACK) ", %rdi\n"
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
	"	mov " JOB(DYNAMIC) ", %rsi\n"
	"	test %rsi, %rsi\n"
	"	jz 1f\n"
	"	mov $0x1023, %edi\n"		/* ARCH_REQ_XCOMP_PERM */
	CALL(158)				/* arch_prctl */
	"	mov $2, %edi\n"
	"	test %rax, %rax\n"
	"	jnz 9f\n"
	"1:	cmpq $0, " JOB(FILTER) "\n"
	"	je 2f\n"
	"	mov $38, %edi\n"		/* PR_SET_NO_NEW_PRIVS */
	"	mov $1, %esi\n"
	"	xor %edx, %edx\n"
	"	xor %r10d, %r10d\n"
	"	xor %r8d, %r8d\n"
	CALL(157)
	"	mov $1, %edi\n"			/* SECCOMP_SET_MODE_FILTER */
	"	xor %esi, %esi\n"
	"	mov " JOB(FILTER) ", %rdx\n"
	CALL(317)				/* seccomp */
	"	mov $3, %edi\n"
	"	test %rax, %rax\n"
	"	jnz 9f\n"

	"2:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	cmp " JOB(ROWS_END) ", %r12\n"
	"	jae 8f\n"
	"	mov " JOB(LIVE) ", %rcx\n"
	"	jrcxz 1f\n"
	"	mov " JOB(LOADED) ", %eax\n"
	"	mov 4+" JOB(LOADED) ", %edx\n"
	"	xrstor64 (%rcx)\n"
	"1:	movq $1, " ROW(PATH) "\n"
	"	mov " ROW(SP) ", %rsp\n"
	"	mov " ROW(CALL) ", %eax\n"
	"	cmpq $0, " ROW(INT80) "\n"
	"	jne 3f\n"
	"	syscall\n"
	"	jmp 4f\n"
	"3:	int $0x80\n"
	"4:	mov %rax, " ROW(CODE) "\n"
	"	mov $4, %esi\n"
	"	jmp 7f\n"

	/* nothing but registers until PKRU allows memory */
	".globl trial_child_landing\n"
	".hidden trial_child_landing\n"
	"trial_child_landing:\n"
	"	xor %esi, %esi\n"
	"	test %ebp, %ebp\n"
	"	jz 5f\n"
	"	xor %ecx, %ecx\n"
	RDPKRU
	"	mov %eax, %esi\n"
	"	xor %eax, %eax\n"
	"	xor %edx, %edx\n"
	WRPKRU
	"5:	mov " JOB(ROW) ", %r12\n"
	"	mov %rsi, " ROW(PKRU) "\n"
	"	mov " ROW(RESULT) ", %rcx\n"
	"	mov " JOB(SAVED) ", %eax\n"
	"	mov 4+" JOB(SAVED) ", %edx\n"
	"	xsave64 (%rcx)\n"
	"	mov $2, %esi\n"
	"	jmp 7f\n"

	".globl trial_child_handler\n"
	".hidden trial_child_handler\n"
	"trial_child_handler:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	mov %rdi, " ROW(SIGNAL) "\n"
	"	movslq 8(%rsi), %rax\n"		/* si_code */
	"	mov %rax, " ROW(CODE) "\n"
	"	mov $3, %esi\n"

	"7:\n"
	LOAD_JOB
	"	mov " JOB(ROW) ", %r12\n"
	"	mov %rsi, " ROW(PATH) "\n"
	"	addq $" NUMBER(ROW_SIZE) ", " JOB(ROW) "\n"
	"	jmp 2b\n"

	"8:	xor %edi, %edi\n"
	"9:\n"
	CALL(231)				/* exit_group */
	"	hlt\n");

uint64_t trial_landing(void)
{
	return (uint64_t)(uintptr_t)trial_child_landing;
}

void trial_make_pad(uint64_t address, uint8_t ret[TRIAL_PAD_SIZE])
{
	static const uint8_t code[] = {
		0xea, 0, 0, 0, 0, 0x33, 0,	/* ljmp $0x33, $1f */
		0x90,
		0x89, 0xdb,			/* 1: mov %ebx, %ebx */
		0x49, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,	/* mov $..., %r8 */
		0x41, 0xff, 0xe0,		/* jmp *%r8 */
	};
	uint32_t next = (uint32_t)(address + TRIAL_PAD_64);
	uint64_t landing = trial_landing();

	_Static_assert(sizeof(code) <= TRIAL_PAD_SIZE, "pad");
	memset(ret, 0xcc, TRIAL_PAD_SIZE);
	memcpy(ret, code, sizeof(code));
	memcpy(ret + TRIAL_PAD_32 + 1, &next, sizeof(next));
	memcpy(ret + TRIAL_PAD_64 + 4, &landing, sizeof(landing));
}

static void fill_job(struct trial_job *job, unsigned count, int pipe_end)
{
	job->row = (uint64_t)(uintptr_t)job->rows;
	job->rows_end = job->row + count * sizeof(job->rows[0]);
	job->parent = (uint64_t)getpid();
	job->pipe = (uint64_t)pipe_end;
	job->blocked = TRIAL_BLOCKED;
	job->action.handler = (uint64_t)(uintptr_t)trial_child_handler;
	job->action.flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER |
			    SA_RESTORER_FLAG;
	/* wanted, but no handler returns */
	job->action.restorer = job->action.handler;
	job->action.mask = job->blocked;
}

/*
 * Like fork(), without an exit signal and what libraries do in a child. -1,
 * and errno, without a child. Sanitizers would have the child call them.
 */
__attribute__((__no_sanitize__("address", "undefined")))
static pid_t start(struct trial_job *job)
{
	sigset_t all, old;
	long pid;
	int error;

	/* the child must not run a handler that was made for its parent */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
	if (!pid)
		trial_child_enter(job);
	error = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	errno = error;
	return (pid_t)pid;
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

/* Milliseconds that a process has run for; 0 if that is not known. */
static long running_time(pid_t pid)
{
	struct timespec used;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &used))
		return 0;
	return used.tv_sec * 1000L + used.tv_nsec / 1000000L;
}

/* It was not done in time: is it slow, or does it turn in circles? */
static void judge_late(const struct trial_job *job, long used,
		       struct trial_end *ret)
{
	uint64_t index = (job->row - (uint64_t)(uintptr_t)job->rows) /
			 sizeof(job->rows[0]);
	bool spun = index < TRIAL_ROWS && used >= SPINNING &&
		    job->rows[index].path == TRIAL_TRIED;

	ret->fate = spun ? TRIAL_SPUN : TRIAL_FAILED;
	snprintf(ret->why, sizeof(ret->why),
		 spun ? "it ran on and on"
		      : "the child was not done in time");
}

static void judge_status(int status, struct trial_end *ret)
{
	static const char *const reasons[] = {
		[CHILD_ORPHANED] = "the child had lost its parent",
		[CHILD_NO_DYNAMIC] = "AMX is not allowed here",
		[CHILD_NO_FILTER] = "seccomp filters are not allowed here",
	};
	unsigned code = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;

	if (WIFSIGNALED(status)) {
		ret->fate = TRIAL_KILLED;
		ret->signal = WTERMSIG(status);
		snprintf(ret->why, sizeof(ret->why),
			 "the child was killed by signal %d", ret->signal);
	} else if (code) {
		ret->fate = TRIAL_FAILED;
		snprintf(ret->why, sizeof(ret->why), "%s",
			 code < ARRAY_SIZE(reasons) ? reasons[code]
						    : "the child has failed");
	}
}

struct trial_end trial_run(struct trial_job *job, unsigned count,
			   long deadline)
{
	struct trial_end end = { .fate = TRIAL_FAILED };
	CLEANUP_FD int read_end = -1;
	CLEANUP_FD int write_end = -1;
	int ends[2], status = 0;
	pid_t pid;

	/* its end closes the pipe: works for any kernel, and without SIGCHLD */
	if (pipe2(ends, O_CLOEXEC)) {
		snprintf(end.why, sizeof(end.why), "no pipe: %s",
			 strerror(errno));
		return end;
	}
	read_end = ends[0];
	write_end = ends[1];
	fill_job(job, count, write_end);
	pid = start(job);
	if (pid < 0) {
		snprintf(end.why, sizeof(end.why), "no child process: %s",
			 strerror(errno));
		return end;
	}
	close(TAKE_FD(write_end));

	bool gone = wait_closed(read_end, deadline);

	if (!gone) {
		long used = running_time(pid);

		kill(pid, SIGKILL);
		gone = wait_closed(read_end, KILL_DEADLINE);
		reap(pid, gone, &status);
		judge_late(job, used, &end);
		return end;
	}
	reap(pid, gone, &status);
	end.fate = TRIAL_DONE;
	judge_status(status, &end);
	return end;
}
