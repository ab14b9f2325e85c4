/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.h - XSAVE images as certain CPUs write them to signal frames */
#ifndef SIGFRAME_TESTS_GOLDEN_IMAGE_H
#define SIGFRAME_TESTS_GOLDEN_IMAGE_H

#include "x86/xstate.h"

/*
 * What a CPU under a recent kernel writes for a thread. The numbers are those
 * of CPUID dumps, written down here on their own: the program's tables are
 * among what is tested.
 */
struct image_cpu {
	const char *name;
	bool amd;		/* layout */
	uint64_t xcr0;
	uint64_t features;	/* Q: of this thread */
	uint32_t size;		/* S: bytes */
	uint32_t max_size;	/* bytes of NT_X86_XSTATE */
	uint32_t minsigstksz;	/* AT_MINSIGSTKSZ */
};

/* NULL if there is none of that name. */
const struct image_cpu *image_cpu(const char *name);

/* Room for the largest image and MAGIC2. */
#define IMAGE_MAX (11008 + 4)

/*
 * Write the image of a thread that has `in_use` in use, MAGIC2 included,
 * S + 4 bytes. Components in use hold bytes that tell them apart, the others
 * are zero. What XSAVE skips keeps the bytes that were there.
 */
void image_write(const struct image_cpu *cpu, uint64_t in_use, uint8_t *ret);

/* The same as NT_X86_XSTATE has it, nothing in use; cpu->max_size bytes. */
void image_write_note(const struct image_cpu *cpu, uint8_t *ret);

/* Every component of XCR0. */
void image_layout(const struct image_cpu *cpu, struct xstate_layout *ret);

#endif
