/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check_choice.c - reading the frame and choosing how to restore */
#include "kernel/check_fns.h"

/* The frame itself. */

enum tri check_rules_unknown(const struct walk *w)
{
	return w->target->rules ? TRI_NO : TRI_UNKNOWN;
}

enum tri check_frame_out_of_range(const struct walk *w)
{
	const struct sigframe *f = &w->frame->sigframe;
	uint64_t limit = w->target->cpu->user_limit;

	return tri_of(f->address >= limit ||
		      limit - f->address < sigframe_shapes[f->kind].size);
}

enum tri check_frame_unreadable(const struct walk *w)
{
	const struct sigframe_shape *s =
		&sigframe_shapes[w->frame->sigframe.kind];

	return tri_not(run_readable(&w->frame->frame, s->need_start,
				    s->need_end - s->need_start));
}

enum tri check_restorer_missing(const struct walk *w)
{
	return tri_not(w->frame->around.restorer);
}

enum tri check_restorer_not_executable(const struct walk *w)
{
	return tri_not(w->frame->around.restorer_executable);
}

void values_pretcode(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->frame->sigframe.pretcode;
}

/* The fpstate pointer. */

enum tri check_fpstate_out_of_range(const struct walk *w)
{
	const struct sigframe *f = &w->frame->sigframe;
	const struct target *t = w->target;
	uint64_t limit = t->cpu->user_limit;
	uint64_t size = sigframe_shapes[f->kind].header + t->user_size +
			(t->user_size > XSTATE_FX_SIZE ? XSTATE_MAGIC2_SIZE
						       : 0);

	if (!f->fpstate)
		return TRI_NO;
	return tri_of(f->fpstate >= limit || limit - f->fpstate < size);
}

enum tri check_fpstate_unreadable(const struct walk *w)
{
	enum tri readable = TRI_YES;

	if (!w->frame->sigframe.fpstate)
		return TRI_NO;
	if (walk_is_ia32(w))		/* the x87 part before the image */
		readable = run_readable(&w->frame->area, 0, 108);
	if (readable == TRI_YES && w->target->cpu->xsave != TRI_NO &&
	    !walk_has_rule(w, RULES_UNREADABLE_FX))
		readable = run_readable(&w->image, XSTATE_SW_OFF,
					XSTATE_FX_SIZE - XSTATE_SW_OFF);
	return readable == TRI_NO ? TRI_YES : TRI_NO;
}

void values_fpstate(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->frame->sigframe.fpstate;
	ret[1] = w->target->user_size;
}

/* Are the bytes that everything depends on missing from the input? */
enum tri check_xstate_missing(const struct walk *w)
{
	bool fxsave = check_magic1_wrong(w) == TRI_YES ||
		      check_size_below_minimum(w) == TRI_YES;
	uint64_t need = fxsave ? XSTATE_FX_SIZE : XSTATE_MIN_SIZE;

	if (!w->frame->sigframe.fpstate ||
	    run_readable(&w->image, 0, need) != TRI_UNKNOWN)
		return TRI_NO;
	return TRI_UNKNOWN;
}

/* XSAVE or FXSAVE rules. */

enum tri check_target_without_xsave(const struct walk *w)
{
	return tri_not(w->target->cpu->xsave);
}

enum tri check_software_bytes_unreadable(const struct walk *w)
{
	if (!walk_has_rule(w, RULES_UNREADABLE_FX))
		return TRI_NO;	/* check_fpstate_unreadable() */
	return tri_not(run_readable(&w->image, XSTATE_SW_OFF,
				    XSTATE_FX_SIZE - XSTATE_SW_OFF));
}

enum tri check_magic1_wrong(const struct walk *w)
{
	if (!w->have_sw)	/* reported by the readability checks */
		return TRI_NO;
	return tri_of(w->sw.magic1 != XSTATE_MAGIC1);
}

enum tri check_size_below_minimum(const struct walk *w)
{
	if (!w->have_sw || !walk_has_rule(w, RULES_SIZES))
		return TRI_NO;
	return tri_of(w->sw.xstate_size < XSTATE_MIN_SIZE);
}

