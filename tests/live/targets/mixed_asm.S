/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mixed_asm.S - code of both kinds, to be copied to a page below 4 GiB */

/*
 * The page behind it is for data: its first word gets the stack pointer at the
 * start of a handler. Nothing here has call frame information.
 */
#define DATA 4096

	.text
	.globl	mixed_code, mixed_code_end
	.globl	mixed_raise_32, mixed_raise_64, mixed_handler_32
	.globl	mixed_handler_64, mixed_restorer_32, mixed_restorer_plain
	.globl	mixed_restorer_64, mixed_action_64
	.balign	16
mixed_code:

/* tgkill(ebx, ecx, edx), and stay where the signal came. */
	.code32
mixed_raise_32:
	mov	$270, %eax
	int	$0x80
	jmp	mixed_raise_32

	.code64
mixed_raise_64:
	mov	%ebx, %edi
	mov	%ecx, %esi
	mov	$234, %eax
	syscall
	jmp	mixed_raise_64

	.code32
mixed_handler_32:
	mov	%esp, %ecx
	call	1f
1:	pop	%eax
	and	$-4096, %eax
	mov	%ecx, DATA(%eax)
2:	mov	$29, %eax
	int	$0x80
	jmp	2b

	.code64
mixed_handler_64:
	lea	mixed_code(%rip), %rax
	mov	%esp, DATA(%rax)
2:	mov	$34, %eax
	syscall
	jmp	2b

	.code32
	nop
mixed_restorer_32:
	mov	$173, %eax
	int	$0x80
	nop
mixed_restorer_plain:
	pop	%eax
	mov	$119, %eax
	int	$0x80
	nop
	.code64
mixed_restorer_64:
	mov	$15, %rax
	syscall

/* rt_sigaction(ebx, ecx, 0, 8) as a 64-bit system call, for 32-bit callers. */
mixed_action_64:
	push	%rdi
	push	%rsi
	mov	%ebx, %edi
	mov	%ecx, %esi
	xor	%edx, %edx
	mov	$8, %r10d
	mov	$13, %eax
	syscall
	pop	%rsi
	pop	%rdi
	lretl
mixed_code_end:

/*
 * mixed_enter(target, cs, stack, pid, tid, signo): go there, for good.
 */
	.globl	mixed_enter
	.type	mixed_enter, @function
#ifdef __x86_64__
	.code64
mixed_enter:
	mov	%edx, %esp
	push	%rsi
	push	%rdi
	mov	%ecx, %ebx
	mov	%r8d, %ecx
	mov	%r9d, %edx
	lretq
#else
	.code32
mixed_enter:
	mov	4(%esp), %esi
	mov	8(%esp), %edi
	mov	16(%esp), %ebx
	mov	20(%esp), %ecx
	mov	24(%esp), %edx
	mov	12(%esp), %esp
	push	%edi
	push	%esi
	lretl

	.globl	mixed_far_call
	.type	mixed_far_call, @function
/* mixed_far_call(target, signo, action): to 64-bit code and back. */
mixed_far_call:
	push	%ebx
	mov	8(%esp), %eax
	mov	12(%esp), %ebx
	mov	16(%esp), %ecx
	push	%cs
	push	$1f
	push	$0x33
	push	%eax
	lretl
1:	pop	%ebx
	ret
#endif
	.section .note.GNU-stack, "", @progbits
