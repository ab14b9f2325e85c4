/* SPDX-License-Identifier: GPL-3.0-or-later */
/* switches.h - calls that leave one stack for another */
#ifndef SIGFRAME_LOCATE_SWITCHES_H
#define SIGFRAME_LOCATE_SWITCHES_H

#include "locate/code.h"

/*
 * Coroutine libraries such as Boost.Context keep no struct of registers: a
 * function pushes what it has to save, hands out its stack pointer and takes
 * another one. What it pushed is found by its code.
 */
struct switches;

/* Where the registers are, bytes from the stack pointer it hands out. */
struct switch_area {
	uint32_t depth;		/* of the return address */
	uint32_t regs;		/* bit per enum x86_reg */
	uint16_t reg[X86_DWARF_REGS];
};

struct error *switches_create(struct code *code, struct switches **ret) MUST_USE;
void switches_destroy(struct switches *w);

/*
 * What the function saved that was called right before `pc`, if it stores its
 * stack pointer and loads another; NULL if it does not, or is not known. `cs`
 * is the code segment that it runs in. Good until the next call.
 */
const struct switch_area *switches_before(struct switches *w, uint64_t pc,
					  uint64_t cs);

#endif
