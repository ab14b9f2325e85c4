/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ia32.c - a 32-bit process with both kinds of signal frames */

/*
 * Usage: ia32 [-s]
 *
 * Four frames lie on each other, with and without siginfo, on the main and on
 * the alternate stack. Prints them as frames does, innermost last; with -s
 * the thread then runs instead of waiting. Ends when the other end of its
 * standard input is closed.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include "target.h"

#define ALTSTACK_SIZE 65536
/* from the start of the frame, arch/x86/include/asm/sigframe.h */
#define RT_UC 144
#define PLAIN_EIP 64
#define PLAIN_FPSTATE 84

static const struct {
	bool rt;
	bool alternate;
} steps[] = {
	{ .rt = true },
	{ .rt = false },
	{ .rt = true, .alternate = true },
	{ .rt = false, .alternate = true },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static char altstack[ALTSTACK_SIZE];
static struct {
	const char *kind;
	uintptr_t address;
	uint32_t fpstate, eip;
	int signo;
} frames[STEPS];
static unsigned step;
static bool spin;

static void handle_rt(int signo, siginfo_t *info, void *context);
static void handle_plain(int signo);

static void tell(void)
{
	printf("thread %d frames %zu ia32\n", target_tid(), STEPS);
	for (size_t i = 0; i < STEPS; i++) {
		uintptr_t offset = frames[i].address - (uintptr_t)altstack;

		printf("frame %d %s 0x%" PRIxPTR " 0x%" PRIx32
		       " %d 0x%" PRIx32 " %s\n", target_tid(), frames[i].kind,
		       frames[i].address, frames[i].fpstate, frames[i].signo,
		       frames[i].eip,
		       offset < ALTSTACK_SIZE ? "alternate" : "main");
	}
}

static void go_on(void)
{
	struct sigaction action = { .sa_flags = SA_NODEFER };
	int signo = SIGRTMIN + (int)step;

	if (step == STEPS) {
		struct pollfd in = { .fd = STDIN_FILENO };

		tell();
		target_ready();
		while (spin && poll(&in, 1, 0) == 0)
			for (volatile unsigned n = 0; n < 1000000; n++)
				;
		target_stay();
		_exit(0);
	}
	if (steps[step].alternate)
		action.sa_flags |= SA_ONSTACK;
	if (steps[step].rt) {
		action.sa_flags |= SA_SIGINFO;
		action.sa_sigaction = handle_rt;
	} else {
		action.sa_handler = handle_plain;
	}
	if (sigaction(signo, &action, NULL))
		target_fail("sigaction");
	raise(signo);
}

static void add(const char *kind, uintptr_t address, int signo, uint32_t eip,
		uint32_t fpstate)
{
	frames[step].kind = kind;
	frames[step].address = address;
	frames[step].signo = signo;
	frames[step].eip = eip;
	frames[step].fpstate = fpstate;
	step++;
	go_on();
}

static void handle_rt(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *uc = context;

	(void)info;
	add("ia32_rt", (uintptr_t)context - RT_UC, signo,
	    (uint32_t)uc->uc_mcontext.gregs[REG_EIP],
	    (uint32_t)(uintptr_t)uc->uc_mcontext.fpregs);
}

/* The frame begins with the return address. */
static void handle_plain(int signo)
{
	const uint8_t *frame = (uint8_t *)__builtin_frame_address(0) + 4;
	uint32_t eip, fpstate;

	memcpy(&eip, frame + PLAIN_EIP, sizeof(eip));
	memcpy(&fpstate, frame + PLAIN_FPSTATE, sizeof(fpstate));
	add("ia32", (uintptr_t)frame, signo, eip, fpstate);
}

int main(int argc, char **argv)
{
	stack_t stack = { .ss_sp = altstack, .ss_size = sizeof(altstack) };

	spin = argc > 1 && !strcmp(argv[1], "-s");
	target_begin();
	if (sigaltstack(&stack, NULL))
		target_fail("sigaltstack");
	go_on();
	return 2;
}
