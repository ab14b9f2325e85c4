/* SPDX-License-Identifier: GPL-3.0-or-later */
/* predict.h - what sigreturn will do with a frame on a target */
#ifndef SIGFRAME_KERNEL_PREDICT_H
#define SIGFRAME_KERNEL_PREDICT_H

#include "kernel/rules.h"
#include "x86/cpu.h"
#include "x86/isa.h"
#include "x86/sigframe.h"

/* From best to worst; of several findings the worst counts. */
enum outcome {
	OUTCOME_INTACT,		/* every register comes back */
	OUTCOME_LOSSY,		/* some come back with initial values */
	OUTCOME_GARBLED,	/* some come back with foreign bytes */
	OUTCOME_FATAL,		/* killed, faults, or never comes back */
	OUTCOME_UNKNOWN,	/* evidence is missing */
	OUTCOMES,
};

/* "intact", "lossy", "garbled", "fatal", "unknown" */
const char *outcome_name(enum outcome o);

/* What is known of the memory around a frame, beside its bytes. */
struct frame_surroundings {
	enum tri rip_mapped;	/* the interrupted code is still there */
	enum tri rip_executable;
	enum tri restorer;	/* pretcode points at code that sigreturns */
	enum tri restorer_executable;
	/*
	 * Are the image's pages present, so that XRSTOR runs without a page
	 * fault? Only kernels that answer a fault by other rules care.
	 */
	enum tri resident;
	enum tri shadow_stack;	/* the thread uses one */
	uint64_t isa_needed;	/* ISA_BIT()s of the interrupted code */
	enum tri stack_mapped;	/* memory at the interrupted rsp, or below */
	/*
	 * Bytes that glibc's lazy binding sets aside to save the registers in,
	 * as computed when the program started; 0: not known. And whether it
	 * saves them with XSAVEC.
	 */
	uint32_t xsave_room;
	enum tri xsave_compacted;
};

/* What glibc saves there (STATE_SAVE_MASK, sysdeps/x86/sysdep.h). */
#define PREDICT_GLIBC_STATE UINT64_C(0xee)

/* Room for `size` bytes of XSAVE image behind 64 of general registers. */
static inline uint64_t predict_glibc_room(uint32_t size)
{
	return ((uint64_t)size + 64 + 63) & ~UINT64_C(63);
}

/*
 * Everything a prediction needs to know about one frame.
 *
 * `frame` are the bytes from its address on, `area` those from fpstate on,
 * the ia32 header included: as far as the process can read them, up to MAGIC2
 * behind the largest image that the frame claims to have or the target knows,
 * at most PREDICT_AREA_WANT bytes. An empty run that ends unreadable says that
 * fpstate points nowhere.
 */
struct frame_facts {
	struct sigframe sigframe;
	struct run frame;
	struct run area;
	struct xstate_layout layout;	/* of the CPU that wrote it */
	enum xstate_family family;	/* UNKNOWN: layout is only a part */
	struct frame_surroundings around;
};

/* Room for the largest image there is and MAGIC2 behind it. */
#define PREDICT_AREA_WANT (112 + 11008 + 64 + XSTATE_MAGIC2_SIZE)

/* The image of `f`, without the ia32 header before it. */
struct run frame_image(const struct frame_facts *f);

/*
 * Components whose registers the frame holds in use: XSTATE_BV where it has
 * an XSAVE header, else x87 and SSE; 0 without fpstate. TRI_UNKNOWN if the
 * bytes that would say it are missing (*ret is then what is certain).
 */
enum tri frame_in_use(const struct frame_facts *f, uint64_t *ret);

/* Where the frame would be returned from. */
struct target {
	const char *name;		/* as the user wrote it */
	const struct cpu_model *cpu;
	rules_mask rules;		/* several: predict under each */
	/*
	 * F: what the returning task may use; cpu_default_features() unless
	 * it has asked for AMX.
	 */
	uint64_t features;
	uint32_t user_size;		/* U: bytes; 0: not known */
	/* For hazards only; zero where not known. */
	struct isa_set isa;
	uint64_t minsigstksz;		/* AT_MINSIGSTKSZ, bytes */
	enum tri ia32;			/* runs 32-bit programs */
	enum tri x32;
};

/* Fill in a target, all beside the arguments not known. */
void target_init(struct target *t, const char *name,
		 const struct cpu_model *cpu, rules_mask rules,
		 uint64_t features);

/* Change what the returning task may use, and its size with it. */
void target_set_features(struct target *t, uint64_t features);

/* What the kernel does about the extended state. */
enum restore_path {
	RESTORE_REFUSED,	/* sigreturn fails */
	RESTORE_INIT,		/* no fpstate: everything initial */
	RESTORE_FX,		/* x87 and SSE only */
	RESTORE_XSAVE,
};

/*
 * The answer. Masks of components refer to what the return does to the
 * registers, whatever happens next; they are 0 where it is refused.
 */
struct verdict {
	enum outcome outcome;
	unsigned possible;	/* bit per outcome: several if UNKNOWN */
	unsigned paths;		/* bit per enum restore_path */
	uint64_t checks;	/* bit n: checks[n] fired */
	uint64_t unsure;	/* bit n: checks[n] lacks evidence */
	uint64_t hazards;	/* bit n: hazards[n] applies */
	uint64_t loaded;	/* from the frame's own bytes */
	uint64_t garbled;	/* from bytes that are not theirs */
	uint64_t lost;		/* in use in the frame, initial afterwards */
	enum tri mxcsr_loaded;	/* MXCSR comes from the frame */
	/* What each of the target's sets of rules leads to, alone. */
	enum outcome under[RULES_COUNT];
};

/*
 * What sigreturn of `f` on `t` will do. Pure: same arguments, same answer.
 * With several sets of rules, or missing evidence, every possibility is
 * followed; the outcome is UNKNOWN unless all agree.
 */
struct verdict predict(const struct frame_facts *f, const struct target *t);

/* True if every possibility the verdict leaves is lossy or worse. */
bool verdict_is_bad(const struct verdict *v);

#endif
