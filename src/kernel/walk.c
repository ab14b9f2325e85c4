/* SPDX-License-Identifier: GPL-3.0-or-later */
/* walk.c - one way through a sigreturn */
#include "kernel/walk.h"

#define PAGE_SIZE UINT64_C(4096)
#define MXCSR_INIT UINT32_C(0x1f80)

void walk_init(struct walk *w, const struct frame_facts *f,
	       const struct target *t, const struct rules *rules)
{
	*w = (struct walk){
		.frame = f,
		.target = t,
		.rules = rules,
		.image = frame_image(f),
	};
	w->have_sw = xstate_sw_decode(w->image.bytes, &w->sw);
	w->have_header = xstate_header_decode(w->image.bytes, &w->header);
	w->in_use_known = frame_in_use(f, &w->in_use);
}

uint32_t walk_image_mxcsr(const struct walk *w)
{
	uint32_t mxcsr = 0;

	bytes_u32(w->image.bytes, XSTATE_MXCSR_OFF, &mxcsr);
	return mxcsr;
}

/* Does MXCSR have bits that the target reserves? */
static enum tri mxcsr_reserved(const struct walk *w)
{
	uint32_t mask = w->target->cpu->mxcsr_mask;

	if (!mask)	/* bits 6 and 17 are not valid everywhere */
		return walk_image_mxcsr(w) & ~UINT32_C(0x2ffff) ? TRI_YES
		       : walk_image_mxcsr(w) & ~UINT32_C(0xffbf) ? TRI_UNKNOWN
							    : TRI_NO;
	return tri_of(walk_image_mxcsr(w) & ~mask);
}

/* Does the kernel or CPU look at MXCSR at all on this path? */
static bool mxcsr_matters(const struct walk *w)
{
	const uint64_t vectors = XSTATE_BIT(XSTATE_SSE) |
				 XSTATE_BIT(XSTATE_AVX);

	if (w->path == RESTORE_FX)
		return true;
	if (walk_is_ia32(w))
		return walk_header_bv(w) & (XSTATE_LEGACY | vectors);
	if (walk_is_compacted(w))
		return w->taken & XSTATE_BIT(XSTATE_SSE);
	return w->rfbm & vectors;
}

enum tri walk_mxcsr_refused(const struct walk *w)
{
	/* of 32-bit frames the kernel itself looks */
	if (!mxcsr_matters(w) ||
	    (!walk_is_ia32(w) && w->target->cpu->checks_mxcsr == TRI_NO))
		return TRI_NO;
	return mxcsr_reserved(w);
}

enum tri walk_falls_back(const struct walk *w)
{
	bool misaligned = w->path == RESTORE_FX && w->image.bytes.addr % 16;
	enum tri refused = walk_mxcsr_refused(w);
	enum tri absent = TRI_NO;

	if (!walk_has_rule(w, RULES_COPY_FALLBACK))
		return TRI_NO;
	if (walk_finds_unread(w, walk_asked_size(w)))
		absent = tri_not(w->frame->around.resident);
	if (misaligned || absent == TRI_YES || refused == TRI_YES)
		return TRI_YES;
	return absent == TRI_NO ? refused : TRI_UNKNOWN;
}

enum tri walk_drops_mxcsr_bits(const struct walk *w)
{
	enum tri reserved = mxcsr_reserved(w);
	enum tri copied = walk_is_ia32(w) ? TRI_YES : walk_falls_back(w);

	if (!walk_has_rule(w, RULES_COPY_FALLBACK) || !mxcsr_matters(w))
		return TRI_NO;
	if (reserved == TRI_NO || copied == TRI_NO)
		return TRI_NO;
	return reserved == TRI_YES && copied == TRI_YES ? TRI_YES : TRI_UNKNOWN;
}

uint32_t walk_needed_size(const struct walk *w)
{
	return cpu_user_size(w->target->cpu,
			     w->sw.xfeatures & w->target->features);
}

/* As the kernel or CPU reads it: by the target's offsets. */
static void target_layout(const struct walk *w, struct xstate_layout *ret)
{
	const struct xstate_layout *l = &w->target->cpu->layout;

	if (walk_is_compacted(w) && !walk_is_ia32(w))
		xstate_compact(l, w->header.xcomp_bv, XSTATE_COMPACT_ALIGNED,
			       ret);
	else
		*ret = *l;
}

uint32_t walk_touched_size(const struct walk *w)
{
	struct xstate_layout l;
	/* the copying kernel reads all that is in use, asked for or not */
	uint64_t what = walk_is_ia32(w) ? walk_header_bv(w) : w->taken;

	if (w->path == RESTORE_FX)
		return XSTATE_FX_SIZE;
	target_layout(w, &l);
	return xstate_layout_size(&l, what & l.features);
}

