/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpu.c - what of a CPU decides the fate of a signal frame */
#include "x86/cpu.h"

uint32_t cpu_user_size(const struct cpu_model *cpu, uint64_t features)
{
	if (cpu->xsave == TRI_NO)
		return XSTATE_FX_SIZE;
	if (cpu->xsave == TRI_UNKNOWN)
		return 0;
	return xstate_layout_size(&cpu->layout, features & cpu->xfeatures);
}
