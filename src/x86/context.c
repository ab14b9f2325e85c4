/* SPDX-License-Identifier: GPL-3.0-or-later */
/* context.c - registers that somebody saved in order to come back */
#include "x86/context.h"

#define BIT(r) (1u << (r))

/* Both are saved by functions: what calls may change is not always there. */
#define KEPT_64                                                                \
	(BIT(X86_RBX) | BIT(X86_RBP) | BIT(X86_R12) | BIT(X86_R13) |           \
	 BIT(X86_R14) | BIT(X86_R15))
#define KEPT_32 (BIT(X86_RBX) | BIT(X86_RSI) | BIT(X86_RDI) | BIT(X86_RBP))

/* struct __jmp_buf_tag starts with them (jmpbuf-offsets.h; musl setjmp.s) */
#define JMP_BUF_64                                                             \
	.word = 8, .sp = 48, .pc = 56, .size = 64, .regs = KEPT_64,            \
	.reg = {                                                               \
		[X86_RBX] = 0, [X86_RBP] = 8, [X86_R12] = 16,                  \
		[X86_R13] = 24, [X86_R14] = 32, [X86_R15] = 40,                \
	}
#define JMP_BUF_32                                                             \
	.word = 4, .sp = 16, .pc = 20, .size = 24, .regs = KEPT_32,            \
	.reg = {                                                               \
		[X86_RBX] = 0, [X86_RSI] = 4, [X86_RDI] = 8, [X86_RBP] = 12,   \
	}

const struct context_shape context_shapes[CONTEXT_SHAPES] = {
	[CONTEXT_UCONTEXT] = {
		/* ucontext_t; fpregs points to the room behind uc_sigmask */
		.word = 8, .sp = 160, .pc = 168, .size = 232,
		.sign = CONTEXT_POINTS_TO_ITSELF, .sign_off = 224,
		.sign_value = 424, .call = CONTEXT_CALL_LAST,
		.regs = KEPT_64 | BIT(X86_R8) | BIT(X86_R9) | BIT(X86_RDI) |
			BIT(X86_RSI) | BIT(X86_RDX) | BIT(X86_RCX),
		.reg = {
			[X86_R8] = 40, [X86_R9] = 48, [X86_R12] = 72,
			[X86_R13] = 80, [X86_R14] = 88, [X86_R15] = 96,
			[X86_RDI] = 104, [X86_RSI] = 112, [X86_RBP] = 120,
			[X86_RBX] = 128, [X86_RDX] = 136, [X86_RCX] = 152,
		},
	},
	[CONTEXT_GOBUF] = {
		/*
		 * runtime2.go: sp, pc, g. The third is the struct g in which
		 * it lies, 56 bytes on. Unwinding Go needs no other register.
		 */
		.word = 8, .sp = 0, .pc = 8, .size = 24,
		.sign = CONTEXT_POINTS_TO_ITSELF, .sign_off = 16,
		.sign_value = -56, .call = CONTEXT_CALL_LAST,
	},
	[CONTEXT_SETJMP] = {
		JMP_BUF_64, .rotate = 17, .mangled = BIT(X86_RBP),
		.sign = CONTEXT_SECRET, .call = CONTEXT_CALL_UNKNOWN,
	},
	[CONTEXT_SETJMP_PLAIN] = {
		JMP_BUF_64, .call = CONTEXT_CALL_ANY,
	},
	[CONTEXT_UCONTEXT_PLAIN] = {
		.word = 8, .sp = 160, .pc = 168, .size = 176,
		.call = CONTEXT_CALL_LAST, .regs = KEPT_64,
		.reg = {
			[X86_R12] = 72, [X86_R13] = 80, [X86_R14] = 88,
			[X86_R15] = 96, [X86_RBP] = 120, [X86_RBX] = 128,
		},
	},
	[CONTEXT_PAIR] = {
		.word = 8, .sp = 0, .pc = 8, .size = 16,
		.call = CONTEXT_CALL_LAST,
	},
	[CONTEXT_UCONTEXT_32] = {
		.word = 4, .sp = 48, .pc = 76, .size = 100,
		.sign = CONTEXT_POINTS_TO_ITSELF, .sign_off = 96,
		.sign_value = 236, .call = CONTEXT_CALL_LAST,
		.regs = KEPT_32 | BIT(X86_RDX) | BIT(X86_RCX),
		.reg = {
			[X86_RDI] = 36, [X86_RSI] = 40, [X86_RBP] = 44,
			[X86_RBX] = 52, [X86_RDX] = 56, [X86_RCX] = 60,
		},
	},
	[CONTEXT_SETJMP_32] = {
		JMP_BUF_32, .rotate = 9,
		.sign = CONTEXT_SECRET, .call = CONTEXT_CALL_UNKNOWN,
	},
	[CONTEXT_SETJMP_PLAIN_32] = {
		JMP_BUF_32, .call = CONTEXT_CALL_ANY,
	},
	[CONTEXT_PAIR_32] = {
		.word = 4, .sp = 0, .pc = 4, .size = 8,
		.call = CONTEXT_CALL_LAST,
	},
};