uint32_t walk_asked_size(const struct walk *w)
{
	struct xstate_layout l;

	if (w->path == RESTORE_FX || walk_is_ia32(w) ||
	    walk_has_rule(w, RULES_COPY_FALLBACK))
		return walk_touched_size(w);
	target_layout(w, &l);
	return xstate_layout_size(&l, w->rfbm & l.features);
}

uint32_t walk_prefault_size(const struct walk *w)
{
	switch (w->rules->prefault) {
	case RULES_PREFAULT_USER_SIZE:
		return w->target->user_size;
	case RULES_PREFAULT_XSTATE_SIZE:
		return w->path == RESTORE_FX ? XSTATE_FX_SIZE
					     : w->sw.xstate_size;
	case RULES_PREFAULT_NEEDED:
		return w->path == RESTORE_FX ? XSTATE_FX_SIZE
					     : walk_needed_size(w);
	case RULES_PREFAULT_NONE:
		break;
	}
	return 0;
}

bool walk_finds_unread(const struct walk *w, uint32_t size)
{
	uint64_t start = w->image.bytes.addr;
	uint64_t end = start + size;
	uint64_t software = start + XSTATE_SW_OFF;
	uint64_t magic2 = start + (walk_has_rule(w, RULES_MAGIC2_AT_USER_SIZE)
					   ? w->target->user_size
					   : w->sw.xstate_size);

	if (w->target->cpu->xsave == TRI_NO || !w->have_sw)
		return size;	/* nothing was read before */
	for (uint64_t page = start & -PAGE_SIZE; page < end;
	     page += PAGE_SIZE) {
		if (page != (software & -PAGE_SIZE) &&
		    page != (magic2 & -PAGE_SIZE))
			return true;
	}
	return false;
}

bool walk_may_fault(const struct walk *w, uint32_t size)
{
	return !walk_is_ia32(w) && w->rules->prefault != RULES_PREFAULT_NONE &&
	       walk_finds_unread(w, size);
}

/* Is there a MAGIC2 at `off`? */
static enum tri magic2_at(const struct walk *w, uint32_t off)
{
	uint32_t magic2;

	if (bytes_u32(w->image.bytes, off, &magic2))
		return tri_of(magic2 == XSTATE_MAGIC2);
	return run_readable(&w->image, off, XSTATE_MAGIC2_SIZE);
}

/*
 * The layout the image was written in, and its true size. A frame whose
 * MAGIC2 is not where its xstate_size says, but where the target looks for
 * it, has that size, whatever the field claims.
 */
static uint32_t image_layout(const struct walk *w, struct xstate_layout *ret)
{
	uint32_t size = w->sw.xstate_size;
	uint32_t user_size = w->target->user_size;
	struct xstate_sw sw = w->sw;

	*ret = w->frame->layout;
	if (size == user_size || magic2_at(w, size) != TRI_NO ||
	    magic2_at(w, user_size) == TRI_NO)
		return size;	/* else it is there, or this path not taken */
	sw.xstate_size = user_size;
	xstate_infer_layout(&sw, NULL, ret);
	return user_size;
}

/* Where only the end of the image would tell its size, and is missing. */
static bool size_is_doubtful(const struct walk *w)
{
	return walk_has_rule(w, RULES_MAGIC2_AT_USER_SIZE) &&
	       w->sw.xstate_size != w->target->user_size &&
	       magic2_at(w, w->sw.xstate_size) == TRI_UNKNOWN;
}

/*
 * Components whose place depends on which of two sizes is the true one: the
 * field's, which fits the frame's components as it is, or MAGIC2's.
 */
static uint64_t contested(const struct walk *w,
			  const struct xstate_layout *source)
{
	const struct xstate_layout *claimed = &w->frame->layout;
	uint64_t ret = 0;

	if (w->frame->family == XSTATE_FAMILY_UNKNOWN)
		return 0;
	for (unsigned i = 2; i < XSTATE_MAX; i++)
		if (claimed->features & XSTATE_BIT(i) &&
		    claimed->offset[i] != source->offset[i])
			ret |= XSTATE_BIT(i);
	return ret;
}

