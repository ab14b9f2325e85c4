/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu.c - what "criu restore" makes of a checkpoint on a target */
#include "kernel/criu.h"

#define CRTOOLS "criu/arch/x86/crtools.c "
#define CRIU_CPU "criu/arch/x86/cpu.c "
#define EVERY ((1u << OUTCOME_UNKNOWN) - 1)

const struct criu_reason criu_reasons[CRIU_INDEXES] = {
	[CRIU_XSAVE_MISSING] = {
		.id = "criu-xsave-missing",
		.title = "The images have XSAVE state, and the target has no "
			 "XSAVE.",
		.effect = "criu restore refuses; with --cpu-cap=none it drops "
			  "everything but x87 and SSE.",
		.advice = "Restore on a machine with XSAVE.",
		.source = CRTOOLS "valid_xsave_frame()",
		.kind = CRIU_REFUSES,
	},
	[CRIU_REGISTERS_UNKNOWN] = {
		.id = "criu-registers-unknown",
		.title = "The images do not say which registers a thread has "
			 "in use.",
		.effect = "What criu drops of them cannot be told.",
		.advice = "Look at the thread's core image; dump again.",
		.source = CRTOOLS "restore_fpu()",
		.kind = CRIU_DOUBTS,
	},
	[CRIU_COMPONENTS_UNSAVED] = {
		.id = "criu-components-unsaved",
		.title = "A thread had registers in use that are not in the "
			 "images.",
		.effect = "CRIU does not dump them, AMX for example. They are "
			  "lost on every machine, and nothing says so.",
		.advice = "Dump when the program does not use them.",
		.source = CRTOOLS "save_task_regs()",
		.detail = "{c0}",
		.kind = CRIU_LOSES,
	},
	[CRIU_COMPONENTS_DROPPED] = {
		.id = "criu-components-dropped",
		.title = "A thread had registers in use that the target does "
			 "not have.",
		.effect = "criu restore leaves them out and reports success.",
		.advice = "Restore on a machine that has them, or start the "
			  "program where and how it does not use them.",
		.source = CRTOOLS "restore_fpu()",
		.detail = "{c0}",
		.kind = CRIU_LOSES,
	},
	[CRIU_FRAME_REDUCED] = {
		.id = "criu-frame-reduced",
		.title = "The target's kernel does not accept the size of the "
			 "frame from which CRIU has a thread return.",
		.effect = "The kernel restores x87 and SSE only; criu reports "
			  "success, and all other registers are lost.",
		.advice = "Restore on a kernel without commit dc8aa31a7ac2: "
			  "see R4 in --list-kernels.",
		.source = CRTOOLS "restore_fpu(); its revert in Linux, "
			  "44eeff9bc467, names CRIU",
		.detail = "{d0} bytes, the task's are {d1}",
		.kind = CRIU_LOSES,
	},
	[CRIU_FRAME_REFUSED] = {
		.id = "criu-frame-refused",
		.title = "The target refuses the frame from which CRIU has a "
			 "thread return.",
		.effect = "criu reports success, and the thread gets SIGSEGV "
			  "before its first instruction.",
		.advice = "A thread that has set bits of MXCSR that the target "
			  "does not have can only go back to where it came "
			  "from.",
		.source = CRTOOLS "restore_fpu()",
		.detail = "MXCSR {x0}",
		.kind = CRIU_KILLS,
	},
	[CRIU_FRAME_DOUBTFUL] = {
		.id = "criu-frame-doubtful",
		.title = "What the target makes of the frame from which CRIU "
			 "has a thread return is not known.",
		.effect = "Registers may be lost.",
		.advice = "Name the kernel's release or rules with --target.",
		.source = CRTOOLS "restore_fpu()",
		.kind = CRIU_DOUBTS,
	},
	[CRIU_SHADOW_STACK_DROPPED] = {
		.id = "criu-shadow-stack-dropped",
		.title = "A thread has a shadow stack, and the target has none.",
		.effect = "CRIU from 4.0 on restores it without one and only "
			  "its log says so: the program runs, unprotected.",
		.advice = "Restore on a machine with shadow stacks.",
		.source = "criu/arch/x86/shstk.c task_needs_shstk()",
		.kind = CRIU_REMARKS,
	},
	[CRIU_CAP_NO_CPUINFO] = {
		.id = "criu-cap-no-cpuinfo",
		.title = "The checkpoint has no cpuinfo.img that could be "
			 "used.",
		.effect = "criu restore with --cpu-cap refuses it whatever the "
			  "target is.",
		.advice = "Give --cpu-cap to the dump, too.",
		.source = CRIU_CPU "cpu_validate_cpuinfo()",
		.kind = CRIU_REFUSES_FPU,
	},
	[CRIU_CAP_XSAVES] = {
		.id = "criu-cap-xsaves",
		.title = "The dump was made on a CPU with XSAVES, and the "
			 "target has none.",
		.effect = "criu restore --cpu-cap=fpu refuses, though programs "
			  "cannot use that instruction.",
		.advice = "If no register is lost, leave --cpu-cap out.",
		.source = CRIU_CPU "cpu_validate_features()",
		.kind = CRIU_REFUSES_FPU,
	},
	[CRIU_CAP_COMPONENTS] = {
		.id = "criu-cap-components",
		.title = "The target lacks components of the CPU that the dump "
			 "was made on.",
		.effect = "criu restore --cpu-cap=fpu refuses, whether or not "
			  "they are in use.",
		.advice = "If no register is lost, leave --cpu-cap out.",
		.source = CRIU_CPU "cpu_validate_features()",
		.detail = "{c0}",
		.kind = CRIU_REFUSES_FPU,
	},
	[CRIU_CAP_XSAVE_SIZE] = {
		.id = "criu-cap-xsave-size",
		.title = "The target's XSAVE area has another size.",
		.effect = "criu restore --cpu-cap=fpu refuses any difference, "
			  "a harmless one, too.",
		.advice = "If no register is lost, leave --cpu-cap out.",
		.source = CRIU_CPU "cpu_validate_features()",
		.detail = "{d1} bytes, not {d0}",
		.kind = CRIU_REFUSES_FPU,
	},
	[CRIU_CAP_INSTRUCTIONS] = {
		.id = "criu-cap-instructions",
		.title = "The target lacks instructions of the CPU that the "
			 "dump was made on.",
		.effect = "criu restore refuses with --cpu-cap=ins and, because "
			  "ins is on by default, with --cpu-cap=fpu.",
		.advice = "With --cpu-cap=none or without the option nothing is "
			  "compared.",
		.source = CRIU_CPU "cpu_validate_ins_features()",
		.detail = "{i0}",
		.kind = CRIU_REFUSES_FPU,
	},
	[CRIU_CAP_EXTENSIONS] = {
		.id = "criu-cap-extensions",
		.title = "The target's instruction set is another one.",
		.effect = "criu restore --cpu-cap=cpu refuses any difference.",
		.advice = "With --cpu-cap=fpu only what is missing counts.",
		.source = CRIU_CPU "cpu_validate_features()",
		.detail = "{i0}",
		.kind = CRIU_REFUSES_CPU,
	},
};

