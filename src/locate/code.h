/* SPDX-License-Identifier: GPL-3.0-or-later */
/* code.h - a few bytes of code, again and again from the same places */
#ifndef SIGFRAME_LOCATE_CODE_H
#define SIGFRAME_LOCATE_CODE_H

#include "locate/emulate.h"
#include "source/restorers.h"
#include "source/snapshot.h"
#include "x86/restorer.h"

/*
 * Thousands of threads wait in the same few functions. Pages of code that
 * were read once are kept, which spares as many system calls.
 */
struct code;

/* NULL if it cannot be had. The snapshot has to outlive it. */
struct code *code_create(const struct snapshot *s);
void code_destroy(struct code *c);

/* As snapshot_read(), for at most CODE_READ_MAX bytes. */
enum { CODE_READ_MAX = 64 };
size_t code_read(struct code *c, uint64_t addr, void *buf, size_t size,
		 enum run_end *end_ret);

/* To find words that lead to restorers, see there; NULL: no memory. */
struct restorers *code_restorers(struct code *c);

/* What code does that is run with all registers but the stack pointer lost. */
struct code_effect {
	enum emulate_end end;
	/* EMULATE_SIGRETURN */
	enum sigframe_kind kind;
	bool frame_known;
	uint64_t back;		/* frame that is returned from = SP - back */
	const struct restorer *restorer;	/* NULL: none of the table */
	/* not read, but registered: a restorer by what sigaction() was told */
	bool registered;
};

/*
 * The effect of the code at `pc`, remembered. `cs` is the code segment that it
 * runs in; if that is not known, both are tried where they can be.
 */
const struct code_effect *code_effect(struct code *c, uint64_t pc,
				      uint64_t cs);

/* Follow it from registers that are known; `memory` as in emulate.h. */
void code_emulate(struct code *c, const struct x86_gprs *gprs, uint32_t known,
		  const struct snapshot *memory, struct emulate_result *ret);

/*
 * The instructions of code_effect(), up to its end, where they are; how many,
 * EMULATE_MAX at most.
 */
unsigned code_path(struct code *c, uint64_t pc, uint64_t cs,
		   uint64_t pcs_ret[EMULATE_MAX]);

#endif
