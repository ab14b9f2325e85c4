/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passing.c - places that a walk up the stack went past without stopping */
#include "locate/passing.h"

#include "locate/calls.h"
#include "locate/pointers.h"

static enum tri is_return(const struct passing *p, uint64_t ra)
{
	return pointers_is_return(p->s, p->code, ra, p->cs);
}

/*
 * Are the return addresses of the first `count` steps what they seem? Code
 * that starts a stack was not called, either.
 */
static bool is_sound(const struct passing *p, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t ra = p->walk->steps[i].ra;

		if (is_return(p, ra) == TRI_NO &&
		    !unwind_is_outermost(p->u, ra, p->cs))
			return false;
	}
	return true;
}

/* Does the call before the return address of step `i` lead to its function? */
static bool is_caller(const struct passing *p, size_t i)
{
	const struct unwind_step *step = &p->walk->steps[i];
	struct calls_site call;

	calls_before(p->code, step->ra, p->cs, &call);
	return call.present == TRI_YES && call.target_known &&
	       unwind_starts_at(p->u, step->pc, call.target);
}

/* Its first word is what step `i` took for a return address. */
static enum passing_verdict judge_slot(const struct passing *p,
				       const struct frame_check *check,
				       size_t i)
{
	const struct sigframe *f = &check->sigframe;
	const struct unwind_result *walk = p->walk;
	const struct unwind_step *step = &walk->steps[i];
	const struct unwind_step *next = step + 1;
	const struct code_effect *e = code_effect(p->code, step->ra, p->cs);
	enum tri returns = is_return(p, step->ra), outer;

	if (returns == TRI_NO && unwind_is_outermost(p->u, step->ra, p->cs))
		return PASSING_DOUBTFUL;
	if (returns == TRI_NO || e->end == EMULATE_SIGRETURN)
		return is_sound(p, i) ? PASSING_LIVE : PASSING_DOUBTFUL;
	if (returns == TRI_UNKNOWN)
		return PASSING_DOUBTFUL;
	if (is_caller(p, i))
		return PASSING_STALE;
	/* what follows tells whether the stack goes on from there */
	if (i + 1 == walk->steps_count)
		return PASSING_DOUBTFUL;
	outer = is_return(p, next->ra);
	if (next->slot - f->address >= sigframe_shapes[f->kind].need_end)
		return outer == TRI_YES ? PASSING_STALE : PASSING_DOUBTFUL;
	if (outer == TRI_NO && is_sound(p, i))
		return PASSING_LIVE;
	return outer == TRI_YES && is_caller(p, i + 1) ? PASSING_STALE
						       : PASSING_DOUBTFUL;
}

enum passing_verdict passing_judge(const struct passing *p,
				   const struct frame_check *check)
{
	const struct unwind_result *walk = p->walk;
	uint64_t address = check->sigframe.address;
	/* where it got lost, or ended at 0, others see to the last step */
	bool whole = walk->end == UNWIND_FRAME ||
		     walk->end == UNWIND_OUTERMOST;

	if (!walk->steps_count || !facts_fit(p->s, check, p->sp, p->end))
		return PASSING_STALE;
	for (size_t i = 0; i < walk->steps_count; i++) {
		const struct unwind_step *step = &walk->steps[i];

		if (step->slot == address)
			return check->placement == SIGFRAME_PLACED_NOWHERE
				       ? PASSING_DOUBTFUL
				       : judge_slot(p, check, i);
		if (step->pointer && address >= step->sp &&
		    address < step->slot)
			return PASSING_DOUBTFUL;
	}
	return is_sound(p, walk->steps_count - !whole) ? PASSING_STALE
						       : PASSING_DOUBTFUL;
}
