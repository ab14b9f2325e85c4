/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cfi.h - one step up the stack by call frame information */
#ifndef SIGFRAME_LOCATE_CFI_H
#define SIGFRAME_LOCATE_CFI_H

#include <elfutils/libdwfl.h>

#include "source/snapshot.h"

/*
 * libdw reads the information, but the steps are made here: the same few
 * places come up in thousands of threads and are looked up only once, and
 * libdw would not walk 32-bit code in the same process.
 */
enum { CFI_REGS = 17 };

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

struct cfi_rule {
	uint8_t how;		/* enum cfi_how */
	uint8_t reg;		/* DWARF number */
	uint16_t ops_count;
	union {
		int64_t offset;
		const Dwarf_Op *ops;	/* libdw's */
	};
};

/* How to get from one place in the code to its caller. */
struct cfi_row {
	const struct cfi_machine *machine;
	uint64_t start;		/* first address that it holds for */
	bool is_signal;		/* the caller was interrupted here */
	uint8_t ra;		/* DWARF number of the return address */
	struct cfi_rule cfa;
	struct cfi_rule rules[CFI_REGS];
	uint32_t same;		/* bit per enum x86_reg that stays as it is */
	uint8_t active[CFI_REGS];	/* numbers of those that do not */
	uint8_t active_count;
};

/* False if nothing is known of the code at `pc`. */
bool cfi_find(Dwfl *dwfl, uint64_t pc, struct cfi_row *ret);

enum cfi_step {
	CFI_STEP_DONE,
	CFI_STEP_OUTERMOST,	/* there is no caller */
	CFI_STEP_NOWHERE,	/* the return address is 0; RSP is the CFA */
	CFI_STEP_FAILED,	/* memory or a register is missing */
};

/*
 * From `c` to its caller; *c is what it was unless it is DONE. *slot_ret is
 * where in memory the return address is, 0 if it is not there.
 */
enum cfi_step cfi_step(const struct cfi_row *row, const struct snapshot *s,
		       struct cfi_context *c, uint64_t *slot_ret);

#endif
