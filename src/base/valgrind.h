/* SPDX-License-Identifier: GPL-3.0-or-later */
/* valgrind.h - is it valgrind that runs this program? */
#ifndef SIGFRAME_BASE_VALGRIND_H
#define SIGFRAME_BASE_VALGRIND_H

#include <stdbool.h>
#include <stdint.h>

/*
 * valgrind.h, RUNNING_ON_VALGRIND: rotations that come to nothing, and a code
 * in rax that valgrind answers in rdx.
 */
static inline bool valgrind_is_here(void)
{
	uint64_t request[6] = { 0x1001 };
	uint64_t answer = 0;

	__asm__ volatile("rolq $3, %%rdi\n"
			 "rolq $13, %%rdi\n"
			 "rolq $61, %%rdi\n"
			 "rolq $51, %%rdi\n"
			 "xchgq %%rbx, %%rbx\n"
			 : "+d"(answer)
			 : "a"(request)
			 : "cc", "memory", "rdi");
	return answer;
}

#endif
