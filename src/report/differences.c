/* SPDX-License-Identifier: GPL-3.0-or-later */
/* differences.c - the part of a comparison that tells what differs */
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "report/comparison.h"
#include "report/message.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field F_UNKNOWN = { .key = "unknown",
					.flow = FLOW_HIDDEN };
static const struct field F_UNKNOWN_LINE = {
	.text = "not known: %", .flow = FLOW_LINE, .style = STYLE_WARNING };
static const struct field F_LINE = { .flow = FLOW_LINE };
static const struct field F_NAME = TO_JSON("name");
static const struct field F_COMPONENT = TO_JSON("component");
static const struct field F_BEFORE = TO_JSON("before");
static const struct field F_AFTER = TO_JSON("after");

/* "rbx           BEFORE -> AFTER" */
static void emit_line(const char *name, const char *before, const char *after,
		      struct emitter *e)
{
	struct text t = TEXT_INIT;

	text_printf(&t, "%-14s %s -> %s", name, before, after);
	emit_string(e, &F_LINE, text_string(&t));
	text_deinit(&t);
}

static void add_word(const struct difference_side *s, unsigned word,
		     struct text *t)
{
	uint64_t value = s->words[word];

	if (s->states[word] != DIFFERENCE_KNOWN)
		text_add(t, "none");
	else if (word == DIFFERENCE_SIGMASK)
		message_add_signals(t, value);
	else if (difference_words[word].decimal)
		text_printf(t, "%" PRIu64, value);
	else
		text_printf(t, "0x%" PRIx64, value);
}

static void emit_value(const struct field *f, const struct difference_side *s,
		       unsigned word, struct emitter *e)
{
	if (s->states[word] != DIFFERENCE_KNOWN)
		emit_null(e, f);
	else if (difference_words[word].decimal &&
		 s->words[word] <= INT64_MAX)
		emit_number(e, f, (int64_t)s->words[word]);
	else
		emit_word(e, f, s->words[word]);
}

static void emit_words(const struct difference_side *before,
		       const struct difference_side *after,
		       const struct difference *d, struct emitter *e)
{
	for (unsigned i = 0; i < DIFFERENCE_WORDS; i++) {
		struct text a = TEXT_INIT, b = TEXT_INIT;

		if (!(d->words & DIFFERENCE_BIT(i)))
			continue;
		add_word(before, i, &a);
		add_word(after, i, &b);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_line(difference_words[i].name, text_string(&a),
			  text_string(&b), e);
		emit_string(e, &F_NAME, difference_words[i].name);
		emit_null(e, &F_COMPONENT);
		emit_value(&F_BEFORE, before, i, e);
		emit_value(&F_AFTER, after, i, e);
		emit_end(e);
		text_deinit(&a);
		text_deinit(&b);
	}
}

/* Most significant byte first, as one number; false if it is not known. */
static bool add_register(const struct difference_side *s, unsigned component,
			 unsigned i, struct text *t)
{
	const uint8_t *bytes;
	size_t size;

	if (!difference_value(s, component, i, &bytes, &size))
		return false;
	text_add(t, "0x");
	while (size-- > 0)
		text_printf(t, "%02x", bytes[size]);
	return true;
}

/* One register, or all of a component that has none to name. */
static void emit_register(const struct difference_side *before,
			  const struct difference_side *after,
			  unsigned component, unsigned i, bool shown,
			  struct emitter *e)
{
	const struct xregs_file *file = &xregs_files[component];
	const char *title = xstate_components[component].name;
	struct text name = TEXT_INIT, a = TEXT_INIT, b = TEXT_INIT;
	bool known_before = add_register(before, component, i, &a);
	bool known_after = add_register(after, component, i, &b);

	if (file->count)
		text_printf(&name, "%s%u", file->prefix, file->first + i);
	else if (title)
		text_add(&name, title);
	else
		text_printf(&name, "component %u", component);
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	if (shown)
		emit_line(text_string(&name),
			  known_before ? text_string(&a) : "none",
			  known_after ? text_string(&b) : "none", e);
	emit_string(e, &F_NAME, text_string(&name));
	emit_string(e, &F_COMPONENT, title ? title : text_string(&name));
	emit_string(e, &F_BEFORE, known_before ? text_string(&a) : NULL);
	emit_string(e, &F_AFTER, known_after ? text_string(&b) : NULL);
	emit_end(e);
	text_deinit(&name);
	text_deinit(&a);
	text_deinit(&b);
}

