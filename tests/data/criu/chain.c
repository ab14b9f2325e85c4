/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain.c - gets a frame with each signal, tells where, and waits for more */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>
#include <unistd.h>

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;
	char line[200];
	int size = snprintf(line, sizeof(line),
			    "frame %d x86_64 %#lx %#lx %d %#lx main\n",
			    getpid(), (unsigned long)context - 8,
			    (unsigned long)uc->uc_mcontext.fpregs, signo,
			    (unsigned long)uc->uc_mcontext.gregs[REG_RIP]);

	(void)info;
	(void)!write(STDERR_FILENO, line, (size_t)size);
	for (;;)
		pause();
}

int main(void)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	for (;;)
		pause();
}
