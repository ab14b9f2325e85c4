/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpu.h - what of a CPU decides the fate of a signal frame */
#ifndef SIGFRAME_X86_CPU_H
#define SIGFRAME_X86_CPU_H

#include "x86/xstate.h"

/* A CPU as Linux runs it: only what the kernel enables counts. */
struct cpu_model {
	const char *name;	/* "EPYC-Genoa", or a brand string */
	enum tri xsave;		/* CPUID.1:ECX[26], and not disabled */
	enum tri xsavec;	/* CPUID.(0DH,1):EAX[1]; compacted forms exist */
	uint64_t xfeatures;	/* X: user components enabled in XCR0 */
	struct xstate_layout layout;	/* of at least those */
	enum xstate_family family;
	uint32_t mxcsr_mask;	/* valid MXCSR bits; 0: not known */
	uint64_t user_limit;	/* first address that no process can use */
	/*
	 * What the architecture leaves open, or an emulator does otherwise.
	 * UNKNOWN: what is known of the vendor's CPUs holds, if anything is.
	 */
	enum tri reads_unused;	/* XRSTOR reads what XSTATE_BV has clear, too */
	enum tri keeps_mxcsr;	/* initialising AVX alone leaves MXCSR alone */
	enum tri checks_mxcsr;	/* XRSTOR and FXRSTOR refuse reserved bits */
	enum tri reads_reserved;	/* FXRSTOR reads bytes 416..511, too */
};

/* 47-bit and 57-bit (LA57) address spaces, TASK_SIZE_MAX of asm/page_64.h. */
#define CPU_USER_LIMIT_48 UINT64_C(0x00007ffffffff000)
#define CPU_USER_LIMIT_57 UINT64_C(0x00fffffffffff000)

/*
 * U: bytes of xstate in a frame of a task that may use `features`, a subset
 * of cpu->xfeatures; 512 without XSAVE, 0 if it cannot be told
 * (fpstate->user_size, arch/x86/kernel/fpu/xstate.c).
 */
uint32_t cpu_user_size(const struct cpu_model *cpu, uint64_t features);

/* F of a task that has not asked for dynamic features. */
static inline uint64_t cpu_default_features(const struct cpu_model *cpu)
{
	return cpu->xfeatures & ~XSTATE_DYNAMIC;
}

#endif
