/* SPDX-License-Identifier: GPL-3.0-or-later */
/* brief.c - an input in one line of text */
#include "report/brief.h"

#include <string.h>

#include "base/text.h"
#include "report/frame.h"

static const struct field F_TABLE = { .flow = FLOW_HIDDEN };
static const struct field F_OUTCOME = { .flow = FLOW_COLUMN_0,
					.style = STYLE_OUTCOME };
static const struct field F_PAD = { .flow = FLOW_MORE };
static const struct field F_NUMBERS = { .flow = FLOW_COLUMN_1 };
static const struct field F_WHAT = { .flow = FLOW_COLUMN_2 };

/* The lines are tables of their own, so that each can be printed at once. */
#define OUTCOME_HEADING "outcome"
#define NUMBER_HEADING "    pid  threads  frames"

/* What speaks against a target: bits as in the tables of ids. */
struct reasons {
	enum outcome outcome;	/* of all, the worst */
	uint64_t checks;
	uint64_t unsure;	/* checks, perhaps */
	uint64_t hazards;
};

static enum outcome worst(enum outcome a, enum outcome b)
{
	struct report_counts c = { 0 };

	c.verdicts[a]++;
	c.verdicts[b]++;
	return report_outcome(&c);
}

static void add_verdict(struct reasons *r, const struct verdict *v)
{
	r->outcome = worst(r->outcome, v->outcome);
	r->hazards |= v->hazards;
	if (v->outcome == OUTCOME_INTACT)
		return;
	for (unsigned i = 0; i < checks_count; i++)
		if (v->checks >> i & 1 &&
		    report_check_outcome(i, v) != OUTCOME_INTACT)
			r->checks |= UINT64_C(1) << i;
	if (v->outcome == OUTCOME_UNKNOWN)
		r->unsure |= v->unsure;
}

static struct reasons find_reasons(const struct report_input *in, size_t target)
{
	const struct located *l = in->located;
	struct reasons ret = { .outcome = OUTCOME_INTACT };

	for (size_t i = 0; i < l->threads_count; i++)
		for (size_t k = 0; k < l->threads[i].frames_count; k++)
			add_verdict(&ret,
				    &in->threads[i].frames[k].verdicts[target]);
	for (size_t i = 0; i < l->dormant_count; i++)
		add_verdict(&ret, &in->dormant[i].verdicts[target]);
	if (in->criu)
		ret.outcome = worst(ret.outcome, in->criu[target].outcome);
	ret.unsure &= ~ret.checks;
	return ret;
}

#define IDS_MAX 3

/* The first few, what is certain first. */
static void add_id(struct text *t, const char *before, const char *id,
		   size_t *count)
{
	if (*count < IDS_MAX)
		text_printf(t, "%s%s%s", *count ? ", " : "", before, id);
	++*count;
}

static void add_check_ids(struct text *t, const char *before, uint64_t mask,
			  size_t *count)
{
	for (unsigned i = 0; i < checks_count; i++)
		if (mask >> i & 1)
			add_id(t, before, checks[i].id, count);
}

/* What criu does by itself: --cpu-cap is the user's. */
static bool is_criu_reason(enum criu_index i)
{
	switch (criu_reasons[i].kind) {
	case CRIU_REFUSES:
	case CRIU_LOSES:
	case CRIU_KILLS:
	case CRIU_DOUBTS:
		return true;
	case CRIU_REFUSES_FPU:
	case CRIU_REFUSES_CPU:
	case CRIU_REMARKS:
		break;
	}
	return false;
}

static void add_criu_ids(struct text *t, const char *before, uint64_t mask,
			 size_t *count)
{
	for (enum criu_index i = 0; i < CRIU_INDEXES; i++)
		if (mask >> i & 1 && is_criu_reason(i))
			add_id(t, before, criu_reasons[i].id, count);
}

static void add_ids(struct text *t, const struct reasons *r,
		    const struct criu_findings *criu)
{
	size_t count = 0;

	add_criu_ids(t, "", criu ? criu->found : 0, &count);
	add_check_ids(t, "", r->checks, &count);
	add_criu_ids(t, "perhaps ", criu ? criu->unsure : 0, &count);
	add_check_ids(t, "perhaps ", r->unsure, &count);
	for (unsigned i = 0; i < hazards_count; i++)
		if (r->hazards >> i & 1)
			add_id(t, "hazard ", hazards[i].id, &count);
	if (count > IDS_MAX)
		text_printf(t, " and %zu more", count - IDS_MAX);
}

