/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_own.c - our own description files, sigframe-inspect-cpu(5) */
#include "describe/format_own.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "describe/formats.h"
#include "describe/own_keys.h"

#define MAGIC "sigframe-inspect-cpu"
#define VERSION 1

#define PLACE_PREFIX "component."

/*
 * Cut "[derived]" or "[assumed: why]" off the end of a value. Values have no
 * brackets of their own, sentences may.
 */
static struct error *cut_origin(struct span *value, enum origin *origin_ret,
				struct span *why_ret)
{
	struct span before, mark;

	*origin_ret = ORIGIN_GIVEN;
	*why_ret = (struct span){ NULL, 0 };
	if (!value->size || value->text[value->size - 1] != ']' ||
	    !span_split(*value, '[', &before, &mark))
		return NULL;
	mark.size--;
	*value = span_trim(before);

	struct span name = mark;
	bool has_why = span_split(mark, ':', &name, why_ret);

	*why_ret = span_trim(*why_ret);
	for (unsigned i = ORIGIN_GIVEN; i <= ORIGIN_ASSUMED; i++) {
		if (!span_equal(name, origin_names[i]) ||
		    (has_why && i != ORIGIN_ASSUMED))
			continue;
		*origin_ret = (enum origin)i;
		return NULL;
	}
	return own_refuse("given, derived or assumed: WHY", mark);
}

static void set_origin(struct description *d, enum description_field field,
		       enum origin origin, struct span why)
{
	if (d->origin[field] > origin)	/* two keys of one field */
		return;
	d->origin[field] = origin;
	if (why.size)
		description_assume(d, field, "%.*s", (int)why.size, why.text);
}

static struct error *take_pair(struct own_reading *r, struct span name,
			       struct span value)
{
	const struct own_key *key = own_keys_find(name);
	enum origin origin = ORIGIN_GIVEN;
	struct span why = { NULL, 0 };
	struct error *err = NULL;

	if (span_take(&name, PLACE_PREFIX))
		return own_take_place(r, name, value);
	if (!key)
		return error_new(ERROR_BAD_INPUT, "there is no key '%.*s'",
				 SPAN_SHOWN(name));
	if (r->seen & UINT64_C(1) << (key - own_keys))
		return error_new(ERROR_BAD_INPUT, "'%s' is there twice",
				 key->name);
	r->seen |= UINT64_C(1) << (key - own_keys);
	if (key->field != OWN_NO_FIELD)
		err = cut_origin(&value, &origin, &why);
	if (!err)
		err = key->take(r, value);
	if (err)
		return error_wrap(err, "%s", key->name);
	if (key->field != OWN_NO_FIELD)
		set_origin(r->d, (enum description_field)key->field, origin,
			   why);
	return NULL;
}

static struct error *take_line(struct own_reading *r, struct span line)
{
	struct span name, value;

	line = span_trim(line);
	if (!line.size || *line.text == '#')
		return NULL;
	if (!span_printable(line))
		return error_new(ERROR_BAD_INPUT, "control characters");
	if (!span_split(line, ':', &name, &value))
		return error_new(ERROR_BAD_INPUT, "not 'key: value'");
	name = span_trim(name);
	value = span_trim(value);
	if (!value.size && !span_equal(name, "isa"))
		return error_new(ERROR_BAD_INPUT, "'%.*s' has no value",
				 SPAN_SHOWN(name));
	return take_pair(r, name, value);
}

/* "sigframe-inspect-cpu 1" */
static struct error *take_version(struct span line)
{
	uint64_t version;
	struct span rest = line;

	if (!span_take(&rest, MAGIC) ||
	    !span_number(span_trim(rest), &version))
		return own_refuse("'" MAGIC " VERSION'", line);
	if (version != VERSION)
		return error_new(ERROR_UNSUPPORTED, "version %" PRIu64 " of "
				 "the format; this program knows %d", version,
				 VERSION);
	return NULL;
}

bool format_own_matches(const char *text, size_t size)
{
	return span_starts((struct span){ text, size }, MAGIC);
}

struct error *format_own_parse(const char *text, size_t size,
			       struct description *d,
			       enum xstate_family *vendor_ret)
{
	struct lines lines = { .text = text, .size = size };
	struct own_reading r = { .d = d };
	struct error *err = NULL;
	struct span line;

	d->cpu.layout = *xstate_family_layout(XSTATE_FAMILY_COMMON);
	d->cpu.layout.features = XSTATE_LEGACY;
	while (!err && lines_next(&lines, &line)) {
		r.line = lines.number;
		err = r.line == 1 ? take_version(line) : take_line(&r, line);
	}
	if (err)
		return error_wrap(err, "line %u", lines.number);
	if (d->cpu.xsave == TRI_NO && (d->cpu.xfeatures & ~XSTATE_LEGACY))
		return error_new(ERROR_BAD_INPUT, "contradicts itself: "
				 "components without XSAVE");
	err = own_finish(&r);
	*vendor_ret = r.vendor_given ? r.vendor : r.layout;
	return err;
}

static void write_origin(const struct description *d, int field,
			 struct text *t)
{
	if (field == OWN_NO_FIELD || d->origin[field] <= ORIGIN_GIVEN)
		return;
	text_printf(t, " [%s", origin_names[d->origin[field]]);
	if (d->assumed[field]) {
		text_add(t, ": ");
		own_add_plain(t, d->assumed[field]);
	}
	text_add(t, "]");
}

static void write_places(const struct description *d, struct text *t)
{
	const struct xstate_layout *l = &d->cpu.layout;

	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		char name[OWN_NAME_SIZE];

		if (!(l->features & d->cpu.xfeatures & XSTATE_BIT(i)))
			continue;
		own_component_name(i, name);
		text_printf(t, PLACE_PREFIX "%s: %u+%u\n", name, l->offset[i],
			    l->size[i]);
	}
}

void own_write(const struct description *d, struct text *t)
{
	struct text value = TEXT_INIT;

	text_printf(t, "%s %d\n", MAGIC, VERSION);
	for (size_t i = 0; i < own_keys_count; i++) {
		text_clear(&value);
		if (!own_keys[i].add(d, &value))
			continue;
		text_printf(t, "%s:%s%s", own_keys[i].name,
			    value.size ? " " : "", text_string(&value));
		write_origin(d, own_keys[i].field, t);
		text_add(t, "\n");
		if (own_keys[i].field == DESCRIBED_LAYOUT)
			write_places(d, t);
	}
	t->bad |= text_bad(&value);
	text_deinit(&value);
}
