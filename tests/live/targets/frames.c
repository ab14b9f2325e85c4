/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frames.c - a process full of signal frames that tells where they are */

/*
 * Usage: frames [-n COUNT] [-d] [-l] [SCENARIO...]
 *
 * Starts COUNT (1) threads for each scenario named, or for all. Once each is
 * where it stays, prints
 *
 *	process PID
 *	thread TID frames N SCENARIO
 *	frame TID x86_64 ADDRESS FPSTATE SIGNO INTERRUPTED_RIP main|alternate
 *	stale TID x86_64 ADDRESS FPSTATE SIGNO INTERRUPTED_RIP main|alternate
 *	vector TID avx|avx512 VALUE
 *	skipped SCENARIO
 *	READY
 *
 * where frames are listed in the order they were delivered in, a stale one
 * has already been returned from or jumped out of, and the 64-bit elements of
 * vector register i all hold VALUE + i. Ends when the other end of its
 * standard input is closed, or after ten minutes. -d blocks
 * signals while they are handled, so that no scenario may have one twice. -l
 * lists the scenarios.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define SECONDS 600
#define FRAMES_MAX 8
#define ALTSTACK_ROOM 65536
#define LOW_ROOM 16384

enum waiting { WAIT_PAUSE, WAIT_FUTEX, WAIT_SLEEP, WAIT_EPOLL, WAIT_READ,
	       WAIT_SPIN };

enum vectors { VECTORS_NONE, VECTORS_AVX, VECTORS_AVX512 };

/*
 * What a thread goes through. Steps before it settles: r return from a
 * handler, j jump out of one, l return from one far down the stack. Steps
 * that leave a frame each: m on the stack in use, a on the alternate stack.
 */
struct scenario {
	const char *name;
	const char *before;
	const char *steps;
	enum waiting waiting;
	enum vectors vectors;
	bool big_buffer;	/* around what step l left behind */
};

static const struct scenario scenarios[] = {
	{ .name = "plain-pause", .waiting = WAIT_PAUSE },
	{ .name = "plain-futex", .waiting = WAIT_FUTEX },
	{ .name = "plain-sleep", .waiting = WAIT_SLEEP },
	{ .name = "plain-epoll", .waiting = WAIT_EPOLL },
	{ .name = "plain-read", .waiting = WAIT_READ },
	{ .name = "plain-spin", .waiting = WAIT_SPIN },
	{ .name = "one-pause", .steps = "m", .waiting = WAIT_PAUSE },
	{ .name = "one-futex", .steps = "m", .waiting = WAIT_FUTEX },
	{ .name = "one-sleep", .steps = "m", .waiting = WAIT_SLEEP },
	{ .name = "one-epoll", .steps = "m", .waiting = WAIT_EPOLL },
	{ .name = "one-read", .steps = "m", .waiting = WAIT_READ },
	{ .name = "one-spin", .steps = "m", .waiting = WAIT_SPIN },
	{ .name = "two", .steps = "mm", .waiting = WAIT_PAUSE },
	{ .name = "three", .steps = "mmm", .waiting = WAIT_FUTEX },
	{ .name = "alternate", .steps = "a", .waiting = WAIT_PAUSE },
	{ .name = "alternate-spin", .steps = "a", .waiting = WAIT_SPIN },
	{ .name = "alternate-in-main", .steps = "ma",
	  .waiting = WAIT_SLEEP },
	{ .name = "main-in-alternate", .steps = "am", .waiting = WAIT_PAUSE },
	{ .name = "deep-alternate", .steps = "mam", .waiting = WAIT_FUTEX },
	{ .name = "avx", .steps = "m", .vectors = VECTORS_AVX },
	{ .name = "avx512", .steps = "m", .vectors = VECTORS_AVX512 },
	{ .name = "avx512-alternate", .steps = "a",
	  .vectors = VECTORS_AVX512 },
	{ .name = "returned", .before = "rr", .waiting = WAIT_PAUSE },
	{ .name = "returned-one", .before = "rr", .steps = "m",
	  .waiting = WAIT_SLEEP },
	{ .name = "jumped", .before = "j", .waiting = WAIT_PAUSE },
	{ .name = "jumped-one", .before = "j", .steps = "m",
	  .waiting = WAIT_FUTEX },
	{ .name = "stale-above", .before = "l", .waiting = WAIT_PAUSE,
	  .big_buffer = true },
};
#define SCENARIOS (sizeof(scenarios) / sizeof(scenarios[0]))

struct record {
	bool stale;
	uintptr_t address;
	uintptr_t fpstate;
	uint64_t rip;
	int signo;
	bool alternate;
};

struct worker {
	const struct scenario *scenario;
	pthread_t thread;
	pid_t tid;
	char *altstack;
	size_t altstack_size;
	unsigned step;		/* into scenario->steps */
	char doing;		/* what the handler is to do */
	sigjmp_buf jump;
	struct record records[FRAMES_MAX];
	unsigned records_count;
	atomic_bool ready;
};

