/* SPDX-License-Identifier: GPL-3.0-or-later */
/* calls.c - a process whose threads are blocked, each in another system call */

/*
 * Usage: calls [-d SECONDS] [-f]
 *
 * With -f each call is made in a signal handler, so that there is a frame on
 * the thread's stack. With -d only calls that have a deadline are made, which
 * is as far away as that. Prints
 *
 *	process PID
 *	call TID NAME FUNCTION fragile|sturdy
 *	skipped NAME
 *	READY
 *
 * and when the other end of its standard input is closed, with -d when all
 * deadlines are over,
 *
 *	early NAME ERRNO	a call that has returned, which none should
 *	late NAME ERRNO		with -d: one that did not notice its deadline
 *	overslept MILLISECONDS	with -d: the most that one was late
 *	blocked COUNT		the calls that have done as they should
 */
#include "calls.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "target.h"

/* Longer than a target lives. */
static struct timespec duration = { .tv_sec = 10000 };
static bool has_deadline;

static const struct call *const tables[] = {
	calls_of_time, calls_of_files, calls_of_pipes, calls_of_sockets,
	calls_of_ipc,
};
#define TABLES (sizeof(tables) / sizeof(*tables))

static struct worker {
	const struct call *call;
	struct place place;
	pid_t tid;
	atomic_bool ready;
	atomic_bool ended;
	int error;		/* 0: it has succeeded */
	long took;		/* milliseconds */
} workers[TABLES * CALLS_MOST];
static size_t count;

static _Thread_local struct worker *self;

const struct timespec *calls_time(void)
{
	return &duration;
}

int calls_milliseconds(void)
{
	return (int)duration.tv_sec * 1000;
}

struct timespec calls_deadline(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += duration.tv_sec;
	return t;
}

int calls_file(void)
{
	return memfd_create("calls", MFD_CLOEXEC);
}

int calls_idler(int fd_to_lock)
{
	struct flock lock = { .l_type = F_WRLCK };
	pid_t parent = getpid();
	int done[2];
	char byte;

	if (pipe2(done, O_CLOEXEC))
		return 0;

	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent ||
		    (fd_to_lock >= 0 && fcntl(fd_to_lock, F_SETLK, &lock)))
			_exit(1);
		close(done[0]);
		close(done[1]);
		/* not even the signals that this process blocks end it */
		for (;;)
			pause();
	}
	close(done[1]);
	if (pid > 0 && read(done[0], &byte, 1) < 0)
		pid = 0;
	close(done[0]);
	return pid > 0 ? pid : 0;
}

static long milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void make_call(void)
{
	struct worker *w = self;
	long start = milliseconds();

	atomic_store(&w->ready, true);
	w->error = w->call->run(&w->place) < 0 ? errno : 0;
	w->took = milliseconds() - start;
	atomic_store(&w->ended, true);
	for (;;)
		pause();
}

static void handle(int signo)
{
	(void)signo;
	make_call();
}

static void *work(void *arg)
{
	self = arg;
	self->tid = target_tid();
	raise(SIGURG);
	make_call();
	return NULL;
}

static char state_of(pid_t tid)
{
	char name[64], line[256] = "";
	char state = '?';

	snprintf(name, sizeof(name), "/proc/self/task/%d/stat", tid);

	FILE *file = fopen(name, "r");

	if (file && fgets(line, sizeof(line), file) && strrchr(line, ')'))
		state = strrchr(line, ')')[2];
	if (file)
		fclose(file);
	return state;
}

/* Until it is blocked, which it also is on the way there: look twice. */
static void await(const struct worker *w)
{
	while (!atomic_load(&w->ready))
		usleep(100);
	for (unsigned calm = 0; calm < 10;) {
		calm = state_of(w->tid) == 'S' ? calm + 1 : 0;
		usleep(300);
	}
}

static void start(struct worker *w)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (pthread_create(&thread, &small, work, w))
		target_fail("pthread_create");
	pthread_attr_destroy(&small);
}

/* What there is to make the call with, or a line that says there is nothing. */
static void prepare(const struct call *c)
{
	struct worker *w = &workers[count];

	if (has_deadline && !c->timed)
		return;
	w->place = (struct place){ -1, -1, NULL };
	if (c->make && c->make(&w->place))
		printf("skipped %s\n", c->name);
	else
		workers[count++].call = c;
}

/* Not every kernel has all of them; with a deadline it cannot be told yet. */
static void introduce(struct worker *w)
{
	if (!has_deadline)
		await(w);
	if (atomic_load(&w->ended) && w->error != EINTR) {
		printf("skipped %s\n", w->call->name);
		w->call = NULL;
		return;
	}
	while (!atomic_load(&w->ready))
		usleep(100);
	printf("call %d %s %s %s\n", w->tid, w->call->name, w->call->function,
	       w->call->fragile ? "fragile" : "sturdy");
}

static bool is_timeout(int error)
{
	return !error || error == ETIMEDOUT || error == EAGAIN ||
	       error == ETIME;
}

/* Wait for the deadlines, and as long again for those that missed it. */
static void await_deadlines(void)
{
	long end = milliseconds() + 3L * calls_milliseconds();
	size_t waiting = count;

	while (waiting && milliseconds() < end) {
		usleep(10000);
		waiting = 0;
		for (size_t i = 0; i < count; i++)
			waiting += workers[i].call &&
				   !atomic_load(&workers[i].ended);
	}
}

/* Did it what it should? */
static bool judge(const struct worker *w)
{
	bool ended = atomic_load(&w->ended);
	/* the clocks of timeouts tick, and some are coarse */
	long slack = 20;

	if (!has_deadline && ended)
		printf("early %s %d\n", w->call->name, w->error);
	else if (!has_deadline)
		return true;
	else if (!ended)
		printf("late %s 0\n", w->call->name);
	else if (!is_timeout(w->error) ||
		 w->took < calls_milliseconds() - slack)
		printf("early %s %d\n", w->call->name, w->error);
	else
		return true;
	return false;
}

static void report(void)
{
	unsigned good = 0;
	long overslept = 0;

	for (size_t i = 0; i < count; i++) {
		const struct worker *w = &workers[i];

		if (!w->call)
			continue;

		bool fine = judge(w);

		if (w->call->unmake)
			w->call->unmake(&w->place);
		if (!fine)
			continue;
		good++;
		if (w->took - calls_milliseconds() > overslept)
			overslept = w->took - calls_milliseconds();
	}
	if (has_deadline)
		printf("overslept %ld\n", overslept);
	printf("blocked %u\n", good);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	bool framed = false;
	sigset_t set;
	int option;

	while ((option = getopt(argc, argv, "d:f")) != -1) {
		if (option == 'd')
			duration.tv_sec = atoi(optarg);
		has_deadline |= option == 'd';
		framed |= option == 'f';
	}
	target_begin();
	/* so that nothing is left of semaphores and queues */
	(void)!unshare(CLONE_NEWIPC);
	/* blocked everywhere, so that it stays pending for those who wait */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGURG, framed ? handle : SIG_IGN);
	for (size_t t = 0; t < TABLES; t++)
		for (const struct call *c = tables[t]; c->name; c++)
			prepare(c);
	for (size_t i = 0; i < count; i++)
		start(&workers[i]);
	for (size_t i = 0; i < count; i++)
		introduce(&workers[i]);
	target_ready();
	if (has_deadline)
		await_deadlines();
	else
		target_stay();
	report();
	_exit(0);
}
