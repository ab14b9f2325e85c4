/* SPDX-License-Identifier: GPL-3.0-or-later */
/* disasm.h - one instruction in words */
#ifndef SIGFRAME_LOCATE_DISASM_H
#define SIGFRAME_LOCATE_DISASM_H

#include "locate/code.h"

struct disasm;

struct error *disasm_create(struct disasm **ret) MUST_USE;
void disasm_destroy(struct disasm *d);

/*
 * The instruction at `pc` in AT&T syntax, "vpaddd %zmm3,%zmm4,%zmm4"; the
 * caller frees it. `cs` is the code segment it runs in. NULL if the bytes are
 * not to be had or make no sense.
 */
char *disasm_instruction(struct disasm *d, struct code *code, uint64_t pc,
			 uint64_t cs);

#endif
