/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cfi.h - one step up the stack by call frame information */
#ifndef SIGFRAME_LOCATE_CFI_H
#define SIGFRAME_LOCATE_CFI_H

#include "source/snapshot.h"

/*
 * libdw reads the information (reading.h), but the steps are made here: the
 * same few places come up in thousands of threads and are looked up only once,
 * and libdw would not walk 32-bit code in the same process.
 */
enum { CFI_REGS = 17 };

/* Operations of all expressions in a row; real ones have a few dozen at most. */
enum { CFI_OPS_MAX = 256 };

/* Numbers of a machine's registers in DWARF (psABIs for x86-64 and i386). */
struct cfi_machine {
	uint8_t word;		/* bytes of a saved register */
	uint8_t regs;		/* how many there are */
	uint8_t reg[CFI_REGS];	/* enum x86_reg */
	uint32_t kept;		/* bit per number: calls preserve it */
};

extern const struct cfi_machine cfi_machine_64;
extern const struct cfi_machine cfi_machine_32;

/* Registers as far as they are known. */
struct cfi_context {
	struct x86_gprs gprs;
	uint32_t known;		/* bit per enum x86_reg up to X86_RIP */
};

enum cfi_how {
	CFI_UNDEFINED,		/* said to be lost */
	CFI_UNKNOWN,		/* said in a way that is not understood */
	CFI_SAME,
	CFI_SAVED,		/* in memory at CFA + offset */
	CFI_CFA,		/* is CFA + offset */
	CFI_REGISTER,		/* is another register + offset */
	CFI_SAVED_EXPRESSION,	/* in memory where the expression says */
	CFI_EXPRESSION,		/* is what the expression says */
};

/* An operation of a DWARF expression; without holes, like all that is sent. */
struct cfi_op {
	uint64_t atom;		/* DW_OP_ */
	uint64_t number;
	uint64_t number2;
};

struct cfi_rule {
	int64_t offset;
	uint16_t first;		/* index of an expression's first operation */
	uint16_t count;
	uint8_t how;		/* enum cfi_how */
	uint8_t reg;		/* DWARF number */
	uint8_t unused[2];
};

/* What is said of a place in the code, as one process tells another. */
struct cfi_said {
	uint64_t start;		/* first address that it holds for */
	struct cfi_rule cfa;
	struct cfi_rule rules[CFI_REGS];
	uint16_t ops_count;	/* that the expressions have in all */
	uint8_t word;		/* bytes of a saved register: 4 or 8 */
	uint8_t ra;		/* DWARF number of the return address */
	uint8_t is_signal;	/* 1: the caller was interrupted here */
	uint8_t unused[3];
};

/* How to get from one place in the code to its caller. */
struct cfi_row {
	const struct cfi_machine *machine;
	uint64_t start;		/* first address that it holds for */
	bool is_signal;		/* the caller was interrupted here */
	uint8_t ra;		/* DWARF number of the return address */
	struct cfi_rule cfa;
	struct cfi_rule rules[CFI_REGS];
	const struct cfi_op *ops;	/* that rules refer to; borrowed */
	uint32_t same;		/* bit per enum x86_reg that stays as it is */
	/* numbers of those that do not, but for RIP, which has `ra` */
	uint8_t active[CFI_REGS];
	uint8_t active_count;
};

/*
 * Make a row of what is said, trusting none of it; `ops` has said->ops_count
 * operations and outlives the row. False if it makes no sense.
 */
bool cfi_row_make(const struct cfi_said *said, const struct cfi_op *ops,
		  struct cfi_row *ret);

enum cfi_step {
	CFI_STEP_DONE,
	CFI_STEP_OUTERMOST,	/* there is no caller */
	CFI_STEP_NOWHERE,	/* the return address is 0; RSP is the CFA */
	CFI_STEP_FAILED,	/* memory or a register is missing */
};

/*
 * From `c` to its caller; *c is what it was unless it is DONE or NOWHERE.
 * *slot_ret is where in memory the return address is, 0 if it is not there.
 */
enum cfi_step cfi_step(const struct cfi_row *row, const struct snapshot *s,
		       struct cfi_context *c, uint64_t *slot_ret);

#endif
