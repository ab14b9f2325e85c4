/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hiding.c - signal frames where one would not look for them */

/*
 * Usage: hiding SCENARIO | -l
 *
 * A thread goes through the steps of the scenario, each from within the last,
 * and stays there. Then prints
 *
 *	process PID
 *	also PID
 *	thread TID frames N SCENARIO
 *	frame TID KIND ADDRESS FPSTATE SIGNO INTERRUPTED_PC
 *	skipped REASON
 *	READY
 *
 * with a thread's frames in the order they were delivered in. "also" is
 * another process that runs in the same memory. Ends when the other end of
 * its standard input is closed. -l lists the scenarios.
 */
#include "hiding.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "target.h"

struct record records[RECORDS_MAX];
unsigned records_count;
pid_t vfork_child, vfork_parent;

static step_fn *const *steps;	/* still to be done; NULL: stay */
static atomic_bool settled;
static pid_t settler;
static const char *skipped;

void skip(const char *reason)
{
	skipped = reason;
	atomic_store(&settled, true);
	target_stay();
	_exit(0);
}

void steps_again(void)
{
	steps--;
}

void go_on(void)
{
	if (*steps)
		(*steps++)();
	settler = target_tid();
	atomic_store(&settled, true);
	target_stay();
	_exit(0);
}

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)info;
	if (records_count == RECORDS_MAX)
		_exit(2);
	records[records_count++] = (struct record){
		.tid = target_tid(),
		.address = (uintptr_t)context - FRAME_UC,
		.fpstate = (uintptr_t)uc->uc_mcontext.fpregs,
		.pc = (uintptr_t)uc->uc_mcontext.gregs[FRAME_PC],
		.signo = signo,
	};
	go_on();
}

static void *work(void *arg)
{
	steps = arg;
	go_on();
	return NULL;
}

/* Until the thread is in the system call that it stays in. */
static void await(void)
{
	char name[64], text[16] = "";

	while (!atomic_load(&settled))
		usleep(200);
	if (skipped)
		return;
	snprintf(name, sizeof(name), "/proc/%d/syscall", settler);
	for (unsigned n = 0; n < 10000; n++) {
		FILE *file = fopen(name, "r");

		if (!file || !fgets(text, sizeof(text), file))
			text[0] = '\0';
		if (file)
			fclose(file);
		/* no such file: give it time, and hope */
		if (text[0] ? text[0] != 'r' : n > 500)
			return;
		usleep(200);
	}
}

static void run(step_fn *const *list)
{
	pthread_t thread;

	atomic_store(&settled, false);
	errno = pthread_create(&thread, NULL, work, (void *)(uintptr_t)list);
	if (errno)
		target_fail("pthread_create");
	await();
}

static bool belongs_to(const struct record *r, pid_t tid)
{
	/* a child of vfork() would return through its parent's frames, too */
	return r->tid == tid || (tid == vfork_child && r->tid == vfork_parent);
}

static void tell_thread(pid_t tid, const char *name)
{
	unsigned count = 0;

	for (unsigned i = 0; i < records_count; i++)
		count += belongs_to(&records[i], tid);
	printf("thread %d frames %u %s\n", tid, count, name);
	for (unsigned i = 0; i < records_count; i++) {
		const struct record *r = &records[i];

		if (belongs_to(r, tid))
			printf("frame %d " FRAME_KIND " 0x%" PRIxPTR
			       " 0x%" PRIxPTR " %d 0x%" PRIxPTR "\n", tid,
			       r->address, r->fpstate, r->signo, r->pc);
	}
}

static void tell(const char *name)
{
	if (skipped)
		printf("skipped %s\n", skipped);
	if (vfork_child) {
		printf("also %d\n", vfork_child);
		tell_thread(vfork_child, name);
	}
	for (unsigned i = 0; i < records_count && !skipped; i++) {
		unsigned first = 0;

		while (records[first].tid != records[i].tid)
			first++;
		if (first == i && records[i].tid != vfork_child)
			tell_thread(records[i].tid, name);
	}
}

/* A process that stops the thread, and keeps it so. */
static void have_traced(pid_t tid)
{
	int ready[2];
	char byte = 0;

	if (pipe(ready))
		target_fail("pipe");

	pid_t pid = fork();

	if (pid < 0)
		target_fail("fork");
	if (!pid) {
		alarm(TARGET_SECONDS);
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) ||
		    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) ||
		    waitpid(tid, NULL, __WALL) != tid)
			byte = 1;
		(void)!write(ready[1], &byte, 1);
		target_stay();
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1 || byte)
		skipped = "cannot trace";
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};
	const struct scenario *s = scenarios;

	if (argc == 2 && !strcmp(argv[1], "-l")) {
		for (size_t i = 0; i < scenarios_count; i++)
			puts(scenarios[i].name);
		return 0;
	}
	while (argc == 2 && s < scenarios + scenarios_count &&
	       strcmp(s->name, argv[1]) != 0)
		s++;
	if (argc != 2 || s == scenarios + scenarios_count)
		return 2;
	target_begin();
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags |= SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	run(s->steps);
	if (s->more && !skipped)
		run(s->more);
	if (s->traced)
		have_traced(settler);
	tell(s->name);
	target_ready();
	if (s->headless)
		syscall(SYS_exit, 0);
	target_stay();
	if (vfork_child)
		kill(vfork_child, SIGKILL);
	_exit(0);
}
