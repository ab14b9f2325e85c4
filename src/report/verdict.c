/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verdict.c - the part of a report that tells what becomes of a frame */
#include "base/text.h"
#include "report/frame.h"
#include "report/message.h"
#include "x86/xregs.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field F_VERDICTS = { .key = "verdicts",
					 .text = "target\toutcome\twhy",
					 .flow = FLOW_HIDDEN };
static const struct field F_TARGET = { .key = "target",
				       .flow = FLOW_COLUMN_0 };
static const struct field F_OUTCOME = { .key = "outcome",
					.flow = FLOW_COLUMN_1,
					.style = STYLE_OUTCOME };
static const struct field F_POSSIBLE = TO_JSON("possible");
static const struct field F_POSSIBLE_TEXT = { .text = "possible: %",
					      .flow = FLOW_COLUMN_2 };
static const struct field F_BY_RULES = TO_JSON("by_rules");
static const struct field F_BY_RULES_TEXT = { .text = "the kernel's rules: %",
					      .flow = FLOW_COLUMN_2 };
static const struct field F_CHECKS = TO_JSON("checks");
static const struct field F_HAZARDS = TO_JSON("hazards");
static const struct field F_ID = { .key = "id", .text = "%: ",
				   .flow = FLOW_COLUMN_2 };
static const struct field F_UNSURE_ID = { .key = "id", .text = "perhaps %: ",
					  .flow = FLOW_COLUMN_2 };
static const struct field F_HAZARD_MARK = { .text = "hazard",
					    .flow = FLOW_COLUMN_1,
					    .style = STYLE_WARNING };
static const struct field F_CHECK_OUTCOME = TO_JSON("outcome");
static const struct field F_CERTAIN = TO_JSON("certain");
static const struct field F_MESSAGE = { .key = "message",
					.flow = FLOW_MORE };
static const struct field F_LOADED = TO_JSON("loaded");
static const struct field F_LOST = TO_JSON("lost");
static const struct field F_LOST_VALUES = TO_JSON("lost_values");
static const struct field F_GARBLED_VALUES = TO_JSON("garbled_values");
static const struct field F_LOST_TEXT = { .text = "lost: %",
					  .flow = FLOW_COLUMN_2 };
static const struct field F_PERHAPS_LOST = { .text = "perhaps lost: %",
					     .flow = FLOW_COLUMN_2 };
static const struct field F_GARBLED = TO_JSON("garbled");
static const struct field F_GARBLED_TEXT = { .text = "garbled: %",
					     .flow = FLOW_COLUMN_2 };
static const struct field F_PERHAPS_GARBLED = { .text = "perhaps garbled: %",
						.flow = FLOW_COLUMN_2 };
static const struct field F_MXCSR = TO_JSON("mxcsr_loaded");

enum outcome report_check_outcome(unsigned index, const struct verdict *v)
{
	const struct check *c = &checks[index];

	if (c->stages & CHECK_AT(CHECK_CHOICE) && c->outcome == OUTCOME_INTACT)
		return v->lost ? OUTCOME_LOSSY : OUTCOME_INTACT;
	return c->outcome;
}

static void emit_checks(const struct verdict *v, const struct frame_facts *f,
			const struct target *t, struct emitter *e)
{
	struct text message = TEXT_INIT;

	emit_array(e, &F_CHECKS, SHAPE_PLAIN);
	for (unsigned i = 0; i < checks_count; i++) {
		bool certain = v->checks >> i & 1;

		if (!certain && !(v->unsure >> i & 1))
			continue;
		text_clear(&message);
		message_add_check(&message, i, f, t);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, certain ? &F_ID : &F_UNSURE_ID, checks[i].id);
		emit_string(e, &F_CHECK_OUTCOME,
			    outcome_name(report_check_outcome(i, v)));
		emit_bool(e, &F_CERTAIN, certain);
		emit_string(e, &F_MESSAGE, text_string(&message));
		emit_end(e);
	}
	emit_end(e);
	text_deinit(&message);
}

static void emit_hazards(const struct verdict *v, const struct frame_facts *f,
			 const struct target *t, struct emitter *e)
{
	struct text message = TEXT_INIT;

	emit_array(e, &F_HAZARDS, SHAPE_PLAIN);
	for (unsigned i = 0; i < hazards_count; i++) {
		if (!(v->hazards >> i & 1))
			continue;
		text_clear(&message);
		message_add_hazard(&message, i, f, t);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, &F_HAZARD_MARK, "");
		emit_string(e, &F_ID, hazards[i].id);
		emit_string(e, &F_MESSAGE, text_string(&message));
		emit_end(e);
	}
	emit_end(e);
	text_deinit(&message);
}

void report_emit_components(const struct field *f, uint64_t mask,
			    struct emitter *e)
{
	struct text name = TEXT_INIT;

	emit_array(e, f, SHAPE_JSON_ONLY);
	for (uint64_t left = mask; left; left &= left - 1) {
		text_clear(&name);
		message_add_components(&name, left & -left);
		emit_string(e, &ELEMENT, text_string(&name));
	}
	emit_end(e);
	text_deinit(&name);
}

/*
 * What is lost of a component: what was zero anyway costs nothing. No more
 * than the name if not all of its bytes are known.
 */