/* Sort out which of the components taken come from their own bytes. */
static void place_components(struct walk *w)
{
	struct xstate_layout source, target, standard;
	uint32_t size = image_layout(w, &source);
	bool compacted = walk_is_compacted(w) && !walk_is_ia32(w);
	uint64_t doubtful = size_is_doubtful(w) ? UINT64_MAX
						: contested(w, &source);

	target_layout(w, &target);
	standard = source;
	if (compacted)
		xstate_compact(&standard, w->header.xcomp_bv,
			       XSTATE_COMPACT_ALIGNED, &source);
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		uint64_t bit = XSTATE_BIT(i);

		if (!(w->taken & bit))
			continue;
		if (doubtful & bit || !(target.features & bit))
			w->placeless |= bit;
		/* a kernel never compacts: who set XCOMP_BV may not have moved
		 * the components */
		else if (compacted && source.offset[i] != standard.offset[i])
			w->placeless |= bit;
		else if (target.offset[i] + target.size[i] > size)
			w->beyond |= bit;
		else if (!(source.features & bit))
			w->placeless |= bit;
		else if (source.offset[i] != target.offset[i] ||
			 source.size[i] != target.size[i])
			w->misplaced |= bit;
	}
}

bool walk_inits_avx_alone(const struct walk *w)
{
	const uint64_t sse = XSTATE_BIT(XSTATE_SSE);
	const uint64_t avx = XSTATE_BIT(XSTATE_AVX);

	return !walk_is_ia32(w) && w->target->cpu->xsavec != TRI_YES &&
	       (w->rfbm & sse) && !walk_is_compacted(w) &&
	       (w->target->features & ~w->rfbm & avx) &&
	       walk_image_mxcsr(w) != MXCSR_INIT;
}

/*
 * Does MXCSR come from the image? It belongs to SSE: where the kernel has to
 * initialise SSE afterwards, it goes too. The rest depends on the form of the
 * last XRSTOR (SDM vol. 1, 13.8). The standard form, all there is without
 * XSAVEC, loads MXCSR whenever SSE or AVX is asked for, in use or not, and so
 *  - takes it along from a kernel buffer that has SSE not in use, and
 *  - may take the initial one along when only AVX is initialised afterwards:
 *    one emulator does, another does not, silicon has not been measured.
 */
static enum tri mxcsr_loaded(const struct walk *w)
{
	const uint64_t sse = XSTATE_BIT(XSTATE_SSE);
	const uint64_t avx = XSTATE_BIT(XSTATE_AVX);
	bool compacted = w->target->cpu->xsavec == TRI_YES;
	enum tri dropped = walk_drops_mxcsr_bits(w);

	if (dropped != TRI_NO)	/* comes back with other bits */
		return tri_not(dropped);
	if (walk_is_ia32(w) && w->path == RESTORE_XSAVE) {
		if (w->taken & sse)
			return TRI_YES;
		if (compacted || (walk_has_rule(w, RULES_COPY_FALLBACK) &&
				  !(w->rfbm & sse)))
			return TRI_NO;
		return walk_header_bv(w) & (XSTATE_LEGACY | avx) ? TRI_YES
								 : TRI_UNKNOWN;
	}
	if (!(w->rfbm & sse))
		return TRI_NO;
	/* the copy has it only if something in use needs it */
	if (w->path == RESTORE_XSAVE && !(walk_header_bv(w) & (sse | avx)) &&
	    walk_falls_back(w) != TRI_NO)
		return TRI_UNKNOWN;
	/* read from the compacted form, it comes and goes with SSE */
	if (walk_is_compacted(w) && !walk_is_ia32(w))
		return tri_of(w->taken & sse);
	return walk_inits_avx_alone(w) ? w->target->cpu->keeps_mxcsr : TRI_YES;
}

void walk_take(struct walk *w, enum restore_path path)
{
	const struct target *t = w->target;

	w->path = path;
	w->mxcsr_loaded = TRI_NO;
	switch (path) {
	case RESTORE_REFUSED:
		break;
	case RESTORE_INIT:
		w->lost = t->features;
		break;
	case RESTORE_FX:
		w->rfbm = XSTATE_LEGACY;
		w->taken = XSTATE_LEGACY;
		break;
	case RESTORE_XSAVE:
		w->rfbm = w->sw.xfeatures &
			  (walk_has_rule(w, RULES_RFBM_FROM_XCR0) &&
					   !walk_is_ia32(w)
				   ? t->cpu->xfeatures
				   : t->features);
		/* it counts as such here, whether the frame says so or not */
		w->unannounced = w->in_use & ~walk_header_bv(w);
		w->in_use = walk_header_bv(w);
		w->taken = w->rfbm & w->in_use;
		place_components(w);
		break;
	}
	if (path == RESTORE_FX || path == RESTORE_XSAVE) {
		w->lost = w->in_use & ~w->taken;
		w->mxcsr_loaded = mxcsr_loaded(w);
	}
}
