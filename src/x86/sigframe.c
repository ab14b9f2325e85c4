/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sigframe.c - the four kinds of signal frame and their fields */
#include "x86/sigframe.h"

#include "base/cleanup.h"
#include "x86/xstate.h"

const char *const x86_reg_names[X86_REGS] = {
	[X86_RAX] = "rax", [X86_RDX] = "rdx", [X86_RCX] = "rcx",
	[X86_RBX] = "rbx", [X86_RSI] = "rsi", [X86_RDI] = "rdi",
	[X86_RBP] = "rbp", [X86_RSP] = "rsp", [X86_R8] = "r8",
	[X86_R9] = "r9",   [X86_R10] = "r10", [X86_R11] = "r11",
	[X86_R12] = "r12", [X86_R13] = "r13", [X86_R14] = "r14",
	[X86_R15] = "r15", [X86_RIP] = "rip", [X86_RFLAGS] = "rflags",
	[X86_CS] = "cs",   [X86_SS] = "ss",   [X86_DS] = "ds",
	[X86_ES] = "es",   [X86_FS] = "fs",   [X86_GS] = "gs",
};

const struct sigframe_shape sigframe_shapes[SIGFRAME_KINDS] = {
	[SIGFRAME_X86_64] = {
		.name = "x86_64", .pointer = 8, .misalign = 8, .sp_skip = 8,
		.call = 15, .call_skip = 8,
		.size = 440, .need_start = 8, .need_end = 312,
		.image = 456, .header = 0, .red_zone = 128, .info = 312,
	},
	[SIGFRAME_X32] = {
		.name = "x32", .pointer = 8, .misalign = 8, .sp_skip = 8,
		.call = 0x40000201, .call_skip = 8,
		.size = 424, .need_start = 8, .need_end = 296,
		.image = 440, .header = 0, .red_zone = 128, .info = 296,
	},
	[SIGFRAME_IA32_RT] = {
		.name = "ia32_rt", .pointer = 4, .misalign = 12, .sp_skip = 4,
		.call = 173, .call_skip = 4,
		.size = 268, .need_start = 144, .need_end = 260,
		.image = 388, .header = 112, .red_zone = 0, .info = 16,
	},
	[SIGFRAME_IA32] = {
		.name = "ia32", .pointer = 4, .misalign = 12, .sp_skip = 4,
		.call = 119, .call_skip = 8,
		.size = 736, .need_start = 8, .need_end = 724,
		.image = 852, .header = 112, .red_zone = 0, .info = -1,
	},
};

/* The fields of struct sigframe that are plain words in memory. */
enum field {
	F_PRETCODE, F_SIG, F_UC_FLAGS, F_UC_LINK,
	F_SS_SP, F_SS_FLAGS, F_SS_SIZE,
	F_ERR, F_TRAPNO, F_OLDMASK, F_EXTRAMASK, F_CR2, F_FPSTATE, F_SIGMASK,
	F_REG,				/* F_REG + enum x86_reg */
	FIELDS = F_REG + X86_REGS,
};

/* width 0: the kind has no such field */
struct place {
	uint16_t offset;
	uint8_t width;
};

/*
 * struct sigcontext_64 at `base`, shared by x86_64 and x32. The fs and gs
 * slots are neither filled in nor read back by the kernel.
 */