static void find(struct criu_findings *f, enum criu_index i, enum tri fires,
		 uint64_t value, uint64_t other)
{
	uint64_t bit = UINT64_C(1) << i;

	if (fires == TRI_NO)
		return;
	if (fires == TRI_YES)
		f->found |= bit;
	else
		f->unsure |= bit;
	f->unsure &= ~f->found;
	f->values[i][0] |= value;
	f->values[i][1] |= other;
}

/* Values that belong together, or are masks. */
static bool is_number(enum criu_index i)
{
	return i == CRIU_FRAME_REDUCED || i == CRIU_FRAME_REFUSED;
}

void criu_add(struct criu_findings *sum, const struct criu_findings *f)
{
	for (unsigned i = 0; i < CRIU_INDEXES; i++) {
		uint64_t bit = UINT64_C(1) << i;

		/* of two sizes the first is told */
		if (is_number(i) && ((sum->found | sum->unsure) & bit))
			continue;
		for (unsigned k = 0; k < CHECK_VALUES; k++)
			sum->values[i][k] |= f->values[i][k];
	}
	sum->found |= f->found;
	sum->unsure = (sum->unsure | f->unsure) & ~sum->found;
}

/* The frame that CRIU builds. */

/* Page-aligned, and within every process's reach. */
#define IMAGE_ADDRESS UINT64_C(0x7ffe0000)
#define FRAME_ADDRESS UINT64_C(0x7ffd0000)

struct built {
	struct frame_facts facts;
	uint8_t area[PREDICT_AREA_WANT];
};

/*
 * `bv` are the components in it, `size` its xstate_size. extended_size is
 * that and MAGIC2, without the header before a 32-bit image.
 */
