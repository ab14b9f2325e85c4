/* SPDX-License-Identifier: GPL-3.0-or-later */
/* meter.c - what a command takes, and what it does to a process meanwhile */

/*
 * Usage: meter GAPFILE|- SECONDS COMMAND...
 *
 * Runs the command once, without its output, and kills it after so many
 * seconds. GAPFILE is that of the workload. Prints one line:
 *
 *	CPU-ms WALL-ms RSS-KiB READ-bytes GAP-ms STATUS
 *
 * The status is 128 and more for a signal.
 */
#include "gap.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile pid_t child;

static void too_late(int sig)
{
	(void)sig;
	kill(child, SIGKILL);
}

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double of(struct timeval t)
{
	return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

/* Bytes that a process has read, by calls; it may have ended. */
static uint64_t bytes_read(pid_t pid)
{
	char name[64], line[128];
	uint64_t bytes = 0;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/%d/io", pid);
	file = fopen(name, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "rchar: ", 7))
			bytes = strtoull(line + 7, NULL, 10);
	if (file)
		fclose(file);
	return bytes;
}

static struct gap *open_gap(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	struct gap *g = MAP_FAILED;

	if (fd >= 0)
		g = mmap(NULL, sizeof(*g), PROT_READ | PROT_WRITE, MAP_SHARED,
			 fd, 0);
	if (g == MAP_FAILED) {
		perror(file);
		exit(2);
	}
	return g;
}

static void begin(char **command)
{
	int in = open("/dev/null", O_RDONLY);
	int out = open("/dev/null", O_WRONLY);

	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct gap *gap = NULL;
	struct rusage used;
	siginfo_t info;
	int status;

	if (argc < 4)
		return 2;
	if (strcmp(argv[1], "-") != 0)
		gap = open_gap(argv[1]);
	if (gap)
		gap->asked++;
	while (gap && gap->answered != gap->asked)
		usleep(100);

	double start = milliseconds();

	child = fork();
	if (!child)
		begin(argv + 3);
	signal(SIGALRM, too_late);
	alarm((unsigned)atoi(argv[2]));
	while (waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT))
		;

	double wall = milliseconds() - start;
	uint64_t bytes = bytes_read(child);

	wait4(child, &status, 0, &used);
	/* the last gap may still be under way */
	usleep(2000);
	printf("%.3f %.3f %ld %" PRIu64 " %.3f %d\n",
	       of(used.ru_utime) + of(used.ru_stime), wall, used.ru_maxrss,
	       bytes, gap ? (double)gap->longest / 1e6 : 0.0,
	       WIFSIGNALED(status) ? 128 + WTERMSIG(status)
				   : WEXITSTATUS(status));
	return 0;
}
