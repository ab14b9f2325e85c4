/* SPDX-License-Identifier: GPL-3.0-or-later */
/* doubts.c - threads that look as if something were wrong with a frame */

/*
 * Usage: doubts SCENARIO
 *
 *	busy	a handler computes on an alternate stack in shared memory, and
 *		writes to its own frame
 *	torn	the handler waits, but another process writes to its frame
 *	clone	a thread made by clone() alone, with something that is no
 *		return address where its first function would have one
 *	ended	the same with a return address of 0 there, and elsewhere a
 *		whole frame that was returned from
 *	pointer	the handler waits in a function that only a register tells the
 *		frame of
 *	left	the first thread has gone from its handler, which blocks
 *		nothing, to a stack that ends so
 *
 * Prints
 *
 *	process PID
 *	thread TID frames N SCENARIO
 *	READY
 *
 * and ends when the other end of its standard input is closed.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "target.h"

#define STACK_SIZE ((size_t)256 << 10)

/* For all processes. */
static struct {
	atomic_uintptr_t reg;	/* the writer's, in a frame; 0: not yet */
} *shared;
static atomic_int tid;
static bool torn;
static char *alternate;

static char *map(int flags)
{
	return target_map(STACK_SIZE, PROT_READ | PROT_WRITE, flags);
}

/* On a stack of its own: the other one is shared. */
static void start_writer(void)
{
	pid_t pid = fork();

	if (pid < 0)
		target_fail("fork");
	if (pid)
		return;
	alarm(TARGET_SECONDS);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	while (!atomic_load(&shared->reg))
		usleep(200);

	volatile greg_t *reg = (void *)atomic_load(&shared->reg);

	for (;;)
		++*reg;
}

static void tell(unsigned frames, const char *name)
{
	printf("thread %d frames %u %s\n", atomic_load(&tid), frames, name);
	target_ready();
}

static void handle(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	volatile unsigned long sum = 0;

	(void)signo;
	(void)info;
	atomic_store(&shared->reg,
		     (uintptr_t)&uc->uc_mcontext.gregs[REG_R15]);
	atomic_store(&tid, target_tid());
	while (torn)
		pause();
	/* a handler may write to its frame, too */
	for (;;) {
		sum = sum * 3 + 1;
		uc->uc_mcontext.gregs[REG_R14] = (greg_t)sum;
	}
}

static void *work(void *arg)
{
	stack_t stack = { .ss_sp = alternate, .ss_size = STACK_SIZE };

	(void)arg;
	sigaltstack(&stack, NULL);
	raise(SIGUSR1);
	return NULL;
}

static __attribute__((noinline, used)) void stay(void)
{
	atomic_store(&tid, (int)syscall(SYS_gettid));
	for (;;)
		syscall(SYS_pause);
}

/* Not inlined: what comes back in the new thread has a caller in the old. */
static __attribute__((noinline)) void clone_bare(int filled)
{
	char *top = map(MAP_PRIVATE) + STACK_SIZE / 2;
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
		     CLONE_THREAD | CLONE_SYSVSEM;
	register long r10 __asm__("r10") = 0, r8 __asm__("r8") = 0;
	long result = SYS_clone;

	memset(top, filled, 4096);
	__asm__ volatile("syscall\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "call stay\n"
			 "1:"
			 : "+a"(result)
			 : "D"(flags), "S"(top), "d"(0), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	if (result < 0)
		target_fail("clone");
}

static void do_nothing(int signo)
{
	(void)signo;
}

/* Its frame stays on a stack that nobody is on any more. */
static void leave_frame(void)
{
	struct sigaction action = {
		.sa_handler = do_nothing,
		.sa_flags = SA_ONSTACK,
	};
	stack_t stack = {
		.ss_sp = map(MAP_PRIVATE),
		.ss_size = STACK_SIZE,
	};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

static void wait_by_pointer(int signo)
{
	/* of a size that only a register knows */
	void *room = __builtin_alloca(16 * (size_t)signo);

	__asm__ volatile("" ::"r"(room) : "memory");
	atomic_store(&tid, target_tid());
	tell(true, "pointer");
	for (;;)
		syscall(SYS_pause);
}

/* Whoever runs it, its caller is 0. */
static void leave_stack(int signo)
{
	char *top = map(MAP_PRIVATE) + STACK_SIZE / 2;

	(void)signo;
	tell(true, "left");
	__asm__ volatile("mov %0, %%rsp\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "push $0\n\t"
			 "jmp *%1"
			 :
			 : "r"(top), "r"(target_stay)
			 : "memory");
}

/* Never returns. */
static void go_from_handler(void)
{
	struct sigaction action = {
		.sa_handler = leave_stack,
		.sa_flags = SA_ONSTACK | SA_NODEFER,
	};
	stack_t stack = {
		.ss_sp = map(MAP_PRIVATE),
		.ss_size = STACK_SIZE,
	};

	atomic_store(&tid, (int)getpid());
	sigaltstack(&stack, NULL);
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
}

int main(int argc, char **argv)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	pthread_t thread;
	bool ended = argc == 2 && !strcmp(argv[1], "ended");
	bool bare = ended || (argc == 2 && !strcmp(argv[1], "clone"));

	if (argc != 2)
		return 2;
	torn = !strcmp(argv[1], "torn");
	target_begin();
	if (!strcmp(argv[1], "left"))
		go_from_handler();
	if (!strcmp(argv[1], "pointer")) {
		signal(SIGUSR2, wait_by_pointer);
		raise(SIGUSR2);
	}
	sigaction(SIGUSR1, &action, NULL);
	if (!bare) {
		shared = (void *)map(MAP_SHARED);
		alternate = map(MAP_SHARED);
	}
	if (torn)
		start_writer();
	if (ended)
		leave_frame();
	if (bare)
		clone_bare(ended ? 0 : 0x41);
	else if (pthread_create(&thread, NULL, work, NULL))
		target_fail("pthread_create");
	while (!atomic_load(&tid))
		usleep(200);
	tell(!bare, argv[1]);
	target_stay();
	_exit(0);
}
