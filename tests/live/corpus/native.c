/* SPDX-License-Identifier: GPL-3.0-or-later */
/* native.c - threads that do what C programs do, for signals to interrupt */

/*
 * Usage: native [LOAD...]
 *
 * Starts a thread for each load named, or for all, prints READY, and ends
 * when the other end of its standard input is closed: with status 0 if all
 * computed what they always do.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "witness.h"

#ifdef __GLIBC__
#include <ucontext.h>
#endif

#define SECONDS 600
#define BLOCK 65536
#define NUMBERS 256
#define FIBER_STACK 262144

static bool stop;

/* Each returns whether a small piece of work came out right. */

static bool spin(void)
{
	uint32_t x = 1;

	for (unsigned i = 0; i < 20000; i++) {
		x = x * 1664525 + 1013904223;
		__asm__ volatile("" : "+r"(x));
	}
	return x == 1453904673u;
}

static __attribute__((noinline)) unsigned leaf(unsigned x)
{
	unsigned a[16];

	for (unsigned i = 0; i < 16; i++)
		a[i] = x + i;
	for (unsigned i = 0; i < 1000; i++)
		a[i % 16] ^= a[(i + 5) % 16] + i;
	return a[x % 16];
}

static bool leaves(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < 20; i++)
		sum += leaf(7);
	return sum == 20 * leaf(7);
}

/*
 * No unwind information, registers of callers used for other things, words
 * on the stack.
 */
unsigned corpus_opaque(unsigned rounds);
#ifdef __x86_64__
__asm__(".text\n"
	".type corpus_opaque, @function\n"
	"corpus_opaque:\n"
	"push %rbp\n"
	"push %rbx\n"
	"sub $200, %rsp\n"
	"xor %eax, %eax\n"
	"mov %edi, %ebp\n"
	"1: lea 3(%rax,%rax,2), %eax\n"
	"mov %rax, 40(%rsp)\n"
	"push %rax\n"
	"pop %rbx\n"
	"dec %ebp\n"
	"jnz 1b\n"
	"mov %ebx, %eax\n"
	"add $200, %rsp\n"
	"pop %rbx\n"
	"pop %rbp\n"
	"ret\n"
	".size corpus_opaque, .-corpus_opaque\n");
#else
__asm__(".text\n"
	".type corpus_opaque, @function\n"
	"corpus_opaque:\n"
	"push %ebp\n"
	"push %ebx\n"
	"mov 12(%esp), %ebp\n"
	"sub $200, %esp\n"
	"xor %eax, %eax\n"
	"1: lea 3(%eax,%eax,2), %eax\n"
	"mov %eax, 40(%esp)\n"
	"push %eax\n"
	"pop %ebx\n"
	"dec %ebp\n"
	"jnz 1b\n"
	"mov %ebx, %eax\n"
	"add $200, %esp\n"
	"pop %ebx\n"
	"pop %ebp\n"
	"ret\n"
	".size corpus_opaque, .-corpus_opaque\n");
#endif

static bool opaque(void)
{
	return corpus_opaque(4) == 120 && corpus_opaque(20000) != 0;
}

static bool copy(void)
{
	static _Thread_local unsigned char from[BLOCK], to[BLOCK + 64];

	for (unsigned i = 0; i < 8; i++) {
		memset(from, (int)i + 1, sizeof(from));
		memcpy(to + i, from, sizeof(from));
		if (memcmp(to + i, from, sizeof(from)))
			return false;
		memmove(to + 1, to, BLOCK);
		if (to[BLOCK] != i + 1 || strlen((char *)to) < BLOCK)
			return false;
	}
	return true;
}

static bool allocate(void)
{
	char *parts[NUMBERS];
	bool good = true;

	for (unsigned i = 0; i < NUMBERS; i++) {
		parts[i] = malloc(i * 37 % 5000 + 1);
		if (parts[i])
			parts[i][0] = (char)i;
	}
	for (unsigned i = 0; i < NUMBERS; i++) {
		good &= parts[i] && parts[i][0] == (char)i;
		free(parts[i]);
	}
	return good;
}

static int compare(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static bool sort(void)
{
	int numbers[NUMBERS];

	for (int i = 0; i < NUMBERS; i++)
		numbers[i] = i * 7919 % NUMBERS;
	qsort(numbers, NUMBERS, sizeof(numbers[0]), compare);
	for (int i = 1; i < NUMBERS; i++)
		if (numbers[i] < numbers[i - 1])
			return false;
	return true;
}

static __attribute__((noinline)) unsigned fibonacci(unsigned n)
{
	return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static bool recurse(void)
{
	return fibonacci(18) == 2584;
}

static bool print(void)
{
	char text[128];

	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%d %.3f %s %Lg", i, i / 8.0,
			 "words", (long double)i);
		if (atoi(text) != i || strtod(text + (i > 9 ? 3 : 2), NULL) !=
					       round(i / 8.0 * 1000) / 1000)
			return false;
	}
	return true;
}

