/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waiter.c - three threads that wait inside signal handlers, to be dumped
 *
 * main: no frame, two blocked signals pending: SIGWINCH to the thread,
 *       SIGRTMIN+7 to the process;
 * thread 2: one frame (SIGUSR1), all vector registers of the interrupted code
 *       filled with 0x40 + their number, with ZMM also k1 and k7;
 * thread 3: two frames, SIGUSR2 on an alternate stack of 64 KiB, and then
 *       SIGRTMIN+3 nested in it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint8_t pattern[32][64] __attribute__((aligned(64)));

static void wait_forever(int sig)
{
	(void)sig;
	for (;;)
		pause();
}

static void handler(int sig, siginfo_t *info, void *uc)
{
	(void)info;
	(void)uc;
	wait_forever(sig);
}

static void outer(int sig, siginfo_t *info, void *uc)
{
	(void)sig;
	(void)info;
	(void)uc;
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 3);
}

#ifdef ZMM
#define LOAD(n) "vmovdqu64 " #n "*64(%4),%%zmm" #n "\n\t"
#define LOAD_MORE                                                              \
	LOAD(16) LOAD(17) LOAD(18) LOAD(19) LOAD(20) LOAD(21) LOAD(22)         \
	LOAD(23) LOAD(24) LOAD(25) LOAD(26) LOAD(27) LOAD(28) LOAD(29)         \
	LOAD(30) LOAD(31)                                                      \
	"movabs $0x1122334455667788,%%rax\n\t"                                 \
	"kmovq %%rax,%%k1\n\t"                                                 \
	"kmovq %%rax,%%k7\n\t"
#else
#define LOAD(n) "vmovdqu " #n "*64(%4),%%ymm" #n "\n\t"
#define LOAD_MORE
#endif

static void *one_frame(void *arg)
{
	long ret;
	long self = getpid(), me = syscall(SYS_gettid);
	register long pid asm("rdi") = self;
	register long tid asm("rsi") = me;
	register long sig asm("rdx") = SIGUSR1;

	(void)arg;
	asm volatile(LOAD(0) LOAD(1) LOAD(2) LOAD(3) LOAD(4) LOAD(5) LOAD(6)
		     LOAD(7) LOAD(8) LOAD(9) LOAD(10) LOAD(11) LOAD(12)
		     LOAD(13) LOAD(14) LOAD(15) LOAD_MORE
		     "mov $234,%%eax\n\t" /* tgkill() */
		     "syscall\n\t"
		     : "=a"(ret)
		     : "r"(pid), "r"(tid), "r"(sig), "r"(pattern)
		     : "rcx", "r11", "memory");
	return (void *)ret;
}

static void *two_frames(void *arg)
{
	stack_t ss = { .ss_size = 65536 };

	(void)arg;
	ss.ss_sp = mmap(0, ss.ss_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sigaltstack(&ss, 0);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2);
	return 0;
}

int main(void)
{
	struct sigaction sa = {
		.sa_sigaction = handler,
		.sa_flags = SA_SIGINFO,
	};
	pthread_t a, b;
	sigset_t block;

	for (int r = 0; r < 32; r++)
		memset(pattern[r], 0x40 + r, 64);
	sigaction(SIGUSR1, &sa, 0);
	sigaction(SIGRTMIN + 3, &sa, 0);
	sa.sa_sigaction = outer;
	sa.sa_flags = SA_SIGINFO | SA_ONSTACK;
	sigaction(SIGUSR2, &sa, 0);
	sigemptyset(&block);
	sigaddset(&block, SIGWINCH);
	sigaddset(&block, SIGRTMIN + 7);
	pthread_sigmask(SIG_BLOCK, &block, 0);
	pthread_create(&a, 0, one_frame, 0);
	pthread_create(&b, 0, two_frames, 0);
	usleep(200000);
	raise(SIGWINCH);
	kill(getpid(), SIGRTMIN + 7);
	wait_forever(0);
}
