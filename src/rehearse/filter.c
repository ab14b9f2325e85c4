/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter.c - the system calls that a child in a rehearsal may make */
#include "rehearse/filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "base/cleanup.h"

/* asm/unistd_32.h */
#define IA32_SIGRETURN 119
#define IA32_RT_SIGRETURN 173

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, \
			     offsetof(struct seccomp_data, field))
#define IF_EQUAL(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))

static struct sock_filter instructions[] = {
	LOAD(arch),
	IF_EQUAL(AUDIT_ARCH_X86_64, 0, 3),
	LOAD(nr),
	IF_EQUAL(SYS_rt_sigreturn, 6, 0),
	IF_EQUAL(SYS_exit_group, 5, 4),
	IF_EQUAL(AUDIT_ARCH_I386, 0, 3),
	LOAD(nr),
	IF_EQUAL(IA32_RT_SIGRETURN, 2, 0),
	IF_EQUAL(IA32_SIGRETURN, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
};

static const struct sock_fprog program = {
	.len = ARRAY_SIZE(instructions),
	.filter = instructions,
};

uint64_t filter_program(void)
{
	return (uint64_t)(uintptr_t)&program;
}