#define SIGCONTEXT_64(base)                                                    \
	[F_REG + X86_R8] = { (base) + 0, 8 },                                  \
	[F_REG + X86_R9] = { (base) + 8, 8 },                                  \
	[F_REG + X86_R10] = { (base) + 16, 8 },                                \
	[F_REG + X86_R11] = { (base) + 24, 8 },                                \
	[F_REG + X86_R12] = { (base) + 32, 8 },                                \
	[F_REG + X86_R13] = { (base) + 40, 8 },                                \
	[F_REG + X86_R14] = { (base) + 48, 8 },                                \
	[F_REG + X86_R15] = { (base) + 56, 8 },                                \
	[F_REG + X86_RDI] = { (base) + 64, 8 },                                \
	[F_REG + X86_RSI] = { (base) + 72, 8 },                                \
	[F_REG + X86_RBP] = { (base) + 80, 8 },                                \
	[F_REG + X86_RBX] = { (base) + 88, 8 },                                \
	[F_REG + X86_RDX] = { (base) + 96, 8 },                                \
	[F_REG + X86_RAX] = { (base) + 104, 8 },                               \
	[F_REG + X86_RCX] = { (base) + 112, 8 },                               \
	[F_REG + X86_RSP] = { (base) + 120, 8 },                               \
	[F_REG + X86_RIP] = { (base) + 128, 8 },                               \
	[F_REG + X86_RFLAGS] = { (base) + 136, 8 },                            \
	[F_REG + X86_CS] = { (base) + 144, 2 },                                \
	[F_REG + X86_SS] = { (base) + 150, 2 },                                \
	[F_ERR] = { (base) + 152, 8 },                                         \
	[F_TRAPNO] = { (base) + 160, 8 },                                      \
	[F_OLDMASK] = { (base) + 168, 8 },                                     \
	[F_CR2] = { (base) + 176, 8 },                                         \
	[F_FPSTATE] = { (base) + 184, 8 }

/* struct sigcontext_32 at `base`, shared by both ia32 kinds. */
#define SIGCONTEXT_32(base)                                                    \
	[F_REG + X86_GS] = { (base) + 0, 2 },                                  \
	[F_REG + X86_FS] = { (base) + 4, 2 },                                  \
	[F_REG + X86_ES] = { (base) + 8, 2 },                                  \
	[F_REG + X86_DS] = { (base) + 12, 2 },                                 \
	[F_REG + X86_RDI] = { (base) + 16, 4 },                                \
	[F_REG + X86_RSI] = { (base) + 20, 4 },                                \
	[F_REG + X86_RBP] = { (base) + 24, 4 },                                \
	[F_REG + X86_RSP] = { (base) + 28, 4 },                                \
	[F_REG + X86_RBX] = { (base) + 32, 4 },                                \
	[F_REG + X86_RDX] = { (base) + 36, 4 },                                \
	[F_REG + X86_RCX] = { (base) + 40, 4 },                                \
	[F_REG + X86_RAX] = { (base) + 44, 4 },                                \
	[F_TRAPNO] = { (base) + 48, 4 },                                       \
	[F_ERR] = { (base) + 52, 4 },                                          \
	[F_REG + X86_RIP] = { (base) + 56, 4 },                                \
	[F_REG + X86_CS] = { (base) + 60, 2 },                                 \
	[F_REG + X86_RFLAGS] = { (base) + 64, 4 },                             \
	[F_REG + X86_SS] = { (base) + 72, 2 },                                 \
	[F_FPSTATE] = { (base) + 76, 4 },                                      \
	[F_OLDMASK] = { (base) + 80, 4 },                                      \
	[F_CR2] = { (base) + 84, 4 }

