/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulator.h - where an emulated CPU is not like silicon */
#ifndef ORACLE_EMULATOR_H
#define ORACLE_EMULATOR_H

#include "base/error.h"
#include "x86/cpu.h"

/*
 * Emulators follow the architecture, but where it leaves something open, and
 * in what programs hardly ever do, they are not like the CPUs whose names they
 * bear. All of that is here, and is not assumed but tried: with XRSTOR and
 * FXRSTOR themselves, so that no kernel and no frame has part in the answer.
 *
 *   reads_unused   QEMU does not touch components that XSTATE_BV has clear,
 *                  Intel's CPUs want them readable
 *   keeps_mxcsr    QEMU keeps MXCSR when AVX alone is initialised, Bochs loads
 *                  the initial value
 *   checks_mxcsr   QEMU loads reserved bits of MXCSR instead of refusing them
 *   reads_reserved QEMU leaves alone what lies behind the vector registers
 *
 * Fills in these four of `cpu`, which is the one this runs on. Not to be
 * called on silicon: there the program's own knowledge is what is tested.
 */
struct error *emulator_measure(struct cpu_model *cpu) MUST_USE;

/*
 * What contradicts the architecture, found out in the same way. All false on
 * silicon, and until emulator_measure() was called. The program knows nothing
 * of these; results that they reach are not compared.
 *
 *   keeps_initial  Bochs leaves MXCSR alone when the compacted form makes SSE
 *                  initial, as kernels do to make registers initial
 *   clears_zmm     it clears the upper halves of ZMM0-15 with those of YMM0-15
 */
struct emulator_bugs {
	bool keeps_initial;
	bool clears_zmm;
};

extern struct emulator_bugs emulator_bugs;

#endif
