/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.c - the walk over what was compared that makes text and JSON */
#include "report/comparison.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/frame.h"
#include "report/summary.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field BLANK = { .flow = FLOW_BLANK };
static const struct field F_LINE = { .flow = FLOW_LINE };
static const struct field F_TITLE = { .flow = FLOW_LINE,
				      .style = STYLE_TITLE };
static const struct field F_WARNING = { .flow = FLOW_LINE,
					.style = STYLE_WARNING };
static const struct field F_OUTCOME = TO_JSON("outcome");
static const struct field F_PID = TO_JSON("pid");
static const struct field F_TID = TO_JSON("tid");
static const struct field F_THREADS = TO_JSON("threads");
static const struct field F_FRAMES = TO_JSON("frames");

static const char *const when_names[COMPARED_SIDES] = {
	[COMPARED_BEFORE] = "before",
	[COMPARED_AFTER] = "after",
};

/* The inputs. */

static const struct field F_SIDES[COMPARED_SIDES] = {
	[COMPARED_BEFORE] = TO_JSON("before"),
	[COMPARED_AFTER] = TO_JSON("after"),
};
static const struct field F_SOURCE = TO_JSON("source");
static const struct field F_EXPORTED = TO_JSON("exported_from");
static const struct field F_NAME = TO_JSON("name");
static const struct field F_COMMAND = TO_JSON("command");
static const struct field F_DORMANT = TO_JSON("dormant");
static const struct field F_NOTES = TO_JSON("notes");
static const struct field F_NOTE = { .key = "", .text = "note: %",
				     .flow = FLOW_LINE,
				     .style = STYLE_WARNING };

static size_t count_frames(const struct compared_input *in)
{
	size_t count = 0;

	for (size_t i = 0; i < in->located->threads_count; i++)
		count += in->located->threads[i].frames_count;
	return count;
}

static void add_count(struct text *t, size_t count, const char *word)
{
	text_printf(t, "%zu %s%s", count, word, text_plural(count));
}

static void emit_side_line(const struct compared *c, enum compared_when when,
			   struct emitter *e)
{
	const struct compared_input *inputs = c->inputs[when];
	size_t count = c->inputs_count[when], threads = 0, frames = 0,
	       dormant = 0;
	struct text t = TEXT_INIT;

	for (size_t i = 0; i < count; i++) {
		threads += inputs[i].located->threads_count;
		frames += count_frames(&inputs[i]);
		dormant += inputs[i].located->dormant_count;
	}
	text_printf(&t, "%-8s", when_names[when]);
	if (count > 1 && inputs[0].snapshot->name)
		text_printf(&t, "%s: %zu processes", inputs[0].snapshot->name,
			    count);
	else
		report_add_source(inputs[0].snapshot, &t);
	if (count > 1 && !inputs[0].snapshot->name)
		text_printf(&t, " and %zu more", count - 1);
	text_add(&t, ": ");
	add_count(&t, threads, "thread");
	text_add(&t, ", ");
	add_count(&t, frames, "frame");
	if (dormant)
		text_printf(&t, ", %zu dormant", dormant);
	emit_string(e, &F_LINE, text_string(&t));
	text_deinit(&t);
}

static void emit_side(const struct compared *c, enum compared_when when,
		      struct emitter *e)
{
	emit_side_line(c, when, e);
	emit_array(e, &F_SIDES[when], SHAPE_PLAIN);
	for (size_t i = 0; i < c->inputs_count[when]; i++) {
		const struct compared_input *in = &c->inputs[when][i];
		const struct snapshot *s = in->snapshot;

		emit_object(e, &ELEMENT, SHAPE_INDENTED);
		emit_string(e, &F_SOURCE, source_kind_names[s->kind]);
		emit_string(e, &F_EXPORTED, s->exported_from);
		emit_string(e, &F_NAME, s->name);
		emit_number(e, &F_PID, s->pid);
		emit_string(e, &F_COMMAND, s->command[0] ? s->command : NULL);
		emit_number(e, &F_THREADS, (int64_t)in->located->threads_count);
		emit_number(e, &F_FRAMES, (int64_t)count_frames(in));
		emit_number(e, &F_DORMANT,
			    (int64_t)in->located->dormant_count);
		emit_array(e, &F_NOTES, SHAPE_PLAIN);
		for (size_t n = 0; n < s->notes_count; n++)
			emit_string(e, &F_NOTE, s->notes[n]);
		emit_end(e);
		emit_end(e);
	}
	emit_end(e);
}

/* Frames. */

static const struct field F_ADDRESS = TO_JSON("address");
static const struct field F_KIND = TO_JSON("kind");
static const struct field F_COMPONENT = TO_JSON("component");
static const struct field F_DIFFERS = { .key = "differs",
					.flow = FLOW_HIDDEN };