/* In front of a part of the sentence. */
static void add_separator(struct text *t, bool *begun)
{
	text_add(t, *begun ? "; " : ": ");
	*begun = true;
}

/* A target that is the only one needs no name. */
static void add_target(struct text *t, const struct report *r,
		       const struct report_input *in, size_t target,
		       bool *begun)
{
	const struct criu_findings *criu =
		in->criu ? &in->criu[target].why : NULL;
	struct reasons reasons = find_reasons(in, target);
	struct text ids = TEXT_INIT;

	add_ids(&ids, &reasons, criu);
	if (r->targets_count == 1 && ids.size) {
		add_separator(t, begun);
		text_add(t, text_string(&ids));
	} else if (ids.size || reasons.outcome != OUTCOME_INTACT) {
		add_separator(t, begun);
		if (r->targets_count > 1)
			text_printf(t, "%s on %s",
				    outcome_name(reasons.outcome),
				    report_target_title(&r->targets[target]));
		if (ids.size)
			text_printf(t, " (%s)", text_string(&ids));
	}
	text_deinit(&ids);
}

static void add_count(struct text *t, size_t count, const char *one,
		      const char *several, bool *begun)
{
	if (!count)
		return;
	add_separator(t, begun);
	text_printf(t, "%zu %s", count, count == 1 ? one : several);
}

static void add_name(struct text *t, const struct snapshot *s)
{
	bool process = s->kind == SOURCE_PROCESS;

	if (!process)
		text_add(t, s->name ? s->name : source_kind_names[s->kind]);
	if (s->command[0])
		text_printf(t, process ? "%s" : " (%s)", s->command);
	else if (process)
		text_add(t, "(no name)");
}

static void add_what(struct text *t, const struct report *r,
		     const struct report_input *in)
{
	const struct report_counts *c = &in->counts;
	bool begun = false;

	add_name(t, in->snapshot);
	add_count(t, c->autopsies, "failed sigreturn", "failed sigreturns",
		  &begun);
	for (size_t i = 0; i < in->autopsies_count; i++)
		text_printf(t, "%s%s", i ? ", " : " by ",
			    checks[in->autopsies[i].finding.check].id);
	for (size_t i = 0; i < r->targets_count; i++)
		add_target(t, r, in, i, &begun);
	add_count(t, c->incomplete, "thread may have more frames",
		  "threads may have more frames", &begun);
	add_count(t, c->dormant, "frame is dormant", "frames are dormant",
		  &begun);
	add_count(t, c->disagreements, "rehearsal went otherwise",
		  "rehearsals went otherwise", &begun);
	add_count(t, in->hints_count, "hint", "hints", &begun);
}

/* "-": nothing was found that could have an outcome. */
static const char *outcome_of(const struct report_input *in)
{
	const struct report_counts *c = &in->counts;

	if (c->autopsies)
		return outcome_name(OUTCOME_FATAL);
	if (!c->frames && !c->dormant && !c->incomplete && !in->criu)
		return "-";
	return outcome_name(report_outcome_all(c));
}

static void emit_heading(const struct report *r, struct emitter *e)
{
	struct text t = TEXT_INIT;

	text_add(&t, "input");
	if (r->targets_count == 1 && !r->targets[0].is_host)
		text_printf(&t, ", on %s", r->targets[0].target.name);
	emit_string(e, &F_OUTCOME, OUTCOME_HEADING);
	emit_string(e, &F_NUMBERS, NUMBER_HEADING);
	emit_string(e, &F_WHAT, text_string(&t));
	text_deinit(&t);
}

void report_emit_brief(const struct report *r, const struct report_input *in,
		       bool first, struct emitter *e)
{
	const struct report_counts *c = &in->counts;
	const char *outcome = outcome_of(in);
	struct text numbers = TEXT_INIT, what = TEXT_INIT, pad = TEXT_INIT;

	text_pad(&pad, ' ', (long)strlen(OUTCOME_HEADING) -
				    (long)strlen(outcome));
	text_printf(&numbers, "%7d  %7zu  %6zu", (int)in->snapshot->pid,
		    c->threads, c->frames + c->dormant);
	add_what(&what, r, in);

	emit_array(e, &F_TABLE, SHAPE_TABLE);
	if (first)
		emit_heading(r, e);
	emit_string(e, &F_OUTCOME, outcome);
	emit_string(e, &F_PAD, text_string(&pad));
	emit_string(e, &F_NUMBERS, text_string(&numbers));
	emit_string(e, &F_WHAT, text_string(&what));
	emit_end(e);
	text_deinit(&numbers);
	text_deinit(&what);
	text_deinit(&pad);
}
