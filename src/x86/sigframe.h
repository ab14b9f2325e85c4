/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sigframe.h - the four kinds of signal frame and their fields */
#ifndef SIGFRAME_X86_SIGFRAME_H
#define SIGFRAME_X86_SIGFRAME_H

#include "base/bytes.h"
#include "x86/gprs.h"

enum sigframe_kind {
	SIGFRAME_X86_64,	/* struct rt_sigframe */
	SIGFRAME_X32,		/* struct rt_sigframe_x32 */
	SIGFRAME_IA32_RT,	/* struct rt_sigframe_ia32 */
	SIGFRAME_IA32,		/* struct sigframe_ia32: no SA_SIGINFO */
	SIGFRAME_KINDS,
};

/*
 * What distinguishes the kinds. Offsets in bytes from the frame's address,
 * which is the stack pointer at the handler's entry (arch/x86/include/asm/
 * sigframe.h, uapi/asm/sigcontext.h).
 */
struct sigframe_shape {
	const char *name;	/* stable, in JSON */
	uint8_t pointer;	/* width of pretcode, 8 or 4 bytes */
	uint8_t misalign;	/* address % 16 of a kernel-built frame */
	uint8_t sp_skip;	/* SP at the restorer's start - address */
	/*
	 * The system call that returns from it, by number (asm/unistd_64.h,
	 * unistd_x32.h, unistd_32.h), and SP at its instruction - address.
	 * Kinds with a `header` are returned from by 32-bit system calls.
	 */
	uint32_t call;
	uint8_t call_skip;
	uint16_t size;		/* bytes that sigreturn range-checks */
	uint16_t need_start;	/* sigreturn reads [need_start, need_end) */
	uint16_t need_end;
	uint16_t image;		/* distance to the XSAVE image */
	uint16_t header;	/* bytes from fpstate to the XSAVE image */
	uint16_t red_zone;	/* bytes left alone below the interrupted SP */
	int16_t info;		/* siginfo_t, or -1 */
};

extern const struct sigframe_shape sigframe_shapes[SIGFRAME_KINDS];

enum sigframe_uc_flags {
	SIGFRAME_UC_FP_XSTATE = 0x1,
	SIGFRAME_UC_SIGCONTEXT_SS = 0x2,
	SIGFRAME_UC_STRICT_RESTORE_SS = 0x4,
};

#define SIGFRAME_SS_ONSTACK UINT32_C(1)
#define SIGFRAME_SS_DISABLE UINT32_C(2)
#define SIGFRAME_SS_AUTODISARM (UINT32_C(1) << 31)

#define SIGFRAME_INFO_SIZE 128

/* Everything but the extended state. Fields that a kind lacks are 0. */
struct sigframe {
	enum sigframe_kind kind;
	uint64_t address;
	uint64_t pretcode;	/* where the handler returns to */
	uint64_t uc_flags;	/* enum sigframe_uc_flags */
	uint64_t uc_link;
	uint64_t altstack_sp;	/* as registered when the signal came */
	uint64_t altstack_size;	/* bytes; 0: none */
	uint32_t altstack_flags;
	struct x86_gprs regs;	/* the interrupted registers */
	uint64_t err;
	uint64_t trapno;
	uint64_t oldmask;
	uint64_t cr2;
	uint64_t fpstate;	/* 0: the frame has no FPU state */
	uint64_t sigmask;	/* blocked signals to restore, bit n-1 */
	uint32_t sig;		/* ia32 only: argument of the handler */
	bool have_info;		/* `info` was within the bytes */
	uint8_t info[SIGFRAME_INFO_SIZE];
};

/*
 * Decode the frame at the start of `b`; b.addr is its address. False, *ret
 * undefined, if `b` does not hold all that sigreturn reads. Values are taken
 * as they are; the siginfo may be missing.
 */
bool sigframe_decode(enum sigframe_kind kind, struct bytes b,
		     struct sigframe *ret);

/* Bytes from the frame's address to its copy of that register. */
unsigned sigframe_register_offset(enum sigframe_kind kind, enum x86_reg r);

/* Address of the XSAVE image; 0 if fpstate is. */
static inline uint64_t sigframe_image(const struct sigframe *f)
{
	return f->fpstate ? f->fpstate + sigframe_shapes[f->kind].header : 0;
}

/* Is this on the alternate stack that the frame restores, or at its end? */
static inline bool sigframe_in_altstack(const struct sigframe *f, uint64_t addr)
{
	return f->altstack_size && !(f->altstack_flags & SIGFRAME_SS_DISABLE) &&
	       addr >= f->altstack_sp &&
	       addr - f->altstack_sp <= f->altstack_size;
}

/* How the kernel places a frame (get_sigframe(), arch/x86/kernel/signal.c). */
enum sigframe_placement {
	SIGFRAME_PLACED_NOWHERE,	/* not where a kernel would put it */
	SIGFRAME_PLACED_STACK,		/* below the interrupted SP */
	SIGFRAME_PLACED_ALTSTACK,	/* at the top of the alternate stack */
};

/*
 * Where a kernel must have put a frame with an image of `xstate_size` bytes
 * (S), judged by the distances that a kernel-built frame always has.
 */
enum sigframe_placement sigframe_placement(const struct sigframe *f,
					   uint32_t xstate_size);

#endif
