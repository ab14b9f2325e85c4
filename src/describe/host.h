/* SPDX-License-Identifier: GPL-3.0-or-later */
/* host.h - the machine that the tool runs on */
#ifndef SIGFRAME_DESCRIBE_HOST_H
#define SIGFRAME_DESCRIBE_HOST_H

#include <stdbool.h>

#include "kernel/rules.h"
#include "x86/cpu.h"
#include "x86/isa.h"

struct host {
	struct cpu_model cpu;	/* cpu.name points to `brand` */
	struct isa_set isa;	/* by CPUID, whatever the kernel makes of it */
	enum xstate_family vendor;	/* whose layout its makers follow */
	char brand[64];
	char release[65];	/* uname -r */
	rules_mask rules;	/* by release and probe; 0: none known */
	uint64_t minsigstksz;	/* AT_MINSIGSTKSZ, bytes; 0: unknown */
	/* from here on by host_probe() */
	enum tri ia32, x32;	/* does the kernel run such programs? */
	bool probe_ran;		/* false: the note says why; empty: not asked */
	rules_mask probed;	/* sets that agree with the kernel; 0: none */
	char probe_note[160];	/* for people; empty: as the release says */
};

/* Ask CPUID, XGETBV and uname. Cannot fail. */
void host_describe(struct host *ret);

/*
 * Find out by trial which rules the kernel really follows (probe.h): vendors
 * backport, and releases lie. Narrows `rules` to those of the release that
 * agree; if none does, they become those that the kernel behaves by, and the
 * note says what the release is taken for; 0 if it behaves by none that is
 * known, and the note says in what. Where it cannot be tried, `rules` stays
 * what the release says. Finds the other ABIs of the kernel, too. Takes a child
 * process and half a millisecond.
 */
void host_probe(struct host *host);

/* The same, unless it has been done. */
void host_probe_once(struct host *host);

#endif
