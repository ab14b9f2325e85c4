/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hold.c - let a traced thread go, and take it back */
#include "hold.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void hold_fail(const char *what)
{
	fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
	exit(2);
}

uint64_t hold_status(pid_t tid, const char *key, int base)
{
	char path[64], line[256];
	size_t length = strlen(key);
	uint64_t value = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, length) && line[length] == ':')
			value = strtoull(line + length + 1, NULL, base);
	if (file)
		fclose(file);
	return value;
}

static char state_of(pid_t tid)
{
	char path[64], line[256] = "", *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	file = fopen(path, "re");
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	end = strrchr(line, ')');
	return end && end[1] ? end[2] : '?';
}

void hold_release(pid_t pid, pid_t tid)
{
	syscall(SYS_tgkill, pid, tid, SIGSTOP);
	if (ptrace(PTRACE_DETACH, tid, NULL, NULL))
		hold_fail("PTRACE_DETACH");
	while (state_of(tid) != 'T')
		usleep(100);
}

void hold_seize(pid_t pid, pid_t tid, long options)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, options))
		hold_fail("PTRACE_SEIZE");
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
	if (waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
		hold_fail("waitpid");
	kill(pid, SIGCONT);
}