/* "thread 7", "thread 7, now 9", "a parked stack" */
static void add_thread(struct text *t,
		       const struct located_thread *const threads[])
{
	const struct located_thread *l = threads[!threads[0]];

	if (!l) {
		text_add(t, "a parked stack");
		return;
	}
	text_printf(t, "thread %d", (int)l->thread->tid);
	if (threads[0] && threads[1] &&
	    threads[0]->thread->tid != threads[1]->thread->tid)
		text_printf(t, ", now %d", (int)threads[1]->thread->tid);
	if (l->thread->name[0])
		text_printf(t, " (%s)", l->thread->name);
}

static const struct located_frame *some_frame(const struct compared_frame *f)
{
	return f->frames[!f->frames[0]];
}

static void emit_frame_title(const struct compared_frame *f, struct emitter *e)
{
	static const char *const verbs[COMPARED_OUTCOMES] = {
		[COMPARED_SAME] = "is the same",
		[COMPARED_DIFFERS] = "differs",
		[COMPARED_GONE] = "is gone",
		[COMPARED_ADDED] = "was added",
		[COMPARED_UNKNOWN] = "could not be compared whole",
	};
	const struct sigframe *s = &some_frame(f)->facts->sigframe;
	struct text t = TEXT_INIT;

	text_printf(&t, "frame at 0x%" PRIx64 " (%s) of ", s->address,
		    sigframe_shapes[s->kind].name);
	add_thread(&t, f->threads);
	if (f->outcome == COMPARED_UNKNOWN && (!f->frames[0] || !f->frames[1]))
		text_printf(&t, " was found only %s, but not all could be "
			    "searched %s", when_names[!f->frames[0]],
			    when_names[!!f->frames[0]]);
	else
		text_printf(&t, " %s", verbs[f->outcome]);
	emit_string(e, &BLANK, "");
	emit_string(e, &F_TITLE, text_string(&t));
	text_deinit(&t);
}

static void emit_tids(const struct located_thread *const threads[],
		      struct emitter *e)
{
	static const struct field fields[COMPARED_SIDES] = {
		TO_JSON("tid_before"), TO_JSON("tid_after"),
	};

	for (unsigned i = 0; i < COMPARED_SIDES; i++)
		if (threads[i])
			emit_number(e, &fields[i], threads[i]->thread->tid);
		else
			emit_null(e, &fields[i]);
}

/* It has become another thread's, or none's. */
static void emit_elsewhere(const struct compared_frame *f, struct emitter *e)
{
	struct text t = TEXT_INIT;
	const struct located_thread *const only[][COMPARED_SIDES] = {
		{ f->threads[0], NULL }, { f->threads[1], NULL },
	};

	text_printf(&t, "%-14s ", "thread");
	add_thread(&t, only[0]);
	text_add(&t, " -> ");
	add_thread(&t, only[1]);
	emit_string(e, &F_LINE, text_string(&t));
	text_deinit(&t);
	emit_object(e, &ELEMENT, SHAPE_JSON_ONLY);
	emit_string(e, &F_NAME, "thread");
	emit_null(e, &F_COMPONENT);
	for (unsigned i = 0; i < COMPARED_SIDES; i++)
		if (f->threads[i])
			emit_number(e, &F_SIDES[i], f->threads[i]->thread->tid);
		else
			emit_null(e, &F_SIDES[i]);
	emit_end(e);
}

static void emit_frame(const struct compared_frame *f,
		       const struct report_view *view, struct emitter *e)
{
	const struct sigframe *s = &some_frame(f)->facts->sigframe;
	bool shown = f->outcome != COMPARED_SAME;
	struct difference_side before, after;

	if (shown)
		emit_frame_title(f, e);
	emit_object(e, &ELEMENT, shown ? SHAPE_INDENTED : SHAPE_JSON_ONLY);
	emit_word(e, &F_ADDRESS, s->address);
	emit_string(e, &F_KIND, sigframe_shapes[s->kind].name);
	emit_tids(f->threads, e);
	emit_string(e, &F_OUTCOME, compared_outcome_names[f->outcome]);
	emit_array(e, &F_DIFFERS, SHAPE_PLAIN);
	if (f->frames[0] && f->frames[1]) {
		compared_frame_side(f, COMPARED_BEFORE, &before);
		compared_frame_side(f, COMPARED_AFTER, &after);
		if (f->elsewhere)
			emit_elsewhere(f, e);
		report_emit_differences(&before, &after, &f->difference,
					    view, e);
	}
	emit_end(e);
	report_emit_not_known(&f->difference, shown, e);
	emit_end(e);
}

