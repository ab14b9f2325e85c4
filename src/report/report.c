/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - the one walk over the model that makes text and JSON */
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config.h"
#include "report/autopsy.h"
#include "report/dormant.h"
#include "report/frame.h"

#define REPORT_FORMAT 1

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };
static const struct field BLANK = { .flow = FLOW_BLANK };

/* Headlines: text only, the sentence that matters most. */

static const struct field F_HEADLINE = { .flow = FLOW_LINE,
					 .style = STYLE_TITLE };

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void add_input_name(struct text *t, const struct report_input *in)
{
	const struct snapshot *s = in->snapshot;

	if (s->kind == SOURCE_PROCESS) {
		text_printf(t, "process %d", (int)s->pid);
		if (s->command[0])
			text_printf(t, " (%s)", s->command);
		return;
	}
	text_printf(t, "%s", s->name ? s->name : source_kind_names[s->kind]);
	if (s->command[0])
		text_printf(t, ": core of %s, process %d", s->command,
			    (int)s->pid);
	report_add_killer(in, t);
}

static void add_sentence(struct text *t, const struct report *r,
			 const struct report_input *in)
{
	static const char *const one[OUTCOMES] = {
		[OUTCOME_INTACT] = "would return intact on",
		[OUTCOME_LOSSY] = "would not return intact on",
		[OUTCOME_GARBLED] = "would not return intact on",
		[OUTCOME_FATAL] = "would not return intact on",
		[OUTCOME_UNKNOWN] = "not known to return intact on",
	};
	static const char *const several[OUTCOMES] = {
		[OUTCOME_INTACT] = "all would return intact on",
		[OUTCOME_LOSSY] = "not all would return intact on",
		[OUTCOME_GARBLED] = "not all would return intact on",
		[OUTCOME_FATAL] = "not all would return intact on",
		[OUTCOME_UNKNOWN] = "not all are known to return intact on",
	};
	const struct report_counts *c = &in->counts;
	const char *const *words = c->frames + c->dormant == 1 ? one : several;

	text_printf(t, ": %zu thread%s, ", c->threads, plural(c->threads));
	if (!c->frames && !c->dormant) {
		text_add(t, c->incomplete ? "no signal frame found, but not "
					    "all could be examined"
					  : "no signal frame");
		return;
	}
	report_add_frames(c, "signal frame", t);
	text_add(t, "; ");
	if (r->targets_count == 1)
		text_printf(t, "%s %s", words[report_outcome(c)],
			    r->targets[0].is_host ? "this machine"
						  : r->targets[0].target.name);
	else
		text_printf(t, "%s %zu of %zu targets", words[OUTCOME_INTACT],
			    in->targets_intact, r->targets_count);
	if (c->incomplete)
		text_add(t, "; there may be more");
}

static void emit_headlines(const struct report *r, struct emitter *e)
{
	for (size_t i = 0; i < r->inputs_count; i++) {
		const struct report_input *in = &r->inputs[i];
		struct text t = TEXT_INIT;

		report_emit_causes(in, r->inputs_count > 1 ? in->snapshot->name
							   : NULL, e);
		add_input_name(&t, in);
		add_sentence(&t, r, in);
		emit_string(e, &F_HEADLINE, text_string(&t));
		text_deinit(&t);
	}
}

/* Targets. */

static const struct field F_TARGETS = { .key = "targets",
					.flow = FLOW_HIDDEN };
static const struct field F_T_NAME = { .key = "name", .flow = FLOW_HIDDEN };
static const struct field F_T_TITLE = { .text = "%", .flow = FLOW_LINE,
					.style = STYLE_TITLE };
static const struct field F_T_CPU = { .key = "cpu", .text = ": %",
				      .flow = FLOW_MORE };
static const struct field F_T_CPU_HIDDEN = { .key = "cpu",
					     .flow = FLOW_HIDDEN };
static const struct field F_T_XFEATURES = {
	.key = "xfeatures", .text = "  xfeatures %", .flow = FLOW_LINE };
static const struct field F_T_SIZE = {
	.key = "user_size", .text = ", frames of % bytes", .flow = FLOW_MORE };
static const struct field F_T_LAYOUT = {
	.key = "layout", .text = ", % layout", .flow = FLOW_MORE };
static const struct field F_T_MXCSR = { .key = "mxcsr_mask",
					.flow = FLOW_HIDDEN };
static const struct field F_T_KERNEL = {
	.key = "kernel", .text = "  kernel %", .flow = FLOW_LINE };
