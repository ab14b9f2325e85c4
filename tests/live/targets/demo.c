/* SPDX-License-Identifier: GPL-3.0-or-later */
/* demo.c - a process with one signal frame to try sigframe-inspect on */

/*
 * A worker thread gets SIGUSR1 in compress_block() while it has all vector
 * registers in use, and waits in the handler. Prints "demo PID". Ends when
 * the other end of its standard input is closed, or after ten minutes.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECONDS 600

static sem_t waiting;

static void on_sigusr1(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	sem_post(&waiting);
	for (;;)
		pause();
}

/* tgkill(pid, tid, SIGUSR1) without a call that could use registers. */
#define RAISE "mov %[nr], %%eax\n\tsyscall\n\t"
#define RAISE_INPUTS                                                           \
	[nr] "i"(SYS_tgkill), "D"(pid), "S"(tid), "d"(SIGUSR1),                \
		[block] "r"(block)
#define RAISE_CLOBBERS "rax", "rcx", "r11", "memory", "cc"

#define FOUR(load, reg, a, b, c, d)                                            \
	load " (%[block]), %%" reg #a "\n\t" load " (%[block]), %%" reg #b     \
	     "\n\t" load " (%[block]), %%" reg #c "\n\t"                       \
	     load " (%[block]), %%" reg #d "\n\t"
#define SIXTEEN(load, reg)                                                     \
	FOUR(load, reg, 0, 1, 2, 3) FOUR(load, reg, 4, 5, 6, 7)                \
	FOUR(load, reg, 8, 9, 10, 11) FOUR(load, reg, 12, 13, 14, 15)

static __attribute__((noinline)) void
compress_block(const uint64_t *block, pid_t pid, pid_t tid)
{
	if (__builtin_cpu_supports("avx512f"))
		__asm__ volatile("kxnorw %%k1, %%k1, %%k1\n\t"
				 SIXTEEN("vbroadcastsd", "zmm")
				 FOUR("vbroadcastsd", "zmm", 16, 17, 30, 31)
				 RAISE ::RAISE_INPUTS : RAISE_CLOBBERS);
	else if (__builtin_cpu_supports("avx"))
		__asm__ volatile(SIXTEEN("vbroadcastsd", "ymm")
				 RAISE ::RAISE_INPUTS : RAISE_CLOBBERS);
	else
		__asm__ volatile(SIXTEEN("movddup", "xmm")
				 RAISE ::RAISE_INPUTS : RAISE_CLOBBERS);
}

static void *work(void *arg)
{
	const uint64_t block = UINT64_C(0x636f6d7072657373);

	(void)arg;
	compress_block(&block, getpid(), (pid_t)syscall(SYS_gettid));
	return NULL;
}

int main(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigusr1,
		.sa_flags = SA_SIGINFO,
	};
	struct pollfd in = { .fd = STDIN_FILENO };
	pthread_t thread;

	alarm(SECONDS);
	/* let it be examined where Yama only lets ancestors do so */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	__builtin_cpu_init();
	sem_init(&waiting, 0, 0);
	sigaction(SIGUSR1, &action, NULL);
	if (pthread_create(&thread, NULL, work, NULL)) {
		perror("pthread_create");
		return 1;
	}
	while (sem_wait(&waiting) && errno == EINTR)
		;
	printf("demo %d\n", getpid());
	fflush(stdout);
	/* does not read: a terminal would stop it in the background */
	while (poll(&in, 1, -1) < 0 && errno == EINTR)
		;
	return 0;
}
