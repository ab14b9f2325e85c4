/* SPDX-License-Identifier: GPL-3.0-or-later */
/* self.h - this process, as a source would show it */
#ifndef SIGFRAME_TESTS_UNIT_SELF_H
#define SIGFRAME_TESTS_UNIT_SELF_H

#include "source/snapshot.h"

/* Mappings, memory, and one thread, whose registers are still to be told. */
struct snapshot *self_snapshot(void);

/*
 * Put this function's registers into regs.r[] of `thread`. Nothing may be
 * called on this stack but what is called from here, until they are used.
 */
#define SELF_REGISTERS(thread)                                                 \
	__asm__ volatile("leaq 0f(%%rip), %%rax\n"                             \
			 "0:\n\t"                                              \
			 "movq %%rax, %0\n\t"                                  \
			 "movq %%rsp, %1\n\t"                                  \
			 "movq %%rbp, %2\n\t"                                  \
			 "movq %%rbx, %3\n\t"                                  \
			 "movq %%r12, %4\n\t"                                  \
			 "movq %%r13, %5\n\t"                                  \
			 "movq %%r14, %6\n\t"                                  \
			 "movq %%r15, %7\n\t"                                  \
			 : "=m"((thread)->regs.r[X86_RIP]),                    \
			   "=m"((thread)->regs.r[X86_RSP]),                    \
			   "=m"((thread)->regs.r[X86_RBP]),                    \
			   "=m"((thread)->regs.r[X86_RBX]),                    \
			   "=m"((thread)->regs.r[X86_R12]),                    \
			   "=m"((thread)->regs.r[X86_R13]),                    \
			   "=m"((thread)->regs.r[X86_R14]),                    \
			   "=m"((thread)->regs.r[X86_R15])                     \
			 :                                                     \
			 : "rax")

/* False under valgrind: then it is not the kernel that writes frames. */
bool self_frames_are_real(void);

#endif