static bool floats(void)
{
	volatile long double sum = 0;
	volatile double wave = 0;

	for (int i = 1; i < 300; i++) {
		sum += 1.0L / i;
		wave += sin(i) * sin(i) + cos(i) * cos(i);
	}
	return fabsl(sum - 6.279331) < 1e-5L && fabs(wave - 299) < 1e-9;
}

static bool jump(void)
{
	jmp_buf back;
	volatile int times = 0;

	if (setjmp(back) < 50) {
		times++;
		longjmp(back, times);
	}
	return times == 50;
}

static bool read_pipe(void)
{
	int ends[2];
	char byte = 0;
	bool good = !pipe(ends) && write(ends[1], "x", 1) == 1 &&
		    read(ends[0], &byte, 1) == 1 && byte == 'x';

	close(ends[0]);
	close(ends[1]);
	return good;
}

static bool wait_poll(void)
{
	return !poll(NULL, 0, 30) || errno == EINTR;
}

static bool wait_sleep(void)
{
	struct timespec left = { .tv_nsec = 30000000 };

	while (nanosleep(&left, &left))
		if (errno != EINTR)
			return false;
	return true;
}

static bool wait_condition(void)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
	struct timespec until;
	int result;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 30000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&mutex);
	result = pthread_cond_timedwait(&condition, &mutex, &until);
	pthread_mutex_unlock(&mutex);
	return result == ETIMEDOUT || result == 0;
}

#ifdef __GLIBC__
struct fiber {
	ucontext_t own, back;
	unsigned turns;
};
static _Thread_local struct fiber *fiber;

static void run_fiber(void)
{
	for (;;) {
		fiber->turns += spin() && sort();
		swapcontext(&fiber->own, &fiber->back);
	}
}

/* Half of the time on the thread's stack, half on one from the heap. */
static bool fibers(void)
{
	unsigned turns;

	if (!fiber) {
		fiber = calloc(1, sizeof(*fiber));
		getcontext(&fiber->own);
		fiber->own.uc_stack.ss_sp = malloc(FIBER_STACK);
		fiber->own.uc_stack.ss_size = FIBER_STACK;
		makecontext(&fiber->own, run_fiber, 0);
	}
	turns = fiber->turns;
	swapcontext(&fiber->back, &fiber->own);
	return fiber->turns == turns + 1 && spin();
}
#endif

static const struct load {
	const char *name;
	bool (*run)(void);
	bool waits;		/* costs no time, goes on while others do not */
} loads[] = {
	{ "spin", spin },
	{ "leaves", leaves },
	{ "opaque", opaque },
	{ "copy", copy },
	{ "allocate", allocate },
	{ "sort", sort },
	{ "recurse", recurse },
	{ "print", print },
	{ "floats", floats },
	{ "jump", jump },
	{ "read", read_pipe },
	{ "poll", wait_poll, true },
	{ "sleep", wait_sleep, true },
	{ "condition", wait_condition, true },
#ifdef __GLIBC__
	{ "fibers", fibers },
#endif
};
#define LOADS (sizeof(loads) / sizeof(loads[0]))

static void *work(void *arg)
{
	const struct load *l = arg;
	uintptr_t wrong = 0;

	prctl(PR_SET_NAME, l->name, 0, 0, 0);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		if (l->waits || witness_hot())
			wrong += !l->run();
	if (wrong)
		fprintf(stderr, "%s went wrong\n", l->name);
	return (void *)wrong;
}

static bool chosen(const char *name, char **names)
{
	if (!*names)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct pollfd in = { .fd = STDIN_FILENO };
	pthread_t threads[LOADS];
	unsigned started = 0;
	bool good = true;

	(void)argc;
	alarm(SECONDS);
	witness_begin();
	for (size_t i = 0; i < LOADS; i++)
		if (chosen(loads[i].name, argv + 1) &&
		    !pthread_create(&threads[started], NULL, work,
				    (void *)&loads[i]))
			started++;
	puts("READY");
	fflush(stdout);
	while (poll(&in, 1, -1) < 0 && errno == EINTR)
		;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < started; i++) {
		void *wrong = NULL;

		pthread_join(threads[i], &wrong);
		good &= !wrong;
	}
	return good ? 0 : 1;
}
