/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signals.c - a process that counts whether all its signals arrive */

/*
 * Usage: signals COUNT
 *
 * Four threads get signals: one waits in pause(), one in nanosleep(), one
 * makes system calls all the time and one makes none. The main thread sends
 * them, in turn,
 *
 *	ordinary ones with tgkill, the next after the one before has arrived,
 *	real-time ones with values, a burst at a time,
 *
 * and to the first of them also real-time ones with sigqueue, directed at
 * the process. Prints "enough" once COUNT have arrived, and goes on until the
 * other end of its standard input is closed; then prints
 *
 *	sent COUNT
 *	handled COUNT
 *	disorder COUNT
 *
 * where disorder counts values that came in another order, or more often,
 * than they were sent. A signal that gets lost is waited for for ever, which
 * alarm() ends.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "target.h"

#define ORDINARY SIGUSR1
#define QUEUED (SIGRTMIN + 1)
#define DIRECTED (SIGRTMIN + 2)
#define BURST 8
#define RECEIVERS 4

/* How a receiver spends its time. */
enum habit { HABIT_PAUSE, HABIT_SLEEP, HABIT_CALLS, HABIT_SPIN };

static struct receiver {
	enum habit habit;
	pid_t tid;
	int next, next_directed;	/* values to come */
	atomic_ulong handled;
	atomic_ulong disorder;
	atomic_bool ready;
} receivers[RECEIVERS];

static _Thread_local struct receiver *self;
static unsigned long sent;

static void handle_ordinary(int signo)
{
	(void)signo;
	atomic_fetch_add(&self->handled, 1);
}

static void handle_value(int signo, siginfo_t *info, void *context)
{
	int *next = signo == DIRECTED ? &self->next_directed : &self->next;

	(void)context;
	if (info->si_code != SI_QUEUE || info->si_value.sival_int != *next)
		atomic_fetch_add(&self->disorder, 1);
	(*next)++;
	atomic_fetch_add(&self->handled, 1);
}

static void *receive(void *arg)
{
	sigset_t directed;

	self = arg;
	self->tid = target_tid();
	sigemptyset(&directed);
	sigaddset(&directed, DIRECTED);
	if (self != receivers)
		pthread_sigmask(SIG_BLOCK, &directed, NULL);
	atomic_store(&self->ready, true);
	for (;;) {
		switch (self->habit) {
		case HABIT_PAUSE:
			pause();
			break;
		case HABIT_SLEEP:
			nanosleep(&(struct timespec){ .tv_sec = 600 }, NULL);
			break;
		case HABIT_CALLS:
			getppid();
			break;
		case HABIT_SPIN:
			for (;;)
				__asm__ volatile("pause");
		}
	}
	return NULL;
}

static void await(struct receiver *r, unsigned long count)
{
	while (atomic_load(&r->handled) < count)
		usleep(10);
}

static void queue(struct receiver *r, int value)
{
	siginfo_t info = {
		.si_signo = QUEUED,
		.si_code = SI_QUEUE,
	};

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = value;
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), r->tid, QUEUED, &info))
		target_fail("rt_tgsigqueueinfo");
}

static void send_to(struct receiver *r, int *value, int *directed)
{
	unsigned long count = atomic_load(&r->handled);

	for (unsigned i = 0; i < BURST; i++) {
		if (syscall(SYS_tgkill, getpid(), r->tid, ORDINARY))
			target_fail("tgkill");
		await(r, ++count);
	}
	for (unsigned i = 0; i < BURST; i++)
		queue(r, (*value)++);
	count += BURST;
	sent += 2 * BURST;
	for (unsigned i = 0; r == receivers && i < BURST; i++) {
		union sigval v = { .sival_int = (*directed)++ };

		if (sigqueue(getpid(), DIRECTED, v))
			target_fail("sigqueue");
		count++;
		sent++;
	}
	await(r, count);
}

static void install(int signo, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};

	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
}

int main(int argc, char **argv)
{
	unsigned long enough = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	int values[RECEIVERS] = { 0 }, directed = 0;
	struct sigaction ordinary = { .sa_handler = handle_ordinary };
	struct pollfd in = { .fd = STDIN_FILENO };
	unsigned long handled = 0, disorder = 0;
	sigset_t all;

	target_begin();
	sigaction(ORDINARY, &ordinary, NULL);
	install(QUEUED, handle_value);
	install(DIRECTED, handle_value);
	for (unsigned i = 0; i < RECEIVERS; i++) {
		pthread_t thread;

		receivers[i].habit = (enum habit)i;
		if (pthread_create(&thread, NULL, receive, &receivers[i]))
			target_fail("pthread_create");
		while (!atomic_load(&receivers[i].ready))
			usleep(100);
	}
	sigemptyset(&all);
	sigaddset(&all, DIRECTED);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	target_ready();
	while (poll(&in, 1, 0) == 0) {
		for (unsigned i = 0; i < RECEIVERS; i++)
			send_to(&receivers[i], &values[i], &directed);
		if (!enough || sent < enough)
			continue;
		enough = 0;
		puts("enough");
		fflush(stdout);
	}
	for (unsigned i = 0; i < RECEIVERS; i++) {
		handled += atomic_load(&receivers[i].handled);
		disorder += atomic_load(&receivers[i].disorder);
	}
	printf("sent %lu\nhandled %lu\ndisorder %lu\n", sent, handled,
	       disorder);
	return 0;
}
