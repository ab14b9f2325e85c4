/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bpf.h - instructions of seccomp filters */
#ifndef SIGFRAME_LOCATE_BPF_H
#define SIGFRAME_LOCATE_BPF_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>

/* A member of struct seccomp_data; of a 64-bit one the low half. */
#define BPF_LOAD(field)                                                        \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
/* Skip so many of the instructions that follow. */
#define BPF_IF_EQUAL(value, yes, no)                                           \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define BPF_IF_ABOVE(value, yes, no)                                           \
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (value), (yes), (no))
#define BPF_IF_ANY(bits, yes, no)                                              \
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (bits), (yes), (no))
/* SECCOMP_RET_ */
#define BPF_END(action) BPF_STMT(BPF_RET | BPF_K, (action))

#endif
