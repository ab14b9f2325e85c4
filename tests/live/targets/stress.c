/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stress.c - threads that signal each other, and keep account of their frames */

/*
 * Usage: stress TABLE SEED THREADS
 *
 * Each thread sleeps, spins, sends real-time signals to the others and to
 * itself, handles up to DEPTH of them in one another, on its own stack, on one
 * alternate stack or several, and now and then jumps out of some handlers.
 * TABLE is a file that tells about it, made of words of 64 bits:
 *
 *	0	1: whoever can shall stop where it is; a futex
 *	1	threads that have
 *	2	threads that there are
 *	16	and then for each of them, SLOT words apart:
 *		  0  TID
 *		  1  signals it has sent
 *		  2  signals it has handled
 *		  3  1 if it spins while it has to stop
 *		  4  events so far; the last EVENTS of them are from word 16 on
 *
 * An event is the address of a frame that has come, as the thread finds it
 * when no other signal can come in between, or how many are left: that is
 * written before the others are returned from or jumped over.
 *
 * Ends when the other end of standard input is closed and all signals have
 * been handled; prints "sent COUNT" and "handled COUNT" then.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../oracle/random.h"
#include "target.h"

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

enum {
	DEPTH = 6,
	SIGNALS = 6,
	THREADS_MAX = 1000,
	HEADER = 16,
	EVENTS = 1024,
	SLOT = 16 + EVENTS,
	/* frames of AMX are large, and one stack may hold them all */
	STACK = 256 << 10,
};

enum table_word { PAUSE, PAUSED, COUNT };
enum slot_word { TID, SENT, HANDLED, SPINS, HAPPENED, FIRST = 16 };

/* Where a thread handles the signals that may be handled elsewhere. */
enum habit {
	HABIT_OWN,		/* on its own stack, all the same */
	HABIT_ALTERNATE,
	HABIT_AUTODISARM,
	HABIT_SECOND,		/* registers another one when on the first */
	HABITS,
};

struct worker {
	_Atomic uint64_t *slot;
	enum habit habit;
	struct random random;
	unsigned depth;
	uint8_t *stacks[2];
	/* by depth: how to get there, and what was registered there */
	sigjmp_buf back[DEPTH + 1];
	stack_t registered[DEPTH + 1];
};

static _Atomic uint64_t *table;
static struct worker workers[THREADS_MAX];
static unsigned workers_count;
static atomic_bool ending;
static _Thread_local struct worker *self;
static sigset_t every, none;

