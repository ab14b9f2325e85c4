/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame_builder.h - signal frames in memory, as a kernel would write them */
#ifndef SIGFRAME_TESTS_FRAME_BUILDER_H
#define SIGFRAME_TESTS_FRAME_BUILDER_H

#include "x86/sigframe.h"
#include "x86/xstate.h"

/* A piece of a made-up process's memory. */
struct memory {
	uint8_t *data;
	size_t size;
	uint64_t addr;
};

void memory_put(const struct memory *m, uint64_t addr, unsigned width,
		uint64_t value);
uint64_t memory_get(const struct memory *m, uint64_t addr, unsigned width);

/* As snapshot_ops.read: copy what there is of `size` bytes, from the start. */
size_t memory_read(const struct memory *m, uint64_t addr, void *buf,
		   size_t size);

/* The signal that the frame is for, and the context that it interrupts. */
struct delivery {
	enum sigframe_kind kind;
	uint64_t sp;
	uint64_t pc;
	uint64_t restorer;
	uint64_t altstack_sp;
	uint64_t altstack_size;
	bool enters_altstack;
	uint32_t xstate_size;	/* 0: 2696 */
	uint64_t xfeatures;	/* 0: 0x2e7 */
};

/* Write the frame into `m`; its address. */
uint64_t frame_build(const struct memory *m, const struct delivery *d);

/* The same numbers in every run. */
uint64_t frame_random(uint64_t *state);

#endif
