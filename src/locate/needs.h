/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needs.h - instruction set extensions that code is about to need */
#ifndef SIGFRAME_LOCATE_NEEDS_H
#define SIGFRAME_LOCATE_NEEDS_H

#include "locate/code.h"
#include "x86/isa.h"

struct needs;

struct error *needs_create(struct needs **ret) MUST_USE;
void needs_destroy(struct needs *n);

/*
 * ISA_BIT()s of the instruction at `pc` and those behind it up to the end of
 * its basic block, of NEEDS_INSTRUCTIONS at most. `cs` is the code segment
 * they run in. What cannot be read or decoded needs nothing, but for AMX, APX
 * and new EVEX instructions, which are told by their prefixes.
 */
enum { NEEDS_INSTRUCTIONS = 32 };
uint64_t needs_of(struct needs *n, struct code *code, uint64_t pc,
		  uint64_t cs);

#endif