static _Thread_local struct worker *self;
static int pipe_fds[2];

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t marker(pid_t tid)
{
	return UINT64_C(0x5a00000000000000) | (uint64_t)tid << 16;
}

/* tgkill without a function call, so that no register changes before. */
#define TGKILL                                                                 \
	"mov %[nr], %%eax\n\t"                                                 \
	"syscall\n\t"
#define TGKILL_INPUTS                                                          \
	[nr] "i"(SYS_tgkill), "D"(getpid()), "S"(self->tid), "d"(signo),       \
		[values] "r"(values)
#define TGKILL_CLOBBERS "rax", "rcx", "r11", "memory", "cc"

static __attribute__((noinline)) void raise_plain(int signo)
{
	const uint64_t *values = NULL;

	__asm__ volatile(TGKILL ::TGKILL_INPUTS : TGKILL_CLOBBERS);
}

#define YMM(n) "vbroadcastsd 8*" #n "(%[values]), %%ymm" #n "\n\t"
#define ZMM(n) "vbroadcastsd 8*" #n "(%[values]), %%zmm" #n "\n\t"
#define EIGHT(r, a, b, c, d, e, f, g, h)                                       \
	r(a) r(b) r(c) r(d) r(e) r(f) r(g) r(h)

static __attribute__((noinline, target("avx"))) void
raise_avx(int signo, const uint64_t *values)
{
	__asm__ volatile(EIGHT(YMM, 0, 1, 2, 3, 4, 5, 6, 7)
			 EIGHT(YMM, 8, 9, 10, 11, 12, 13, 14, 15)
			 TGKILL ::TGKILL_INPUTS : TGKILL_CLOBBERS);
}

static __attribute__((noinline, target("avx512f"))) void
raise_avx512(int signo, const uint64_t *values)
{
	__asm__ volatile("kxnorw %%k1, %%k1, %%k1\n\t"
			 EIGHT(ZMM, 0, 1, 2, 3, 4, 5, 6, 7)
			 EIGHT(ZMM, 8, 9, 10, 11, 12, 13, 14, 15)
			 EIGHT(ZMM, 16, 17, 18, 19, 20, 21, 22, 23)
			 EIGHT(ZMM, 24, 25, 26, 27, 28, 29, 30, 31)
			 TGKILL ::TGKILL_INPUTS : TGKILL_CLOBBERS);
}

static void raise_signal(int signo)
{
	uint64_t values[32];

	for (unsigned i = 0; i < 32; i++)
		values[i] = marker(self->tid) + i;
	switch (self->scenario->vectors) {
	case VECTORS_AVX:
		raise_avx(signo, values);
		break;
	case VECTORS_AVX512:
		raise_avx512(signo, values);
		break;
	case VECTORS_NONE:
		raise_plain(signo);
		break;
	}
}

static void wait_here(enum waiting waiting)
{
	static uint32_t futex;
	struct epoll_event event;
	int epoll = waiting == WAIT_EPOLL ? epoll_create1(0) : -1;
	char byte;

	atomic_store(&self->ready, true);
	for (;;) {
		switch (waiting) {
		case WAIT_PAUSE:
			pause();
			break;
		case WAIT_FUTEX:
			syscall(SYS_futex, &futex, FUTEX_WAIT_PRIVATE, 0, NULL,
				NULL, 0);
			break;
		case WAIT_SLEEP:
			nanosleep(&(struct timespec){ .tv_sec = SECONDS },
				  NULL);
			break;
		case WAIT_EPOLL:
			epoll_wait(epoll, &event, 1, -1);
			break;
		case WAIT_READ:
			(void)!read(pipe_fds[0], &byte, 1);
			break;
		case WAIT_SPIN:
			for (;;)
				__asm__ volatile("pause");
		}
	}
}

/* The next step that leaves a frame, or the place to stay at. */
static void go_on(void)
{
	const char *steps = self->scenario->steps;
	char step = steps ? steps[self->step] : '\0';

	if (!step)
		wait_here(self->scenario->waiting);
	self->step++;
	self->doing = step;
	raise_signal(step == 'a' ? SIGUSR2 : SIGUSR1);
}

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	/* the return address is all that the kernel puts before it */
	uintptr_t address = (uintptr_t)context - 8;

	(void)info;
	self->records[self->records_count++] = (struct record){
		.stale = self->doing != 'm' && self->doing != 'a',
		.address = address,
		.fpstate = (uintptr_t)uc->uc_mcontext.fpregs,
		.rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP],
		.signo = signo,
		.alternate = address - (uintptr_t)self->altstack <
			     self->altstack_size,
	};
	switch (self->doing) {
	case 'j':
		siglongjmp(self->jump, 1);
	case 'm':
	case 'a':
		go_on();
		break;
	default:
		break;
	}
}

static __attribute__((noinline)) void raise_low(void)
{
	char room[LOW_ROOM];

	/* neither left out nor written to */
	__asm__ volatile("" ::"r"(room) : "memory");
	raise_signal(SIGUSR1);
	__asm__ volatile("" ::"r"(room) : "memory");
}

