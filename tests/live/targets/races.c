/* SPDX-License-Identifier: GPL-3.0-or-later */
/* races.c - processes that do not stay what they are */

/*
 * Usage: races exec        starts its own program again and again
 *        races threads     starts threads that end at once, all the time
 *        races children    the same with processes, with a few threads each
 *        races vfork       a thread waits in vfork(), another has a frame
 *        races reuse       prints "pid PID": a number that one process has
 *                          after the other, in turn named "with" and
 *                          "without" a frame
 *        races stopped     is traced, and stopped by its tracer: prints
 *                          "pid PID"
 *
 * Prints "process PID" and "READY", and ends when the other end of its
 * standard input is closed.
 */
#include <linux/sched.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "target.h"

#define THREADS 4

static char **arguments;

static bool is_over(void)
{
	struct pollfd in = { .fd = STDIN_FILENO };

	return poll(&in, 1, 0) != 0;
}

/* Up to so many microseconds, never the same. */
static void nap(unsigned most)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	usleep((unsigned)t.tv_nsec % most);
}

static void *wait_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void start(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	/* there may be too many for a moment */
	(void)!pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
}

/* The one who does it may be another thread than the first. */
static void *execute(void *arg)
{
	char *args[] = { arguments[0], arguments[1], (char[]){ "again" },
			 NULL };

	(void)arg;
	nap(5000);
	execv("/proc/self/exe", args);
	target_fail("execv");
	return NULL;
}

static int exec(void)
{
	struct timespec t;

	if (!arguments[2])
		target_ready();
	if (is_over())
		return 0;
	for (unsigned i = 0; i < THREADS; i++)
		start(wait_for_ever, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t);
	if (t.tv_nsec % 2)
		execute(NULL);
	start(execute, NULL);
	wait_for_ever(NULL);
	return 0;
}

static void *end_soon(void *arg)
{
	(void)arg;
	nap(500);
	return NULL;
}

static int threads(void)
{
	target_ready();
	while (!is_over()) {
		for (unsigned i = 0; i < THREADS; i++)
			start(end_soon, NULL);
		nap(300);
	}
	return 0;
}

static int children(void)
{
	target_ready();
	while (!is_over()) {
		pid_t pid = fork();

		if (!pid) {
			for (unsigned i = 0; i < THREADS; i++)
				start(end_soon, NULL);
			nap(3000);
			_exit(0);
		}
		nap(1000);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static void *wait_for_child(void *arg)
{
	(void)arg;
	/* neither of them touches what is on the stack they share */
	if (!vfork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return NULL;
}

static void handle(int signo)
{
	(void)signo;
	prctl(PR_SET_NAME, "with");
	for (;;)
		pause();
}

static void *wait_in_handler(void *arg)
{
	(void)arg;
	signal(SIGUSR1, handle);
	raise(SIGUSR1);
	return NULL;
}

static int wait_in_vfork(void)
{
	start(wait_in_handler, NULL);
	start(wait_for_child, NULL);
	usleep(50000);
	target_ready();
	target_stay();
	/* the child shares this memory: nothing waits for it */
	_exit(0);
}

/* A child with that very number, which has to be free. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = pid ? (uintptr_t)&pid : 0,
		.set_tid_size = pid != 0,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int reuse(void)
{
	pid_t pid = 0;

	for (unsigned i = 0; !i || !is_over(); i++) {
		pid_t child = fork_as(pid);

		if (child < 0)
			target_fail("clone3");
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			if (i % 2)
				wait_in_handler(NULL);
			prctl(PR_SET_NAME, "without");
			wait_for_ever(NULL);
		}
		nap(i ? 20000 : 1);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		pid = child;
		if (i != 1)
			continue;
		printf("pid %d\n", pid);
		target_ready();
	}
	return 0;
}

static int stopped(void)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		wait_in_handler(NULL);
	}
	usleep(50000);
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) ||
	    waitpid(pid, NULL, 0) != pid)
		target_fail("PTRACE_ATTACH");
	printf("pid %d\n", pid);
	target_ready();
	target_stay();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} races[] = {
		{ "exec", exec },	{ "threads", threads },
		{ "children", children }, { "vfork", wait_in_vfork },
		{ "reuse", reuse },	{ "stopped", stopped },
	};

	arguments = argv;
	if (argc < 3)
		target_begin();
	for (size_t i = 0; i < sizeof(races) / sizeof(*races); i++)
		if (argc > 1 && strcmp(argv[1], races[i].name) == 0)
			return races[i].run();
	return 2;
}
