/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.h - the memory that a case describes */
#ifndef ORACLE_IMAGE_H
#define ORACLE_IMAGE_H

#include "base/bytes.h"
#include "case.h"
#include "child.h"
#include "machine.h"
#include "x86/sigframe.h"

/* The child's arena when sigreturn is called, and where things lie in it. */
struct oracle_memory {
	uint8_t arena[CHILD_PAGES * 4096];
	uint8_t pages[CHILD_PAGES];	/* enum child_page */
	uint64_t frame;			/* addresses */
	uint64_t fpstate;		/* as the frame has it */
	uint64_t image;			/* 0 if fpstate is */
	uint64_t sp;			/* at the system call */
	uint64_t regs[X86_REGS];	/* as the frame has them */
	enum tri resident;		/* see struct frame_surroundings */
	struct machine_view source;
	/*
	 * The registers that the frame stands for, in the layout of `source`
	 * whatever was done to the image afterwards.
	 */
	uint8_t own[CHILD_XSTATE];
};

/* A frame as the kernel of `machine` builds it, everything in use. */
void image_base_case(const struct host *host, uint64_t machine,
		     uint64_t kind, struct oracle_case *ret);

/* Lay out what `c` says. */
void image_compose(const struct oracle_case *c, const struct host *host,
		   struct oracle_memory *ret);

/*
 * An image, in the host's layout, of registers that no frame here holds; for
 * the components the child may load.
 */
void image_live(const struct host *host, uint64_t features,
		uint8_t ret[CHILD_XSTATE]);

/*
 * The child's memory from `address` on as sigreturn would read it. Empty, and
 * ending unreadable, where the arena is not mapped.
 */
struct run image_run(const struct oracle_memory *m, uint64_t address);

/* Is `address` in the arena, and mapped? */
bool image_mapped(const struct oracle_memory *m, uint64_t address);

/*
 * Where component bytes of the compacted form lie on this CPU; as the CPU
 * says, not as the tool under test thinks.
 */
void image_compact_layout(const struct host *host, uint64_t xcomp,
			  struct xstate_layout *ret);

#endif
