/* SPDX-License-Identifier: GPL-3.0-or-later */
/* context.h - registers that somebody saved in order to come back */
#ifndef SIGFRAME_X86_CONTEXT_H
#define SIGFRAME_X86_CONTEXT_H

#include "base/bytes.h"
#include "x86/gprs.h"

enum context_kind {
	CONTEXT_UCONTEXT,	/* glibc: getcontext(), swapcontext() */
	CONTEXT_GOBUF,		/* Go: struct gobuf in struct g */
	CONTEXT_SETJMP,		/* glibc: setjmp(), mangled */
	CONTEXT_SETJMP_PLAIN,	/* musl, newlib */
	CONTEXT_UCONTEXT_PLAIN,	/* a copy, or other libraries' */
	CONTEXT_PAIR,		/* sp and pc next to each other */
	CONTEXT_UCONTEXT_32,
	CONTEXT_SETJMP_32,
	CONTEXT_SETJMP_PLAIN_32,
	CONTEXT_PAIR_32,
	CONTEXT_SHAPES,
	/* on the parked stack itself: what a call to switch stacks pushed */
	CONTEXT_SWITCH = CONTEXT_SHAPES,
	CONTEXT_KINDS,
};

/* What tells that the words around sp and pc are more than two words. */
enum context_sign {
	CONTEXT_UNSIGNED,
	CONTEXT_POINTS_TO_ITSELF,	/* a word is base + sign_value */
	CONTEXT_SECRET,		/* sp and pc make sense when demangled */
};

/* Where the call was made that saved it, beside pc. */
enum context_call {
	/* right below sp still stands pc: nothing was called there since */
	CONTEXT_CALL_LAST,
	/* some return address does: setjmp() returns before one leaves */
	CONTEXT_CALL_ANY,
	/* arguments on the stack, or none of these */
	CONTEXT_CALL_UNKNOWN,
};

/* Offsets in bytes from where the context starts. */
struct context_shape {
	uint8_t word;		/* bytes: 8 or 4 */
	uint8_t rotate;		/* left, after XOR with the guard; 0: plain */
	uint8_t sign;		/* enum context_sign */
	uint8_t call;		/* enum context_call */
	uint16_t sign_off;
	int16_t sign_value;
	uint16_t sp;
	uint16_t pc;
	uint32_t regs;		/* bit per enum x86_reg: others that it has */
	uint32_t mangled;	/* those of them that are mangled, too */
	uint16_t reg[X86_DWARF_REGS];
	uint16_t size;		/* bytes up to the end of all that */
};

extern const struct context_shape context_shapes[CONTEXT_SHAPES];

/* Bytes of the largest shape. */
enum { CONTEXT_MAX = 256 };

/*
 * "swapcontext", "goroutine", "setjmp", "saved-registers", "stack-switch":
 * interface, never renamed.
 */
const char *context_name(enum context_kind kind);

/* The string of context_name() that is equal to `name`, or NULL. */
const char *context_kind_named(const char *name);

/*
 * Undo PTR_MANGLE (glibc, sysdeps/unix/sysv/linux/{x86_64,i386}/
 * pointer_guard.h): rotate right by `rotate`, then XOR with the guard.
 */
uint64_t context_demangle(const struct context_shape *shape, uint64_t guard,
			  uint64_t value);

struct context {
	struct x86_gprs gprs;
	uint32_t known;		/* bit per enum x86_reg up to X86_RIP */
};

/*
 * Decode the context that starts at b.addr. False, *ret undefined, if `b` does
 * not hold all of it, or its sign is not there. Whether sp and pc make sense
 * is for the caller to judge. CS is that of the shape's width.
 */
bool context_decode(enum context_kind kind, struct bytes b, uint64_t guard,
		    struct context *ret);

#endif