static const struct field F_T_RULES = {
	.key = "rule_set", .text = ", rules %", .flow = FLOW_MORE };
static const struct field F_T_PROBED = { .key = "probed", .text = ", probed",
					 .flow = FLOW_MORE };
static const struct field F_T_NOTE = { .key = "note", .text = "  note: %",
				       .flow = FLOW_LINE,
				       .style = STYLE_WARNING };
static const struct field F_T_ORIGINS = { .key = "origin",
					  .flow = FLOW_HIDDEN };
static const struct field F_T_ASSUMED = { .key = "assumed",
					  .flow = FLOW_HIDDEN };
static const struct field F_T_ASSUMPTION = { .key = "", .text = "assumed: %",
					     .flow = FLOW_LINE,
					     .style = STYLE_FAINT };

/* "R5 (reverted)"; "R2 or R3" where the release cannot tell. */
static void add_rules(struct text *t, rules_mask mask)
{
	bool one = mask && !(mask & (mask - 1));
	const char *separator = "";

	if (!mask)
		text_add(t, "not known");
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		if (!(mask & RULES_BIT(i)))
			continue;
		text_printf(t, "%s%s", separator, rules_table[i].id);
		if (one)
			text_printf(t, " (%s)", rules_table[i].name);
		separator = " or ";
	}
}

static void emit_assumptions(const struct description *d, struct emitter *e)
{
	emit_array(e, &F_T_ASSUMED, SHAPE_INDENTED);
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++)
		if (d->assumed[i])
			emit_string(e, &F_T_ASSUMPTION, d->assumed[i]);
	emit_end(e);
}

static void emit_origins(const struct description *d, struct emitter *e)
{
	emit_object(e, &F_T_ORIGINS, SHAPE_JSON_ONLY);
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++) {
		const struct field f = {
			.key = description_field_names[i],
			.flow = FLOW_HIDDEN,
		};

		emit_string(e, &f, origin_names[d->origin[i]]);
	}
	emit_end(e);
}

static void emit_target(const struct report_target *rt, struct emitter *e)
{
	const struct target *t = &rt->target;
	bool named = strcmp(rt->cpu, t->name) != 0;
	struct text rules = TEXT_INIT;

	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_string(e, &F_T_NAME, t->name);
	emit_string(e, &F_T_TITLE, rt->is_host ? "this machine" : t->name);
	emit_string(e, named ? &F_T_CPU : &F_T_CPU_HIDDEN, rt->cpu);
	emit_word(e, &F_T_XFEATURES, t->cpu->xfeatures);
	if (t->user_size)
		emit_number(e, &F_T_SIZE, t->user_size);
	else
		emit_null(e, &F_T_SIZE);
	emit_string(e, &F_T_LAYOUT, xstate_family_name(t->cpu->family));
	if (t->cpu->mxcsr_mask)
		emit_word(e, &F_T_MXCSR, t->cpu->mxcsr_mask);
	else
		emit_null(e, &F_T_MXCSR);
	emit_string(e, &F_T_KERNEL, rt->description->kernel);
	add_rules(&rules, t->rules);
	emit_string(e, &F_T_RULES, text_string(&rules));
	emit_bool(e, &F_T_PROBED, rt->probed);
	emit_string(e, &F_T_NOTE, rt->note);
	emit_origins(rt->description, e);
	emit_assumptions(rt->description, e);
	emit_end(e);
	text_deinit(&rules);
}

/* Threads. */

static const struct field F_THREADS = { .key = "threads",
					.flow = FLOW_HIDDEN };
static const struct field F_TID = { .key = "tid", .text = "thread %",
				    .flow = FLOW_LINE,
				    .style = STYLE_TITLE };
static const struct field F_TID_HIDDEN = { .key = "tid",
					   .flow = FLOW_HIDDEN };
static const struct field F_THREAD_NAME = {
	.key = "name", .text = " (%)", .flow = FLOW_MORE };
static const struct field F_THREAD_IN = { .text = ", in %",
					  .flow = FLOW_MORE };
static const struct field F_THREAD_STATE = { .key = "state",
					     .flow = FLOW_HIDDEN };
static const struct field F_THREAD_STOPPED = { .key = "stopped",
					       .flow = FLOW_HIDDEN };
static const struct field F_THREAD_SYSCALL = { .key = "syscall",
					       .flow = FLOW_HIDDEN };
static const struct field F_THREAD_FUNCTION = { .key = "function",
						.flow = FLOW_HIDDEN };
