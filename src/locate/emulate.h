/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emulate.h - where a few instructions in a row lead to */
#ifndef SIGFRAME_LOCATE_EMULATE_H
#define SIGFRAME_LOCATE_EMULATE_H

#include "source/snapshot.h"
#include "x86/sigframe.h"

/*
 * Enough of the instruction set to see what a short piece of code does with
 * the stack pointer and with the number of a system call. Nothing is written,
 * no branch is taken whose target is not a constant.
 */
struct emulator;

struct error *emulator_create(struct emulator **ret) MUST_USE;
void emulator_destroy(struct emulator *e);

/* Copy up to `size` bytes of code at `addr`; returns how many, see code.h. */
typedef size_t emulate_read_fn(void *context, uint64_t addr, void *buf,
			       size_t size, enum run_end *end_ret);

enum { EMULATE_MAX = 16 };	/* instructions */

/* Registers and code to start from. */
struct emulate_start {
	struct x86_gprs gprs;	/* CS tells 32-bit code from the rest */
	uint32_t known;		/* bit per enum x86_reg up to X86_RIP */
	emulate_read_fn *read_code;
	void *code;		/* its context */
	const struct snapshot *memory;	/* what loads see; NULL: nothing */
};

enum emulate_end {
	EMULATE_LOST,		/* a branch, a call, or too much to follow */
	EMULATE_UNREADABLE,	/* code that is not to be had */
	EMULATE_UNMAPPED,	/* no code at all */
	EMULATE_SIGRETURN,	/* at a system call that returns from a signal */
	EMULATE_NUMBER,		/* at one whose number is not known */
	EMULATE_SYSCALL,	/* at another system call */
	EMULATE_RETURN,		/* at a return instruction */
	EMULATE_TRAP,		/* at one that always faults */
};

struct emulate_result {
	enum emulate_end end;
	struct x86_gprs gprs;	/* before the instruction where it ended */
	uint32_t known;
	uint64_t sp;		/* there, as the kernel would see it */
	bool sp_known;
	/* EMULATE_SIGRETURN */
	enum sigframe_kind kind;
	uint64_t frame;		/* that would be returned from, if sp_known */
	/* EMULATE_RETURN */
	unsigned popped;	/* bytes, beside the return address */
	unsigned count;
	uint64_t pcs[EMULATE_MAX];	/* of the instructions, in order */
};

void emulate_run(struct emulator *e, const struct emulate_start *start,
		 struct emulate_result *ret);

/*
 * Is this the number of a system call that returns from a signal, through
 * syscall in 64-bit code (`wide`) or as 32-bit code makes them?
 */
bool emulate_number(uint64_t number, bool wide, enum sigframe_kind *ret);

/* The frame that `kind`'s system call returns from, by its stack pointer. */
uint64_t emulate_frame(enum sigframe_kind kind, uint64_t sp);

#endif