static const struct place places[SIGFRAME_KINDS][FIELDS] = {
	[SIGFRAME_X86_64] = {
		[F_PRETCODE] = { 0, 8 },
		[F_UC_FLAGS] = { 8, 8 },
		[F_UC_LINK] = { 16, 8 },
		[F_SS_SP] = { 24, 8 },
		[F_SS_FLAGS] = { 32, 4 },
		[F_SS_SIZE] = { 40, 8 },
		SIGCONTEXT_64(48),
		[F_SIGMASK] = { 304, 8 },
	},
	[SIGFRAME_X32] = {
		[F_PRETCODE] = { 0, 8 },
		[F_UC_FLAGS] = { 8, 4 },
		[F_UC_LINK] = { 12, 4 },
		[F_SS_SP] = { 16, 4 },
		[F_SS_FLAGS] = { 20, 4 },
		[F_SS_SIZE] = { 24, 4 },
		SIGCONTEXT_64(32),
		[F_SIGMASK] = { 288, 8 },
	},
	[SIGFRAME_IA32_RT] = {
		[F_PRETCODE] = { 0, 4 },
		[F_SIG] = { 4, 4 },
		[F_UC_FLAGS] = { 144, 4 },
		[F_UC_LINK] = { 148, 4 },
		[F_SS_SP] = { 152, 4 },
		[F_SS_FLAGS] = { 156, 4 },
		[F_SS_SIZE] = { 160, 4 },
		SIGCONTEXT_32(164),
		[F_SIGMASK] = { 252, 8 },
	},
	[SIGFRAME_IA32] = {
		[F_PRETCODE] = { 0, 4 },
		[F_SIG] = { 4, 4 },
		SIGCONTEXT_32(8),
		[F_EXTRAMASK] = { 720, 4 },
	},
};

unsigned sigframe_register_offset(enum sigframe_kind kind, enum x86_reg r)
{
	return places[kind][F_REG + r].offset;
}

bool sigframe_decode(enum sigframe_kind kind, struct bytes b,
		     struct sigframe *ret)
{
	const struct sigframe_shape *shape = &sigframe_shapes[kind];
	uint64_t value[FIELDS] = { 0 };

	if (!bytes_has(b, 0, shape->need_end))
		return false;
	for (unsigned i = 0; i < FIELDS; i++) {
		struct place p = places[kind][i];

		if (p.width)
			bytes_word(b, p.offset, p.width, &value[i]);
	}

	*ret = (struct sigframe){
		.kind = kind,
		.address = b.addr,
		.pretcode = value[F_PRETCODE],
		.uc_flags = value[F_UC_FLAGS],
		.uc_link = value[F_UC_LINK],
		.altstack_sp = value[F_SS_SP],
		.altstack_size = value[F_SS_SIZE],
		.altstack_flags = (uint32_t)value[F_SS_FLAGS],
		.err = value[F_ERR],
		.trapno = value[F_TRAPNO],
		.oldmask = value[F_OLDMASK],
		.cr2 = value[F_CR2],
		.fpstate = value[F_FPSTATE],
		.sigmask = value[F_SIGMASK],
		.sig = (uint32_t)value[F_SIG],
	};
	for (unsigned i = 0; i < X86_REGS; i++)
		ret->regs.r[i] = value[F_REG + i];
	if (kind == SIGFRAME_IA32)
		ret->sigmask = value[F_OLDMASK] | value[F_EXTRAMASK] << 32;
	if (shape->info >= 0 &&
	    bytes_has(b, (uint64_t)shape->info, SIGFRAME_INFO_SIZE)) {
		memcpy(ret->info, b.data + shape->info, SIGFRAME_INFO_SIZE);
		ret->have_info = true;
	}
	return true;
}

enum sigframe_placement sigframe_placement(const struct sigframe *f,
					   uint32_t xstate_size)
{
	const struct sigframe_shape *shape = &sigframe_shapes[f->kind];
	/* a kernel without XSAVE writes no MAGIC2 */
	uint64_t room = xstate_size > XSTATE_FX_SIZE
				? (uint64_t)xstate_size + XSTATE_MAGIC2_SIZE
				: XSTATE_FX_SIZE;
	uint64_t image = sigframe_image(f);

	if (!image || f->address + shape->image != image)
		return SIGFRAME_PLACED_NOWHERE;

	uint64_t top = f->altstack_sp + f->altstack_size;

	if (f->altstack_size && image == ((top - room) & ~UINT64_C(63)))
		return SIGFRAME_PLACED_ALTSTACK;

	uint64_t sp = f->regs.r[X86_RSP] - shape->red_zone;

	if (image == ((sp - room) & ~UINT64_C(63)))
		return SIGFRAME_PLACED_STACK;
	return SIGFRAME_PLACED_NOWHERE;
}
