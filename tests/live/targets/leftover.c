/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leftover.c - a frame that was returned from lies between those of functions */

/*
 * Usage: leftover MODE
 *
 * Gets a signal, returns from it, and then calls a function with the stack
 * pointer such that the return address becomes the first word of what was left
 * of the frame: by a direct call, by an indirect one through a register, or
 * through a pointer in memory (MODE is direct, register, memory); or with the
 * whole frame inside a function's room (MODE is room). Prints "process PID",
 * "stale ADDRESS" and READY. Ends when the other end of its standard input is
 * closed.
 */
#include <stdint.h>
#include <string.h>

#include "target.h"

static uintptr_t frame;

void call_direct(uintptr_t sp);
void call_register(uintptr_t sp);
void call_memory(uintptr_t sp);
void stay_here(void);

/* Each calls stay_here() with the return address at `sp` - 8. */
#define CALLER(name, call)                                                     \
	".globl " name "\n"                                                    \
	".type " name ", @function\n"                                          \
	name ":\n"                                                             \
	"	.cfi_startproc\n"                                              \
	"	push %rbx\n"                                                   \
	"	.cfi_def_cfa_offset 16\n"                                      \
	"	.cfi_offset rbx, -16\n"                                        \
	"	mov %rsp, %rbx\n"                                              \
	"	.cfi_def_cfa_register rbx\n"                                   \
	"	lea stay_here(%rip), %rax\n"                                   \
	"	mov %rdi, %rsp\n"                                              \
	"	" call "\n"                                                    \
	"	mov %rbx, %rsp\n"                                              \
	"	pop %rbx\n"                                                    \
	"	.cfi_def_cfa rsp, 8\n"                                         \
	"	ret\n"                                                         \
	"	.cfi_endproc\n"                                                \
	".size " name ", . - " name "\n"

__asm__(".pushsection .text\n"
	CALLER("call_direct", "call stay_here")
	CALLER("call_register", "call *%rax")
	CALLER("call_memory", "call *stay_pointer(%rip)")
	".popsection\n"
	".pushsection .data\n"
	"stay_pointer:\n"
	"	.quad stay_here\n"
	".popsection\n");

void stay_here(void)
{
	target_ready();
	target_stay();
	_exit(0);
}

static void handle(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	frame = (uintptr_t)context - 8;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*call)(uintptr_t sp);
		unsigned below;		/* bytes below the frame */
	} modes[] = {
		{ "direct", call_direct, 0 },
		{ "register", call_register, 0 },
		{ "memory", call_memory, 0 },
		{ "room", call_direct, 512 },
	};
	enum { MODES = sizeof(modes) / sizeof(modes[0]) };
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO,
	};

	size_t mode = 0;

	while (argc == 2 && mode < MODES && strcmp(argv[1], modes[mode].name))
		mode++;
	if (argc != 2 || mode == MODES)
		return 2;
	target_begin();
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
	printf("stale 0x%lx\n", (unsigned long)frame);
	/* nothing is called in between, lest it write over the frame */
	raise(SIGUSR1);
	modes[mode].call(frame + 8 - modes[mode].below);
	return 2;
}
