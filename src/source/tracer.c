/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tracer.c - stopping threads of another process, and letting them go */
#include "source/tracer.h"

#include <elf.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "source/elfnames.h"

/* Larger than any XSAVE image so far: AMX's has 11008 bytes. */
#define XSTATE_ROOM 16384

/* A PTRACE_SEIZE that takes longer than this waits for an exec. */
#define SEIZE_NANOSECONDS 20000000

struct tracer {
	void (*work)(struct tracer *tracer, void *arg);
	void *arg;
	atomic_uint seizing;	/* odd while PTRACE_SEIZE is under way */
	pthread_mutex_t lock;
	pid_t *seized;		/* all that were, in no order */
	size_t count;
};

static void *run(void *arg)
{
	struct tracer *tracer = arg;

	tracer->work(tracer, tracer->arg);
	return NULL;
}

/* Take note of the end of a traced thread; false if it has not ended. */
static bool reap_one(pid_t tid)
{
	siginfo_t info = { .si_code = 0 };

	/* stops are reported whatever one asks for: leave them */
	if (waitid(P_PID, (id_t)tid, &info,
		   WEXITED | WNOHANG | WNOWAIT | __WALL) ||
	    (info.si_code != CLD_EXITED && info.si_code != CLD_KILLED &&
	     info.si_code != CLD_DUMPED))
		return false;
	return !waitid(P_PID, (id_t)tid, &info, WEXITED | WNOHANG | __WALL);
}

/*
 * PTRACE_SEIZE waits for an exec of the process to end, and the exec waits
 * for its traced threads, killed by it, to be reaped: so somebody else than
 * the one who seizes has to do that.
 */
static void reap(struct tracer *tracer)
{
	pthread_mutex_lock(&tracer->lock);
	for (size_t i = 0; i < tracer->count; i++)
		reap_one(tracer->seized[i]);
	pthread_mutex_unlock(&tracer->lock);
}

