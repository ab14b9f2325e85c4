/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hazards.c - what leaves the outcome as it is but can hurt */
#include "base/cleanup.h"
#include "kernel/checks.h"

static bool prefault_past_mapping(const struct walk *w)
{
	if (w->path != RESTORE_FX && w->path != RESTORE_XSAVE)
		return false;
	return w->frame->around.resident != TRI_YES &&
	       walk_may_fault(w, walk_asked_size(w)) &&
	       run_readable(&w->image, 0, walk_prefault_size(w)) != TRI_YES;
}

static void prefault_values(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_prefault_size(w);
	ret[1] = w->image.bytes.size;
}

/* The word that the frame has in PKRU's place. */
static bool pkru_slot(const struct walk *w, uint32_t *ret)
{
	const struct xstate_layout *l = &w->frame->layout;

	return (l->features & XSTATE_BIT(XSTATE_PKRU)) &&
	       bytes_u32(w->image.bytes, l->offset[XSTATE_PKRU], ret);
}

static bool pkru_slot_ignored(const struct walk *w)
{
	uint32_t pkru;

	return w->path == RESTORE_XSAVE &&
	       (w->sw.xfeatures & XSTATE_BIT(XSTATE_PKRU)) &&
	       !(w->in_use & XSTATE_BIT(XSTATE_PKRU)) && pkru_slot(w, &pkru) &&
	       pkru != 0;
}

static void pkru_value(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	uint32_t pkru = 0;

	pkru_slot(w, &pkru);
	ret[0] = pkru;
}

static bool pkru_reset(const struct walk *w)
{
	const uint64_t bit = XSTATE_BIT(XSTATE_PKRU);

	return (w->path == RESTORE_FX || w->path == RESTORE_XSAVE) &&
	       (w->target->features & ~w->rfbm & bit);
}

static bool rsp_out_of_range(const struct walk *w)
{
	return w->frame->sigframe.regs.r[X86_RSP] >=
	       w->target->cpu->user_limit;
}

static bool rsp_unmapped(const struct walk *w)
{
	return !rsp_out_of_range(w) &&
	       w->frame->around.stack_mapped == TRI_NO;
}

static void rsp_value(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->frame->sigframe.regs.r[X86_RSP];
}

static bool trap_flag(const struct walk *w)
{
	return w->frame->sigframe.regs.r[X86_RFLAGS] & 0x100;
}

static bool altstack_small(const struct walk *w)
{
	uint64_t has = w->frame->sigframe.altstack_size;

	return has && has < w->target->minsigstksz;
}

static void altstack_values(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->frame->sigframe.altstack_size;
	ret[1] = w->target->minsigstksz;
}

/* What the interrupted code needs and the target is known to lack. */
static uint64_t isa_lacking(const struct walk *w)
{
	const struct isa_set *isa = &w->target->isa;

	return w->frame->around.isa_needed & isa->known & ~isa->has;
}

static bool isa_missing(const struct walk *w)
{
	return isa_lacking(w) != 0;
}

static void isa_values(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = isa_lacking(w);
}

static bool amx_permission(const struct walk *w)
{
	const uint64_t bit = XSTATE_BIT(XSTATE_XTILEDATA);
	uint64_t claimed = w->in_use;

	if (w->have_sw && w->sw.magic1 == XSTATE_MAGIC1)
		claimed |= w->sw.xfeatures;
	return (claimed & bit) && (w->target->cpu->xfeatures & bit) &&
	       !(w->target->features & bit);
}

/* 0 opens every key; 0x55555554 is what Linux gives every new task. */
static bool pkru_in_use(const struct walk *w)
{
	const uint64_t bit = XSTATE_BIT(XSTATE_PKRU);
	uint32_t pkru;

	return (w->in_use & bit) && !(w->target->features & bit) &&
	       pkru_slot(w, &pkru) && pkru != 0 && pkru != 0x55555554;
}

#define MXCSR_MISALIGNED (UINT32_C(1) << 17)

static bool misaligned_sse(const struct walk *w)
{
	uint32_t mask = w->target->cpu->mxcsr_mask;

	return w->path != RESTORE_INIT &&
	       (walk_image_mxcsr(w) & MXCSR_MISALIGNED) &&
	       !(mask & MXCSR_MISALIGNED);
}

static void mxcsr_value(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_image_mxcsr(w);
}

