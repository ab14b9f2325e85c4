/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h - the machine that the tool runs on */
#ifndef SIGFRAME_DESCRIBE_HOST_H
#define SIGFRAME_DESCRIBE_HOST_H

#include "kernel/rules.h"
#include "x86/cpu.h"
#include "x86/isa.h"

struct host {
	struct cpu_model cpu;	/* cpu.name points to `brand` */
	struct isa_set isa;	/* by CPUID, whatever the kernel makes of it */
	enum xstate_family vendor;	/* whose layout its makers follow */
	char brand[64];
	char release[65];	/* uname -r */
	rules_mask rules;	/* by the release; 0: none known */
	uint64_t minsigstksz;	/* AT_MINSIGSTKSZ, bytes; 0: unknown */
};

/* Ask CPUID, XGETBV and uname. Cannot fail. */
void host_describe(struct host *ret);

#endif
