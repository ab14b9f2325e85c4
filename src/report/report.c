/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - the one walk over the model that makes text and JSON */
#include "report/report.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config.h"
#include "locate/recall.h"
#include "report/autopsy.h"
#include "report/brief.h"
#include "report/dormant.h"
#include "report/frame.h"
#include "report/restore.h"
#include "report/summary.h"

#define REPORT_FORMAT 1

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };
static const struct field BLANK = { .flow = FLOW_BLANK };

/* Headlines: text only, the sentence that matters most. */

static const struct field F_HEADLINE = { .flow = FLOW_LINE,
					 .style = STYLE_TITLE };

void report_add_source(const struct snapshot *s, struct text *t)
{
	if (s->kind == SOURCE_PROCESS) {
		text_printf(t, "process %d", (int)s->pid);
		if (s->command[0])
			text_printf(t, " (%s)", s->command);
		return;
	}
	text_printf(t, "%s", s->name ? s->name : source_kind_names[s->kind]);
	if (s->command[0])
		text_printf(t, ": %s of %s, process %d",
			    source_kind_is_checkpoint(s->kind) ? "checkpoint"
							       : "core",
			    s->command, (int)s->pid);
}

static void add_input_name(struct text *t, const struct report_input *in)
{
	report_add_source(in->snapshot, t);
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

	text_printf(t, ": %zu thread%s, ", c->threads, text_plural(c->threads));
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
			    report_target_title(&r->targets[0]));
	else
		text_printf(t, "%s %zu of %zu targets", words[OUTCOME_INTACT],
			    in->targets_intact, r->targets_count);
	if (c->incomplete)
		text_add(t, "; there may be more");
}

bool report_is_notable(const struct report_input *in)
{
	const struct report_counts *c = &in->counts;

	return c->frames || c->dormant || c->incomplete ||
	       in->autopsies_count || in->hints_count;
}

