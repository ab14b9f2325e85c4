/* SPDX-License-Identifier: GPL-3.0-or-later */
/* points.c - a process to be looked at between any two of its instructions */

/*
 * Gets three signals: SIGUSR1 from itself, in whose handler it calls into the
 * C library and the vDSO and gets SIGUSR2 on the alternate stack, and SIGALRM
 * while it waits in a system call that is made again. To be traced, see
 * stepper.c, which tells the truth about it. With the argument "exit" it ends.
 */
#include <string.h>
#include <time.h>

#include "target.h"

static char altstack[65536];
static volatile long sink;

static void handle_inner(int signo)
{
	sink += signo;
}

static void handle_outer(int signo, siginfo_t *info, void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	sink += (long)now.tv_nsec + signo + info->si_code;
	raise(SIGUSR2);
}

static void handle_alarm(int signo)
{
	sink += getppid() + signo;
}

static void install(int signo, int flags, void (*plain)(int),
		    void (*rt)(int, siginfo_t *, void *))
{
	struct sigaction action = { .sa_flags = flags };

	if (rt)
		action.sa_sigaction = rt;
	else
		action.sa_handler = plain;
	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
}

int main(int argc, char **argv)
{
	stack_t stack = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	int ends[2];
	char byte;

	if (argc > 1)
		return strcmp(argv[1], "exit") ? 2 : 0;
	if (sigaltstack(&stack, NULL) || pipe(ends))
		target_fail("sigaltstack, pipe");
	install(SIGUSR1, SA_SIGINFO, NULL, handle_outer);
	install(SIGUSR2, SA_ONSTACK, handle_inner, NULL);
	install(SIGALRM, SA_RESTART, handle_alarm, NULL);
	raise(SIGUSR1);
	ualarm(1000, 0);
	/* there is nothing to read, ever */
	return (int)read(ends[0], &byte, 1);
}