static const struct field F_COMPLETE = { .key = "complete",
					 .flow = FLOW_HIDDEN };
static const struct field F_INCOMPLETE = {
	.key = "incomplete", .text = "  there may be more frames: %",
	.flow = FLOW_LINE, .style = STYLE_WARNING };
static const struct field F_LOST = {
	.key = "lost", .text = "  %", .flow = FLOW_LINE };
static const struct field F_LOST_HIDDEN = { .key = "lost",
					    .flow = FLOW_HIDDEN };
static const struct field F_STALE = { .key = "stale_frames",
				      .flow = FLOW_HIDDEN };
static const struct field F_FRAMES = { .key = "frames",
				       .flow = FLOW_HIDDEN };
static const struct field F_ALTSTACK = { .key = "altstack",
					 .flow = FLOW_HIDDEN };
static const struct field F_ALT_ADDRESS = { .key = "address",
					    .flow = FLOW_HIDDEN };
static const struct field F_ALT_SIZE = { .key = "size",
					 .flow = FLOW_HIDDEN };

/* Known from the copy in the innermost frame only. */
static void emit_altstack(const struct located_thread *l, struct emitter *e)
{
	const struct sigframe *f =
		l->frames_count ? &l->frames[0].facts.sigframe : NULL;

	if (!f || !f->altstack_size) {
		emit_null(e, &F_ALTSTACK);
		return;
	}
	emit_object(e, &F_ALTSTACK, SHAPE_JSON_ONLY);
	emit_word(e, &F_ALT_ADDRESS, f->altstack_sp);
	emit_number(e, &F_ALT_SIZE, (int64_t)f->altstack_size);
	emit_end(e);
}

static void emit_thread(const struct report *r,
			const struct report_view *view,
			const struct report_thread *rt, struct emitter *e)
{
	const struct located_thread *l = rt->located;
	const struct thread *t = l->thread;
	bool shown = l->frames_count || l->complete != TRI_YES;
	char state[2] = { t->state, '\0' };

	if (shown)
		emit_string(e, &BLANK, "");
	emit_object(e, &ELEMENT, shown ? SHAPE_PLAIN : SHAPE_JSON_ONLY);
	emit_number(e, shown ? &F_TID : &F_TID_HIDDEN, t->tid);
	emit_string(e, &F_THREAD_NAME, t->name[0] ? t->name : NULL);
	emit_string(e, &F_THREAD_IN, l->place.function);
	emit_string(e, &F_THREAD_FUNCTION, l->place.function);
	emit_string(e, &F_THREAD_STATE, state[0] ? state : NULL);
	emit_bool(e, &F_THREAD_STOPPED, t->stopped);
	if (t->syscall >= 0)
		emit_number(e, &F_THREAD_SYSCALL, t->syscall);
	else
		emit_null(e, &F_THREAD_SYSCALL);
	emit_bool(e, &F_COMPLETE, l->complete == TRI_YES);
	emit_string(e, &F_INCOMPLETE, l->complete == TRI_YES ? NULL
				      : l->incomplete ? l->incomplete
						      : "reason unknown");
	/* else the sentence above has said so */
	emit_string(e, l->complete == TRI_YES ? &F_LOST : &F_LOST_HIDDEN,
		    l->lost);
	emit_number(e, &F_STALE, (int64_t)l->stale);
	emit_altstack(l, e);
	emit_array(e, &F_FRAMES, SHAPE_INDENTED);
	for (size_t i = 0; i < l->frames_count; i++) {
		if (i)
			emit_string(e, &BLANK, "");
		report_emit_frame(r, view, &rt->frames[i], e);
	}
	emit_end(e);
	emit_end(e);
}

/* Inputs. */

static const struct field F_INPUTS = { .key = "inputs",
				       .flow = FLOW_HIDDEN };
static const struct field F_INPUT_TITLE = { .flow = FLOW_LINE,
					    .style = STYLE_TITLE };
static const struct field F_SOURCE = { .key = "source",
				       .flow = FLOW_HIDDEN };
static const struct field F_EXPORTED = { .key = "exported_from",
					 .flow = FLOW_HIDDEN };
static const struct field F_NAME = { .key = "name", .flow = FLOW_HIDDEN };
static const struct field F_PID = { .key = "pid", .flow = FLOW_HIDDEN };
static const struct field F_COMMAND = { .key = "command",
					.flow = FLOW_HIDDEN };
static const struct field F_EXECUTABLE = { .key = "executable",
					   .flow = FLOW_HIDDEN };