static void join(struct tracer *tracer, pthread_t thread)
{
	struct timespec until;
	unsigned before = 0;

	do {
		unsigned seizing = atomic_load(&tracer->seizing);

		if (seizing % 2 && seizing == before)
			reap(tracer);
		before = seizing;
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += SEIZE_NANOSECONDS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

struct error *tracer_run(void (*work)(struct tracer *tracer, void *arg),
			 void *arg)
{
	struct tracer tracer = { .work = work, .arg = arg,
				 .lock = PTHREAD_MUTEX_INITIALIZER };
	sigset_t stops, before;
	pthread_t thread;

#ifdef M_ARENA_MAX
	/* only one thread works at a time: no second heap, it is slower */
	mallopt(M_ARENA_MAX, 1);
#endif
	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	sigaddset(&stops, SIGTTIN);
	sigaddset(&stops, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &stops, &before);

	int failed = pthread_create(&thread, NULL, run, &tracer);

	if (!failed)
		join(&tracer, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(tracer.seized);
	if (failed)
		return error_os(failed, "cannot start a thread to trace with");
	return NULL;
}

static bool remember(struct tracer *tracer, pid_t tid)
{
	pid_t *more;

	pthread_mutex_lock(&tracer->lock);
	more = array_grow(tracer->seized, tracer->count, sizeof(*more));
	if (more) {
		tracer->seized = more;
		tracer->seized[tracer->count++] = tid;
	}
	pthread_mutex_unlock(&tracer->lock);
	return more;
}

void tracer_seize(struct tracer *tracer, struct tracee *t)
{
	if (!remember(tracer, t->tid)) {
		t->state = TRACEE_REFUSED;
		return;
	}
	atomic_fetch_add(&tracer->seizing, 1);
	if (!ptrace(PTRACE_SEIZE, t->tid, NULL, NULL))
		t->state = TRACEE_SEIZED;
	else
		t->state = errno == ESRCH ? TRACEE_GONE : TRACEE_REFUSED;
	atomic_fetch_add(&tracer->seizing, 1);
}

void tracer_interrupt(struct tracee *t)
{
	if (t->state == TRACEE_SEIZED)
		ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
}

bool tracer_poll(struct tracee *t)
{
	siginfo_t info = { .si_pid = 0 };

	if (t->state == TRACEE_STOPPED && reap_one(t->tid)) {
		t->state = TRACEE_GONE;
		return true;
	}
	if (t->state != TRACEE_SEIZED)
		return false;
	/* a stop whose status is taken has no signal left if we are killed */
	if (waitid(P_PID, (id_t)t->tid, &info,
		   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL)) {
		t->state = TRACEE_GONE;
		return true;
	}
	if (!info.si_pid)
		return false;
	if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED) {
		reap_one(t->tid);
		t->state = TRACEE_GONE;
		return true;
	}
	t->state = TRACEE_STOPPED;
	/*
	 * Without an event it stopped on the way to a signal, which is lost
	 * unless it is given back. With one it is our interrupt, or the group
	 * stop of a stopped process, which goes on by itself.
	 */
	t->signal = info.si_status >> 8 ? 0 : info.si_status;
	return true;
}

/* Where the register sets have what; -1 in the 32-bit one: not there. */
static const struct {
	int8_t long_index;
	int8_t short_index;
} reg_places[X86_REGS] = {
	[X86_RAX] = { 10, 6 },	  [X86_RDX] = { 12, 2 },
	[X86_RCX] = { 11, 1 },	  [X86_RBX] = { 5, 0 },
	[X86_RSI] = { 13, 3 },	  [X86_RDI] = { 14, 4 },
	[X86_RBP] = { 4, 5 },	  [X86_RSP] = { 19, 15 },
	[X86_R8] = { 9, -1 },	  [X86_R9] = { 8, -1 },
	[X86_R10] = { 7, -1 },	  [X86_R11] = { 6, -1 },
	[X86_R12] = { 3, -1 },	  [X86_R13] = { 2, -1 },
	[X86_R14] = { 1, -1 },	  [X86_R15] = { 0, -1 },
	[X86_RIP] = { 16, 12 },	  [X86_RFLAGS] = { 18, 14 },
	[X86_CS] = { 17, 13 },	  [X86_SS] = { 20, 16 },
	[X86_DS] = { 23, 7 },	  [X86_ES] = { 24, 8 },
	[X86_FS] = { 25, 9 },	  [X86_GS] = { 26, 10 },
};

#define LONG_SET (27 * 8)
#define LONG_ORIG_RAX 15
#define SHORT_SET (17 * 4)
#define SHORT_ORIG_EAX 11

bool tracer_decode_regs(struct bytes set, struct x86_gprs *ret,
			int64_t *orig_rax_ret)
{
	bool is_short = set.size == SHORT_SET;
	uint64_t orig;

	if (!is_short && set.size != LONG_SET)
		return false;
	*ret = (struct x86_gprs){ 0 };
	for (unsigned i = 0; i < X86_REGS; i++) {
		int place = is_short ? reg_places[i].short_index
				     : reg_places[i].long_index;
		unsigned width = is_short ? 4 : 8;

		if (place >= 0)
			bytes_word(set, (uint64_t)place * width, width,
				   &ret->r[i]);
	}
	if (is_short) {
		bytes_word(set, SHORT_ORIG_EAX * 4, 4, &orig);
		*orig_rax_ret = (int32_t)(uint32_t)orig;
	} else {
		bytes_u64(set, LONG_ORIG_RAX * 8, &orig);
		*orig_rax_ret = (int64_t)orig;
	}
	return true;
}

/* Bytes of a register set, 0 if it cannot be read. */
static size_t read_set(pid_t tid, int type, void *buf, size_t size)
{
	struct iovec iov = { buf, size };

	if (ptrace(PTRACE_GETREGSET, tid, (void *)(intptr_t)type, &iov))
		return 0;
	return iov.iov_len;
}

/* The kernel has this set only for 64-bit threads with a shadow stack. */
static bool has_shadow_stack(pid_t tid, bool wide, bool *none)
{
	uint8_t set[16];

	if (!wide || *none)
		return false;
	if (read_set(tid, NT_X86_SHSTK, set, sizeof(set)))
		return true;
	*none = errno == EINVAL;
	return false;
}

struct error *tracer_read(const struct tracee *t, size_t xstate_max,
			  bool *no_shadow_stacks,
			  struct thread *ret)
{
	uint8_t set[LONG_SET];
	uint8_t image[XSTATE_ROOM];
	size_t size = read_set(t->tid, NT_PRSTATUS, set, sizeof(set));
	bool wide = size == LONG_SET;

	if (!size)
		return error_new(ERROR_GONE, "thread %d vanished", t->tid);
	if (!tracer_decode_regs((struct bytes){ set, size, 0 }, &ret->regs,
				&ret->orig_rax))
		return error_new(ERROR_UNSUPPORTED,
				 "thread %d: %zu bytes of registers are not "
				 "those of an x86 thread", t->tid, size);
	ret->has |= THREAD_HAS_PC_SP | THREAD_HAS_GPRS;

	if (xstate_max > sizeof(image))
		xstate_max = sizeof(image);
	size = read_set(t->tid, NT_X86_XSTATE, image, xstate_max);
	if (size) {
		free(ret->xstate);
		ret->xstate = malloc(size);
		if (!ret->xstate)
			return &error_no_memory;
		memcpy(ret->xstate, image, size);
		ret->xstate_size = size;
		ret->has |= THREAD_HAS_XSTATE;
	}
	ret->shadow_stack = tri_of(has_shadow_stack(t->tid, wide,
						    no_shadow_stacks));

	if (!ptrace(PTRACE_GETSIGMASK, t->tid,
		    (void *)(uintptr_t)sizeof(ret->sigmask), &ret->sigmask))
		ret->has |= THREAD_HAS_SIGMASK;

	siginfo_t info;

	if (t->signal && !ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info)) {
		ret->siginfo_size = sizeof(ret->siginfo);
		memcpy(ret->siginfo, &info, sizeof(ret->siginfo));
		ret->has |= THREAD_HAS_SIGINFO;
	}
	return NULL;
}

void tracer_release(struct tracee *t)
{
	/* a stop that came late still has a signal to give back */
	if (t->state == TRACEE_SEIZED)
		tracer_poll(t);
	if (t->state != TRACEE_STOPPED)
		return;
	ptrace(PTRACE_DETACH, t->tid, NULL, (void *)(intptr_t)t->signal);
	t->state = TRACEE_FREE;
}
