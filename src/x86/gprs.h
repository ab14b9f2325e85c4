/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gprs.h - general registers of a thread or of an interrupted context */
#ifndef SIGFRAME_X86_GPRS_H
#define SIGFRAME_X86_GPRS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The first 17 are numbered as DWARF does (System V psABI for x86-64, figure
 * 3.36), so unwinders can index with their own numbers.
 */
enum x86_reg {
	X86_RAX, X86_RDX, X86_RCX, X86_RBX, X86_RSI, X86_RDI, X86_RBP, X86_RSP,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_R12, X86_R13, X86_R14, X86_R15,
	X86_RIP,
	X86_DWARF_REGS,
	X86_RFLAGS = X86_DWARF_REGS,
	X86_CS,
	X86_SS,
	X86_DS,
	X86_ES,
	X86_FS,
	X86_GS,
	X86_REGS,
};

/* Zero-extended in 32-bit contexts. */
struct x86_gprs {
	uint64_t r[X86_REGS];
};

/* "rax", "rip", "cs", ... */
extern const char *const x86_reg_names[X86_REGS];

/* Selectors of Linux user segments on x86-64 (asm/segment.h). */
#define X86_USER_CS UINT64_C(0x33)
#define X86_USER32_CS UINT64_C(0x23)
#define X86_USER_DS UINT64_C(0x2b)

/* True if the context runs 32-bit code, judged by its code segment. */
static inline bool x86_gprs_is_32bit(const struct x86_gprs *g)
{
	return g->r[X86_CS] == X86_USER32_CS;
}

#endif
