/* SPDX-License-Identifier: GPL-3.0-or-later */
/* made.h - made-up CPUs and frames for the tests of predict() */
#ifndef SIGFRAME_TESTS_UNIT_MADE_H
#define SIGFRAME_TESTS_UNIT_MADE_H

#include "kernel/predict.h"

/* Machines that a frame returns on; one task of SPR_AMX has used AMX. */
enum made_cpu {
	NHM,		/* no XSAVE */
	HSW,
	Z3,
	Z4,
	ADL,
	ICX,
	ICX_NOPKU,
	SPR,
	SPR_NOPKU,
	SPR_AMX,
	MADE_CPUS,
};

struct made_target {
	struct cpu_model cpu;
	struct target target;
};

const char *made_cpu_name(enum made_cpu cpu);
void made_target(enum made_cpu cpu, rules_mask rules, struct made_target *ret);

/* The three words of a frame that say what it may hold and what it does. */
struct made_words {
	uint32_t s;	/* xstate_size */
	uint64_t q;	/* xfeatures */
	uint64_t bv;	/* XSTATE_BV */
};

/* What a task of that machine leaves behind, everything in use. */
struct made_words made_native(enum made_cpu cpu);
enum xstate_family made_family(enum made_cpu cpu);

#define MADE_AREA (112 + 16384)

/* A frame as a kernel writes it, with all evidence there is. */
struct made {
	struct frame_facts facts;
	uint8_t frame[1024];
	uint8_t area[MADE_AREA];
};

/*
 * Fill in a frame that a CPU of `family` wrote: 64-byte aligned, all pages
 * present, other bytes behind MAGIC2. It holds pointers to itself.
 */
void made_frame(struct made *m, enum sigframe_kind kind, struct made_words w,
		enum xstate_family family);

/* Words of the image, and of the area that begins with the ia32 header. */
void made_put(struct made *m, uint32_t offset, unsigned width, uint64_t word);
uint64_t made_get(const struct made *m, uint32_t offset, unsigned width);

/* Let the mapping, or the input, end after `size` bytes of the image. */
void made_cut(struct made *m, uint32_t size, enum run_end end);

/* Move the image, and fpstate with it, up by `by` bytes. */
void made_move(struct made *m, uint64_t by);

/* Forget the layout, and infer it from the frame as the program does. */
void made_infer(struct made *m);

/* What is to be done to a native frame and to its target. */
typedef void made_edit(struct made *m, struct made_target *t);

#define MADE_EDIT(name, ...)                                                   \
	static void name(struct made *m, struct made_target *t)                \
	{                                                                      \
		(void)m;                                                       \
		(void)t;                                                       \
		__VA_ARGS__                                                    \
	}

/* checks[] and hazards[] by id, as a bit of a mask; fails if there is none. */
uint64_t made_check(const char *id);
uint64_t made_hazard(const char *id);

/* The names in `mask` of checks, for messages; a buffer of its own. */
const char *made_names(uint64_t mask);

#endif
