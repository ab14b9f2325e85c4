/* SPDX-License-Identifier: GPL-3.0-or-later */
/* consistent.c - what holds for every verdict, whatever the frame and target */
#include "consistent.h"

#include "kernel/checks.h"

static bool one_bit(uint64_t word)
{
	return word && !(word & (word - 1));
}

/* Checks whose answer may be open although every way leads to the same end. */
static uint64_t choices(void)
{
	static uint64_t mask;

	for (unsigned i = 0; !mask || i < checks_count; i++)
		if (checks[i].stages & CHECK_AT(CHECK_CHOICE))
			mask |= UINT64_C(1) << i;
	return mask;
}

const char *consistent_objection(const struct frame_facts *f,
				 const struct target *t,
				 const struct verdict *v)
{
	const uint64_t touched = v->loaded | v->garbled | v->lost;
	uint64_t header_bv = 0, in_use = 0;
	bool whole = bytes_u64(frame_image(f).bytes, 512, &header_bv);

	if (!v->possible || v->possible >> OUTCOME_UNKNOWN)
		return "no outcome is possible";
	if (one_bit(v->possible) ? v->possible != 1u << v->outcome
				 : v->outcome != OUTCOME_UNKNOWN)
		return "the outcome is not the possible one";
	if (!v->paths || v->paths >> (RESTORE_XSAVE + 1))
		return "no path is taken";
	if (v->checks & v->unsure)
		return "a check fires and lacks evidence";
	if ((v->checks | v->unsure) >> checks_count)
		return "there is no such check";
	if (v->hazards >> hazards_count)
		return "there is no such hazard";
	if (v->loaded & (v->garbled | v->lost))
		return "loaded, and lost or garbled";
	if (one_bit(v->paths) && (v->garbled & v->lost))
		return "garbled and lost";
	if (v->garbled & XSTATE_LEGACY)
		return "x87 and SSE have one place";
	if (v->paths == 1u << RESTORE_XSAVE &&
	    (v->loaded | v->garbled) & ~t->cpu->xfeatures)
		return "restored, and not in XCR0";
	if (whole && v->paths == 1u << RESTORE_XSAVE && touched != header_bv)
		return "in use, and neither restored nor lost";
	if (frame_in_use(f, &in_use) == TRI_YES &&
	    v->paths == 1u << RESTORE_FX &&
	    v->lost != (in_use & ~XSTATE_LEGACY))
		return "not lost by FXRSTOR";
	if (v->paths == 1u << RESTORE_REFUSED &&
	    (touched || v->mxcsr_loaded != TRI_NO ||
	     v->outcome != OUTCOME_FATAL))
		return "refused, and something restored";
	if (v->outcome == OUTCOME_INTACT &&
	    (v->lost || v->garbled || (v->unsure & ~choices())))
		return "intact, and yet";
	if (v->outcome == OUTCOME_LOSSY && v->garbled)
		return "lossy, and garbled";
	if (v->outcome == OUTCOME_GARBLED && !v->garbled)
		return "garbled, and nothing is";
	if (v->outcome != OUTCOME_INTACT && !v->checks && !v->unsure &&
	    !(v->paths == 1u << RESTORE_FX && v->lost))
		return "bad without a reason";
	return NULL;
}

bool consistent_same(const struct verdict *a, const struct verdict *b)
{
	return a->outcome == b->outcome && a->possible == b->possible &&
	       a->paths == b->paths && a->checks == b->checks &&
	       a->unsure == b->unsure && a->hazards == b->hazards &&
	       a->loaded == b->loaded && a->garbled == b->garbled &&
	       a->lost == b->lost && a->mxcsr_loaded == b->mxcsr_loaded;
}

struct verdict consistent_merged(const struct frame_facts *f,
				 const struct target *t)
{
	struct verdict all = { .checks = UINT64_MAX, .loaded = UINT64_MAX };
	bool mxcsr[3] = { false };
	struct target one_set = *t;

	for (unsigned r = 0; r < RULES_COUNT; r++) {
		if (!(t->rules & RULES_BIT(r)))
			continue;
		one_set.rules = RULES_BIT(r);

		struct verdict one = predict(f, &one_set);

		all.possible |= one.possible;
		all.paths |= one.paths;
		all.checks &= one.checks;
		all.unsure |= one.checks | one.unsure;
		all.hazards |= one.hazards;
		all.loaded &= one.loaded;
		all.garbled |= one.garbled;
		all.lost |= one.lost;
		mxcsr[one.mxcsr_loaded] = true;
	}
	all.unsure &= ~all.checks;
	all.mxcsr_loaded = mxcsr[TRI_UNKNOWN] ||
			   mxcsr[TRI_NO] == mxcsr[TRI_YES]
				   ? TRI_UNKNOWN
				   : tri_of(mxcsr[TRI_YES]);
	all.outcome = one_bit(all.possible)
			      ? (enum outcome)__builtin_ctz(all.possible)
			      : OUTCOME_UNKNOWN;
	return all;
}