/* Threads. */

static const struct field F_INCOMPLETE = TO_JSON("incomplete");
static const struct field F_COMPARED = TO_JSON("registers_compared");

static void emit_thread_title(const struct compared_thread *t,
			      struct emitter *e)
{
	static const char *const verbs[COMPARED_OUTCOMES] = {
		[COMPARED_SAME] = "",
		[COMPARED_DIFFERS] = ": its own registers differ",
		[COMPARED_GONE] = " is gone",
		[COMPARED_ADDED] = " was added",
		[COMPARED_UNKNOWN] = " may be missing in what was damaged",
	};
	struct text line = TEXT_INIT;

	add_thread(&line, t->threads);
	text_add(&line, verbs[t->outcome]);
	emit_string(e, &BLANK, "");
	emit_string(e, &F_TITLE, text_string(&line));
	text_deinit(&line);
}

static void emit_incomplete(const struct compared_thread *t, struct emitter *e)
{
	for (unsigned i = 0; i < COMPARED_SIDES; i++) {
		const struct located_thread *l = t->threads[i];
		struct text line = TEXT_INIT;

		if (!l || l->complete == TRI_YES)
			continue;
		text_printf(&line, "there may be more frames %s: %s",
			    when_names[i],
			    l->incomplete ? l->incomplete : "reason unknown");
		emit_string(e, &F_WARNING, text_string(&line));
		text_deinit(&line);
	}
}

static void emit_thread(const struct compared_process *p,
			const struct compared_thread *t,
			const struct report_view *view, struct emitter *e)
{
	const struct located_thread *l = t->threads[!t->threads[0]];
	bool shown = t->outcome != COMPARED_SAME || t->incomplete;
	struct difference_side before, after;

	if (shown)
		emit_thread_title(t, e);
	emit_object(e, &ELEMENT, shown ? SHAPE_INDENTED : SHAPE_JSON_ONLY);
	emit_number(e, &F_TID, l->thread->tid);
	emit_tids(t->threads, e);
	emit_string(e, &F_NAME, l->thread->name[0] ? l->thread->name : NULL);
	emit_string(e, &F_OUTCOME, compared_outcome_names[t->outcome]);
	emit_bool(e, &F_INCOMPLETE, t->incomplete);
	emit_incomplete(t, e);
	emit_bool(e, &F_COMPARED, t->compared);
	emit_array(e, &F_DIFFERS, SHAPE_PLAIN);
	if (t->threads[0] && t->threads[1]) {
		compared_thread_side(p, t, COMPARED_BEFORE, &before);
		compared_thread_side(p, t, COMPARED_AFTER, &after);
		report_emit_differences(&before, &after, &t->difference,
					    view, e);
	}
	emit_end(e);
	report_emit_not_known(&t->difference, false, e);
	emit_end(e);
}

/* Processes. */

static const struct field F_PROCESSES = TO_JSON("processes");
static const struct field F_PIDS[COMPARED_SIDES] = {
	TO_JSON("pid_before"), TO_JSON("pid_after"),
};
static const struct field F_MATCHED = TO_JSON("matched_by");

static void emit_process_title(const struct compared_process *p,
			       struct emitter *e)
{
	const struct compared_input *in = p->inputs[!p->inputs[0]];
	struct text t = TEXT_INIT;

	text_printf(&t, "process %d", (int)in->snapshot->pid);
	if (in->snapshot->command[0])
		text_printf(&t, " (%s)", in->snapshot->command);
	if (!p->inputs[0] || !p->inputs[1])
		text_add(&t, p->inputs[0] ? " is gone" : " was added");
	emit_string(e, &BLANK, "");
	emit_string(e, &F_TITLE, text_string(&t));
	text_deinit(&t);
}

static void emit_process(const struct compared *c,
			 const struct compared_process *p,
			 const struct report_view *view, struct emitter *e)
{
	bool pair = p->inputs[0] && p->inputs[1];

	if (c->processes_count > 1)
		emit_process_title(p, e);
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	for (unsigned i = 0; i < COMPARED_SIDES; i++)
		if (p->inputs[i])
			emit_number(e, &F_PIDS[i], p->inputs[i]->snapshot->pid);
		else
			emit_null(e, &F_PIDS[i]);
	emit_string(e, &F_OUTCOME,
		    compared_outcome_names[pair ? compared_result(&p->counts)
					   : p->inputs[0] ? COMPARED_GONE
							  : COMPARED_ADDED]);
	emit_string(e, &F_MATCHED, !pair			 ? NULL
				   : p->match == COMPARED_BY_TID ? "tid"
								 : "stack");
	if (pair && p->match == COMPARED_BY_STACK)
		emit_string(e, &F_LINE,
			    "The process has another id, so its threads were "
			    "matched by their frames and stacks.");
	emit_array(e, &F_FRAMES, SHAPE_PLAIN);
	for (size_t i = 0; i < p->frames_count; i++)
		emit_frame(&p->frames[i], view, e);
	emit_end(e);
	emit_array(e, &F_THREADS, SHAPE_PLAIN);
	for (size_t i = 0; i < p->threads_count; i++)
		emit_thread(p, &p->threads[i], view, e);
	emit_end(e);
	emit_end(e);
}

