/* SPDX-License-Identifier: GPL-3.0-or-later */
/* predict.c - what sigreturn will do with a frame on a target */
#include "kernel/predict.h"

#include "base/cleanup.h"
#include "kernel/checks.h"

const char *outcome_name(enum outcome o)
{
	static const char *const names[OUTCOMES] = {
		[OUTCOME_INTACT] = "intact",
		[OUTCOME_LOSSY] = "lossy",
		[OUTCOME_GARBLED] = "garbled",
		[OUTCOME_FATAL] = "fatal",
		[OUTCOME_UNKNOWN] = "unknown",
	};

	return names[o];
}

struct run frame_image(const struct frame_facts *f)
{
	return run_from(&f->area, sigframe_shapes[f->sigframe.kind].header);
}

enum tri frame_in_use(const struct frame_facts *f, uint64_t *ret)
{
	struct run image = frame_image(f);
	struct xstate_header header;
	struct xstate_sw sw;

	*ret = 0;
	if (!f->sigframe.fpstate)
		return TRI_YES;
	*ret = XSTATE_LEGACY;

	/*
	 * A frame without MAGIC1 has an XSAVE header all the same if the
	 * kernel that wrote it said so: then MAGIC1 was lost.
	 */
	bool said = f->sigframe.uc_flags & SIGFRAME_UC_FP_XSTATE;
	bool have_sw = xstate_sw_decode(image.bytes, &sw);

	if (!said && have_sw &&
	    (sw.magic1 != XSTATE_MAGIC1 || sw.xstate_size < XSTATE_MIN_SIZE)) {
		/* one kind of frame has no room to say so */
		bool plain = f->sigframe.kind != SIGFRAME_IA32 ||
			     (sw.magic1 == XSTATE_MAGIC1 &&
			      sw.xstate_size == XSTATE_FX_SIZE &&
			      !(sw.xfeatures & ~XSTATE_LEGACY));

		return plain ? TRI_YES : TRI_UNKNOWN;
	}
	if (!xstate_header_decode(image.bytes, &header))
		return image.end == RUN_END_UNREADABLE ? TRI_YES : TRI_UNKNOWN;
	*ret = header.xstate_bv;
	return TRI_YES;
}

void target_init(struct target *t, const char *name,
		 const struct cpu_model *cpu, rules_mask rules,
		 uint64_t features)
{
	*t = (struct target){
		.name = name,
		.cpu = cpu,
		.rules = rules,
	};
	target_set_features(t, features);
}

void target_set_features(struct target *t, uint64_t features)
{
	t->features = features & t->cpu->xfeatures;
	t->user_size = cpu_user_size(t->cpu, t->features);
}

/* What one possibility comes to. */
struct finding {
	unsigned paths;		/* bit per enum restore_path */
	unsigned possible;	/* bit per outcome */
	uint64_t checks;
	uint64_t unsure;
	uint64_t hazards;
	uint64_t loaded, garbled, lost;
	enum tri mxcsr_loaded;
};

/*
 * Outcome `o` is certain (TRI_YES), or may be (TRI_UNKNOWN). What was found
 * before sets a floor: the best of *possible.
 */
static void add_outcome(unsigned *possible, enum outcome o, enum tri fires)
{
	unsigned better = (*possible & -*possible) - 1;
	unsigned bit = 1u << o;

	if (o == OUTCOME_UNKNOWN)	/* anything */
		*possible |= (bit - 1) & ~better;
	else if (fires == TRI_UNKNOWN)
		*possible |= bit & ~better;
	else if (fires == TRI_YES && (*possible & (bit - 1)))
		*possible = (*possible & -bit) | bit;
}

/*
 * Run the checks of a stage and note what they lead to. False if that is all
 * that can be said: one is sure to end the sigreturn, or what everything
 * depends on is missing.
 */
static bool run_stage(const struct walk *w, enum check_stage stage,
		      struct finding *f)
{
	bool go_on = true;

