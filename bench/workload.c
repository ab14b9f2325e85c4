/* SPDX-License-Identifier: GPL-3.0-or-later */
/* workload.c - a process with many threads that wait in signal handlers */

/*
 * Usage: workload [-n THREADS] [-m MIB] [-r MIB] [-g FILE] [-i] [-a]
 *
 * Every third thread is two frames deep, some are on alternate stacks. -m: so
 * much memory is filled, -r: so much is mapped and never used. -g: a thread
 * spins and keeps in FILE how long it did not get on (gap.h). -i: no signals;
 * every fourth thread waits on a stack that it was not created with. -a: abort
 * in the end. Prints
 *
 *	process PID
 *	frames COUNT
 *	READY
 *
 * and ends when the other end of its standard input is closed.
 */
#include "gap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { DEPTH = 20, ALTSTACK = 1 << 16, STACK = 1 << 18, SECONDS = 1800 };

static atomic_uint waiting;
static atomic_uint frames;
static bool idle;
static _Thread_local unsigned number;

static void fail(const char *what)
{
	perror(what);
	_exit(2);
}

/* For ever, in one call or another. */
static void wait_here(void)
{
	static int never;
	const struct timespec long_time = { .tv_sec = 1000000 };

	waiting++;
	for (;;) {
		if (number % 3 == 0)
			pause();
		else if (number % 3 == 1)
			nanosleep(&long_time, NULL);
		else
			syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, NULL,
				NULL, 0);
	}
}

/* As from a program that calls one function from the other. */
__attribute__((__noinline__)) static void descend(unsigned depth,
						  void (*end)(void))
{
	volatile uint8_t room[48];

	room[0] = (uint8_t)depth;
	if (depth)
		descend(depth - 1, end);
	else
		end();
	room[1] = room[0];
}

/* Something to restore. */
static void use_vectors(void)
{
	if (__builtin_cpu_supports("avx"))
		__asm__ volatile("vpcmpeqd %%xmm7, %%xmm7, %%xmm7\n"
				 "vinsertf128 $1, %%xmm7, %%ymm7, %%ymm7\n"
				 ::: "xmm7");
}

static void send_second(void)
{
	use_vectors();
	raise(SIGUSR2);
}

static void on_second(int sig)
{
	(void)sig;
	frames++;
	descend(DEPTH, wait_here);
}

static void on_first(int sig)
{
	(void)sig;
	frames++;
	descend(DEPTH, number % 3 == 1 ? send_second : wait_here);
}

static void send_first(void)
{
	use_vectors();
	raise(number % 4 == 2 ? SIGURG : SIGUSR1);
}

static void handle(int sig, void (*handler)(int sig), int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	if (sigaction(sig, &action, NULL))
		fail("sigaction");
}

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

/* Away from the thread's own stack. */
static void wait_elsewhere(void)
{
	ucontext_t here, there;

	if (getcontext(&there))
		fail("getcontext");
	there.uc_stack.ss_sp = map(ALTSTACK);
	there.uc_stack.ss_size = ALTSTACK;
	there.uc_link = &here;
	makecontext(&there, wait_here, 0);
	swapcontext(&here, &there);
}

static void use_altstack(void)
{
	const stack_t stack = { .ss_sp = map(ALTSTACK), .ss_size = ALTSTACK };

	if (sigaltstack(&stack, NULL))
		fail("sigaltstack");
}

static void *run(void *arg)
{
	number = (unsigned)(uintptr_t)arg;
	if (idle && number % 4 == 3) {
		wait_elsewhere();
	} else if (idle) {
		descend(DEPTH, wait_here);
	} else {
		if (number % 4 == 2)
			use_altstack();
		descend(DEPTH, send_first);
	}
	return NULL;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *spin(void *arg)
{
	struct gap *g = arg;
	uint64_t last = now();

	for (;;) {
		uint64_t time = now();

		if (g->asked != g->answered) {
			g->longest = 0;
			g->answered = g->asked;
		} else if (time - last > g->longest) {
			g->longest = time - last;
		}
		last = time;
	}
	return NULL;
}

static struct gap *open_gap(const char *file)
{
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct gap *g;

	if (fd < 0 || ftruncate(fd, sizeof(*g)))
		fail(file);
	g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (g == MAP_FAILED)
		fail(file);
	return g;
}

static void start(void *(*function)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	errno = pthread_create(&thread, &attr, function, arg);
	if (errno)
		fail("pthread_create");
}

static void fill(size_t size)
{
	uint64_t *words = map(size);

	for (size_t i = 0; i < size / sizeof(*words); i++)
		words[i] = i * UINT64_C(0x9e3779b97f4a7c15);
}

/* One page is used: a kernel leaves out of a core what never was. */
static void reserve(size_t size)
{
	*(volatile uint8_t *)map(size) = 1;
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = STDIN_FILENO };
	struct gap *gap = NULL;
	unsigned threads = 10;
	bool aborts = false;
	int option;

	while ((option = getopt(argc, argv, "n:m:r:g:ia")) > 0) {
		if (option == 'n')
			threads = (unsigned)atoi(optarg);
		else if (option == 'm')
			fill((size_t)atol(optarg) << 20);
		else if (option == 'r')
			reserve((size_t)atol(optarg) << 20);
		else if (option == 'g')
			gap = open_gap(optarg);
		else if (option == 'i')
			idle = true;
		else if (option == 'a')
			aborts = true;
		else
			return 2;
	}
	alarm(SECONDS);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	handle(SIGUSR1, on_first, 0);
	handle(SIGURG, on_first, SA_ONSTACK);
	handle(SIGUSR2, on_second, SA_ONSTACK);
	for (unsigned i = 0; i < threads; i++)
		start(run, (void *)(uintptr_t)i);
	while (waiting < threads)
		usleep(1000);
	/* from the count into the call */
	usleep(20000);
	if (gap)
		start(spin, gap);
	printf("process %d\nframes %u\nREADY\n", getpid(), frames);
	fflush(stdout);
	while (poll(&in, 1, -1) < 0 && errno == EINTR)
		;
	if (aborts)
		abort();
	return 0;
}