enum tri check_size_over_target(const struct walk *w)
{
	if (!w->have_sw || !walk_has_rule(w, RULES_SIZE_LIMIT))
		return TRI_NO;
	if (!w->target->user_size)
		return TRI_UNKNOWN;
	return tri_of(w->sw.xstate_size > w->target->user_size);
}

enum tri check_extended_size_short(const struct walk *w)
{
	if (!w->have_sw || !walk_has_rule(w, RULES_SIZES))
		return TRI_NO;
	if (walk_has_rule(w, RULES_EXTENDED_COVERS_MAGIC2)) {
		/* the sum is computed in 32 bits there */
		uint32_t least = w->sw.xstate_size + XSTATE_MAGIC2_SIZE;

		return tri_of(w->sw.extended_size < least);
	}
	return tri_of(w->sw.xstate_size > w->sw.extended_size);
}

/* Where the rules look for MAGIC2; false if they do not get that far. */
static bool magic2_place(const struct walk *w, uint32_t *ret)
{
	if (!w->have_sw)
		return false;
	*ret = walk_has_rule(w, RULES_MAGIC2_AT_USER_SIZE) ? w->target->user_size
						       : w->sw.xstate_size;
	return true;
}

static enum tri magic2_unreadable(const struct walk *w)
{
	uint32_t place;

	if (!magic2_place(w, &place))
		return TRI_NO;
	if (!place)
		return TRI_UNKNOWN;
	return tri_not(run_readable(&w->image, place, XSTATE_MAGIC2_SIZE));
}

enum tri check_magic2_unreadable_fatal(const struct walk *w)
{
	return walk_has_rule(w, RULES_UNREADABLE_FX) ? TRI_NO
						: magic2_unreadable(w);
}

enum tri check_magic2_unreadable_fx(const struct walk *w)
{
	return walk_has_rule(w, RULES_UNREADABLE_FX) ? magic2_unreadable(w)
						: TRI_NO;
}

static enum tri magic2_wrong_at(const struct walk *w, bool at_user_size)
{
	uint32_t place, magic2;

	if (at_user_size != walk_has_rule(w, RULES_MAGIC2_AT_USER_SIZE) ||
	    !magic2_place(w, &place))
		return TRI_NO;
	if (!bytes_u32(w->image.bytes, place, &magic2))
		return magic2_unreadable(w) == TRI_UNKNOWN ? TRI_UNKNOWN
							   : TRI_NO;
	return tri_of(magic2 != XSTATE_MAGIC2);
}

enum tri check_magic2_wrong(const struct walk *w)
{
	return magic2_wrong_at(w, false);
}

enum tri check_magic2_not_at_user_size(const struct walk *w)
{
	return magic2_wrong_at(w, true);
}

enum tri check_size_short_of_features(const struct walk *w)
{
	const struct target *t = w->target;

	if (!w->have_sw || !walk_has_rule(w, RULES_SIZE_COVERS_FEATURES))
		return TRI_NO;
	if (w->sw.xstate_size == t->user_size &&
	    w->sw.xfeatures == t->features)
		return TRI_NO;
	if (!walk_needed_size(w))
		return TRI_UNKNOWN;
	return tri_of(w->sw.xstate_size < walk_needed_size(w));
}

enum tri check_misaligned_fx(const struct walk *w)
{
	return tri_of(walk_has_rule(w, RULES_MISALIGNED_FX) &&
		      w->image.bytes.addr % 64);
}

void values_size(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->sw.xstate_size;
	ret[1] = w->target->user_size;
}

void values_extended(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->sw.extended_size;
	ret[1] = w->sw.xstate_size;
}

void values_needed(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->sw.xstate_size;
	ret[1] = walk_needed_size(w);
}

void values_magic1(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->sw.magic1;
}

void values_image(const struct walk *w, uint64_t ret[CHECK_VALUES])
{
	ret[0] = w->image.bytes.addr;
}