static void emit_headline(const struct report *r,
			  const struct report_input *in, struct emitter *e)
{
	struct text t = TEXT_INIT;

	if (r->sweep && !report_is_notable(in))
		return;
	emit_front(e, true);
	report_emit_causes(in, r->several ? in->snapshot->name : NULL, e);
	add_input_name(&t, in);
	add_sentence(&t, r, in);
	emit_string(e, &F_HEADLINE, text_string(&t));
	report_emit_restores(r, in, e);
	text_deinit(&t);
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
static const struct field F_ALT_USED = { .key = "in_use",
					 .flow = FLOW_HIDDEN };
static const struct field F_PENDING = { .key = "pending",
					.flow = FLOW_HIDDEN };

/* Mostly known from the copy in the innermost frame only. */
static void emit_altstack(const struct thread *t, const struct sigframe *f,
			  struct emitter *e)
{
	uint64_t address = 0, size = 0;

	if (t->has & THREAD_HAS_ALTSTACK) {
		address = t->altstack;
		size = t->altstack_size;
	} else if (f) {
		address = f->altstack_sp;
		size = f->altstack_size;
	}
	if (!size) {
		emit_null(e, &F_ALTSTACK);
		return;
	}
	emit_object(e, &F_ALTSTACK, SHAPE_JSON_ONLY);
	emit_word(e, &F_ALT_ADDRESS, address);
	emit_number(e, &F_ALT_SIZE, (int64_t)size);
	if (t->has & THREAD_HAS_PC_SP)
		emit_bool(e, &F_ALT_USED,
			  t->regs.r[X86_RSP] - address - 1 < size);
	emit_end(e);
}

static void emit_pending(const struct thread *t, struct emitter *e)
{
	if (t->has & THREAD_HAS_PENDING)
		emit_word(e, &F_PENDING, t->pending);
	else
		emit_null(e, &F_PENDING);
}

static void emit_thread(const struct report *r,
			const struct report_view *view, struct recall *recall,
			const struct report_thread *rt, struct emitter *e)
{
	const struct located_thread *l = rt->located;
	const struct frame_facts *facts =
		l->frames_count ? recall_frame(recall, l->frames) : NULL;
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
	emit_altstack(t, facts ? &facts->sigframe : NULL, e);
	emit_pending(t, e);
	emit_array(e, &F_FRAMES, SHAPE_INDENTED);
	for (size_t i = 0; i < l->frames_count; i++) {
		if (i)
			emit_string(e, &BLANK, "");
		if (i)
			facts = recall_frame(recall, &l->frames[i]);
		report_emit_frame(r, view, &rt->frames[i], facts, e);
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

/*
 * Is there more to tell than the headline has? Of all the processes of a
 * system, what is as it should be is not shown unless more was asked for.
 */
static bool is_detailed(const struct report *r, const struct report_view *view,
			const struct report_input *in)
{
	const struct report_counts *c = &in->counts;

	if (!r->sweep)
		return report_is_notable(in) || in->snapshot->notes_count ||
		       in->criu;
	if (view->registers || view->raw)
		return report_is_notable(in);
	return report_outcome(c) != OUTCOME_INTACT || c->hazards ||
	       c->disagreements || in->autopsies_count || in->hints_count;
}

static void emit_input(const struct report *r, const struct report_view *view,
		       const struct report_input *in, struct emitter *e)
{
	const struct snapshot *s = in->snapshot;
	struct text title = TEXT_INIT;
	bool detailed = is_detailed(r, view, in);
	struct recall recall;

	recall.snapshot = s;
	emit_object(e, &ELEMENT,
		    detailed || !r->sweep ? SHAPE_PLAIN : SHAPE_JSON_ONLY);
	if (r->several && detailed) {
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
	report_emit_criu(r, in, e);
	emit_array(e, &F_THREADS, SHAPE_PLAIN);
	for (size_t i = 0; i < in->located->threads_count; i++)
		emit_thread(r, view, &recall, &in->threads[i], e);
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

static const struct field F_TARGETS = { .key = "targets",
					.flow = FLOW_HIDDEN };
static const struct field F_FORMAT = { .key = "format",
				       .flow = FLOW_HIDDEN };
static const struct field F_TOOL = { .key = "tool", .flow = FLOW_HIDDEN };
static const struct field F_VERSION = { .key = "version",
					.flow = FLOW_HIDDEN };

void report_emit_tool(struct emitter *e)
{
	emit_number(e, &F_FORMAT, REPORT_FORMAT);
	emit_string(e, &F_TOOL, PACKAGE_NAME);
	emit_string(e, &F_VERSION, PACKAGE_VERSION);
}

static void emit_begin(const struct report *r, struct emitter *e)
{
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	report_emit_tool(e);
	emit_array(e, &F_TARGETS, SHAPE_PLAIN);
	for (size_t i = 0; i < r->targets_count; i++)
		report_emit_target(&r->targets[i], e);
	emit_end(e);
	emit_array(e, &F_INPUTS, SHAPE_PLAIN);
}

static void emit_input_of(const struct report_walk *w,
			  const struct report_input *in)
{
	/* in front even of the targets */
	emit_headline(w->report, in, w->emitter);
	/* those of others may follow */
	if (w->report->several)
		emit_front(w->emitter, false);
	if (!w->begun)
		emit_begin(w->report, w->emitter);
	emit_input(w->report, w->view, in, w->emitter);
}

/* The rest of a document behind its inputs. */
static struct error *finish(const struct report *r,
			    const struct report_error *errors, size_t count,
			    struct emitter *e)
{
	emit_end(e);
	report_emit_errors(errors, count, e);
	emit_string(e, &BLANK, "");
	report_emit_summary(r, e);
	emit_end(e);
	return emit_finish(e);
}

/* A document of its own: one input, or why there is none, or neither. */
static struct error *emit_document(const struct report_walk *w,
				   const struct report *r,
				   const struct report_input *in,
				   const struct report_error *error)
{
	emit_begin(r, w->emitter);
	if (in)
		emit_input(r, w->view, in, w->emitter);
	return finish(r, error, error ? 1 : 0, w->emitter);
}

/* The report as it were if there were no other input. */
static struct report alone(const struct report *r,
			   const struct report_input *in)
{
	struct report one = *r;

	one.counts = in ? in->counts : (struct report_counts){ 0 };
	one.examined = in ? 1 : 0;
	one.failed = in ? 0 : 1;
	one.several = false;
	one.sweep = false;
	return one;
}

struct error *report_emit_input(struct report_walk *w,
				const struct report_input *in)
{
	struct report one = alone(w->report, in);
	struct error *err = NULL;

	switch (w->view->form) {
	case REPORT_LINES:
		err = emit_document(w, &one, in, NULL);
		break;
	case REPORT_BRIEF:
		if (w->report->sweep && !report_is_notable(in))
			return NULL;
		report_emit_brief(w->report, in, !w->begun, w->emitter);
		break;
	case REPORT_TEXT:
	case REPORT_JSON:
		emit_input_of(w, in);
		break;
	}
	w->begun = true;
	if (!err)
		err = emit_flush(w->emitter);
	w->failed = err;
	return err;
}

struct error *report_emit_error(struct report_walk *w,
				const struct report_error *error)
{
	struct report one = alone(w->report, NULL);
	struct error *err = NULL;

	if (w->view->form == REPORT_LINES && !w->failed)
		err = emit_document(w, &one, NULL, error);
	w->failed |= err != NULL;
	return err;
}

struct error *report_emit_end(struct report_walk *w)
{
	const struct report *r = w->report;

	if (w->failed)
		return NULL;
	switch (w->view->form) {
	case REPORT_LINES:
		/* what was passed by is no input's */
		return r->sweep ? emit_document(w, r, NULL, NULL) : NULL;
	case REPORT_BRIEF:
		if (w->begun)
			emit_string(w->emitter, &BLANK, "");
		if (r->examined)
			report_emit_summary(r, w->emitter);
		return emit_finish(w->emitter);
	case REPORT_TEXT:
		if (!w->begun)
			return NULL;
		break;
	case REPORT_JSON:
		if (!w->begun)
			emit_begin(r, w->emitter);
		break;
	}
	return finish(r, r->errors, r->errors_count, w->emitter);
}
