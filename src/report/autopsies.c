/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsies.c - what the threads of an input died of */
#include <stdlib.h>

#include "report/model.h"

void report_target_destroy(struct report_target *t)
{
	if (!t)
		return;
	description_destroy(t->description);
	free(t->cpu);
	free(t);
}

void report_autopsies_deinit(struct report_input *in)
{
	report_target_destroy(in->origin);
	free(in->autopsies);
	free(in->hints);
}

/*
 * The machine, as the task had it that returned from the frame: who wrote a
 * frame with tile data had asked for it.
 */
static struct target target_of(const struct report_target *origin,
			       const struct frame_facts *f)
{
	struct target t = origin->target;
	struct xstate_sw sw;

	if (xstate_sw_decode(frame_image(f).bytes, &sw) &&
	    sw.magic1 == XSTATE_MAGIC1)
		target_set_features(&t, t.features |
					(sw.xfeatures & XSTATE_DYNAMIC));
	return t;
}

/* The first of its suspects that explains the death. */
static bool examine(const struct report_target *origin,
		    const struct located_death *d, struct report_autopsy *ret)
{
	for (size_t i = 0; origin && i < d->suspects_count; i++) {
		const struct located_frame *f = &d->suspects[i];
		struct target t = target_of(origin, f->facts);
		struct autopsy a = autopsy_judge(&d->death, f->facts, &t);

		if (a.kind == AUTOPSY_NONE)
			continue;
		t.rules = a.rules;
		*ret = (struct report_autopsy){
			.death = d, .frame = f, .finding = a, .target = t,
		};
		return true;
	}
	return false;
}

static bool examine_left_over(const struct report_target *origin,
			      const struct located_frame *f,
			      struct report_hint *ret)
{
	struct target t = target_of(origin, f->facts);
	enum outcome o = autopsy_returned(f->facts, &t, &ret->check);

	ret->kind = o == OUTCOME_LOSSY ? REPORT_HINT_LOSSY
				       : REPORT_HINT_GARBLED;
	ret->frame = f;
	ret->death = NULL;
	return o != OUTCOME_INTACT;
}

struct error *report_add_autopsy(struct report *r,
				 struct report_target *origin)
{
	struct report_input *in = &r->inputs[r->inputs_count - 1];
	const struct located *l = in->located;

	in->origin = origin;
	in->autopsies = calloc(l->deaths_count + 1, sizeof(*in->autopsies));
	in->hints = calloc(l->deaths_count + l->returned_count + 1,
			   sizeof(*in->hints));
	if (!in->autopsies || !in->hints)
		return &error_no_memory;
	for (size_t i = 0; i < l->deaths_count; i++) {
		const struct located_death *d = &l->deaths[i];

		if (examine(origin, d, &in->autopsies[in->autopsies_count]))
			in->autopsies_count++;
		else if (autopsy_suspects(&d->death))
			in->hints[in->hints_count++] = (struct report_hint){
				.kind = REPORT_HINT_SUSPECTED, .death = d,
			};
	}
	for (size_t i = 0; origin && i < l->returned_count; i++)
		if (examine_left_over(origin, &l->returned[i],
				      &in->hints[in->hints_count]))
			in->hints_count++;
	in->counts.autopsies = in->autopsies_count;
	r->counts.autopsies += in->autopsies_count;
	return NULL;
}