	for (unsigned i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		if (!(c->stages & CHECK_AT(stage)))
			continue;

		enum tri fires = c->fires(w);

		if (fires == TRI_NO)
			continue;
		if (fires == TRI_YES)
			f->checks |= UINT64_C(1) << i;
		else
			f->unsure |= UINT64_C(1) << i;
		add_outcome(&f->possible, c->outcome, fires);
		if ((fires == TRI_YES && c->outcome == OUTCOME_FATAL) ||
		    (stage == CHECK_POINTER && c->outcome == OUTCOME_UNKNOWN))
			go_on = false;
	}
	return go_on;
}

/* The end of the sigreturn: nothing is restored. */
static void refuse(struct finding *f)
{
	f->paths = 1u << RESTORE_REFUSED;
	f->loaded = f->garbled = f->lost = 0;
	f->mxcsr_loaded = TRI_NO;
}

/* The end of what can be said. */
static void give_up(struct finding *f)
{
	refuse(f);
	f->paths = 1u << RESTORE_REFUSED | 1u << RESTORE_INIT |
		   1u << RESTORE_FX | 1u << RESTORE_XSAVE;
	f->mxcsr_loaded = TRI_UNKNOWN;
}

/* Follow one path to its end. `f` has what was found on the way there. */
static void follow(struct walk w, enum restore_path path, struct finding *f)
{
	static const enum check_stage stages[2][2] = {
		[0] = { CHECK_FX, CHECK_XSAVE },
		[1] = { CHECK_COPY_FX, CHECK_COPY },
	};

	walk_take(&w, path);
	f->paths = 1u << path;
	f->garbled = w.beyond | w.misplaced | w.placeless;
	f->loaded = w.taken & ~f->garbled;
	f->lost = w.lost;
	f->mxcsr_loaded = w.mxcsr_loaded;
	if (path == RESTORE_FX || path == RESTORE_XSAVE) {
		enum check_stage stage =
			stages[walk_is_ia32(&w)][path == RESTORE_XSAVE];

		if (!run_stage(&w, stage, f)) {
			refuse(f);
			return;
		}
	}
	run_stage(&w, CHECK_RESULT, f);
	if (path == RESTORE_FX && w.lost)
		add_outcome(&f->possible, OUTCOME_LOSSY, TRI_YES);
	run_stage(&w, CHECK_RETURN, f);
	for (unsigned i = 0; i < hazards_count; i++)
		if (hazards[i].applies(&w))
			f->hazards |= UINT64_C(1) << i;
}

static void merge(struct verdict *v, const struct finding *f, bool first)
{
	if (first) {
		*v = (struct verdict){
			.checks = f->checks,
			.unsure = f->unsure,
			.loaded = f->loaded,
			.mxcsr_loaded = f->mxcsr_loaded,
		};
	} else {
		v->unsure |= f->unsure | (v->checks ^ f->checks);
		v->checks &= f->checks;
		v->loaded &= f->loaded;
		if (v->mxcsr_loaded != f->mxcsr_loaded)
			v->mxcsr_loaded = TRI_UNKNOWN;
	}
	v->unsure &= ~v->checks;
	v->possible |= f->possible;
	v->paths |= f->paths;
	v->hazards |= f->hazards;
	v->garbled |= f->garbled;
	v->lost |= f->lost;
}

/*
 * The kernel takes the first way out of the list of choices that fits; where
 * it cannot be told whether one does, both possibilities are followed.
 */
static void choose(const struct walk *w, struct finding f, struct verdict *v,
		   bool *first)
{
	for (unsigned i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		if (!(c->stages & CHECK_AT(CHECK_CHOICE)))
			continue;

		enum tri fires = c->fires(w);

		if (fires == TRI_NO)
			continue;

		struct finding branch = f;

		if (fires == TRI_YES)
			branch.checks |= UINT64_C(1) << i;
		else
			branch.unsure |= UINT64_C(1) << i;
		if (c->outcome == OUTCOME_FATAL) {
			add_outcome(&branch.possible, OUTCOME_FATAL, TRI_YES);
			refuse(&branch);
		} else {
			follow(*w, RESTORE_FX, &branch);
		}
		merge(v, &branch, *first);
		*first = false;
		if (fires == TRI_YES)
			return;
	}
	follow(*w, RESTORE_XSAVE, &f);
	merge(v, &f, *first);
	*first = false;
}