static bool uses_ia32(const struct walk *w)
{
	return walk_is_ia32(w) ||
	       (walk_reg(w, X86_CS) | 3) == X86_USER32_CS;
}

static bool ia32_missing(const struct walk *w)
{
	return uses_ia32(w) && w->target->ia32 != TRI_YES;
}

/* What kind a frame has depends on how its handler was registered. */
static bool wide_registers_missing(const struct walk *w)
{
	return walk_is_ia32(w) && (walk_reg(w, X86_CS) | 3) == X86_USER_CS;
}

static bool x32_missing(const struct walk *w)
{
	return w->frame->sigframe.kind == SIGFRAME_X32 &&
	       w->target->x32 != TRI_YES;
}

static bool vsyscall_page(const struct walk *w)
{
	const uint64_t page = UINT64_C(0xffffffffff600000);

	return walk_reg(w, X86_RIP) - page < 4096;
}

static bool shadow_stack(const struct walk *w)
{
	return w->frame->around.shadow_stack == TRI_YES;
}

/* What plain XSAVE of glibc's lazy binding writes on the target. */
static uint64_t glibc_needs(const struct walk *w)
{
	const struct cpu_model *cpu = w->target->cpu;

	return predict_glibc_room(xstate_layout_size(
		&cpu->layout, cpu->xfeatures & PREDICT_GLIBC_STATE));
}

static bool cpuid_cached(const struct walk *w)
{
	const struct frame_surroundings *a = &w->frame->around;

	if (!a->xsave_room)
		return false;
	if (a->xsave_compacted == TRI_YES)
		return w->target->cpu->xsavec == TRI_NO;
	return glibc_needs(w) > a->xsave_room;
}

static void cached_values(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->frame->around.xsave_room;
	ret[1] = glibc_needs(w);
}

/* FIP and FDP are saved and loaded under other conditions by each vendor. */
static bool x87_pointers(const struct walk *w)
{
	enum xstate_family from = w->frame->family;
	enum xstate_family to = w->target->cpu->family;
	bool vendors = from != to && (from == XSTATE_FAMILY_INTEL ||
				      from == XSTATE_FAMILY_AMD) &&
		       (to == XSTATE_FAMILY_INTEL || to == XSTATE_FAMILY_AMD);

	return vendors && (w->in_use & XSTATE_BIT(XSTATE_X87)) &&
	       bytes_nonzero(w->image.bytes, XSTATE_FOP_OFF,
			     XSTATE_MXCSR_OFF - XSTATE_FOP_OFF);
}

/*
 * XSAVE writes zeros for what is not in use, but for XTILEDATA and XTILECFG,
 * which Linux does not ask for then.
 */
static uint64_t forgotten(const struct walk *w)
{
	const uint64_t others = XSTATE_LEGACY | XSTATE_BIT(XSTATE_PKRU) |
				XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_DYNAMIC;
	const struct xstate_layout *l = &w->frame->layout;
	uint64_t found = 0;

	if (w->path != RESTORE_XSAVE || walk_is_compacted(w))
		return 0;
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		uint64_t bit = XSTATE_BIT(i);

		if ((w->sw.xfeatures & l->features & ~w->in_use & ~others &
		     bit) &&
		    (uint64_t)l->offset[i] + l->size[i] <= w->sw.xstate_size &&
		    bytes_nonzero(w->image.bytes, l->offset[i], l->size[i]))
			found |= bit;
	}
	return found;
}

static bool initial_not_zero(const struct walk *w)
{
	return forgotten(w) != 0;
}

static void forgotten_values(const struct walk *w,
			     uint64_t ret[CHECK_VALUES])
{
	ret[0] = forgotten(w);
}

