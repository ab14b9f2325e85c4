/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter.c - the system calls that a child in a rehearsal may make */
#include "rehearse/filter.h"

#include <sys/syscall.h>

#include "base/cleanup.h"
#include "locate/bpf.h"

/* asm/unistd_32.h */
#define IA32_SIGRETURN 119
#define IA32_RT_SIGRETURN 173

static struct sock_filter instructions[] = {
	BPF_LOAD(arch),
	BPF_IF_EQUAL(AUDIT_ARCH_X86_64, 0, 3),
	BPF_LOAD(nr),
	BPF_IF_EQUAL(SYS_rt_sigreturn, 6, 0),
	BPF_IF_EQUAL(SYS_exit_group, 5, 4),
	BPF_IF_EQUAL(AUDIT_ARCH_I386, 0, 3),
	BPF_LOAD(nr),
	BPF_IF_EQUAL(IA32_RT_SIGRETURN, 2, 0),
	BPF_IF_EQUAL(IA32_SIGRETURN, 1, 0),
	BPF_END(SECCOMP_RET_KILL_PROCESS),
	BPF_END(SECCOMP_RET_ALLOW),
};

static const struct sock_fprog program = {
	.len = ARRAY_SIZE(instructions),
	.filter = instructions,
};

uint64_t filter_program(void)
{
	return (uint64_t)(uintptr_t)&program;
}
