/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_return.c - the way back to user mode */
#include "kernel/check_fns.h"

/* The return to user mode. */

#define VSYSCALL_PAGE UINT64_C(0xffffffffff600000)

static bool rip_in_vsyscall(const struct walk *w)
{
	return (walk_reg(w, X86_RIP) & ~UINT64_C(4095)) == VSYSCALL_PAGE;
}

/* In segments of the process's own, addresses count from an unknown base. */
static bool code_is_flat(const struct walk *w)
{
	uint64_t cs = walk_reg(w, X86_CS) | 3;

	return cs == X86_USER_CS || cs == X86_USER32_CS;
}

enum tri check_rip_out_of_range(const struct walk *w)
{
	return tri_of(code_is_flat(w) &&
		      walk_reg(w, X86_RIP) >= w->target->cpu->user_limit &&
		      !rip_in_vsyscall(w));
}

static bool rip_in_range(const struct walk *w)
{
	return code_is_flat(w) && check_rip_out_of_range(w) == TRI_NO &&
	       !rip_in_vsyscall(w);
}

enum tri check_rip_unmapped(const struct walk *w)
{
	if (!rip_in_range(w))
		return TRI_NO;
	return tri_not(w->frame->around.rip_mapped);
}

enum tri check_rip_not_executable(const struct walk *w)
{
	if (!rip_in_range(w) || w->frame->around.rip_mapped != TRI_YES)
		return TRI_NO;
	return tri_not(w->frame->around.rip_executable);
}

void values_rip(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_reg(w, X86_RIP);
}

/* Selectors of the LDT and of the TLS slots mean what the process made them. */
static bool selector_is_own(uint64_t selector)
{
	uint64_t index = selector >> 3;

	return (selector & 4) || (index >= 12 && index <= 14);
}

enum tri check_cs_invalid(const struct walk *w)
{
	uint64_t cs = walk_reg(w, X86_CS) | 3;

	if (code_is_flat(w))
		return TRI_NO;
	/* 0xffff: beyond any table, and far beyond an ordinary LDT */
	if (selector_is_own(cs) && cs < 0xffff)
		return TRI_UNKNOWN;
	return TRI_YES;
}

enum tri check_ss_invalid(const struct walk *w)
{
	uint64_t cs = walk_reg(w, X86_CS) | 3;
	uint64_t ss = walk_reg(w, X86_SS) | 3;
	bool strict = w->frame->sigframe.uc_flags &
		      SIGFRAME_UC_STRICT_RESTORE_SS;

	if (!walk_is_ia32(w) && cs == X86_USER_CS && !strict)
		return TRI_NO;	/* replaced by the kernel where it is bad */
	if (ss == X86_USER_DS)
		return TRI_NO;
	if (selector_is_own(ss) && ss < 0xffff)
		return TRI_UNKNOWN;
	return TRI_YES;
}

enum tri check_rip_above_4g(const struct walk *w)
{
	return tri_of((walk_reg(w, X86_CS) | 3) == X86_USER32_CS &&
		      walk_reg(w, X86_RIP) > UINT32_MAX && rip_in_range(w));
}

void values_cs(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_reg(w, X86_CS);
}

void values_ss(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_reg(w, X86_SS);
}

enum tri check_rsp_above_4g(const struct walk *w)
{
	return tri_of((walk_reg(w, X86_CS) | 3) == X86_USER32_CS &&
		      walk_reg(w, X86_RSP) > UINT32_MAX);
}

void values_rsp(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_reg(w, X86_RSP);
}
