/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant_switch.S - functions that leave one stack for another */

#ifdef __x86_64__
	.text

/* One area for all registers, as Boost.Context has it. */
	.globl switch_boost
	.type switch_boost, @function
switch_boost:
	leaq -0x38(%rsp), %rsp
	stmxcsr (%rsp)
	fnstcw 4(%rsp)
	movq %r12, 0x08(%rsp)
	movq %r13, 0x10(%rsp)
	movq %r14, 0x18(%rsp)
	movq %r15, 0x20(%rsp)
	movq %rbx, 0x28(%rsp)
	movq %rbp, 0x30(%rsp)
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	movq 0x08(%rsp), %r12
	movq 0x10(%rsp), %r13
	movq 0x18(%rsp), %r14
	movq 0x20(%rsp), %r15
	movq 0x28(%rsp), %rbx
	movq 0x30(%rsp), %rbp
	leaq 0x38(%rsp), %rsp
	ret
	.size switch_boost, . - switch_boost

/* A push for each, as Ruby has it. */
	.globl switch_push
	.type switch_push, @function
switch_push:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size switch_push, . - switch_push
#else
/* 32-bit code has other ways. */
	.text
	.globl switch_boost
switch_boost:
	.globl switch_push
switch_push:
	ud2
#endif
	.section .note.GNU-stack, "", @progbits
