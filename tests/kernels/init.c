/* SPDX-License-Identifier: GPL-3.0-or-later */
/* init.c - the first process of a guest: runs the lines of /plan, powers off */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/*
 * A line of the plan is "NAME SECONDS [>FILE] PROGRAM [ARGUMENT...]", words
 * between single blanks. What the programs write comes out on the console
 * between "@@ begin NAME" and "@@ end NAME STATUS MILLISECONDS", where STATUS
 * is the exit status, or 128 and the number of the signal that ended it.
 */
#define WORDS 32

static const struct {
	const char *type, *where;
} mounts[] = {
	{ "proc", "/proc" },
	{ "sysfs", "/sys" },
	{ "devtmpfs", "/dev" },
	{ "tmpfs", "/tmp" },
};

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0,
			  NULL))
			printf("@@ cannot mount %s: %s\n", mounts[i].where,
			       strerror(errno));
	}
}

/* Kernels before 5.10 do not give an initramfs' init a console by itself. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* In a new process. `words` ends with NULL. */
static void become(char **words, unsigned seconds)
{
	if (words[0][0] == '>') {
		int fd = open(words[0] + 1, O_WRONLY | O_CREAT | O_TRUNC,
			      0644);

		if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
			_exit(126);
		words++;
	}
	alarm(seconds);
	execv(words[0], words);
	_exit(127);
}

/* Its wait status; a process that ignores its alarm is killed. */
static int wait_for(pid_t pid, unsigned seconds)
{
	const struct timespec tick = { .tv_nsec = 20000000 };
	struct timespec start, now;
	bool killed = false;
	int status = 0;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		pid_t got = waitpid(-1, &status, WNOHANG);

		if (got == pid || (got < 0 && errno == ECHILD))
			return status;
		if (got > 0)	/* an orphan */
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (!killed && now.tv_sec - start.tv_sec > (time_t)seconds) {
			kill(pid, SIGKILL);
			killed = true;
		}
		nanosleep(&tick, NULL);
	}
}

static void run(char *line)
{
	char *words[WORDS + 1] = { NULL };
	struct timespec start, end;
	size_t count = 0;

	for (char *word = strtok(line, " \n"); word && count < WORDS;
	     word = strtok(NULL, " \n"))
		words[count++] = word;
	if (count < 3)
		return;

	unsigned seconds = (unsigned)atoi(words[1]);

	printf("@@ begin %s\n", words[0]);
	clock_gettime(CLOCK_MONOTONIC, &start);

	pid_t pid = fork();

	if (!pid)
		become(words + 2, seconds);

	int status = pid < 0 ? 127 << 8 : wait_for(pid, seconds);

	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("@@ end %s %d %lld\n", words[0],
	       WIFEXITED(status) ? WEXITSTATUS(status)
				 : 128 + WTERMSIG(status),
	       (long long)(end.tv_sec - start.tv_sec) * 1000 +
		       (end.tv_nsec - start.tv_nsec) / 1000000);
}

int main(void)
{
	char line[1024];
	FILE *plan;

	mount_all();
	open_console();
	setvbuf(stdout, NULL, _IONBF, 0);
	plan = fopen("/plan", "re");
	if (!plan)
		printf("@@ no plan: %s\n", strerror(errno));
	while (plan && fgets(line, sizeof(line), plan))
		run(line);
	printf("@@ done\n");
	tcdrain(STDOUT_FILENO);	/* the kernel's last words would get between */
	nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