static void emit_components(const struct difference_side *before,
			    const struct difference_side *after,
			    const struct difference *d,
			    const struct report_view *view, struct emitter *e)
{
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		uint32_t set = d->registers[i];
		struct text line = TEXT_INIT, names = TEXT_INIT;

		if (!(d->components & XSTATE_BIT(i)))
			continue;
		message_add_components(&names, XSTATE_BIT(i));
		text_printf(&line, "%-14s ", text_string(&names));
		if (set)
			message_add_registers(&line, i, set);
		else
			text_add(&line, "differs");
		/* two lines would say the same of a single value */
		if (set || !view->registers)
			emit_string(e, &F_LINE, text_string(&line));
		for (unsigned n = 0; n < 32; n++)
			if (set >> n & 1)
				emit_register(before, after, i, n,
					      view->registers, e);
		if (!set)
			emit_register(before, after, i, 0, view->registers, e);
		text_deinit(&line);
		text_deinit(&names);
	}
}

static void emit_named(const char *name, const char *before, const char *after,
		       struct emitter *e)
{
	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	emit_string(e, &F_NAME, name);
	emit_null(e, &F_COMPONENT);
	emit_string(e, &F_BEFORE, before);
	emit_string(e, &F_AFTER, after);
	emit_end(e);
}

static void emit_layout(const struct difference_side *before,
			const struct difference_side *after,
			const struct difference *d, struct emitter *e)
{
	const char *a = xstate_family_name(xstate_layout_family(
		&before->layout, before->possible & before->layout.features));
	const char *b = xstate_family_name(xstate_layout_family(
		&after->layout, after->possible & after->layout.features));
	struct text t = TEXT_INIT;

	if (!d->moved)
		return;
	text_printf(&t, "%-14s %s -> %s: ", "layout", a, b);
	message_add_components(&t, d->moved);
	text_add(&t, " elsewhere");
	emit_string(e, &F_LINE, text_string(&t));
	emit_named("layout", a, b, e);
	text_deinit(&t);
}

static void emit_info(const struct difference_side *before,
		      const struct difference_side *after,
		      const struct difference *d, struct emitter *e)
{
	struct text a = TEXT_INIT, b = TEXT_INIT;

	if (!d->info)
		return;
	for (size_t i = 0; i < sizeof(before->info); i++) {
		text_printf(&a, "%02x", before->info[i]);
		text_printf(&b, "%02x", after->info[i]);
	}
	emit_string(e, &F_LINE, "siginfo        differs");
	emit_named("siginfo", text_string(&a), text_string(&b), e);
	text_deinit(&a);
	text_deinit(&b);
}

void report_emit_differences(const struct difference_side *before,
				 const struct difference_side *after,
				 const struct difference *d,
				 const struct report_view *view,
				 struct emitter *e)
{
	emit_words(before, after, d, e);
	emit_info(before, after, d, e);
	emit_layout(before, after, d, e);
	emit_components(before, after, d, view, e);
}

void report_emit_not_known(const struct difference *d, bool shown,
			     struct emitter *e)
{
	struct text t = TEXT_INIT, name = TEXT_INIT;

	emit_array(e, &F_UNKNOWN, SHAPE_JSON_ONLY);
	for (unsigned i = 0; i < DIFFERENCE_WORDS; i++) {
		if (!(d->words_unknown & DIFFERENCE_BIT(i)))
			continue;
		emit_string(e, &ELEMENT, difference_words[i].name);
		text_printf(&t, "%s%s", t.size ? ", " : "",
			    difference_words[i].name);
	}
	if (d->info_unknown) {
		emit_string(e, &ELEMENT, "siginfo");
		text_printf(&t, "%ssiginfo", t.size ? ", " : "");
	}
	for (unsigned i = 0; i < XSTATE_MAX; i++) {
		if (!(d->components_unknown & XSTATE_BIT(i)))
			continue;
		text_clear(&name);
		message_add_components(&name, XSTATE_BIT(i));
		emit_string(e, &ELEMENT, text_string(&name));
		text_printf(&t, "%s%s", t.size ? ", " : "",
			    text_string(&name));
	}
	emit_end(e);
	if (shown && t.size)
		emit_string(e, &F_UNKNOWN_LINE, text_string(&t));
	text_deinit(&t);
	text_deinit(&name);
}
