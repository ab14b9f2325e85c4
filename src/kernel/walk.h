/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walk.h - one way through a sigreturn */
#ifndef SIGFRAME_KERNEL_WALK_H
#define SIGFRAME_KERNEL_WALK_H

#include "kernel/predict.h"

/* The question, and the way taken so far. */
struct walk {
	const struct frame_facts *frame;
	const struct target *target;
	const struct rules *rules;
	enum restore_path path;

	struct run image;	/* the XSAVE image and what lies behind it */
	bool have_sw;
	struct xstate_sw sw;
	bool have_header;
	struct xstate_header header;
	uint64_t in_use;	/* components the frame holds in use */
	enum tri in_use_known;

	/* from here on valid once the path is chosen */
	uint64_t rfbm;		/* what the kernel asks to be restored */
	uint64_t taken;		/* of these, what the image has in use */
	uint64_t beyond;	/* taken from behind the image's end */
	uint64_t misplaced;	/* taken from another component's place */
	uint64_t placeless;	/* taken, and the image's layout not known */
	uint64_t lost;		/* in use, and initial afterwards */
	uint64_t unannounced;	/* by the header not in use, if it is one */
	enum tri mxcsr_loaded;
};

/* The start of a walk: what the frame says, nothing decided. */
void walk_init(struct walk *w, const struct frame_facts *f,
	       const struct target *t, const struct rules *rules);

/* Go on by `path`: what then is restored, and from where. */
void walk_take(struct walk *w, enum restore_path path);

/* Shorthands for the checks. */
static inline bool walk_has_rule(const struct walk *w, unsigned flag)
{
	return w->rules->flags & flag;
}

static inline bool walk_is_ia32(const struct walk *w)
{
	return sigframe_shapes[w->frame->sigframe.kind].header != 0;
}

static inline uint64_t walk_reg(const struct walk *w, enum x86_reg r)
{
	return w->frame->sigframe.regs.r[r];
}

/* XSTATE_BV; 0 where the image has no readable header. */
static inline uint64_t walk_header_bv(const struct walk *w)
{
	return w->have_header ? w->header.xstate_bv : 0;
}

static inline bool walk_is_compacted(const struct walk *w)
{
	return w->have_header && (w->header.xcomp_bv & XCOMP_BV_COMPACTED);
}

/* MXCSR as the image has it; 0 where it cannot be read. */
uint32_t walk_image_mxcsr(const struct walk *w);

/* Are there bits in MXCSR that what loads it on this path refuses? */
enum tri walk_mxcsr_refused(const struct walk *w);

/*
 * Does restoring a 64-bit frame directly fail, on a kernel that then restores
 * it from a copy? NO on kernels that do not.
 */
enum tri walk_falls_back(const struct walk *w);

/* And is MXCSR loaded from such a copy, without the bits that are reserved? */
enum tri walk_drops_mxcsr_bits(const struct walk *w);

/*
 * Is MXCSR loaded from the image first, and AVX then initialised by an XRSTOR
 * in standard form that leaves SSE alone, but may load MXCSR too? Whether it
 * does is cpu->keeps_mxcsr.
 */
bool walk_inits_avx_alone(const struct walk *w);

/* Bytes that the frame's xfeatures need in the target's layout; 0: unknown. */
uint32_t walk_needed_size(const struct walk *w);

/* Bytes from the image's start that restoring it touches. */
uint32_t walk_touched_size(const struct walk *w);

/*
 * Bytes up to the end of what the kernel asks XRSTOR for, in use or not.
 * Intel's XRSTOR wants the last of them readable (measured on a Xeon with
 * AVX-512, both forms of image); of other makers' it is not known.
 */
uint32_t walk_asked_size(const struct walk *w);

/* Bytes from the image's start that have to be readable after a page fault. */
uint32_t walk_prefault_size(const struct walk *w);

/*
 * Do the image's first `size` bytes lie on a page that the kernel has not
 * just read from? Else they are all present, whatever was before.
 */
bool walk_finds_unread(const struct walk *w, uint32_t size);

/*
 * If no page were present to begin with, would an instruction that touches
 * the image's first `size` bytes fault, and the kernel go on about it?
 */
bool walk_may_fault(const struct walk *w, uint32_t size);

#endif
