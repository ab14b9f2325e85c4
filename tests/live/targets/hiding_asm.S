/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hiding_asm.S - raising signals and changing stacks, with and without CFI */

#ifdef __x86_64__
#define SYS_TGKILL 234
#define SYS_CLONE3 435
#define LOCAL_MAGIC 0x46505853

	.text
	.globl	hiding_raise
	.type	hiding_raise, @function
hiding_raise:
	.cfi_startproc
	mov	$SYS_TGKILL, %eax
	syscall
	ret
	.cfi_endproc
	.size	hiding_raise, . - hiding_raise

	.globl	hiding_raise_askew
	.type	hiding_raise_askew, @function
hiding_raise_askew:
	.cfi_startproc
	sub	$5, %rsp
	.cfi_adjust_cfa_offset 5
	mov	$SYS_TGKILL, %eax
	syscall
	add	$5, %rsp
	.cfi_adjust_cfa_offset -5
	ret
	.cfi_endproc
	.size	hiding_raise_askew, . - hiding_raise_askew

	.globl	hiding_raise_red
	.type	hiding_raise_red, @function
hiding_raise_red:
	.cfi_startproc
	mov	$LOCAL_MAGIC, %eax
	mov	%rax, -8(%rsp)
	movq	$0x33, -16(%rsp)
	mov	%rax, -64(%rsp)
	movq	$0x2b, -120(%rsp)
	mov	%rax, -128(%rsp)
	mov	$SYS_TGKILL, %eax
	syscall
	ret
	.cfi_endproc
	.size	hiding_raise_red, . - hiding_raise_red

	.globl	hiding_on_stack
	.type	hiding_on_stack, @function
hiding_on_stack:
	.cfi_startproc
	push	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	mov	%rdi, %rsp
	call	*%rsi
	leave
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	hiding_on_stack, . - hiding_on_stack

	.globl	hiding_on_stack_bare
	.type	hiding_on_stack_bare, @function
hiding_on_stack_bare:
	push	%rbp
	mov	%rsp, %rbp
	mov	%rdi, %rsp
	call	*%rsi
	leave
	ret
	.size	hiding_on_stack_bare, . - hiding_on_stack_bare

	.globl	hiding_clone3
	.type	hiding_clone3, @function
hiding_clone3:
	.cfi_startproc
	mov	%rdx, %r8
	mov	$SYS_CLONE3, %eax
	syscall
	test	%eax, %eax
	jz	1f
	ret
1:
	.cfi_undefined %rip
	xor	%ebp, %ebp
	call	*%r8
	hlt
	.cfi_endproc
	.size	hiding_clone3, . - hiding_clone3

#else
#define SYS_TGKILL 270
#define SYS_CLONE3 435

	.text
	.globl	hiding_raise
	.globl	hiding_raise_red
	.type	hiding_raise, @function
	.type	hiding_raise_red, @function
hiding_raise:
hiding_raise_red:
	.cfi_startproc
	push	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebx, 0
	mov	8(%esp), %ebx
	mov	12(%esp), %ecx
	mov	16(%esp), %edx
	mov	$SYS_TGKILL, %eax
	int	$0x80
	pop	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	ret
	.cfi_endproc
	.size	hiding_raise, . - hiding_raise
	.size	hiding_raise_red, . - hiding_raise_red

	.globl	hiding_raise_askew
	.type	hiding_raise_askew, @function
hiding_raise_askew:
	.cfi_startproc
	push	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebx, 0
	mov	8(%esp), %ebx
	mov	12(%esp), %ecx
	mov	16(%esp), %edx
	sub	$5, %esp
	.cfi_adjust_cfa_offset 5
	mov	$SYS_TGKILL, %eax
	int	$0x80
	add	$5, %esp
	.cfi_adjust_cfa_offset -5
	pop	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	ret
	.cfi_endproc
	.size	hiding_raise_askew, . - hiding_raise_askew

	.globl	hiding_on_stack
	.type	hiding_on_stack, @function
hiding_on_stack:
	.cfi_startproc
	push	%ebp
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebp, 0
	mov	%esp, %ebp
	.cfi_def_cfa_register %ebp
	mov	12(%ebp), %eax
	mov	8(%ebp), %esp
	call	*%eax
	leave
	.cfi_def_cfa %esp, 4
	ret
	.cfi_endproc
	.size	hiding_on_stack, . - hiding_on_stack

	.globl	hiding_on_stack_bare
	.type	hiding_on_stack_bare, @function
hiding_on_stack_bare:
	push	%ebp
	mov	%esp, %ebp
	mov	12(%ebp), %eax
	mov	8(%ebp), %esp
	call	*%eax
	leave
	ret
	.size	hiding_on_stack_bare, . - hiding_on_stack_bare

	.globl	hiding_clone3
	.type	hiding_clone3, @function
hiding_clone3:
	.cfi_startproc
	push	%ebx
	.cfi_adjust_cfa_offset 4
	.cfi_rel_offset %ebx, 0
	mov	8(%esp), %ebx
	mov	12(%esp), %ecx
	mov	16(%esp), %edx
	mov	$SYS_CLONE3, %eax
	int	$0x80
	test	%eax, %eax
	jz	1f
	pop	%ebx
	.cfi_adjust_cfa_offset -4
	.cfi_restore %ebx
	ret
1:
	.cfi_undefined %eip
	xor	%ebp, %ebp
	call	*%edx
	hlt
	.cfi_endproc
	.size	hiding_clone3, . - hiding_clone3
#endif

	.section .note.GNU-stack, "", @progbits