static void add_lost(struct text *t, const struct xregs *x, unsigned component)
{
	const struct xregs_file *f = &xregs_files[component];
	uint32_t set = xregs_nonzero_set(x, component);

	message_add_components(t, XSTATE_BIT(component));
	if (!(x->layout.features & XSTATE_BIT(component)) ||
	    !bytes_has(x->image, x->layout.offset[component],
		       x->layout.size[component]))
		return;
	if (f->count && set) {
		text_add(t, " (");
		message_add_registers(t, component, set);
		text_add(t, ")");
	} else if (f->count || !xregs_nonzero(x, component)) {
		text_add(t, " (all zero)");
	}
}

/* The components of `mask` with what the frame has of them, in both forms. */
static void emit_values(const struct field *list, const struct field *text,
			uint64_t mask, const struct xregs *x,
			struct emitter *e)
{
	struct text t = TEXT_INIT;

	emit_array(e, list, SHAPE_PLAIN);
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(mask & XSTATE_BIT(i)))
			continue;
		text_add(&t, t.size ? "; " : "");

		size_t start = t.size;

		add_lost(&t, x, i);
		emit_string(e, &ELEMENT, text_string(&t) + start);
	}
	if (t.size)
		emit_string(e, text, text_string(&t));
	emit_end(e);
	text_deinit(&t);
}

/* What does not come back as it was. */
static void emit_lost_values(const struct verdict *v,
			     const struct frame_facts *f, struct emitter *e)
{
	struct xregs x = { .image = frame_image(f).bytes,
			   .layout = f->layout };
	bool sure = v->outcome != OUTCOME_UNKNOWN;

	emit_values(&F_LOST_VALUES, sure ? &F_LOST_TEXT : &F_PERHAPS_LOST,
		    v->lost, &x, e);
	emit_values(&F_GARBLED_VALUES,
		    sure ? &F_GARBLED_TEXT : &F_PERHAPS_GARBLED, v->garbled,
		    &x, e);
}

static void emit_possible(const struct verdict *v, struct emitter *e)
{
	struct text t = TEXT_INIT;

	emit_array(e, &F_POSSIBLE, SHAPE_JSON_ONLY);
	for (unsigned o = 0; o < OUTCOME_UNKNOWN; o++) {
		const char *name = outcome_name((enum outcome)o);

		if (!(v->possible & 1u << o))
			continue;
		text_printf(&t, "%s%s", t.size ? ", " : "", name);
		emit_string(e, &ELEMENT, name);
	}
	emit_end(e);
	if (v->outcome == OUTCOME_UNKNOWN)
		emit_string(e, &F_POSSIBLE_TEXT, text_string(&t));
	text_deinit(&t);
}

/* Where the kernel's rules are not known exactly: what each would do. */
static void emit_by_rules(const struct verdict *v, const struct target *t,
			  struct emitter *e)
{
	bool several = t->rules & (t->rules - 1);
	struct text text = TEXT_INIT;

	emit_object(e, &F_BY_RULES, SHAPE_JSON_ONLY);
	for (unsigned i = 0; several && i < RULES_COUNT; i++) {
		const struct field f = TO_JSON(rules_table[i].id);
		const char *outcome = outcome_name(v->under[i]);

		if (!(t->rules & RULES_BIT(i)))
			continue;
		emit_string(e, &f, outcome);
		text_printf(&text, "%s%s by %s", text.size ? ", " : "",
			    outcome, rules_table[i].id);
	}
	emit_end(e);
	if (several && v->outcome == OUTCOME_UNKNOWN)
		emit_string(e, &F_BY_RULES_TEXT, text_string(&text));
	text_deinit(&text);
}

/*
 * Is there nothing to say of the frame but that it is intact? The text is the
 * same for all such frames then: targets stay as they are, and what is loaded
 * stands in JSON alone.
 */
static bool all_plain(const struct verdict *v, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (v[i].outcome != OUTCOME_INTACT || v[i].checks ||
		    v[i].unsure || v[i].hazards || v[i].lost || v[i].garbled)
			return false;
	return true;
}

static void emit_verdict(const struct target *t, const struct verdict *v,
			 const struct frame_facts *facts, struct emitter *e)
{
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_string(e, &F_TARGET, t->name);
	emit_string(e, &F_OUTCOME, outcome_name(v->outcome));
	emit_possible(v, e);
	emit_by_rules(v, t, e);
	emit_checks(v, facts, t, e);
	report_emit_components(&F_LOADED, v->loaded, e);
	report_emit_components(&F_LOST, v->lost, e);
	report_emit_components(&F_GARBLED, v->garbled, e);
	emit_lost_values(v, facts, e);
	if (v->mxcsr_loaded == TRI_UNKNOWN)
		emit_null(e, &F_MXCSR);
	else
		emit_bool(e, &F_MXCSR, v->mxcsr_loaded == TRI_YES);
	emit_hazards(v, facts, t, e);
	emit_end(e);
}

void report_emit_verdicts(const struct report *r,
			  const struct report_frame *f,
			  const struct frame_facts *facts, struct emitter *e)
{
	bool plain = all_plain(f->verdicts, r->targets_count);

	if (plain && emit_again(e, PARAGRAPH_VERDICTS, &r->targets,
				sizeof(r->targets)))
		return;
	emit_array(e, &F_VERDICTS, SHAPE_TABLE);
	for (size_t i = 0; i < r->targets_count; i++)
		emit_verdict(&r->targets[i].target, &f->verdicts[i], facts, e);
	emit_end(e);
	if (plain)
		emit_learnt(e, PARAGRAPH_VERDICTS);
}
