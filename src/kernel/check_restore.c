/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_restore.c - restoring the registers */
#include "kernel/check_fns.h"

/* Restoring. */

enum tri check_mxcsr_faults(const struct walk *w)
{
	if (walk_has_rule(w, RULES_COPY_FALLBACK))
		return TRI_NO;
	return walk_mxcsr_refused(w);
}

enum tri check_mxcsr_bits_dropped(const struct walk *w)
{
	return walk_drops_mxcsr_bits(w);
}

void values_mxcsr(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_image_mxcsr(w);
	ret[1] = w->target->cpu->mxcsr_mask;
}

enum tri check_xstate_misaligned(const struct walk *w)
{
	return tri_of(w->image.bytes.addr % 64);
}

enum tri check_fxsave_misaligned(const struct walk *w)
{
	return tri_of(!walk_has_rule(w, RULES_COPY_FALLBACK) &&
		      w->image.bytes.addr % 16);
}

enum tri check_header_reserved(const struct walk *w)
{
	const struct xstate_header *h = &w->header;

	if (!w->have_header)
		return TRI_NO;
	if (walk_is_ia32(w))
		return tri_of(h->reserved_16_23 || h->reserved_24_63);
	if (walk_is_compacted(w))
		return tri_of(h->reserved_16_23 || h->reserved_24_63);
	return tri_of(h->reserved_16_23);
}

enum tri check_xcomp_bv_rejected(const struct walk *w)
{
	uint64_t xcomp = w->header.xcomp_bv & ~XCOMP_BV_COMPACTED;

	if (!w->have_header || !w->header.xcomp_bv)
		return TRI_NO;
	if (walk_is_ia32(w) || !walk_is_compacted(w))
		return TRI_YES;
	if (walk_header_bv(w) & ~xcomp || xcomp & ~w->target->cpu->xfeatures)
		return TRI_YES;
	return tri_not(w->target->cpu->xsavec);
}

enum tri check_fallback_rejects(const struct walk *w)
{
	if (!w->have_header ||
	    !(w->header.xcomp_bv || w->header.reserved_24_63))
		return TRI_NO;
	return walk_falls_back(w);
}

void values_xcomp(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->header.xcomp_bv;
}

/* In use, and what restores it does not accept it. */
static uint64_t unsupported(const struct walk *w)
{
	uint64_t allowed = walk_is_ia32(w) ? w->target->features
				      : w->target->cpu->xfeatures;

	return walk_header_bv(w) & ~allowed;
}

enum tri check_in_use_unsupported(const struct walk *w)
{
	return tri_of(unsupported(w));
}

void values_unsupported(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = unsupported(w);
	ret[1] = w->target->cpu->xfeatures;
}

enum tri check_dynamic_feature_off(const struct walk *w)
{
	return tri_of(walk_has_rule(w, RULES_RFBM_FROM_XCR0) &&
		      (w->taken & ~w->target->features));
}

/* Does XRSTOR access components that it is asked for but that are unused? */
static enum tri reads_unused(const struct walk *w)
{
	const struct cpu_model *cpu = w->target->cpu;

	if (cpu->reads_unused == TRI_UNKNOWN &&
	    cpu->family == XSTATE_FAMILY_INTEL)
		return TRI_YES;
	return cpu->reads_unused;
}

enum tri check_image_unreadable(const struct walk *w)
{
	enum tri touched = run_readable(&w->image, 0, walk_touched_size(w));
	enum tri asked = run_readable(&w->image, 0, walk_asked_size(w));

	if (reads_unused(w) == TRI_YES)
		return tri_not(asked);
	if (reads_unused(w) == TRI_NO)
		return tri_not(touched);
	if (touched == TRI_YES && asked != TRI_YES)
		return TRI_UNKNOWN;
	return tri_not(touched);
}

enum tri check_fxsave_unreadable(const struct walk *w)
{
	enum tri whole = run_readable(&w->image, 0, XSTATE_FX_SIZE);
	enum tri used = run_readable(&w->image, 0, XSTATE_XMM_OFF + 256);
	enum tri copied = walk_is_ia32(w) ? TRI_YES : walk_falls_back(w);

	if (copied == TRI_YES ||
	    w->target->cpu->reads_reserved != TRI_NO || whole == used)
		return tri_not(whole);
	return copied == TRI_NO ? tri_not(used) : TRI_UNKNOWN;
}

void values_touched(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = walk_asked_size(w);
	ret[1] = w->image.bytes.size;
}

/*
 * A page that is not there when XRSTOR runs: the kernel then wants its whole
 * range readable, and gives up if it is not.
 */
enum tri check_prefault_fails(const struct walk *w)
{
	bool asked = walk_may_fault(w, walk_asked_size(w));
	bool touched = walk_may_fault(w, walk_touched_size(w));
	bool sure = touched || reads_unused(w) == TRI_YES;

	if (reads_unused(w) == TRI_NO)
		asked = touched;
	if (w->frame->around.resident != TRI_NO || !asked)
		return TRI_NO;	/* not known: the hazard of that name */
	if (run_readable(&w->image, 0, walk_prefault_size(w)) == TRI_YES)
		return TRI_NO;
	return sure ? tri_not(run_readable(&w->image, 0,
					   walk_prefault_size(w)))
		    : TRI_UNKNOWN;
}

/* What the registers hold. */

enum tri check_fpstate_null(const struct walk *w)
{
	return tri_of(w->path == RESTORE_INIT);
}

enum tri check_in_use_not_claimed(const struct walk *w)
{
	return tri_of(w->path == RESTORE_XSAVE &&
		      (w->lost & ~w->sw.xfeatures));
}

enum tri check_in_use_not_enabled(const struct walk *w)
{
	return tri_of(w->path == RESTORE_XSAVE &&
		      (w->lost & w->sw.xfeatures));
}

enum tri check_in_use_unreadable(const struct walk *w)
{
	return w->path == RESTORE_FX && w->in_use_known == TRI_UNKNOWN
		       ? TRI_UNKNOWN
		       : TRI_NO;
}

enum tri check_header_unannounced(const struct walk *w)
{
	return w->unannounced ? TRI_UNKNOWN : TRI_NO;
}

void values_unannounced(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->unannounced;
}

enum tri check_past_frame_end(const struct walk *w)
{
	return tri_of(w->beyond);
}

enum tri check_layout_differs(const struct walk *w)
{
	return tri_of(w->misplaced);
}

enum tri check_layout_unknown(const struct walk *w)
{
	return w->placeless ? TRI_UNKNOWN : TRI_NO;
}

enum tri check_mxcsr_may_reset(const struct walk *w)
{
	if (w->mxcsr_loaded == TRI_NO && walk_inits_avx_alone(w) &&
	    w->target->cpu->keeps_mxcsr == TRI_NO)
		return TRI_YES;
	return w->mxcsr_loaded == TRI_UNKNOWN &&
			       walk_drops_mxcsr_bits(w) == TRI_NO
		       ? TRI_UNKNOWN
		       : TRI_NO;
}

void values_not_claimed(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->lost & ~w->sw.xfeatures;
	ret[1] = w->sw.xfeatures;
}

void values_not_enabled(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->lost & w->sw.xfeatures;
	ret[1] = w->target->features;
}

void values_beyond(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->beyond;
}

void values_misplaced(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->misplaced;
}

void values_placeless(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->placeless;
}
