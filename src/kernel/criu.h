/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu.h - what "criu restore" makes of a checkpoint on a target */
#ifndef SIGFRAME_KERNEL_CRIU_H
#define SIGFRAME_KERNEL_CRIU_H

#include "kernel/checks.h"

/*
 * CRIU gives a thread its registers back by building a signal frame for the
 * target's CPU, with all of the saved components that the target has, and
 * letting the thread return from it. So what the kernel makes of that frame
 * is a question for predict(); what is left out of it is lost without a word
 * (restore_fpu() and valid_xsave_frame(), criu/arch/x86/crtools.c; which
 * components there are, compel_fpuid(), compel/arch/x86/src/lib/cpu.c).
 *
 * The CPU is compared with cpuinfo.img only if --cpu-cap was given to the
 * restore (CPU_CAP_IMAGE, criu/config.c, criu/cr-restore.c). It adds to the
 * default, which is fpu and ins, so that "fpu" compares instructions, too.
 * The default alone refuses a target without XSAVE and nothing else.
 *
 * Read in the sources of 4.1.1 and 4.2.1. 3.17 has every component of the
 * target in its frame, also those that the thread did not use ("x86/xsave:
 * Set only used XFEATURE_*", 2023-03): its frame is larger, which matters to
 * the rules RULES_MAGIC2_AT_USER_SIZE only.
 */
#define CRIU_VERSIONS "3.17 to 4.2"

/* Components that CRIU knows; XSTATE_BV may have others, it has no registers
 * of theirs (XFEATURE_MASK_USER, compel's asm/fpu.h, 4.1.1 and 4.2.1). */
#define CRIU_COMPONENTS UINT64_C(0x2ff)

/* The registers that a thread had when it was dumped: core-TID.img. */
struct criu_thread {
	bool known;		/* the rest is */
	uint64_t components;	/* that were saved */
	uint64_t in_use;	/* XSTATE_BV */
	uint32_t mxcsr;
	uint32_t pkru;		/* if `components` has it */
	bool ia32;		/* in 32-bit mode */
	enum tri shadow_stack;	/* it uses one */
};

/* The CPU that it was dumped on: cpuinfo.img. */
struct criu_cpu {
	struct isa_set isa;
	uint64_t xfeatures;	/* of the CPU, which XCR0 need not enable */
	uint32_t xsave_size;	/* bytes, of all that XCR0 enables */
	bool has_xfeatures;
	bool has_xsave_size;
	bool xsaves;
};

/* What firing means. */
enum criu_kind {
	CRIU_REFUSES,		/* criu does, with its default options */
	CRIU_REFUSES_FPU,	/* with --cpu-cap=fpu, and with cpu */
	CRIU_REFUSES_CPU,	/* with --cpu-cap=cpu */
	CRIU_LOSES,		/* live registers */
	CRIU_KILLS,		/* the thread, as it goes on */
	CRIU_DOUBTS,		/* it cannot be told */
	CRIU_REMARKS,		/* worth knowing, no register is lost */
};

/* Rows of criu_reasons[]. */
enum criu_index {
	CRIU_XSAVE_MISSING,
	CRIU_REGISTERS_UNKNOWN,
	CRIU_COMPONENTS_UNSAVED,
	CRIU_COMPONENTS_DROPPED,
	CRIU_FRAME_REDUCED,
	CRIU_FRAME_REFUSED,
	CRIU_FRAME_DOUBTFUL,
	CRIU_SHADOW_STACK_DROPPED,
	CRIU_CAP_NO_CPUINFO,
	CRIU_CAP_XSAVES,
	CRIU_CAP_COMPONENTS,
	CRIU_CAP_XSAVE_SIZE,
	CRIU_CAP_INSTRUCTIONS,
	CRIU_CAP_EXTENSIONS,
	CRIU_INDEXES,
};

/* A named reason, in words as struct check has them (checks.h). */
struct criu_reason {
	const char *id;		/* kebab-case, never renamed */
	const char *title;
	const char *effect;
	const char *advice;
	const char *source;	/* CRIU's file and function */
	const char *detail;	/* or NULL, see struct check */
	enum criu_kind kind;
};

extern const struct criu_reason criu_reasons[CRIU_INDEXES];

/* Bit n of a mask stands for criu_reasons[n]. */
struct criu_findings {
	uint64_t found;		/* for certain */
	uint64_t unsure;	/* perhaps; none that is in `found` */
	uint64_t values[CRIU_INDEXES][CHECK_VALUES];
};

/* What becomes of a thread's live registers. */
struct criu_live {
	enum outcome outcome;	/* FATAL also where criu refuses */
	unsigned possible;	/* bit per outcome: several if UNKNOWN */
	enum tri refused;	/* criu refuses, with its default options */
	uint64_t lost;		/* components, in use and gone afterwards */
	struct criu_findings why;
};

/* Restore `thread` on `t`, by default options. Pure. */
struct criu_live criu_restore(const struct criu_thread *thread,
			      const struct target *t);

/*
 * What of it --cpu-cap would refuse on `t`, by CRIU_REFUSES_FPU and _CPU.
 * `cpu` is NULL if the checkpoint has no cpuinfo.img. That nothing is found
 * does not say that criu accepts it: not all that it compares is known.
 */
struct criu_findings criu_compare(const struct criu_cpu *cpu,
				  const struct target *t);

/* Add what was found of another thread. */
void criu_add(struct criu_findings *sum, const struct criu_findings *f);

#endif