static void build(const struct criu_thread *thread, const struct target *t,
		  uint64_t bv, uint32_t size, struct built *ret)
{
	enum sigframe_kind kind = thread->ia32 ? SIGFRAME_IA32_RT
					       : SIGFRAME_X86_64;
	unsigned header = sigframe_shapes[kind].header;
	uint64_t fpstate = IMAGE_ADDRESS - header;

	uint8_t *image = ret->area + header;

	memset(ret, 0, sizeof(*ret));
	bytes_put(image + XSTATE_MXCSR_OFF, thread->mxcsr, 4);
	if (t->cpu->xsave != TRI_NO) {
		bytes_put(image + XSTATE_SW_OFF, XSTATE_MAGIC1, 4);
		bytes_put(image + XSTATE_SW_OFF + 4, size + XSTATE_MAGIC2_SIZE,
			  4);
		bytes_put(image + XSTATE_SW_OFF + 8, bv, 8);
		bytes_put(image + XSTATE_SW_OFF + 16, size, 4);
		bytes_put(image + XSTATE_HEADER_OFF, bv, 8);
		bytes_put(image + size, XSTATE_MAGIC2, 4);
	}
	ret->facts = (struct frame_facts){
		.sigframe = {
			.kind = kind,
			.address = FRAME_ADDRESS,
			.uc_flags = SIGFRAME_UC_FP_XSTATE,
			.fpstate = fpstate,
		},
		.frame = { { ret->area, sizeof(ret->area), FRAME_ADDRESS },
			   RUN_END_UNKNOWN },
		.area = { { ret->area, sizeof(ret->area), fpstate },
			  RUN_END_UNKNOWN },
		.layout = t->cpu->layout,
		.family = t->cpu->family,
		.around = {
			.rip_mapped = TRI_YES,
			.rip_executable = TRI_YES,
			.restorer = TRI_YES,
			.restorer_executable = TRI_YES,
			.resident = TRI_YES,
			.shadow_stack = TRI_NO,
			.stack_mapped = TRI_YES,
			.xsave_compacted = TRI_NO,
		},
	};

	struct x86_gprs *regs = &ret->facts.sigframe.regs;

	regs->r[X86_RIP] = FRAME_ADDRESS;
	regs->r[X86_RSP] = FRAME_ADDRESS;
	regs->r[X86_CS] = thread->ia32 ? X86_USER32_CS : X86_USER_CS;
	regs->r[X86_SS] = X86_USER_DS;
}

/* What the kernel does with it. */

/* Nobody misses access rights that are nobody's: all open, or Linux's own. */
static uint64_t worthless(const struct criu_thread *thread)
{
	bool plain = thread->pkru == 0 || thread->pkru == 0x55555554;

	return plain ? thread->components & XSTATE_BIT(XSTATE_PKRU) : 0;
}

/* All that the images have of it; the sizes are those of the frame. */
struct question {
	const struct criu_thread *thread;
	const struct target *target;
	uint64_t bv;
	uint32_t size;
	uint64_t gone;		/* lost before the kernel has a say */
};

#define KERNELS                                                                \
	(UINT64_C(1) << CRIU_FRAME_REDUCED | UINT64_C(1) << CRIU_FRAME_REFUSED)

/* Under one set of rules. */
static void ask_kernel(const struct question *q, const struct built *frame,
		       rules_mask rules, struct criu_live *ret)
{
	const unsigned fx = 1u << RESTORE_FX;
	const unsigned lossy = 1u << OUTCOME_LOSSY;
	const unsigned intact = 1u << OUTCOME_INTACT;
	struct target t = *q->target;

	t.rules = rules;

	struct verdict v = predict(&frame->facts, &t);
	uint64_t lost = v.lost & ~worthless(q->thread);
	unsigned possible = v.possible;

	/* nothing else is lost with what is worth nothing */
	if (v.lost && !lost && v.mxcsr_loaded == TRI_YES && (possible & lossy))
		possible = (possible & ~lossy) | intact;
	if (q->gone && (possible & intact))
		possible = (possible & ~intact) | lossy;
	if ((v.paths & fx) && lost)
		find(&ret->why, CRIU_FRAME_REDUCED,
		     v.paths == fx ? TRI_YES : TRI_UNKNOWN, q->size,
		     t.user_size);
	if (possible & (1u << OUTCOME_FATAL))
		find(&ret->why, CRIU_FRAME_REFUSED,
		     possible == 1u << OUTCOME_FATAL ? TRI_YES : TRI_UNKNOWN,
		     q->thread->mxcsr, 0);
	if (v.outcome == OUTCOME_UNKNOWN && !((v.paths & fx) && lost) &&
	    !(possible & (1u << OUTCOME_FATAL)))
		find(&ret->why, CRIU_FRAME_DOUBTFUL, TRI_YES, 0, 0);
	ret->possible |= possible;
	ret->lost |= lost;
}

