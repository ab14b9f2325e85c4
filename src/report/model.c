/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.c - everything a report says, put together and not yet worded */
#include "report/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct report *report_create(const struct report_target *targets,
			     size_t targets_count)
{
	struct report *r = calloc(1, sizeof(*r));

	if (r) {
		r->targets = targets;
		r->targets_count = targets_count;
	}
	return r;
}

static void input_deinit(struct report_input *in)
{
	for (size_t i = 0; in->threads && i < in->located->threads_count; i++) {
		struct report_thread *t = &in->threads[i];
		size_t count = in->located->threads[i].frames_count;

		for (size_t k = 0; t->frames && k < count; k++) {
			free(t->frames[k].verdicts);
			free(t->frames[k].rehearsal);
		}
		free(t->frames);
	}
	free(in->threads);
	for (size_t i = 0; in->dormant && i < in->located->dormant_count; i++) {
		free(in->dormant[i].verdicts);
		free(in->dormant[i].rehearsal);
	}
	free(in->dormant);
	report_autopsies_deinit(in);
	report_criu_deinit(in);
	located_destroy(in->located);
	snapshot_destroy(in->snapshot);
}

void report_destroy(struct report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->inputs_count; i++)
		input_deinit(&r->inputs[i]);
	free(r->inputs);
	for (size_t i = 0; i < r->errors_count; i++) {
		free(r->errors[i].name);
		free(r->errors[i].message);
	}
	free(r->errors);
	free(r);
}

/*
 * What a thread of a process must have used: its registers, and the first
 * `count` of its frames, which it wrote last, show it. Others start anew.
 */
static uint64_t seen_features(const struct snapshot *s,
			      const struct located_thread *thread,
			      size_t count)
{
	struct bytes xstate = { thread->thread->xstate,
				thread->thread->xstate_size, 0 };
	struct xstate_header header;
	struct xstate_sw sw;
	uint64_t seen = 0;

	if (s->kind != SOURCE_PROCESS)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (xstate_sw_decode(
			    frame_image(thread->frames[i].facts).bytes, &sw))
			seen |= sw.xfeatures;
	if (xstate_header_decode(xstate, &header))
		seen |= header.xstate_bv;
	return seen;
}

/* Whichever thread resumes a parked stack: what all have used. */
static uint64_t common_features(const struct snapshot *s,
				const struct located *l)
{
	uint64_t seen = l->threads_count ? UINT64_MAX : 0;

	for (size_t i = 0; i < l->threads_count; i++)
		seen &= seen_features(s, &l->threads[i],
				      l->threads[i].frames_count);
	return seen;
}

/*
 * What the returning thread may use: on the machine that it runs on what it
 * has used; elsewhere it starts anew.
 */
static uint64_t thread_features(const struct report_input *in, uint64_t seen,
				const struct report_target *t)
{
	if (!t->is_host || in->snapshot->kind != SOURCE_PROCESS)
		return t->target.features;
	return t->target.features | (seen & XSTATE_DYNAMIC);
}

static void count_verdict(struct report_counts *c, const struct verdict *v)
{
	c->verdicts[v->outcome]++;
	c->bad += verdict_is_bad(v);
	c->hazards += v->hazards != 0;
}

/* One verdict per target; NULL if there is no memory. `in`: NULL if idle. */
static struct verdict *judge(const struct report *r,
			     const struct report_input *in, uint64_t seen,
			     const struct frame_facts *facts)
{
	struct verdict *ret = calloc(r->targets_count, sizeof(*ret));

	for (size_t i = 0; ret && i < r->targets_count; i++) {
		const struct report_target *rt = &r->targets[i];
		struct target t = rt->target;

		if (in)
			target_set_features(&t, thread_features(in, seen, rt));
		ret[i] = predict(facts, &t);
	}
	return ret;
}

struct verdict *report_judge(void *arg, const struct frame_facts *f)
{
	return judge(arg, NULL, 0, f);
}

static struct error *judge_frame(const struct report *r,
				 struct report_input *in, uint64_t seen,
				 struct located_frame *from,
				 struct report_frame *f)
{
	f->located = from;
	f->verdicts = TAKE_PTR(from->verdicts);
	if (in->snapshot->kind == SOURCE_PROCESS)
		f->dynamic = seen & XSTATE_DYNAMIC;
	if (!f->verdicts)
		f->verdicts = judge(r, in, seen, from->facts);
	if (!f->verdicts)
		return &error_no_memory;
	for (size_t i = 0; i < r->targets_count; i++)
		count_verdict(&in->counts, &f->verdicts[i]);
	return NULL;
}

static struct error *judge_thread(const struct report *r,
				  struct report_input *in, size_t index)
{
	struct report_thread *t = &in->threads[index];
	struct located_frame *frames = in->located->threads[index].frames;
	size_t count = t->located->frames_count;