static const struct field F_CPU = { .key = "cpu", .flow = FLOW_HIDDEN };
static const struct field F_KERNEL = { .key = "kernel",
				       .flow = FLOW_HIDDEN };
static const struct field F_CPU_XFEATURES = { .key = "xfeatures",
					      .flow = FLOW_HIDDEN };
static const struct field F_CPU_LAYOUT = { .key = "layout",
					   .flow = FLOW_HIDDEN };
static const struct field F_MINSIGSTKSZ = { .key = "minsigstksz",
					    .flow = FLOW_HIDDEN };
static const struct field F_NOTES = { .key = "notes", .flow = FLOW_HIDDEN };
static const struct field F_NOTE = { .key = "", .text = "note: %",
				     .flow = FLOW_LINE,
				     .style = STYLE_WARNING };

/* What is known of the CPU that the input ran on. */
static void emit_source_cpu(const struct snapshot *s, struct emitter *e)
{
	uint64_t features = s->layout.features;

	if (!s->xfeatures && !features) {
		emit_null(e, &F_CPU);
		return;
	}
	emit_object(e, &F_CPU, SHAPE_JSON_ONLY);
	emit_word(e, &F_CPU_XFEATURES, s->xfeatures ? s->xfeatures
						    : features);
	emit_string(e, &F_CPU_LAYOUT,
		    features ? xstate_family_name(xstate_layout_family(
				       &s->layout, features))
			     : NULL);
	if (s->minsigstksz)
		emit_number(e, &F_MINSIGSTKSZ, (int64_t)s->minsigstksz);
	else
		emit_null(e, &F_MINSIGSTKSZ);
	emit_end(e);
}

static void emit_input(const struct report *r, const struct report_view *view,
		       const struct report_input *in, struct emitter *e)
{
	const struct snapshot *s = in->snapshot;
	struct text title = TEXT_INIT;
	bool detailed = in->counts.frames || in->counts.dormant ||
			in->counts.incomplete ||
			s->notes_count || in->autopsies_count ||
			in->hints_count;

	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	if (r->inputs_count > 1 && detailed) {
		add_input_name(&title, in);
		emit_string(e, &BLANK, "");
		emit_string(e, &F_INPUT_TITLE, text_string(&title));
	}
	emit_string(e, &F_SOURCE, source_kind_names[s->kind]);
	emit_string(e, &F_EXPORTED, s->exported_from);
	emit_string(e, &F_NAME, s->name);
	emit_number(e, &F_PID, s->pid);
	emit_string(e, &F_COMMAND, s->command[0] ? s->command : NULL);
	emit_string(e, &F_EXECUTABLE, s->executable);
	emit_source_cpu(s, e);
	emit_string(e, &F_KERNEL, s->kernel);
	report_emit_autopsies(in, e);
	emit_array(e, &F_THREADS, SHAPE_PLAIN);
	for (size_t i = 0; i < in->located->threads_count; i++)
		emit_thread(r, view, &in->threads[i], e);
	emit_end(e);
	report_emit_dormant(r, view, in, e);
	emit_array(e, &F_NOTES, SHAPE_PLAIN);
	if (s->notes_count)
		emit_string(e, &BLANK, "");
	for (size_t i = 0; i < s->notes_count; i++)
		emit_string(e, &F_NOTE, s->notes[i]);
	emit_end(e);
	emit_end(e);
	text_deinit(&title);
}

/* The end. */

static const struct field F_SUMMARY = { .key = "summary",
					.flow = FLOW_HIDDEN };
