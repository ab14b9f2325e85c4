/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary.c - the end of a report: what all inputs come to */
#include "report/summary.h"

#include "base/text.h"
#include "report/dormant.h"
#include "report/restore.h"

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };

/* Inputs that could not be examined. On stderr they have been told of. */

static const struct field F_ERRORS = { .key = "errors", .flow = FLOW_HIDDEN };
static const struct field F_E_NAME = { .key = "name", .flow = FLOW_HIDDEN };
static const struct field F_E_PID = { .key = "pid", .flow = FLOW_HIDDEN };
static const struct field F_E_KIND = { .key = "kind", .flow = FLOW_HIDDEN };
static const struct field F_E_MESSAGE = { .key = "message",
					  .flow = FLOW_HIDDEN };

static const char *const error_kinds[] = {
	[ERROR_NO_MEMORY] = "no-memory",
	[ERROR_OS] = "system",
	[ERROR_PERMISSION] = "permission",
	[ERROR_GONE] = "gone",
	[ERROR_BAD_INPUT] = "bad-input",
	[ERROR_UNSUPPORTED] = "unsupported",
	[ERROR_USAGE] = "usage",
};

void report_emit_errors(const struct report_error *errors, size_t count,
			struct emitter *e)
{
	emit_array(e, &F_ERRORS, SHAPE_JSON_ONLY);
	for (size_t i = 0; i < count; i++) {
		const struct report_error *err = &errors[i];

		emit_object(e, &ELEMENT, SHAPE_JSON_ONLY);
		emit_string(e, &F_E_NAME, err->name);
		if (err->pid)
			emit_number(e, &F_E_PID, err->pid);
		else
			emit_null(e, &F_E_PID);
		emit_string(e, &F_E_KIND, error_kinds[err->code]);
		emit_string(e, &F_E_MESSAGE, err->message);
		emit_end(e);
	}
	emit_end(e);
}

/* Numbers. */

static const struct field F_SUMMARY = { .key = "summary",
					.flow = FLOW_HIDDEN };
static const struct field F_S_OUTCOME = { .key = "outcome",
					  .flow = FLOW_HIDDEN };
static const struct field F_S_LINE = { .flow = FLOW_LINE };
static const struct field F_S_INPUTS = { .key = "inputs",
					 .flow = FLOW_HIDDEN };
static const struct field F_S_FAILED = {
	.key = "failed_inputs", .text = "inputs that failed: %",
	.flow = FLOW_LINE, .style = STYLE_WARNING };
static const struct field F_S_NONE_FAILED = { .key = "failed_inputs",
					      .flow = FLOW_HIDDEN };
static const struct field F_S_REFUSED = {
	.key = "refused", .flow = FLOW_LINE,
	.text = "processes that may not be looked at: %" };
static const struct field F_S_NONE_REFUSED = { .key = "refused",
					       .flow = FLOW_HIDDEN };
static const struct field F_S_EXITED = { .key = "exited",
					   .flow = FLOW_HIDDEN };
static const struct field F_S_UNSEARCHED = {
	.flow = FLOW_LINE,
	.text = "processes not all of whose memory was searched for parked "
		"stacks (--dormant=all does): %" };
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

/* What a sweep passed by. */
static void emit_sweep(const struct report *r, struct emitter *e)
{
	emit_number(e, r->refused ? &F_S_REFUSED : &F_S_NONE_REFUSED,
		    (int64_t)r->refused);
	emit_number(e, &F_S_EXITED, (int64_t)r->exited);
	if (r->counts.unsearched)
		emit_number(e, &F_S_UNSEARCHED, (int64_t)r->counts.unsearched);
}

void report_emit_summary(const struct report *r, struct emitter *e)
{
	const struct report_counts *c = &r->counts;
	struct text line = TEXT_INIT;
	const char *separator = ": ";

	text_printf(&line, "%zu %s%s, %zu thread%s, ", r->examined,
		    r->sweep ? "process" : "input",
		    r->examined == 1 ? "" : r->sweep ? "es" : "s", c->threads,
		    text_plural(c->threads));
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
			    text_plural(c->autopsies));
	report_add_restored(c, &line);

	emit_object(e, &F_SUMMARY, SHAPE_PLAIN);
	/* what has killed a thread was fatal */
	enum outcome outcome = c->autopsies ? OUTCOME_FATAL
					    : report_outcome_all(c);

	if (r->failed && outcome == OUTCOME_INTACT)
		outcome = OUTCOME_UNKNOWN;
	emit_string(e, &F_S_OUTCOME, outcome_name(outcome));
	emit_string(e, &F_S_LINE, text_string(&line));
	emit_number(e, &F_S_INPUTS, (int64_t)r->examined);
	emit_number(e, r->failed ? &F_S_FAILED : &F_S_NONE_FAILED,
		    (int64_t)r->failed);
	if (r->sweep)
		emit_sweep(r, e);
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