	in->counts.threads++;
	in->counts.incomplete += t->located->complete != TRI_YES;
	if (!count)
		return NULL;
	t->frames = calloc(count, sizeof(*t->frames));
	if (!t->frames)
		return &error_no_memory;
	for (size_t i = 0; i < count; i++) {
		struct error *err = judge_frame(
			r, in, seen_features(in->snapshot, t->located, i + 1),
			&frames[i], &t->frames[i]);

		if (err)
			return err;
		in->counts.frames++;
	}
	return NULL;
}

static struct error *judge_dormant(const struct report *r,
				   struct report_input *in)
{
	const struct located *l = in->located;
	uint64_t seen = common_features(in->snapshot, l);

	in->dormant = calloc(l->dormant_count + 1, sizeof(*in->dormant));
	if (!in->dormant)
		return &error_no_memory;
	for (size_t i = 0; i < l->dormant_count; i++) {
		struct error *err = judge_frame(r, in, seen, &l->dormant[i],
						&in->dormant[i]);

		if (err)
			return err;
		in->counts.dormant++;
	}
	return NULL;
}

/* Is every frame intact on the target of that index? */
static bool intact_on(const struct report_input *in, size_t target)
{
	for (size_t i = 0; i < in->located->dormant_count; i++)
		if (in->dormant[i].verdicts[target].outcome != OUTCOME_INTACT)
			return false;
	for (size_t i = 0; i < in->located->threads_count; i++) {
		const struct report_thread *t = &in->threads[i];

		for (size_t k = 0; k < t->located->frames_count; k++)
			if (t->frames[k].verdicts[target].outcome !=
			    OUTCOME_INTACT)
				return false;
	}
	return true;
}

static void add_counts(struct report_counts *sum,
		       const struct report_counts *c)
{
	sum->threads += c->threads;
	sum->frames += c->frames;
	sum->dormant += c->dormant;
	sum->bad += c->bad;
	sum->hazards += c->hazards;
	sum->incomplete += c->incomplete;
	sum->settled += c->settled;
	sum->disagreements += c->disagreements;
	sum->autopsies += c->autopsies;
	sum->unsearched += c->unsearched;
	sum->restored_bad += c->restored_bad;
	sum->criu_refuses += c->criu_refuses;
	for (unsigned o = 0; o < OUTCOMES; o++) {
		sum->verdicts[o] += c->verdicts[o];
		sum->restored[o] += c->restored[o];
	}
}

struct error *report_add(struct report *r, struct snapshot *s,
			 struct located *l)
{
	struct report_input in = { .snapshot = s, .located = l };
	struct report_input *inputs = reallocarray(
		r->inputs, r->inputs_count + 1, sizeof(*inputs));

	if (!inputs) {
		input_deinit(&in);
		return &error_no_memory;
	}
	r->inputs = inputs;
	in.threads = calloc(l->threads_count + 1, sizeof(*in.threads));

	struct error *err = in.threads ? NULL : &error_no_memory;

	for (size_t i = 0; !err && i < l->threads_count; i++) {
		in.threads[i].located = &l->threads[i];
		err = judge_thread(r, &in, i);
	}
	if (!err)
		err = judge_dormant(r, &in);
	if (!err)
		err = report_judge_criu(r, &in);
	if (err) {
		input_deinit(&in);
		return err;
	}
	in.counts.unsearched = l->memory_searched < l->memory;
	for (size_t i = 0; i < r->targets_count; i++)
		in.targets_intact += intact_on(&in, i);
	add_counts(&r->counts, &in.counts);
	r->inputs[r->inputs_count++] = in;
	r->examined++;
	return NULL;
}

const struct report_error *report_add_error(struct report *r, const char *name,
					    pid_t pid, const struct error *err)
{
	struct report_error *errors = reallocarray(
		r->errors, r->errors_count + 1, sizeof(*errors));
	struct report_error e = {
		.name = name ? strdup(name) : NULL,
		.pid = pid,
		.code = error_code(err),
		.message = strdup(error_message(err)),
	};

	if (errors)
		r->errors = errors;
	if (!errors || !e.message || (name && !e.name)) {
		free(e.name);
		free(e.message);
		return NULL;
	}
	r->errors[r->errors_count] = e;
	return &r->errors[r->errors_count++];
}

void report_forget(struct report *r)
{
	input_deinit(&r->inputs[--r->inputs_count]);
}

static const enum outcome by_weight[] = {
	OUTCOME_FATAL, OUTCOME_GARBLED, OUTCOME_LOSSY, OUTCOME_UNKNOWN,
};

enum outcome report_outcome(const struct report_counts *c)
{
	for (unsigned i = 0; i < ARRAY_SIZE(by_weight); i++) {
		enum outcome o = by_weight[i];
		size_t settled = o == OUTCOME_UNKNOWN ? c->settled : 0;

		if (c->verdicts[o] > settled)
			return o;
	}
	return c->incomplete ? OUTCOME_UNKNOWN : OUTCOME_INTACT;
}

enum outcome report_outcome_all(const struct report_counts *c)
{
	enum outcome frames = report_outcome(c);

	for (unsigned i = 0; i < ARRAY_SIZE(by_weight); i++)
		if (frames == by_weight[i] || c->restored[by_weight[i]])
			return by_weight[i];
	return OUTCOME_INTACT;
}