/* What the table says is written before, or after, what it is about. */
static void happens(struct worker *w, uint64_t event)
{
	uint64_t n = atomic_load(&w->slot[HAPPENED]);

	atomic_store(&w->slot[FIRST + n % EVENTS], event);
	atomic_store(&w->slot[HAPPENED], n + 1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void nap(struct worker *w, unsigned from, unsigned below)
{
	unsigned ms = from + random_below(&w->random, below - from);

	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

static void send_one(struct worker *w, struct worker *to)
{
	siginfo_t info = { .si_code = SI_QUEUE };
	sigset_t before;

	info.si_signo = SIGRTMIN + 1 + (int)random_below(&w->random, SIGNALS);
	info.si_pid = getpid();
	if (atomic_load(&ending))
		return;
	/* no handler may jump out of this */
	pthread_sigmask(SIG_SETMASK, &every, &before);
	if (!syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)to->slot[TID],
		     info.si_signo, &info))
		atomic_fetch_add(&w->slot[SENT], 1);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* If it is asked to, stand still, where no signal can come. */
static void pause_here(struct worker *w)
{
	pthread_sigmask(SIG_SETMASK, &every, NULL);
	if (!atomic_load(&table[PAUSE]))
		return;
	atomic_fetch_add(&table[PAUSED], 1);
	while (atomic_load(&table[PAUSE]))
		if (atomic_load(&w->slot[SPINS]))
			__asm__ volatile("pause");
		else
			syscall(SYS_futex, &table[PAUSE], FUTEX_WAIT, 1, NULL,
				NULL, 0);
	atomic_fetch_sub(&table[PAUSED], 1);
}

static void register_stack(const stack_t *stack)
{
	/* not while it runs on the one that is registered */
	if (sigaltstack(stack, NULL) && errno != EPERM)
		target_fail("sigaltstack");
}

/* All handlers but `depth` of them are left, or about to be. */
static void leave(struct worker *w, unsigned depth)
{
	/* nobody can come back there, so let nothing say how to */
	memset(&w->back[depth + 1], 0, (DEPTH - depth) * sizeof(*w->back));
	w->depth = depth;
	happens(w, depth);
}

/* From whatever handler, back to a place that it was in before. */
static void jump(struct worker *w)
{
	pthread_sigmask(SIG_SETMASK, &every, NULL);
	leave(w, random_below(&w->random, w->depth));
	siglongjmp(w->back[w->depth], 1);
}

static void act(struct worker *w)
{
	uint64_t until;

	switch (random_below(&w->random, 8)) {
	case 0:
		until = now() + 20 + random_below(&w->random, 500);
		while (now() < until)
			__asm__ volatile("pause");
		break;
	case 1:
	case 2:
		send_one(w, w);
		break;
	case 3:
		send_one(w, &workers[random_below(&w->random, workers_count)]);
		break;
	case 4:
		if (w->depth && random_below(&w->random, 4) == 0)
			jump(w);
		break;
	default:
		nap(w, 20, 300);
		break;
	}
}

/* All signals are blocked here, and the caller's frame is at `address`. */
static void handle(uint64_t address)
{
	struct worker *w = self;
	unsigned depth = ++w->depth;

	happens(w, address);
	atomic_fetch_add(&w->slot[HANDLED], 1);
	if (w->habit == HABIT_SECOND &&
	    address - (uintptr_t)w->stacks[0] < STACK)
		register_stack(&(stack_t){ .ss_sp = w->stacks[1],
					   .ss_size = STACK,
					   .ss_flags = (int)SS_AUTODISARM });
	sigaltstack(NULL, &w->registered[depth]);
	if (sigsetjmp(w->back[depth], 1))
		register_stack(&w->registered[depth]);
	for (unsigned n = random_below(&w->random, 4); n > 0; n--) {
		if (depth < DEPTH)
			pthread_sigmask(SIG_SETMASK, &none, NULL);
		act(w);
		pause_here(w);
	}
	pthread_sigmask(SIG_SETMASK, &every, NULL);
	leave(w, depth - 1);
}

/* Where a handler was entered: the address of its return address. */
#define ENTRY ((uintptr_t)__builtin_dwarf_cfa() - 8)

static void handle_plain(int signo)
{
	(void)signo;
	handle(ENTRY);
}

static void handle_info(int signo, siginfo_t *info, void *context)
{
	uint64_t address = ENTRY;

	(void)signo;
	/* so says the ABI */
	if ((uintptr_t)context != address + 8 || info->si_code != SI_QUEUE)
		target_fail("context");
	handle(address);
}

/* One with much on the stack, and its own idea of how to align it. */
static void handle_large(int signo)
{
	uint8_t large[3000] __attribute__((aligned(64)));

	memset(large, signo, sizeof(large));
	__asm__ volatile("" : : "r"(large) : "memory");
	handle(ENTRY);
	__asm__ volatile("" : : "r"(large) : "memory");
}

static void *work(void *arg)
{
	struct worker *w = self = arg;
	stack_t first = { .ss_sp = w->stacks[0], .ss_size = STACK };
	uint64_t due;

	if (w->habit >= HABIT_AUTODISARM)
		first.ss_flags = (int)SS_AUTODISARM;
	if (w->habit != HABIT_OWN)
		register_stack(&first);
	sigaltstack(NULL, &w->registered[0]);
	atomic_store(&w->slot[TID], (uint64_t)target_tid());
	while (atomic_load(&table[COUNT]) < workers_count)
		usleep(1000);
	if (sigsetjmp(w->back[0], 1))
		register_stack(&w->registered[0]);
	for (;;) {
		pthread_sigmask(SIG_SETMASK, &none, NULL);
		/* however many signals come */
		due = now() + 100000 + random_below(&w->random, 800000);
		while (now() < due && !atomic_load(&table[PAUSE]))
			nap(w, 100, 400);
		send_one(w, &workers[random_below(&w->random, workers_count)]);
		pause_here(w);
	}
	return NULL;
}

static void install(int n)
{
	static const struct {
		void (*plain)(int);
		void (*info)(int, siginfo_t *, void *);
		int flags;
	} ways[SIGNALS] = {
		{ handle_plain, NULL, SA_ONSTACK },
		{ NULL, handle_info, SA_ONSTACK | SA_SIGINFO },
		{ handle_large, NULL, SA_ONSTACK | SA_RESTART },
		{ NULL, handle_info, SA_SIGINFO | SA_RESTART },
		{ handle_large, NULL, 0 },
		{ handle_plain, NULL, SA_RESTART },
	};
	struct sigaction action = { .sa_flags = ways[n].flags };

	if (ways[n].plain)
		action.sa_handler = ways[n].plain;
	else
		action.sa_sigaction = ways[n].info;
	action.sa_mask = every;
	if (sigaction(SIGRTMIN + 1 + n, &action, NULL))
		target_fail("sigaction");
}

static void start(struct worker *w, unsigned n, uint64_t seed)
{
	pthread_t thread;
	void *stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (stacks == MAP_FAILED)
		target_fail("mmap");
	w->slot = table + HEADER + n * SLOT;
	w->habit = (enum habit)(n % HABITS);
	w->random = random_of(seed + n);
	w->stacks[0] = stacks;
	w->stacks[1] = w->stacks[0] + STACK;
	if (pthread_create(&thread, NULL, work, w))
		target_fail("pthread_create");
	while (!atomic_load(&w->slot[TID]))
		usleep(100);
	atomic_fetch_add(&table[COUNT], 1);
}

static uint64_t sum(enum slot_word word)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < workers_count; i++)
		total += atomic_load(&workers[i].slot[word]);
	return total;
}

int main(int argc, char **argv)
{
	size_t size;
	int fd;

	if (argc != 4) {
		fputs("usage: stress TABLE SEED THREADS\n", stderr);
		return 2;
	}
	workers_count = (unsigned)strtoul(argv[3], NULL, 10);
	if (workers_count > THREADS_MAX)
		return 2;
	target_begin();
	size = (HEADER + (size_t)workers_count * SLOT) * sizeof(*table);
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		target_fail(argv[1]);
	table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		target_fail("mmap");
	sigfillset(&every);
	/* of the C library's own signals, none is touched */
	pthread_sigmask(SIG_BLOCK, &every, &none);
	for (int n = 0; n < SIGNALS; n++)
		install(n);
	for (unsigned n = 0; n < workers_count; n++)
		start(&workers[n], n, strtoull(argv[2], NULL, 0));
	target_ready();
	target_stay();
	atomic_store(&ending, true);
	for (unsigned n = 0; n < 1000 && sum(HANDLED) != sum(SENT); n++)
		usleep(10000);
	printf("sent %llu\nhandled %llu\n", (long long)sum(SENT),
	       (long long)sum(HANDLED));
	return 0;
}