/* Under all that it may follow: what only some lead to is not certain. */
static void ask_kernels(const struct question *q, struct criu_live *ret)
{
	rules_mask rules = q->target->rules;
	uint64_t certain = UINT64_MAX;
	struct built frame;

	build(q->thread, q->target, q->bv, q->size, &frame);
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		struct criu_live one = { 0 };

		if (!(rules & RULES_BIT(i)))
			continue;
		ask_kernel(q, &frame, RULES_BIT(i), &one);
		criu_add(&ret->why, &one.why);
		ret->possible |= one.possible;
		ret->lost |= one.lost;
		certain &= one.why.found | ~KERNELS;
	}
	ret->why.unsure |= ret->why.found & ~certain;
	ret->why.found &= certain;
}

static void settle(struct criu_live *l)
{
	l->outcome = OUTCOME_UNKNOWN;
	for (unsigned o = 0; o < OUTCOME_UNKNOWN; o++)
		if (l->possible == 1u << o)
			l->outcome = (enum outcome)o;
}

/* Images of a CPU with XSAVE say so, unless it had x87 and SSE only. */
static enum tri refuses(const struct criu_thread *thread,
			const struct target *t)
{
	if (t->cpu->xsave == TRI_YES)
		return TRI_NO;
	if (!(thread->components & ~XSTATE_LEGACY))
		return TRI_UNKNOWN;
	return tri_not(t->cpu->xsave);
}

struct criu_live criu_restore(const struct criu_thread *thread,
			      const struct target *t)
{
	const uint64_t extended = ~XSTATE_LEGACY;
	struct criu_live ret = { .refused = TRI_UNKNOWN };
	uint64_t unsaved, dropped, there;

	if (!thread->known) {
		find(&ret.why, CRIU_REGISTERS_UNKNOWN, TRI_YES, 0, 0);
		ret.refused = t->cpu->xsave == TRI_YES ? TRI_NO : TRI_UNKNOWN;
		ret.possible = EVERY;
		settle(&ret);
		return ret;
	}
	ret.refused = refuses(thread, t);
	find(&ret.why, CRIU_XSAVE_MISSING, ret.refused, 0, 0);
	if (ret.refused == TRI_YES) {
		ret.possible = 1u << OUTCOME_FATAL;
		settle(&ret);
		return ret;
	}
	if (ret.refused == TRI_UNKNOWN)
		ret.possible |= 1u << OUTCOME_FATAL;
	/* what the images have of it, what of that the target has */
	unsaved = thread->in_use & extended &
		  ~(thread->components & CRIU_COMPONENTS);
	there = thread->in_use & extended & ~unsaved;
	dropped = there & ~t->cpu->xfeatures & ~worthless(thread);
	find(&ret.why, CRIU_COMPONENTS_UNSAVED, tri_of(unsaved), unsaved, 0);
	find(&ret.why, CRIU_COMPONENTS_DROPPED, tri_of(dropped), dropped, 0);
	ret.lost = unsaved | dropped;

	struct question q = {
		.thread = thread,
		.target = t,
		/* marked as in use, also if there is nothing to put there */
		.bv = XSTATE_LEGACY | (thread->in_use & CRIU_COMPONENTS &
				       t->cpu->xfeatures),
		.gone = ret.lost,
	};

	q.size = xstate_layout_size(&t->cpu->layout, q.bv);
	if (t->cpu->xsave == TRI_NO)
		q.size = XSTATE_FX_SIZE;
	if (!q.size || !t->user_size || !t->rules) {
		find(&ret.why, CRIU_FRAME_DOUBTFUL, TRI_YES, 0, 0);
		ret.possible = ret.lost ? EVERY & ~(1u << OUTCOME_INTACT)
					: EVERY;
	} else {
		ask_kernels(&q, &ret);
	}
	find(&ret.why, CRIU_SHADOW_STACK_DROPPED,
	     tri_of(thread->shadow_stack == TRI_YES &&
		    (t->isa.known & ~t->isa.has & ISA_BIT(ISA_SHSTK))),
	     0, 0);
	settle(&ret);
	return ret;
}

/* --cpu-cap. */

/*
 * What cpu_validate_ins_features() looks at, of the extensions that we know:
 * the rows of x86_ins_capability_mask[], criu/arch/x86/cpu.c (4.1.1, 4.2.1).
 */
