/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target.h - what the processes that tests look at have in common */
#ifndef SIGFRAME_TESTS_TARGET_H
#define SIGFRAME_TESTS_TARGET_H

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No target outlives this many seconds. */
#define TARGET_SECONDS 600

static inline void target_fail(const char *what)
{
	perror(what);
	_exit(2);
}

/* Memory of its own; `flags`: MAP_PRIVATE or MAP_SHARED, and others. */
static inline void *target_map(size_t size, int prot, int flags)
{
	void *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		target_fail("mmap");
	return p;
}

/* To be called first. Prints "process PID". */
static inline void target_begin(void)
{
	alarm(TARGET_SECONDS);
	/* who runs a test is not always an ancestor of its targets */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	printf("process %d\n", getpid());
}

static inline pid_t target_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* All has been said, the test may begin. */
static inline void target_ready(void)
{
	puts("READY");
	fflush(stdout);
}

/* Stay here until the other end of standard input is closed. */
static inline void target_stay(void)
{
	struct pollfd in = { .fd = STDIN_FILENO };

	/* does not read: a terminal would stop it in the background */
	while (poll(&in, 1, -1) < 0 && errno == EINTR)
		;
}

#endif
