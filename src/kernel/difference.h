/* SPDX-License-Identifier: GPL-3.0-or-later */
/* difference.h - two frames, or two sets of registers, held side by side */
#ifndef SIGFRAME_KERNEL_DIFFERENCE_H
#define SIGFRAME_KERNEL_DIFFERENCE_H

#include "kernel/predict.h"
#include "x86/xregs.h"

/*
 * Everything but the registers of state components: the general registers,
 * by enum x86_reg, then these.
 */
enum difference_word {
	DIFFERENCE_SIGMASK = X86_REGS,
	DIFFERENCE_ALTSTACK,
	DIFFERENCE_ALTSTACK_SIZE,
	DIFFERENCE_ALTSTACK_FLAGS,
	DIFFERENCE_RESTORER,
	DIFFERENCE_UC_FLAGS,
	DIFFERENCE_UC_LINK,
	DIFFERENCE_SIGNAL,	/* argument of an ia32 handler */
	DIFFERENCE_TRAPNO,
	DIFFERENCE_ERR,
	DIFFERENCE_CR2,
	DIFFERENCE_OLDMASK,
	DIFFERENCE_FPSTATE,
	DIFFERENCE_MAGIC1,
	DIFFERENCE_XSTATE_SIZE,
	DIFFERENCE_EXTENDED_SIZE,
	DIFFERENCE_XFEATURES,
	DIFFERENCE_MAGIC2,	/* where xstate_size says it is */
	DIFFERENCE_XSTATE_BV,
	DIFFERENCE_XCOMP_BV,
	DIFFERENCE_FCW,
	DIFFERENCE_FSW,
	DIFFERENCE_FTW,		/* abridged, a bit a register */
	DIFFERENCE_FOP,
	DIFFERENCE_FIP,
	DIFFERENCE_FDP,
	DIFFERENCE_MXCSR,
	DIFFERENCE_MXCSR_MASK,
	DIFFERENCE_WORDS,
};

#define DIFFERENCE_BIT(n) (UINT64_C(1) << (n))

/* "rbx", "sigmask", "xstate_bv"; stable, in JSON. Sizes are shown as such. */
struct difference_word_row {
	const char *name;
	bool decimal;
};

extern const struct difference_word_row difference_words[DIFFERENCE_WORDS];

/* What is known of a part. */
enum difference_state {
	DIFFERENCE_UNKNOWN,	/* missing from the input */
	DIFFERENCE_ABSENT,	/* there is none, nor could sigreturn read it */
	DIFFERENCE_KNOWN,
};

/* One of the two, ready to be compared. Its bytes are borrowed. */
struct difference_side {
	uint64_t words[DIFFERENCE_WORDS];
	enum difference_state states[DIFFERENCE_WORDS];
	enum difference_state info_state;
	uint8_t info[SIGFRAME_INFO_SIZE];
	/* Of 32-bit frames, values of x87 come from the header before it. */
	struct xregs_x87 x87;
	enum difference_state x87_state;
	struct run image;	/* no more than counts */
	struct xstate_layout layout;
	bool placed;		/* nothing says that components are elsewhere */
	uint64_t possible;	/* components that there are registers for */
	uint64_t in_use;	/* others have their initial values */
	bool in_use_known;
};

void difference_of_frame(const struct frame_facts *f,
			 struct difference_side *ret);

/*
 * What a thread has in its registers: `words` of `g` (a bit each), and the
 * standard format XSAVE `image`, cut short or empty where there is no more.
 * FOP, FIP and FDP are left out: not every CPU keeps them.
 */
void difference_of_registers(const struct x86_gprs *g, uint64_t words,
			     struct bytes image,
			     const struct xstate_layout *layout,
			     struct difference_side *ret);

/*
 * What differs. Components count by value: not where they are, nor whether
 * one that has its initial value is in use (that is XSTATE_BV's).
 */
struct difference {
	uint64_t words;		/* DIFFERENCE_BIT: differ */
	uint64_t words_unknown;	/* not known on one side, or both */
	uint64_t components;	/* XSTATE_BIT: differ */
	uint64_t components_unknown;
	uint32_t registers[XSTATE_MAX];	/* of these, by xregs_files[] */
	bool info;		/* the siginfo_t differs */
	bool info_unknown;
	uint64_t moved;		/* components elsewhere, of the values' layout */
};

void difference_between(const struct difference_side *a,
			const struct difference_side *b,
			struct difference *ret);

/* Anything at all; what is only unknown does not count. */
bool difference_found(const struct difference *d);
bool difference_is_partial(const struct difference *d);

/*
 * Register `i` of a component of that side, by xregs_files[], or all of one
 * that has none to name if `i` is 0: `size_ret` bytes, little-endian. False
 * if they are not known.
 */
bool difference_value(const struct difference_side *s, unsigned component,
		      unsigned i, const uint8_t **ret, size_t *size_ret);

#endif