/* Lies over what raise_low() left, and never writes there. */
static __attribute__((noinline)) void stay_behind_buffer(void)
{
	char room[3 * LOW_ROOM];

	__asm__ volatile("" ::"r"(room) : "memory");
	go_on();
	__asm__ volatile("" ::"r"(room) : "memory");
}

static void *work(void *arg)
{
	self = arg;
	self->tid = (pid_t)syscall(SYS_gettid);

	stack_t stack = { .ss_sp = self->altstack,
			  .ss_size = self->altstack_size };

	if (sigaltstack(&stack, NULL))
		fail("sigaltstack");
	for (const char *s = self->scenario->before; s && *s; s++) {
		self->doing = *s;
		if (*s == 'l')
			raise_low();
		else if (*s != 'j' || !sigsetjmp(self->jump, 1))
			raise_signal(SIGUSR1);
	}
	if (self->scenario->big_buffer)
		stay_behind_buffer();
	else
		go_on();
	return NULL;
}

static bool supported(const struct scenario *s)
{
	__builtin_cpu_init();
	switch (s->vectors) {
	case VECTORS_AVX:
		return __builtin_cpu_supports("avx");
	case VECTORS_AVX512:
		return __builtin_cpu_supports("avx512f");
	case VECTORS_NONE:
		break;
	}
	return true;
}

static struct worker *start(const struct scenario *s)
{
	struct worker *w = calloc(1, sizeof(*w));
	size_t size = ALTSTACK_ROOM + getauxval(51 /* AT_MINSIGSTKSZ */);

	if (!w)
		fail("calloc");
	size = (size + 4095) & ~(size_t)4095;
	w->scenario = s;
	w->altstack_size = size;
	w->altstack = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (w->altstack == MAP_FAILED)
		fail("mmap");

	int failed = pthread_create(&w->thread, NULL, work, w);

	if (failed) {
		errno = failed;
		fail("pthread_create");
	}
	return w;
}

/* Until it is in the system call that it stays in. */
static void await(struct worker *w)
{
	char name[64], text[16] = "";

	while (!atomic_load(&w->ready))
		usleep(200);
	if (w->scenario->waiting == WAIT_SPIN)
		return;
	snprintf(name, sizeof(name), "/proc/self/task/%d/syscall", w->tid);
	for (unsigned n = 0; n < 10000; n++) {
		FILE *file = fopen(name, "r");

		if (!file || !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
		/* no such file: give it time, and hope */
		if (text[0] ? text[0] != 'r' : n > 500)
			return;
		usleep(200);
	}
}

static void tell(const struct worker *w)
{
	const struct scenario *s = w->scenario;

	printf("thread %d frames %zu %s\n", w->tid,
	       s->steps ? strlen(s->steps) : 0, s->name);
	for (unsigned i = 0; i < w->records_count; i++) {
		const struct record *r = &w->records[i];

		printf("%s %d x86_64 0x%" PRIxPTR " 0x%" PRIxPTR
		       " %d 0x%" PRIx64 " %s\n",
		       r->stale ? "stale" : "frame", w->tid, r->address,
		       r->fpstate, r->signo, r->rip,
		       r->alternate ? "alternate" : "main");
	}
	if (s->vectors)
		printf("vector %d %s 0x%" PRIx64 "\n", w->tid,
		       s->vectors == VECTORS_AVX ? "avx" : "avx512",
		       marker(w->tid));
}

static bool chosen(const struct scenario *s, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, s->name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	struct pollfd in = { .fd = STDIN_FILENO };
	unsigned count = 1;
	int option;

	while ((option = getopt(argc, argv, "n:ld")) != -1) {
		if (option == 'n')
			count = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'd')	/* as handlers usually are */
			action.sa_flags &= ~SA_NODEFER;
		else if (option != 'l')
			return 2;
		for (size_t i = 0; option == 'l' && i < SCENARIOS; i++)
			puts(scenarios[i].name);
		if (option == 'l')
			return 0;
	}
	alarm(SECONDS);
	/* who runs a test is not always an ancestor of its targets */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	if (pipe(pipe_fds))
		fail("pipe");

	struct worker **workers = calloc(count * SCENARIOS + 1,
					 sizeof(*workers));
	size_t started = 0;

	if (!workers)
		fail("calloc");
	printf("process %d\n", getpid());
	for (size_t i = 0; i < SCENARIOS; i++) {
		if (!chosen(&scenarios[i], argv + optind))
			continue;
		if (!supported(&scenarios[i])) {
			printf("skipped %s\n", scenarios[i].name);
			continue;
		}
		for (unsigned n = 0; n < count; n++)
			workers[started++] = start(&scenarios[i]);
	}
	for (size_t i = 0; i < started; i++)
		await(workers[i]);
	for (size_t i = 0; i < started; i++)
		tell(workers[i]);
	puts("READY");
	fflush(stdout);
	/* does not read: a terminal would stop it in the background */
	while (poll(&in, 1, -1) < 0 && errno == EINTR)
		;
	_exit(0);
}
