/* SPDX-License-Identifier: GPL-3.0-or-later */
/* odd.c - processes that are not easy to examine */

/*
 * Usage: odd zombie        child that has exited: prints "zombie PID"
 *        odd traced TID... traces these threads, without stopping them
 *        odd undumpable    may not be traced by its own user
 *        odd headless      its main thread has exited, the other has a frame
 *        odd named         hostile bytes for a name, and a signal frame
 *        odd plain         nothing odd, no signal frame
 *        odd running       the same, but runs all the time
 *
 * Prints "process PID" and "READY", and ends when the other end of its
 * standard input is closed.
 */
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "target.h"

/* A colour, a line of its own, half a character, what JSON has to escape. */
static const char hostile_name[] = "\033[31m\n\"\\\xff\xc3\x07\x9bx";

static int zombie(char **args)
{
	siginfo_t info;
	pid_t pid = fork();

	(void)args;
	if (pid < 0)
		target_fail("fork");
	if (!pid)
		_exit(0);
	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT))
		target_fail("waitid");
	printf("zombie %d\n", pid);
	target_ready();
	target_stay();
	return 0;
}

static int traced(char **args)
{
	for (; *args; args++)
		if (ptrace(PTRACE_SEIZE, atoi(*args), NULL, NULL))
			target_fail("PTRACE_SEIZE");
	target_ready();
	target_stay();
	return 0;
}

static int undumpable(char **args)
{
	(void)args;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		target_fail("PR_SET_DUMPABLE");
	target_ready();
	target_stay();
	return 0;
}

static void handle(int signo)
{
	(void)signo;
	target_ready();
	target_stay();
	_exit(0);
}

/* Has the main thread exited? What is left of it is a zombie. */
static bool main_is_gone(void)
{
	char line[256] = "";
	FILE *file = fopen("/proc/self/stat", "r");

	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	return strstr(line, ") Z ") != NULL;
}

static void *raise_and_stay(void *arg)
{
	(void)arg;
	while (!main_is_gone())
		usleep(1000);
	raise(SIGUSR1);
	return NULL;
}

static int headless(char **args)
{
	struct sigaction action = { .sa_handler = handle };
	pthread_t thread;

	(void)args;
	sigaction(SIGUSR1, &action, NULL);
	if (pthread_create(&thread, NULL, raise_and_stay, NULL))
		target_fail("pthread_create");
	pthread_exit(NULL);
}

static int named(char **args)
{
	struct sigaction action = { .sa_handler = handle };

	(void)args;
	if (prctl(PR_SET_NAME, hostile_name, 0, 0, 0))
		target_fail("PR_SET_NAME");
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	return 2;
}

static int plain(char **args)
{
	(void)args;
	target_ready();
	target_stay();
	return 0;
}

static int running(char **args)
{
	struct pollfd in = { .fd = STDIN_FILENO };

	(void)args;
	target_ready();
	while (poll(&in, 1, 0) == 0)
		for (volatile unsigned n = 0; n < 1000000; n++)
			;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **args);
	} kinds[] = {
		{ "zombie", zombie },	    { "traced", traced },
		{ "undumpable", undumpable }, { "headless", headless },
		{ "named", named },	    { "plain", plain },
		{ "running", running },
	};

	if (argc < 2)
		return 2;
	target_begin();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(argv[1], kinds[i].name))
			return kinds[i].run(argv + 2);
	return 2;
}