/* The end. */

static const struct field F_SUMMARY = TO_JSON("summary");

static void add_outcomes(struct text *t, const char *word,
			 const size_t counts[COMPARED_OUTCOMES])
{
	static const char *const words[COMPARED_OUTCOMES] = {
		[COMPARED_SAME] = "the same", [COMPARED_DIFFERS] = "differing",
		[COMPARED_GONE] = "gone",     [COMPARED_ADDED] = "added",
		[COMPARED_UNKNOWN] = "unknown",
	};
	const char *separator = ": ";
	size_t sum = 0;

	for (unsigned i = 0; i < COMPARED_OUTCOMES; i++)
		sum += counts[i];
	add_count(t, sum, word);
	for (unsigned i = 0; i < COMPARED_OUTCOMES; i++) {
		if (!counts[i])
			continue;
		text_printf(t, "%s%zu %s", separator, counts[i], words[i]);
		separator = ", ";
	}
}

static void emit_counts(const struct field *f,
			const size_t counts[COMPARED_OUTCOMES],
			struct emitter *e)
{
	emit_object(e, f, SHAPE_JSON_ONLY);
	for (unsigned i = 0; i < COMPARED_OUTCOMES; i++) {
		const struct field count = TO_JSON(compared_outcome_names[i]);

		emit_number(e, &count, (int64_t)counts[i]);
	}
	emit_end(e);
}

/* Threads of which one of the inputs has not, or not all, registers. */
static size_t uncompared(const struct compared *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->processes_count; i++)
		for (size_t k = 0; k < c->processes[i].threads_count; k++) {
			const struct compared_thread *t =
				&c->processes[i].threads[k];

			count += t->threads[0] && t->threads[1] &&
				 !t->compared;
		}
	return count;
}

static void emit_summary(const struct compared *c, struct emitter *e)
{
	const struct compared_counts *n = &c->counts;
	size_t partly = uncompared(c);
	struct text t = TEXT_INIT;

	add_outcomes(&t, "frame", n->frames);
	text_add(&t, "; ");
	add_outcomes(&t, "thread", n->threads);
	if (n->incomplete)
		text_printf(&t, "; %zu may have more frames", n->incomplete);
	emit_string(e, &BLANK, "");
	emit_object(e, &F_SUMMARY, SHAPE_PLAIN);
	emit_string(e, &F_LINE, text_string(&t));
	text_clear(&t);
	if (partly) {
		text_printf(&t, "own registers not all compared, because one "
			    "of the inputs lacks them: ");
		add_count(&t, partly, "thread");
		emit_string(e, &F_LINE, text_string(&t));
	}
	emit_counts(&F_FRAMES, n->frames, e);
	emit_counts(&F_THREADS, n->threads, e);
	emit_number(e, &F_INCOMPLETE, (int64_t)n->incomplete);
	emit_end(e);
	text_deinit(&t);
}

static const struct field F_COMPARISON = TO_JSON("comparison");

void report_emit_comparison(const struct compared *c, const struct report_view *view,
		     struct emitter *e)
{
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	report_emit_tool(e);
	emit_object(e, &F_COMPARISON, SHAPE_PLAIN);
	emit_string(e, &F_OUTCOME,
		    compared_outcome_names[compared_result(&c->counts)]);
	emit_side(c, COMPARED_BEFORE, e);
	emit_side(c, COMPARED_AFTER, e);
	emit_array(e, &F_PROCESSES, SHAPE_PLAIN);
	for (size_t i = 0; i < c->processes_count; i++)
		emit_process(c, &c->processes[i], view, e);
	emit_end(e);
	emit_summary(c, e);
	emit_end(e);
	report_emit_errors(NULL, 0, e);
	emit_end(e);
}

void report_emit_no_comparison(const struct error *err, struct emitter *e)
{
	CLEANUP_FREE char *message = strdup(error_message(err));
	const struct report_error error = {
		.code = error_code(err), .message = message,
	};

	emit_object(e, &ELEMENT, SHAPE_JSON_ONLY);
	report_emit_tool(e);
	emit_null(e, &F_COMPARISON);
	report_emit_errors(&error, 1, e);
	emit_end(e);
}