static const struct field F_S_OUTCOME = { .key = "outcome",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_LINE = { .flow = FLOW_LINE };
static const struct field F_S_INPUTS = { .key = "inputs",
					 .flow = FLOW_HIDDEN };
static const struct field F_S_FAILED = {
	.key = "failed_inputs", .text = "inputs that could not be examined: %",
	.flow = FLOW_LINE, .style = STYLE_WARNING };
static const struct field F_S_NONE_FAILED = { .key = "failed_inputs",
					      .flow = FLOW_HIDDEN };
static const struct field F_S_THREADS = { .key = "threads",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_FRAMES = { .key = "frames",
					 .flow = FLOW_HIDDEN };
static const struct field F_S_DORMANT = { .key = "dormant",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_INCOMPLETE = { .key = "incomplete_threads",
					     .flow = FLOW_HIDDEN };
static const struct field F_S_AUTOPSIES = { .key = "autopsies",
					    .flow = FLOW_HIDDEN };
static const struct field F_S_HAZARDS = { .key = "with_hazards",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_DISAGREEMENTS = {
	.key = "disagreements", .flow = FLOW_LINE, .style = STYLE_WARNING,
	.text = "rehearsals that went otherwise than predicted: %" };
static const struct field F_S_NO_DISAGREEMENT = { .key = "disagreements",
						  .flow = FLOW_HIDDEN };
static const struct field F_S_SETTLED = { .key = "settled",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_BY_OUTCOME = { .key = "by_outcome",
					     .flow = FLOW_HIDDEN };

static void emit_summary(const struct report *r, struct emitter *e)
{
	const struct report_counts *c = &r->counts;
	struct text line = TEXT_INIT;
	const char *separator = ": ";

	text_printf(&line, "%zu input%s, %zu thread%s, ", r->inputs_count,
		    plural(r->inputs_count), c->threads, plural(c->threads));
	report_add_frames(c, "frame", &line);
	if (r->targets_count > 1)
		text_printf(&line, " on %zu targets", r->targets_count);
	for (unsigned o = 0; o < OUTCOMES; o++) {
		if (!c->verdicts[o])
			continue;
		text_printf(&line, "%s%zu %s", separator, c->verdicts[o],
			    outcome_name((enum outcome)o));
		separator = ", ";
	}
	if (c->autopsies)
		text_printf(&line, "; %zu failed sigreturn%s", c->autopsies,
			    plural(c->autopsies));

	emit_string(e, &BLANK, "");
	emit_object(e, &F_SUMMARY, SHAPE_PLAIN);
	/* what has killed a thread was fatal */
	enum outcome outcome = c->autopsies ? OUTCOME_FATAL
					    : report_outcome(c);

	if (r->failed && outcome == OUTCOME_INTACT)
		outcome = OUTCOME_UNKNOWN;
	emit_string(e, &F_S_OUTCOME, outcome_name(outcome));
	emit_string(e, &F_S_LINE, text_string(&line));
	emit_number(e, &F_S_INPUTS, (int64_t)r->inputs_count);
	emit_number(e, r->failed ? &F_S_FAILED : &F_S_NONE_FAILED,
		    (int64_t)r->failed);
	emit_number(e, &F_S_THREADS, (int64_t)c->threads);
	emit_number(e, &F_S_FRAMES, (int64_t)c->frames);
	emit_number(e, &F_S_DORMANT, (int64_t)c->dormant);
	emit_number(e, &F_S_INCOMPLETE, (int64_t)c->incomplete);
	emit_number(e, &F_S_HAZARDS, (int64_t)c->hazards);
	if (r->rehearsed) {
		emit_number(e, &F_S_SETTLED, (int64_t)c->settled);
		emit_number(e, c->disagreements ? &F_S_DISAGREEMENTS
						: &F_S_NO_DISAGREEMENT,
			    (int64_t)c->disagreements);
	}
	emit_number(e, &F_S_AUTOPSIES, (int64_t)c->autopsies);
	emit_object(e, &F_S_BY_OUTCOME, SHAPE_JSON_ONLY);
	for (unsigned o = 0; o < OUTCOMES; o++) {
		const struct field f = {
			.key = outcome_name((enum outcome)o),
			.flow = FLOW_HIDDEN,
		};

		emit_number(e, &f, (int64_t)c->verdicts[o]);
	}
	emit_end(e);
	emit_end(e);
	text_deinit(&line);
}

static const struct field F_FORMAT = { .key = "format",
				       .flow = FLOW_HIDDEN };
static const struct field F_TOOL = { .key = "tool", .flow = FLOW_HIDDEN };
static const struct field F_VERSION = { .key = "version",
					.flow = FLOW_HIDDEN };

void report_emit(const struct report *r, const struct report_view *view,
		 struct emitter *e)
{
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_number(e, &F_FORMAT, REPORT_FORMAT);
	emit_string(e, &F_TOOL, PACKAGE_NAME);
	emit_string(e, &F_VERSION, PACKAGE_VERSION);
	emit_headlines(r, e);
	emit_array(e, &F_TARGETS, SHAPE_PLAIN);
	for (size_t i = 0; i < r->targets_count; i++)
		emit_target(&r->targets[i], e);
	emit_end(e);
	emit_array(e, &F_INPUTS, SHAPE_PLAIN);
	for (size_t i = 0; i < r->inputs_count; i++)
		emit_input(r, view, &r->inputs[i], e);
	emit_end(e);
	emit_summary(r, e);
	emit_end(e);
}