static void predict_under(const struct frame_facts *frame,
			  const struct target *t, const struct rules *rules,
			  struct verdict *v, bool *first)
{
	struct finding f = { .possible = 1u << OUTCOME_INTACT };
	struct walk w;

	walk_init(&w, frame, t, rules);
	bool go_on = run_stage(&w, CHECK_FRAME, &f);

	if (go_on)
		go_on = run_stage(&w, CHECK_POINTER, &f);
	if (go_on && frame->sigframe.fpstate) {
		choose(&w, f, v, first);
		return;
	}
	if (go_on)
		follow(w, RESTORE_INIT, &f);
	else if (f.possible == 1u << OUTCOME_FATAL)
		refuse(&f);
	else
		give_up(&f);
	merge(v, &f, *first);
	*first = false;
}

/* The one outcome of a set of possible ones, UNKNOWN if there are several. */
static enum outcome single_outcome(unsigned possible)
{
	for (unsigned o = 0; o < OUTCOME_UNKNOWN; o++)
		if (possible == 1u << o)
			return (enum outcome)o;
	return OUTCOME_UNKNOWN;
}

struct verdict predict(const struct frame_facts *f, const struct target *t)
{
	const rules_mask all = RULES_BIT(RULES_COUNT) - 1;
	rules_mask rules = t->rules ? t->rules & all : all;
	enum outcome under[RULES_COUNT];
	struct verdict v = { 0 };
	bool first = true;

	for (unsigned i = 0; i < RULES_COUNT; i++) {
		unsigned before = v.possible;

		under[i] = OUTCOME_UNKNOWN;
		if (!(rules & RULES_BIT(i)))
			continue;
		v.possible = 0;
		predict_under(f, t, &rules_table[i], &v, &first);
		under[i] = single_outcome(v.possible);
		v.possible |= before;
	}
	v.outcome = single_outcome(v.possible);
	memcpy(v.under, under, sizeof(under));
	return v;
}

bool verdict_is_bad(const struct verdict *v)
{
	return v->possible && !(v->possible & (1u << OUTCOME_INTACT));
}

/* The path that the choices lead to, doubtful ones left aside. */
static enum restore_path chosen_path(const struct walk *w)
{
	if (!w->frame->sigframe.fpstate)
		return RESTORE_INIT;
	for (unsigned i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		if ((c->stages & CHECK_AT(CHECK_CHOICE)) &&
		    c->fires(w) == TRI_YES)
			return c->outcome == OUTCOME_FATAL ? RESTORE_REFUSED
							   : RESTORE_FX;
	}
	return RESTORE_XSAVE;
}

/* The walk under the first of the target's rules. */
static void walk_again(struct walk *w, const struct frame_facts *f,
		       const struct target *t)
{
	unsigned index = 0;

	while (index < RULES_COUNT - 1 && t->rules &&
	       !(t->rules & RULES_BIT(index)))
		index++;
	walk_init(w, f, t, &rules_table[index]);
	walk_take(w, chosen_path(w));
}

bool check_values(unsigned index, const struct frame_facts *f,
		  const struct target *t, uint64_t ret[CHECK_VALUES])
{
	struct walk w;

	if (!checks[index].values)
		return false;
	walk_again(&w, f, t);
	checks[index].values(&w, ret);
	return true;
}

bool hazard_values(unsigned index, const struct frame_facts *f,
		   const struct target *t, uint64_t ret[CHECK_VALUES])
{
	struct walk w;

	if (!hazards[index].values)
		return false;
	walk_again(&w, f, t);
	hazards[index].values(&w, ret);
	return true;
}
