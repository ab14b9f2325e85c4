/* SPDX-License-Identifier: GPL-3.0-or-later */
/* target.c - the part of a report that tells what a target is */
#include "report/frame.h"

#include <string.h>

static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };
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

const char *report_target_title(const struct report_target *t)
{
	return t->is_host ? "this machine" : t->target.name;
}

void report_emit_target(const struct report_target *rt, struct emitter *e)
{
	const struct target *t = &rt->target;
	bool named = strcmp(rt->cpu, t->name) != 0;
	struct text rules = TEXT_INIT;

	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_string(e, &F_T_NAME, t->name);
	emit_string(e, &F_T_TITLE, report_target_title(rt));
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
