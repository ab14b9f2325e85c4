/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restorer.c - a process that returns from signals by code of its own */

/*
 * Installs a handler with the raw system call and a restorer that stands in
 * this very executable, has no unwind information and loads its number in
 * another way than C libraries do. Prints the truth as frames does, and stays
 * until the other end of its standard input is closed.
 */
#include <inttypes.h>
#include <stdint.h>
#include <ucontext.h>

#include "target.h"

#define KERNEL_SA_RESTORER UINT64_C(0x04000000)

/* What rt_sigaction(2) takes. */
struct kernel_sigaction {
	void (*handler)(int, siginfo_t *, void *);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

void own_restorer(void);

__asm__(".pushsection .text\n"
	".globl own_restorer\n"
	".type own_restorer, @function\n"
	"own_restorer:\n"
	"	mov $15, %eax\n"
	"	syscall\n"
	"	hlt\n"
	".size own_restorer, . - own_restorer\n"
	".popsection\n");

static void handle(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)info;
	printf("thread %d frames 1 own-restorer\n", target_tid());
	printf("frame %d x86_64 0x%" PRIxPTR " 0x%" PRIxPTR " %d 0x%" PRIx64
	       " main\n", target_tid(), (uintptr_t)context - 8,
	       (uintptr_t)uc->uc_mcontext.fpregs, signo,
	       (uint64_t)uc->uc_mcontext.gregs[REG_RIP]);
	target_ready();
	target_stay();
}

int main(void)
{
	struct kernel_sigaction action = {
		.handler = handle,
		.flags = SA_SIGINFO | KERNEL_SA_RESTORER,
		.restorer = own_restorer,
	};

	target_begin();
	if (syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8))
		target_fail("rt_sigaction");
	raise(SIGUSR1);
	puts("returned");
	return 0;
}
