/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checks.c - the named reasons for an outcome */
#include "kernel/check_fns.h"

#include "base/cleanup.h"

#define CHECK_XSTATE                                                           \
	"arch/x86/kernel/fpu/signal.c check_xstate_in_sigframe()"
#define RESTORE_SIG "arch/x86/kernel/fpu/signal.c fpu__restore_sig()"
#define RESTORE_REGS "arch/x86/kernel/fpu/signal.c restore_fpregs_from_user()"
#define SIGRETURN "arch/x86/kernel/signal_64.c rt_sigreturn()"
#define SIGCONTEXT "arch/x86/kernel/signal_64.c restore_sigcontext()"
#define SDM_XRSTOR "SDM vol. 1, 13.8 \"Operation of XRSTOR\""

#define ANY_XSAVE (CHECK_AT(CHECK_XSAVE) | CHECK_AT(CHECK_COPY))
#define ANY_FX (CHECK_AT(CHECK_FX) | CHECK_AT(CHECK_COPY_FX))

/* In the order in which the kernel comes to them. */
const struct check checks[] = {
	{
		.id = "kernel-rules-unknown",
		.title = "The rules of the target's kernel are not known.",
		.effect = "Nothing can be said about what it does with the frame.",
		.advice = "Name a kernel release from 5.2 on, or a rule set.",
		.stages = CHECK_AT(CHECK_FRAME), .outcome = OUTCOME_UNKNOWN,
		.fires = check_rules_unknown,
	},
	{
		.id = "frame-out-of-range",
		.title = "The frame reaches beyond the addresses a process can "
			  "use.",
		.effect = "sigreturn refuses it: SIGSEGV.",
		.advice = "The stack pointer was wrong when the handler returned.",
		.source = SIGRETURN,
		.stages = CHECK_AT(CHECK_FRAME), .outcome = OUTCOME_FATAL,
		.fires = check_frame_out_of_range,
	},
	{
		.id = "frame-unreadable",
		.title = "Part of what sigreturn reads of the frame is not "
			  "readable.",
		.effect = "The kernel cannot copy it: SIGSEGV.",
		.advice = "Look at the mapping that holds the frame.",
		.source = SIGRETURN,
		.stages = CHECK_AT(CHECK_FRAME), .outcome = OUTCOME_FATAL,
		.fires = check_frame_unreadable,
	},
	{
		.id = "restorer-missing",
		.title = "No code that calls sigreturn is where the handler will "
			  "return to.",
		.effect = "The handler returns into nothing, or into something "
			  "else.",
		.advice = "Restore the process with the same C library in the same "
			  "place; for a core, name its files with --sysroot.",
		.source = "arch/x86/kernel/signal_64.c x64_setup_rt_frame()",
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_FRAME), .outcome = OUTCOME_FATAL,
		.fires = check_restorer_missing,
		.values = values_pretcode,
	},
	{
		.id = "restorer-not-executable",
		.title = "The handler's return address is not executable.",
		.effect = "The handler's return faults: SIGSEGV.",
		.advice = "Look at the protection of that mapping.",
		.source = "arch/x86/kernel/signal_64.c x64_setup_rt_frame()",
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_FRAME), .outcome = OUTCOME_FATAL,
		.fires = check_restorer_not_executable,
		.values = values_pretcode,
	},
	{
		.id = "fpstate-out-of-range",
		.title = "The xstate would end beyond the addresses a process can "
			  "use.",
		.effect = "sigreturn refuses it before looking at a byte: SIGSEGV. "
			  "The task's own size counts, not the frame's.",
		.advice = "The fpstate pointer of the frame was damaged.",
		.source = RESTORE_SIG,
		.detail = "{x0} with {d1} bytes",
		.stages = CHECK_AT(CHECK_POINTER), .outcome = OUTCOME_FATAL,
		.fires = check_fpstate_out_of_range,
		.values = values_fpstate,
	},
	{
		.id = "fpstate-unreadable",
		.title = "fpstate points at memory that is not readable.",
		.effect = "The kernel cannot read the software bytes: SIGSEGV.",
		.advice = "The fpstate pointer of the frame was damaged, or the "
			  "memory unmapped.",
		.source = CHECK_XSTATE,
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_POINTER), .outcome = OUTCOME_FATAL,
		.fires = check_fpstate_unreadable,
		.values = values_fpstate,
	},
	{
		.id = "xstate-missing",
		.title = "The extended state is not in the input.",
		.effect = "Nothing can be said about what would be restored.",
		.advice = "Inspect the process itself, or a core that has its "
			  "stacks.",
		.source = RESTORE_SIG,
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_POINTER), .outcome = OUTCOME_UNKNOWN,
		.fires = check_xstate_missing,
		.values = values_fpstate,
	},
	{
		.id = "target-without-xsave",
		.title = "The target does not use XSAVE.",
		.effect = "Only x87 and SSE are restored, nothing else is looked "
			  "at.",
		.advice = "Restore on a machine with XSAVE.",
		.source = RESTORE_SIG,
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_target_without_xsave,
	},
	{
		.id = "software-bytes-unreadable",
		.title = "The software bytes of the image are not readable.",
		.effect = "The kernel treats it as an FXSAVE image.",
		.advice = "The fpstate pointer of the frame was damaged.",
		.source = CHECK_XSTATE,
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_software_bytes_unreadable,
	},
	{
		.id = "magic1-missing",
		.title = "The software bytes do not begin with MAGIC1.",
		.effect = "The kernel takes it for an FXSAVE image and restores "
			  "x87 and SSE only.",
		.advice = "The frame was written without XSAVE, or overwritten.",
		.source = CHECK_XSTATE,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_magic1_wrong,
		.values = values_magic1,
	},
	{
		.id = "xstate-size-below-minimum",
		.title = "xstate_size is too small for an XSAVE image.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "The frame was written without XSAVE, or edited.",
		.source = CHECK_XSTATE,
		.detail = "{d0} < 576",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_size_below_minimum,
		.values = values_size,
	},
	{
		.id = "xstate-size-over-target",
		.title = "xstate_size is larger than what the target's task uses.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "Restore on a CPU with at least these components; hiding "
			  "the surplus ones from the source (clearcpuid=, CPU "
			  "model) keeps new frames small.",
		.source = CHECK_XSTATE,
		.detail = "{d0} > {d1}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_size_over_target,
		.values = values_size,
	},
	{
		.id = "extended-size-short",
		.title = "extended_size does not cover the image.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "Whoever edited the frame has to keep extended_size at "
			  "xstate_size + 4.",
		.source = CHECK_XSTATE,
		.detail = "{d0}, xstate_size {d1}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_extended_size_short,
		.values = values_extended,
	},
	{
		.id = "magic2-unreadable",
		.title = "The place of MAGIC2 is not readable.",
		.effect = "The kernel cannot read it: SIGSEGV.",
		.advice = "The memory behind the image was unmapped, or a size was "
			  "edited.",
		.source = CHECK_XSTATE,
		.detail = "xstate_size {d0}, the task's {d1}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_FATAL,
		.fires = check_magic2_unreadable_fatal,
		.values = values_size,
	},
	{
		.id = "magic2-unreadable-fx",
		.title = "The place of MAGIC2 is not readable, and the kernel is "
			  "an old one.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "The memory behind the image was unmapped, or a size was "
			  "edited.",
		.source = CHECK_XSTATE,
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_magic2_unreadable_fx,
	},
	{
		.id = "magic2-missing",
		.title = "There is no MAGIC2 behind the image.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "The image was overwritten, or its size edited.",
		.source = CHECK_XSTATE,
		.detail = "at {d0}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_magic2_wrong,
		.values = values_size,
	},
	{
		.id = "magic2-not-at-user-size",
		.title = "There is no MAGIC2 where kernels 6.15 to 7.0 look for "
			  "it.",
		.effect = "They look behind the task's own size instead of the "
			  "frame's, and restore x87 and SSE only.",
		.advice = "Use a kernel with the revert: 6.18.35, 7.0.12, 7.1 or "
			  "later.",
		.source = CHECK_XSTATE,
		.detail = "image of {d0} bytes, the task's {d1}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_magic2_not_at_user_size,
		.values = values_size,
	},
	{
		.id = "xstate-size-short-of-features",
		.title = "xstate_size does not cover what xfeatures claims.",
		.effect = "The kernel refuses to read past the frame: SIGSEGV.",
		.advice = "The frame comes from a CPU with another layout, or was "
			  "edited.",
		.source = CHECK_XSTATE,
		.detail = "{d0} < {d1}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_FATAL,
		.fires = check_size_short_of_features,
		.values = values_needed,
	},
	{
		.id = "xstate-misaligned-fx",
		.title = "The image is not 64-byte aligned, and the kernel is an "
			  "old one.",
		.effect = "The kernel restores x87 and SSE only.",
		.advice = "Whoever moved the frame has to keep its alignment.",
		.source = RESTORE_SIG,
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_CHOICE), .outcome = OUTCOME_INTACT,
		.fires = check_misaligned_fx,
		.values = values_image,
	},
	{
		.id = "xstate-misaligned",
		.title = "The image is not 64-byte aligned.",
		.effect = "XRSTOR raises #GP: SIGSEGV.",
		.advice = "Whoever moved the frame has to keep its alignment.",
		.source = SDM_XRSTOR,
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_XSAVE), .outcome = OUTCOME_FATAL,
		.fires = check_xstate_misaligned,
		.values = values_image,
	},
	{
		.id = "fxsave-misaligned",
		.title = "The image is not 16-byte aligned.",
		.effect = "FXRSTOR raises #GP: SIGSEGV.",
		.advice = "Whoever moved the frame has to keep its alignment.",
		.source = "SDM vol. 2, FXRSTOR",
		.detail = "at {x0}",
		.stages = CHECK_AT(CHECK_FX), .outcome = OUTCOME_FATAL,
		.fires = check_fxsave_misaligned,
		.values = values_image,
	},
	{
		.id = "xstate-header-reserved",
		.title = "Reserved bytes of the XSAVE header are not zero.",
		.effect = "XRSTOR raises #GP, or the copying kernel refuses: "
			  "SIGSEGV.",
		.advice = "The header was overwritten.",
		.source = SDM_XRSTOR,
		.stages = ANY_XSAVE, .outcome = OUTCOME_FATAL,
		.fires = check_header_reserved,
	},
	{
		.id = "xcomp-bv-rejected",
		.title = "XCOMP_BV is not zero, and not a compacted form the "
			  "target takes.",
		.effect = "XRSTOR raises #GP, or the copying kernel refuses: "
			  "SIGSEGV.",
		.advice = "Frames written by Linux are never compacted; the header "
			  "was edited.",
		.source = SDM_XRSTOR,
		.detail = "{x0}",
		.stages = ANY_XSAVE, .outcome = OUTCOME_FATAL,
		.fires = check_xcomp_bv_rejected,
		.values = values_xcomp,
	},
	{
		.id = "xstate-bv-unsupported",
		.title = "The frame has components in use that the target does not "
			  "have.",
		.effect = "XRSTOR raises #GP, or the copying kernel refuses: "
			  "SIGSEGV.",
		.advice = "Restore on a CPU that has them, or before they come "
			  "into use.",
		.source = SDM_XRSTOR,
		.detail = "{c0}",
		.stages = ANY_XSAVE, .outcome = OUTCOME_FATAL,
		.fires = check_in_use_unsupported,
		.values = values_unsupported,
	},
	{
		.id = "dynamic-feature-off",
		.title = "The frame has tile data in use, and the task has not "
			  "enabled it.",
		.effect = "XRSTOR raises #NM: SIGSEGV.",
		.advice = "The restoring task has to ask for AMX and use it first.",
		.source = RESTORE_REGS,
		.stages = CHECK_AT(CHECK_XSAVE), .outcome = OUTCOME_FATAL,
		.fires = check_dynamic_feature_off,
	},
	{
		.id = "mxcsr-reserved",
		.title = "MXCSR has bits that the target reserves.",
		.effect = "The restoring instruction raises #GP, or the copying "
			  "kernel refuses: SIGSEGV.",
		.advice = "Bit 17 (misaligned SSE) exists on AMD only.",
		.source = SDM_XRSTOR,
		.detail = "MXCSR {x0}, valid {x1}",
		.stages = ANY_XSAVE | ANY_FX, .outcome = OUTCOME_FATAL,
		.fires = check_mxcsr_faults,
		.values = values_mxcsr,
	},
	{
		.id = "copy-fallback-rejects",
		.title = "The kernel falls back to copying, and that rejects the "
			  "XSAVE header.",
		.effect = "Header bytes from 8 on have to be zero there: SIGSEGV.",
		.advice = "The header was edited.",
		.source = "arch/x86/kernel/fpu/signal.c __fpu__restore_sig()",
		.stages = CHECK_AT(CHECK_XSAVE), .outcome = OUTCOME_FATAL,
		.fires = check_fallback_rejects,
	},
	{
		.id = "xstate-unreadable",
		.title = "Part of the image that has to be read is not readable.",
		.effect = "The restoring instruction or the copy faults: SIGSEGV, "
			  "or with kernels of rule set R2 an endless loop.",
		.advice = "The memory behind the image was unmapped, or the frame "
			  "claims more than it holds.",
		.source = RESTORE_REGS,
		.detail = "{d0} bytes are read, {d1} are there",
		.stages = ANY_XSAVE, .outcome = OUTCOME_FATAL,
		.fires = check_image_unreadable,
		.values = values_touched,
	},
	{
		.id = "fxsave-unreadable",
		.title = "Part of the FXSAVE image is not readable.",
		.effect = "The restoring instruction or the copy faults: SIGSEGV.",
		.advice = "The memory behind the image was unmapped.",
		.source = RESTORE_REGS,
		.detail = "{d0} bytes are read, {d1} are there",
		.stages = ANY_FX, .outcome = OUTCOME_FATAL,
		.fires = check_fxsave_unreadable,
		.values = values_touched,
	},
	{
		.id = "prefault-fails",
		.title = "The kernel wants more memory readable than the frame "
			  "has.",
		.effect = "A page of the image is absent; making it present fails "
			  "on what lies behind the image: SIGSEGV.",
		.advice = "Have the pages of the frame present before the handler "
			  "returns.",
		.source = RESTORE_REGS,
		.stages = CHECK_AT(CHECK_XSAVE) | CHECK_AT(CHECK_FX),
		.outcome = OUTCOME_FATAL,
		.fires = check_prefault_fails,
	},
	{
		.id = "fpstate-null",
		.title = "The frame has no extended state at all.",
		.effect = "All registers beyond the general ones come back with "
			  "their initial values.",
		.advice = "Kernels that this program knows always write it: it was "
			  "removed.",
		.source = RESTORE_SIG,
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_fpstate_null,
	},
	{
		.id = "in-use-not-claimed",
		.title = "XSTATE_BV has components that xfeatures does not claim.",
		.effect = "They come back with their initial values.",
		.advice = "Whoever edited the frame has to keep both masks in "
			  "step.",
		.source = RESTORE_REGS,
		.detail = "{c0}; xfeatures {x1}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_in_use_not_claimed,
		.values = values_not_claimed,
	},
	{
		.id = "in-use-not-enabled",
		.title = "The frame has components in use that the returning task "
			  "has not enabled.",
		.effect = "They come back with their initial values.",
		.advice = "The restoring task has to ask for AMX and use it first.",
		.source = RESTORE_REGS,
		.detail = "{c0}; the task's {x1}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_in_use_not_enabled,
		.values = values_not_enabled,
	},
	{
		.id = "in-use-unreadable",
		.title = "What the frame has in use cannot be read.",
		.effect = "Only x87 and SSE are restored; whether that loses "
			  "anything cannot be told.",
		.advice = "Have the whole image in the input.",
		.source = RESTORE_SIG,
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_in_use_unreadable,
	},
	{
		.id = "header-unannounced",
		.title = "The frame does not say that it has an XSAVE header, and "
			  "is restored by what is in its place.",
		.effect = "If it is none, components that the frame has come back "
			  "with their initial values.",
		.advice = "Kernels never write such frames; find out who edited "
			  "xstate_size.",
		.source = RESTORE_SIG,
		.detail = "{c0}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_header_unannounced,
		.values = values_unannounced,
	},
	{
		.id = "past-frame-end",
		.title = "Components are read from behind the end of the image.",
		.effect = "Their registers come back with whatever bytes lie "
			  "there.",
		.advice = "The frame comes from a CPU with another layout, or its "
			  "size was edited.",
		.source = RESTORE_REGS,
		.detail = "{c0}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_GARBLED,
		.fires = check_past_frame_end,
		.values = values_beyond,
	},
	{
		.id = "layout-differs",
		.title = "The target has components in other places than the "
			  "frame.",
		.effect = "Their registers come back with bytes of other "
			  "components.",
		.advice = "Intel and AMD differ from the fourth component on: stay "
			  "with one vendor, or keep these components out of use.",
		.source = RESTORE_REGS,
		.detail = "{c0}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_GARBLED,
		.fires = check_layout_differs,
		.values = values_misplaced,
	},
	{
		.id = "layout-unknown",
		.title = "Where the frame has these components is not known.",
		.effect = "They may come back with bytes that are not theirs.",
		.advice = "xstate_size and xfeatures fit no CPU that is known.",
		.source = RESTORE_REGS,
		.detail = "{c0}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_GARBLED,
		.fires = check_layout_unknown,
		.values = values_placeless,
	},
	{
		.id = "mxcsr-bits-dropped",
		.title = "MXCSR has bits that the target reserves, and the kernel "
			  "clears them.",
		.effect = "MXCSR comes back changed.",
		.advice = "Bit 17 (misaligned SSE) exists on AMD only.",
		.source = "arch/x86/kernel/fpu/signal.c __fpu__restore_sig()",
		.detail = "MXCSR {x0}, valid {x1}",
		.stages = ANY_XSAVE | ANY_FX, .outcome = OUTCOME_LOSSY,
		.fires = check_mxcsr_bits_dropped,
		.values = values_mxcsr,
	},
	{
		.id = "mxcsr-may-reset",
		.title = "MXCSR may come back with its initial value.",
		.effect = "The CPU has no XSAVEC: initialising AVX afterwards may "
			  "load MXCSR with 0x1f80. Emulators disagree, silicon was "
			  "not measured.",
		.advice = "Restore on a CPU with XSAVEC.",
		.source = SDM_XRSTOR,
		.detail = "MXCSR {x0}",
		.stages = CHECK_AT(CHECK_RESULT), .outcome = OUTCOME_LOSSY,
		.fires = check_mxcsr_may_reset,
		.values = values_mxcsr,
	},
	{
		.id = "rip-out-of-range",
		.title = "The interrupted instruction pointer is no user address.",
		.effect = "The return or the first fetch faults: SIGSEGV.",
		.advice = "The saved registers were damaged.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_rip_out_of_range,
		.values = values_rip,
	},
	{
		.id = "rip-unmapped",
		.title = "Nothing is mapped at the interrupted instruction "
			  "pointer.",
		.effect = "The first fetch faults: SIGSEGV.",
		.advice = "Look at what was mapped there, or at the saved "
			  "registers.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_rip_unmapped,
		.values = values_rip,
	},
	{
		.id = "rip-not-executable",
		.title = "The interrupted code is not executable.",
		.effect = "The first fetch faults: SIGSEGV.",
		.advice = "Look at the protection of that mapping.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_rip_not_executable,
		.values = values_rip,
	},
	{
		.id = "cs-invalid",
		.title = "The saved code segment is none of Linux's user segments.",
		.effect = "The return to user mode faults: SIGSEGV.",
		.advice = "The saved registers were damaged.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_cs_invalid,
		.values = values_cs,
	},
	{
		.id = "ss-invalid",
		.title = "The saved stack segment is not Linux's user data "
			  "segment.",
		.effect = "The return to user mode faults: SIGSEGV.",
		.advice = "The saved registers were damaged.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_ss_invalid,
		.values = values_ss,
	},
	{
		.id = "rip-above-4g",
		.title = "32-bit code was interrupted at an address it cannot "
			  "have.",
		.effect = "The address is cut off or refused: the thread faults.",
		.advice = "The saved registers were damaged.",
		.source = SIGCONTEXT,
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_FATAL,
		.fires = check_rip_above_4g,
		.values = values_rip,
	},
	{
		.id = "rsp-above-4g",
		.title = "32-bit code was interrupted with a stack pointer above 4 "
			  "GiB.",
		.effect = "The return to 32-bit mode cuts it to 32 bits.",
		.advice = "Code that changes modes has to keep its stack low.",
		.source = "SDM vol. 2, IRET",
		.detail = "{x0}",
		.stages = CHECK_AT(CHECK_RETURN), .outcome = OUTCOME_LOSSY,
		.fires = check_rsp_above_4g,
		.values = values_rsp,
	},
};

const unsigned checks_count = ARRAY_SIZE(checks);
_Static_assert(ARRAY_SIZE(checks) <= 64, "a mask of checks has 64 bits");