const struct hazard hazards[] = {
	{
		.id = "prefault-past-mapping",
		.title = "A page fault during the restore would be fatal.",
		.effect = "If a page of the image is absent at that moment "
			  "(swapped out, lazily restored), the kernel wants "
			  "the task's whole xstate size readable, and the "
			  "mapping ends before.",
		.advice = "Have the pages of the frame present before the "
			  "handler returns.",
		.source = "arch/x86/kernel/fpu/signal.c "
			  "restore_fpregs_from_user()",
		.detail = "wants {d0} bytes, {d1} are there",
		.applies = prefault_past_mapping,
		.values = prefault_values,
	},
	{
		.id = "pkru-slot-ignored",
		.title = "The frame holds a PKRU that it does not mark as in "
			 "use.",
		.effect = "Early 6.10 to 6.12 kernels wrote such frames by "
			  "mistake; PKRU comes back as 0, every protection "
			  "key open.",
		.advice = "Run the process on a kernel from 6.12.5 on.",
		.source = "arch/x86/kernel/fpu/signal.c "
			  "copy_fpregs_to_sigframe(), fixed by ae6012d72fa6",
		.detail = "PKRU {x0}",
		.applies = pkru_slot_ignored,
		.values = pkru_value,
	},
	{
		.id = "pkru-reset",
		.title = "PKRU comes back as 0.",
		.effect = "The target has protection keys and this frame "
			  "restores none: afterwards every key is open to "
			  "the thread.",
		.advice = "A program that relies on protection keys has to "
			  "set PKRU again.",
		.source = "arch/x86/kernel/fpu/signal.c "
			  "restore_fpregs_from_user()",
		.applies = pkru_reset,
	},
	{
		.id = "rsp-out-of-range",
		.title = "The interrupted stack pointer is no user address.",
		.effect = "sigreturn does not mind; the first use of the "
			  "stack faults.",
		.advice = "The saved registers were damaged.",
		.source = "SDM vol. 3, 6.15 \"Stack Fault Exception\"",
		.detail = "{x0}",
		.applies = rsp_out_of_range,
		.values = rsp_value,
	},
	{
		.id = "rsp-unmapped",
		.title = "Nothing is mapped at the interrupted stack pointer.",
		.effect = "sigreturn does not mind; the first use of the "
			  "stack faults.",
		.advice = "The saved registers were damaged, or the stack was "
			  "unmapped.",
		.source = "arch/x86/mm/fault.c",
		.detail = "{x0}",
		.applies = rsp_unmapped,
		.values = rsp_value,
	},
	{
		.id = "trap-flag",
		.title = "The interrupted code was being single-stepped.",
		.effect = "SIGTRAP follows after one instruction.",
		.advice = "Expected under a debugger, which has to be there "
			  "on the target too.",
		.source = "SDM vol. 3, 17.3.1.4 \"Single-Step Exception "
			  "Condition\"",
		.applies = trap_flag,
	},
	{
		.id = "altstack-too-small",
		.title = "The alternate stack is smaller than the target's "
			  "kernel says a frame needs.",
		.effect = "The next signal delivered on it may not fit: SIGSEGV, "
			  "\"overflowed sigaltstack\" in the log.",
		.advice = "Have the program size its alternate stack by "
			  "AT_MINSIGSTKSZ, sysconf(_SC_SIGSTKSZ).",
		.source = "arch/x86/kernel/signal.c get_sigframe()",
		.detail = "has {d0}, needs {d1}",
		.applies = altstack_small,
		.values = altstack_values,
	},
	{
		.id = "isa-missing",
		.title = "The interrupted code needs instructions that the "
			  "target lacks.",
		.effect = "SIGILL soon after the return.",
		.advice = "Restore on a CPU that has them: the program chose its "
			  "code when it started.",
		.source = "SDM vol. 2",
		.detail = "{i0}",
		.applies = isa_missing,
		.values = isa_values,
	},
	{
		.id = "amx-permission",
		.title = "The frame comes from a task that used AMX, and the "
			  "returning task has not asked for it.",
		.effect = "Its frame is larger than the task's and is restored as "
			  "x87 and SSE only.",
		.advice = "The restoring task has to call "
			  "arch_prctl(ARCH_REQ_XCOMP_PERM) and touch a tile "
			  "register first.",
		.source = "arch/x86/kernel/fpu/xstate.c xstate_request_perm()",
		.applies = amx_permission,
	},
	{
		.id = "pkru-in-use",
		.title = "The program uses protection keys, and the target has "
			  "none.",
		.effect = "Memory that a key had closed is open.",
		.advice = "Restore on a machine with protection keys.",
		.source = "SDM vol. 3, 4.6.2 \"Protection Keys\"",
		.detail = "PKRU {x0}",
		.applies = pkru_in_use,
		.values = pkru_value,
	},
	{
		.id = "misaligned-sse",
		.title = "MXCSR allows misaligned SSE operands, and the target "
			  "cannot.",
		.effect = "Where the return succeeds all the same, such operands "
			  "fault.",
		.advice = "Restore on an AMD CPU.",
		.source = "APM vol. 2, \"Misaligned Exception Mask\"",
		.detail = "MXCSR {x0}",
		.applies = misaligned_sse,
		.values = mxcsr_value,
	},
	{
		.id = "ia32-missing",
		.title = "32-bit code or a 32-bit frame, and the target is not "
			  "known to run 32-bit programs.",
		.effect = "Without that, the restorer's int 0x80 fails and the "
			  "thread dies.",
		.advice = "The target needs CONFIG_IA32_EMULATION and no "
			  "ia32_emulation=0.",
		.source = "arch/x86/entry/common.c",
		.applies = ia32_missing,
	},
	{
		.id = "wide-registers-missing",
		.title = "64-bit code was interrupted, and the frame is one for "
			 "32-bit code.",
		.effect = "It has no room for r8 to r15 and for the upper halves "
			  "of the others: the code goes on without them.",
		.advice = "The handler was registered by a 32-bit system call, "
			  "and has to be by a 64-bit one.",
		.source = "arch/x86/kernel/signal_32.c ia32_restore_sigcontext()",
		.applies = wide_registers_missing,
	},
	{
		.id = "x32-missing",
		.title = "An x32 frame, and the target is not known to have that "
			  "ABI.",
		.effect = "Without it, the restorer's system call fails and the "
			  "thread dies.",
		.advice = "The target needs CONFIG_X86_X32_ABI, which most "
			  "kernels lack.",
		.source = "arch/x86/entry/syscalls/syscall_64.tbl",
		.applies = x32_missing,
	},
	{
		.id = "vsyscall-page",
		.title = "The interrupted code is in the vsyscall page.",
		.effect = "A kernel with vsyscall=none faults there.",
		.advice = "Restore on a kernel with vsyscall=xonly or emulate.",
		.source = "arch/x86/entry/vsyscall/vsyscall_64.c",
		.applies = vsyscall_page,
	},
	{
		.id = "shadow-stack",
		.title = "The thread has a shadow stack.",
		.effect = "sigreturn wants a token on it that is not in the "
			  "frame: SIGSEGV where the shadow stack is not restored "
			  "with it.",
		.advice = "The target needs user shadow stacks (6.6), and the "
			  "restorer has to rebuild the same one.",
		.source = "arch/x86/kernel/shstk.c restore_signal_shadow_stack()",
		.applies = shadow_stack,
	},
	{
		.id = "x87-pointers",
		.title = "The frame holds x87 instruction and data pointers of "
			  "another vendor.",
		.effect = "They may not come back; programs that look at them are "
			  "rare.",
		.advice = "Nothing, unless the program handles x87 exceptions by "
			  "them.",
		.source = "APM vol. 2, \"FXSAVE and FXRSTOR\"",
		.applies = x87_pointers,
	},
	{
		.id = "initial-not-zero",
		.title = "Components marked as not in use hold bytes that are "
			 "not zero.",
		.effect = "They come back initial, as XSTATE_BV says; but a "
			  "CPU would have written zeros, so somebody cleared "
			  "bits of XSTATE_BV.",
		.advice = "Whoever edited the frame has to leave XSTATE_BV "
			  "alone.",
		.source = "SDM vol. 1, 13.7 \"Operation of XSAVE\"",
		.detail = "{c0}",
		.applies = initial_not_zero,
		.values = forgotten_values,
	},
	{
		.id = "cpuid-cached",
		.title = "The C library saves registers by an instruction, or "
			 "into an area, that it chose for another CPU.",
		.effect = "When a function is bound at its first call, XSAVE "
			  "may write past that area, or XSAVEC does not exist "
			  "on the target.",
		.advice = "Start the program with LD_BIND_NOW=1, or restore "
			  "on a CPU with no more components.",
		.source = "glibc sysdeps/x86/cpu-features.c "
			  "update_active()",
		.detail = "area of {d0} bytes, plain XSAVE needs {d1}",
		.applies = cpuid_cached,
		.values = cached_values,
	},
};

const unsigned hazards_count = ARRAY_SIZE(hazards);
_Static_assert(ARRAY_SIZE(hazards) <= 64, "a mask of hazards has 64 bits");