#define CRIU_INSTRUCTIONS                                                      \
	(ISA_BIT(ISA_SSE3) | ISA_BIT(ISA_SSSE3) | ISA_BIT(ISA_SSE4_1) |        \
	 ISA_BIT(ISA_SSE4_2) | ISA_BIT(ISA_SSE4A) | ISA_BIT(ISA_POPCNT) |      \
	 ISA_BIT(ISA_LZCNT) | ISA_BIT(ISA_MOVBE) | ISA_BIT(ISA_CX16) |         \
	 ISA_BIT(ISA_AES) | ISA_BIT(ISA_PCLMULQDQ) | ISA_BIT(ISA_RDRAND) |     \
	 ISA_BIT(ISA_RDSEED) | ISA_BIT(ISA_F16C) | ISA_BIT(ISA_FMA4) |         \
	 ISA_BIT(ISA_XOP) | ISA_BIT(ISA_TBM) | ISA_BIT(ISA_BMI1) |             \
	 ISA_BIT(ISA_BMI2) | ISA_BIT(ISA_ADX) | ISA_BIT(ISA_SHA_NI) |          \
	 ISA_BIT(ISA_XSAVE) | ISA_BIT(ISA_XSAVEC) | ISA_BIT(ISA_AVX) |         \
	 ISA_BIT(ISA_AVX2) | ISA_BIT(ISA_GFNI) | ISA_BIT(ISA_VAES) |           \
	 ISA_BIT(ISA_VPCLMULQDQ) | ISA_BIT(ISA_AVX512F) |                      \
	 ISA_BIT(ISA_AVX512DQ) | ISA_BIT(ISA_AVX512BW) |                       \
	 ISA_BIT(ISA_AVX512VL) | ISA_BIT(ISA_AVX512CD) |                       \
	 ISA_BIT(ISA_AVX512ER) | ISA_BIT(ISA_AVX512PF) |                       \
	 ISA_BIT(ISA_AVX512VBMI) | ISA_BIT(ISA_AVX512_VBMI2) |                 \
	 ISA_BIT(ISA_AVX512_VNNI) | ISA_BIT(ISA_AVX512_BITALG) |               \
	 ISA_BIT(ISA_AVX512_VPOPCNTDQ) | ISA_BIT(ISA_3DNOW) |                  \
	 ISA_BIT(ISA_MISALIGNSSE))

/*
 * CRIU asks the CPU; these Linux may hide of it. Of components that is MPX,
 * which Linux does not enable since 5.6 (compel_fpuid() takes CPUID.0DH:EAX).
 */
#define HIDDEN                                                                 \
	(ISA_BIT(ISA_MPX) | ISA_BIT(ISA_PKU) | ISA_BIT(ISA_LA57) |             \
	 ISA_BIT(ISA_SHSTK) | ISA_BIT(ISA_FSGSBASE))
#define HIDDEN_COMPONENTS                                                      \
	(XSTATE_BIT(XSTATE_BNDREGS) | XSTATE_BIT(XSTATE_BNDCSR))

struct criu_findings criu_compare(const struct criu_cpu *cpu,
				  const struct target *t)
{
	struct criu_findings ret = { 0 };

	if (!cpu) {
		find(&ret, CRIU_CAP_NO_CPUINFO, TRI_YES, 0, 0);
		return ret;
	}

	uint64_t both = cpu->isa.known & t->isa.known & ~HIDDEN;
	uint64_t lacking = both & CRIU_INSTRUCTIONS & cpu->isa.has &
			   ~t->isa.has;
	uint64_t apart = both & (cpu->isa.has ^ t->isa.has);
	/* CRIU never sees bit 1 of its mask, and takes bit 0 for granted */
	uint64_t components = cpu->xfeatures & CRIU_COMPONENTS &
			      ~XSTATE_LEGACY & ~HIDDEN_COMPONENTS &
			      ~t->cpu->xfeatures;
	uint32_t size = cpu_user_size(t->cpu, t->cpu->xfeatures);

	/* whoever has XSAVES has XSAVEC, too */
	if (cpu->xsaves && t->cpu->xsavec == TRI_NO)
		find(&ret, CRIU_CAP_XSAVES, TRI_YES, 0, 0);
	if (cpu->has_xfeatures)
		find(&ret, CRIU_CAP_COMPONENTS, tri_of(components), components,
		     0);
	if (cpu->has_xsave_size && size && t->cpu->xsave == TRI_YES)
		find(&ret, CRIU_CAP_XSAVE_SIZE, tri_of(size != cpu->xsave_size),
		     cpu->xsave_size, size);
	find(&ret, CRIU_CAP_INSTRUCTIONS, tri_of(lacking), lacking, 0);
	find(&ret, CRIU_CAP_EXTENSIONS, tri_of(apart), apart, 0);
	return ret;
}
