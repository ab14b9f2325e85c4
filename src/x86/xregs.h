/* SPDX-License-Identifier: GPL-3.0-or-later */
/* xregs.h - register values in an XSAVE image */
#ifndef SIGFRAME_X86_XREGS_H
#define SIGFRAME_X86_XREGS_H

#include "x86/xstate.h"

/* An image to take values from. */
struct xregs {
	struct bytes image;
	struct xstate_layout layout;	/* of the CPU that wrote it */
	uint64_t possible;	/* components that CPU has registers for */
	uint64_t in_use;	/* the others have their initial values */
};

#define XREGS_VECTORS 32
#define XREGS_VECTOR_SIZE 64
#define XREGS_ST_SIZE 10

struct xregs_x87 {
	uint16_t fcw, fsw;
	uint8_t ftw;		/* bit n: physical register n is in use */
	uint16_t fop;
	uint64_t fip, fdp;
	uint8_t st[8][XREGS_ST_SIZE];	/* ST0 is the top of the stack */
};

/* Initial values where x87 is not in use. False if the image is too short. */
bool xregs_x87(const struct xregs *x, struct xregs_x87 *ret);

/*
 * The same from struct _fpstate_32, which stands before the image of 32-bit
 * frames, and which sigreturn believes (convert_to_fxsr(), arch/x86/kernel/
 * fpu/regset.c). The selectors are in bits 32 to 47 of fip and fdp, where
 * FXSAVE has them. False, *ret untouched, if the header is not all there.
 */
bool xregs_x87_of_header(struct bytes header, struct xregs_x87 *ret);

bool xregs_mxcsr(const struct xregs *x, uint32_t *ret);

/* How many vector registers there are, 16 or 32, and their width in bytes. */
unsigned xregs_vectors(const struct xregs *x);
unsigned xregs_vector_width(const struct xregs *x);

/*
 * Vector register `n`, little-endian, in the first xregs_vector_width()
 * bytes; parts not in use are zero. False if a part lies outside the image.
 */
bool xregs_vector(const struct xregs *x, unsigned n,
		  uint8_t ret[XREGS_VECTOR_SIZE]);

/* Mask register k0..k7; 0 if not in use. False if there is none. */
bool xregs_opmask(const struct xregs *x, unsigned n, uint64_t *ret);

/* PKRU as in use: two bits a key, access disable and write disable. */
bool xregs_pkru(const struct xregs *x, uint32_t *ret);

/* The registers that make up a component; count 0: it has none to name. */
struct xregs_file {
	const char *prefix;	/* "ymm" */
	uint8_t first;		/* number of the first one */
	uint8_t count;
	uint8_t size;		/* bytes from one to the next */
	uint8_t start;		/* of the first one, in the component */
	const char *part;	/* " upper halves", or "" */
};

extern const struct xregs_file xregs_files[XSTATE_MAX];

/* Bit i: the component's i-th register is not zero, in use or not. */
uint32_t xregs_nonzero_set(const struct xregs *x, unsigned bit);

/* Does component `bit` hold a byte that is not zero, in use or not? */
bool xregs_nonzero(const struct xregs *x, unsigned bit);

#endif
