/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearsal.c - the part of a report that tells what came of trying */
#include <stdlib.h>

#include "base/text.h"
#include "locate/recall.h"
#include "report/frame.h"
#include "report/message.h"
#include "x86/siginfo.h"
#include "x86/xregs.h"

/* Collecting. */

/* The target that is the machine we run on; targets_count: none is. */
static size_t host_target(const struct report *r)
{
	size_t i = 0;

	while (i < r->targets_count && !r->targets[i].is_host)
		i++;
	return i;
}

static bool is_bad(const struct rehearsal *h)
{
	return h->done && (h->outcome == OUTCOME_LOSSY ||
			   h->outcome == OUTCOME_GARBLED ||
			   h->outcome == OUTCOME_FATAL);
}

/*
 * Does it answer what the prediction `v` left open? Not if the doubt is about
 * something that was replaced for the rehearsal: then the
 * prediction was made easier, too.
 */
static bool decides(const struct rehearsal *h, const struct verdict *v)
{
	return h->done && h->agrees && v->outcome == OUTCOME_UNKNOWN &&
	       h->outcome != OUTCOME_UNKNOWN &&
	       !(v->unsure & ~h->expected.unsure) &&
	       !(v->checks & ~h->expected.checks);
}

static void count(struct report_counts *c, const struct report_frame *f,
		  const struct report *r, uint64_t features)
{
	const struct rehearsal *h = f->rehearsal;
	size_t host = host_target(r);

	c->disagreements += !h->agrees;
	/* what it does here is no answer to what it does elsewhere */
	if (host == r->targets_count || h->features != features)
		return;

	const struct verdict *v = &f->verdicts[host];

	if (is_bad(h))
		c->bad += !verdict_is_bad(v);
	else if (decides(h, v))
		c->settled++;
}

static struct error *rehearse_one(struct report *r, struct report_input *in,
				  const struct rehearse_stage *stage,
				  struct report_frame *f)
{
	struct report_counts before = in->counts;
	uint64_t features = (cpu_default_features(&stage->host->cpu) |
			     f->dynamic) & stage->host->cpu.xfeatures;
	size_t host = host_target(r);
	struct recall recall;

	recall.snapshot = in->snapshot;
	f->rehearsal = calloc(1, sizeof(*f->rehearsal));
	if (!f->rehearsal)
		return &error_no_memory;
	rehearse(stage, recall_frame(&recall, f->located), features,
		 f->rehearsal);
	f->rehearsed_pages = stage->pages;
	f->settled = host < r->targets_count &&
		     f->rehearsal->features == features &&
		     decides(f->rehearsal, &f->verdicts[host]);
	f->left_out = host < r->targets_count && f->rehearsal->done &&
		      (f->verdicts[host].checks &
		       ~f->rehearsal->expected.checks);
	count(&in->counts, f, r, features);
	r->counts.bad += in->counts.bad - before.bad;
	r->counts.settled += in->counts.settled - before.settled;
	r->counts.disagreements +=
		in->counts.disagreements - before.disagreements;
	return NULL;
}

struct error *report_rehearse(struct report *r,
			      const struct rehearse_stage *stage)
{
	struct report_input *in = &r->inputs[r->inputs_count - 1];
	struct error *err = NULL;

	for (size_t i = 0; i < in->located->threads_count; i++) {
		struct report_thread *t = &in->threads[i];

		for (size_t k = 0; !err && k < t->located->frames_count; k++)
			err = rehearse_one(r, in, stage, &t->frames[k]);
	}
	for (size_t i = 0; !err && i < in->located->dormant_count; i++)
		err = rehearse_one(r, in, stage, &in->dormant[i]);
	return err;
}

/* Telling. */

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field F_REHEARSAL = TO_JSON("rehearsal");
static const struct field F_LINE = { .text = "rehearsed    %",
				     .flow = FLOW_LINE };
static const struct field F_MORE = { .text = "             %",
				     .flow = FLOW_LINE };
static const struct field F_ALARM = { .text = "             %",
				      .flow = FLOW_LINE,
				      .style = STYLE_WARNING };
static const struct field F_OUTCOME = TO_JSON("outcome");
static const struct field F_EXPECTED = TO_JSON("expected");
static const struct field F_AGREES = TO_JSON("agrees");
static const struct field F_SETTLES = TO_JSON("settles");
static const struct field F_REASON = TO_JSON("reason");
static const struct field F_LOST = TO_JSON("lost");
static const struct field F_GARBLED = TO_JSON("garbled");
static const struct field F_DIFFERS = TO_JSON("differs");
static const struct field F_SIGNAL = TO_JSON("signal");
static const struct field F_NUMBER = TO_JSON("number");
static const struct field F_NAME = TO_JSON("name");
static const struct field F_CODE = TO_JSON("code");
static const struct field F_PAGES = TO_JSON("pages");
static const struct field F_XFEATURES = TO_JSON("xfeatures");

static const char *const page_names[] = {
	[REHEARSE_PRESENT] = "present",
	[REHEARSE_ABSENT] = "absent",
};

/* The registers of component `i` that differ; its name if none is named. */
static void add_difference(struct text *t, const struct rehearsal *h,
			   unsigned i)
{
	if (h->registers[i])
		message_add_registers(t, i, h->registers[i]);
	else
		message_add_components(t, XSTATE_BIT(i));
}