static const char *const names[CONTEXT_KINDS] = {
	[CONTEXT_UCONTEXT] = "swapcontext",
	[CONTEXT_GOBUF] = "goroutine",
	[CONTEXT_SETJMP] = "setjmp",
	[CONTEXT_SETJMP_PLAIN] = "setjmp",
	[CONTEXT_UCONTEXT_PLAIN] = "saved-registers",
	[CONTEXT_PAIR] = "saved-registers",
	[CONTEXT_UCONTEXT_32] = "swapcontext",
	[CONTEXT_SETJMP_32] = "setjmp",
	[CONTEXT_SETJMP_PLAIN_32] = "setjmp",
	[CONTEXT_PAIR_32] = "saved-registers",
	[CONTEXT_SWITCH] = "stack-switch",
};

const char *context_name(enum context_kind kind)
{
	return names[kind];
}

const char *context_kind_named(const char *name)
{
	for (unsigned i = 0; i < CONTEXT_KINDS; i++)
		if (!strcmp(names[i], name))
			return names[i];
	return NULL;
}

uint64_t context_demangle(const struct context_shape *shape, uint64_t guard,
			  uint64_t value)
{
	unsigned r = shape->rotate;

	if (!r)
		return value;
	if (shape->word == 8)
		return (value >> r | value << (64 - r)) ^ guard;

	uint32_t low = (uint32_t)value;

	return (low >> r | low << (32 - r)) ^ (uint32_t)guard;
}

bool context_decode(enum context_kind kind, struct bytes b, uint64_t guard,
		    struct context *ret)
{
	const struct context_shape *shape = &context_shapes[kind];
	uint64_t value;

	*ret = (struct context){
		.known = BIT(X86_RIP) | BIT(X86_RSP) | shape->regs,
	};
	ret->gprs.r[X86_CS] = shape->word == 8 ? X86_USER_CS : X86_USER32_CS;
	if (!bytes_word(b, shape->sp, shape->word, &value))
		return false;
	ret->gprs.r[X86_RSP] = context_demangle(shape, guard, value);
	if (!bytes_word(b, shape->pc, shape->word, &value))
		return false;
	ret->gprs.r[X86_RIP] = context_demangle(shape, guard, value);
	for (unsigned r = 0; r < X86_DWARF_REGS; r++) {
		if (!(shape->regs & BIT(r)))
			continue;
		if (!bytes_word(b, shape->reg[r], shape->word, &value))
			return false;
		ret->gprs.r[r] = shape->mangled & BIT(r)
					 ? context_demangle(shape, guard, value)
					 : value;
	}
	if (shape->sign != CONTEXT_POINTS_TO_ITSELF)
		return true;

	uint64_t own = b.addr + (uint64_t)(int64_t)shape->sign_value;

	if (shape->word == 4)
		own = (uint32_t)own;
	return bytes_word(b, shape->sign_off, shape->word, &value) &&
	       value == own;
}