static void emit_differences(const struct rehearsal *h, struct emitter *e)
{
	struct text t = TEXT_INIT;

	emit_array(e, &F_DIFFERS, SHAPE_JSON_ONLY);
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!((h->lost | h->garbled) & XSTATE_BIT(i)))
			continue;
		text_clear(&t);
		add_difference(&t, h, i);
		emit_string(e, &ELEMENT, text_string(&t));
	}
	if (h->mxcsr_differs)
		emit_string(e, &ELEMENT, "mxcsr");
	emit_end(e);
	text_deinit(&t);
}

static void emit_mask_line(const char *what, const struct rehearsal *h,
			   uint64_t mask, bool mxcsr, struct emitter *e)
{
	struct text t = TEXT_INIT;

	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(mask & XSTATE_BIT(i)))
			continue;
		text_add(&t, t.size ? "; " : what);
		add_difference(&t, h, i);
	}
	if (mxcsr) {
		text_add(&t, t.size ? "; " : what);
		text_add(&t, "mxcsr");
	}
	if (t.size)
		emit_string(e, &F_MORE, text_string(&t));
	text_deinit(&t);
}

/* "intact, as predicted" */
static void emit_line(const struct report_frame *f, struct emitter *e)
{
	const struct rehearsal *h = f->rehearsal;
	const char *expected = outcome_name(h->expected.outcome);
	struct text t = TEXT_INIT;

	if (!h->done) {
		text_printf(&t, "not possible: %s", h->reason);
		emit_string(e, &F_LINE, text_string(&t));
		text_deinit(&t);
		return;
	}
	text_add(&t, outcome_name(h->outcome));
	if (h->outcome == OUTCOME_UNKNOWN)
		text_printf(&t, ": %s", h->reason);
	else if (f->settled)
		text_add(&t, ", which settles what was not predicted");
	else if (h->agrees && h->expected.outcome == h->outcome)
		text_add(&t, ", as predicted for this machine");
	else if (h->agrees && h->expected.outcome == OUTCOME_LOSSY)
		text_add(&t, ": what is lost had its initial value");
	else if (h->agrees && h->expected.outcome == OUTCOME_GARBLED)
		text_add(&t, ": the bytes happened to be right");
	else
		text_printf(&t, ", predicted %s", expected);
	if (f->left_out)
		text_add(&t, " of what can be tried");
	if (f->rehearsed_pages == REHEARSE_ABSENT)
		text_add(&t, ", with absent pages");
	if (h->features & XSTATE_DYNAMIC)
		text_add(&t, ", by a task that uses AMX");
	emit_string(e, &F_LINE, text_string(&t));
	text_deinit(&t);
}

static void emit_signal(const struct rehearsal *h, struct emitter *e)
{
	const char *name = siginfo_signal_name((unsigned)h->signal);
	struct text t = TEXT_INIT;

	if (h->spun)
		emit_string(e, &F_MORE, "it never came back");
	if (!h->signal) {
		emit_null(e, &F_SIGNAL);
		return;
	}
	text_printf(&t, "it got %s instead", name ? name : "a signal");
	emit_string(e, &F_MORE, text_string(&t));
	text_deinit(&t);
	emit_object(e, &F_SIGNAL, SHAPE_JSON_ONLY);
	emit_number(e, &F_NUMBER, h->signal);
	emit_string(e, &F_NAME, name);
	emit_number(e, &F_CODE, h->code);
	emit_end(e);
}

static void emit_alarm(const struct rehearsal *h, struct emitter *e)
{
	struct text t = TEXT_INIT;

	text_printf(&t, "THE PREDICTION IS WRONG: %s was expected; %s",
		    outcome_name(h->expected.outcome), h->difference);
	emit_string(e, &F_ALARM, text_string(&t));
	emit_string(e, &F_ALARM, "please report this, with the output of the "
				 "same command with --json --raw added");
	text_deinit(&t);
}

void report_emit_rehearsal(const struct report_frame *f, struct emitter *e)
{
	const struct rehearsal *h = f->rehearsal;

	if (!h)
		return;
	emit_object(e, &F_REHEARSAL, SHAPE_PLAIN);
	emit_line(f, e);
	emit_string(e, &F_OUTCOME, outcome_name(h->outcome));
	emit_string(e, &F_EXPECTED,
		    h->done ? outcome_name(h->expected.outcome) : NULL);
	emit_bool(e, &F_AGREES, h->agrees);
	emit_bool(e, &F_SETTLES, f->settled);
	emit_string(e, &F_REASON, h->reason[0] ? h->reason : NULL);
	report_emit_components(&F_LOST, h->lost, e);
	report_emit_components(&F_GARBLED, h->garbled, e);
	emit_differences(h, e);
	emit_mask_line("lost: ", h, h->lost, h->mxcsr_differs, e);
	emit_mask_line("garbled: ", h, h->garbled, false, e);
	emit_signal(h, e);
	emit_string(e, &F_PAGES, page_names[f->rehearsed_pages]);
	emit_word(e, &F_XFEATURES, h->features);
	if (!h->agrees)
		emit_alarm(h, e);
	emit_end(e);
}
