/* SPDX-License-Identifier: GPL-3.0-or-later */
/* own_keys.c - the keys of our own description files */
#include "describe/own_keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "describe/formats.h"

#define ISA_ALL (UINT64_MAX >> (64 - ISA_COUNT))

struct error *own_refuse(const char *what, struct span value)
{
	return error_new(ERROR_BAD_INPUT, "'%.*s' is not %s",
			 SPAN_SHOWN(value), what);
}

static struct error *take_word(struct span value, uint64_t max, uint64_t *ret)
{
	uint64_t n;

	if (!span_number(value, &n))
		return own_refuse("a number", value);
	if (n > max)
		return error_new(ERROR_BAD_INPUT, "%.*s is more than %#" PRIx64,
				 SPAN_SHOWN(value), max);
	*ret = n;
	return NULL;
}

static const char *const tri_names[] = {
	[TRI_UNKNOWN] = "unknown",
	[TRI_NO] = "no",
	[TRI_YES] = "yes",
};

static struct error *take_tri(struct span value, enum tri *ret)
{
	for (unsigned i = 0; i < ARRAY_SIZE(tri_names); i++) {
		if (!span_equal(value, tri_names[i]))
			continue;
		*ret = (enum tri)i;
		return NULL;
	}
	return own_refuse("yes, no or unknown", value);
}

static bool add_tri(enum tri value, struct text *t)
{
	text_add(t, tri_names[value]);
	return value != TRI_UNKNOWN;
}

static struct error *take_copy(struct span value, char **ret)
{
	char text[OWN_VALUE_MAX];

	if (value.size >= sizeof(text))
		return error_new(ERROR_BAD_INPUT, "more than %zu bytes of text",
				 sizeof(text) - 1);
	span_copy(value, text, sizeof(text));
	free(*ret);
	*ret = strdup(text);
	return *ret ? NULL : &error_no_memory;
}

void own_add_plain(struct text *t, const char *s)
{
	struct text escaped = TEXT_INIT;
	const size_t start = t->size, end = start + OWN_VALUE_MAX - 1;

	s += strspn(s, " ");
	while (*s) {
		size_t length = text_utf8_length(s);
		char character[8] = { 0 };

		if (!length)
			length = 1;
		if (t->size + length > end)
			break;
		memcpy(character, s, length);
		s += length;
		text_clear(&escaped);
		text_add_foreign(&escaped, character);
		/* escaped as \xNN; a backslash is only doubled */
		text_add(t, text_string(&escaped)[0] == '\\' &&
				    character[0] != '\\'
				    ? "?"
				    : character);
	}
	/* blanks around a value are not of it */
	while (t->size > start && t->data[t->size - 1] == ' ')
		t->data[--t->size] = '\0';
	t->bad |= text_bad(&escaped);
	text_deinit(&escaped);
}

static struct error *take_name(struct own_reading *r, struct span value)
{
	CLEANUP_FREE char *name = NULL;
	struct error *err = take_copy(value, &name);

	if (!err && !description_rename(r->d, name))
		err = &error_no_memory;
	return err;
}

static bool add_name(const struct description *d, struct text *t)
{
	own_add_plain(t, d->name);
	return true;
}

static struct error *take_family(struct span value, enum xstate_family *ret)
{
	static const enum xstate_family families[] = {
		XSTATE_FAMILY_INTEL, XSTATE_FAMILY_AMD, XSTATE_FAMILY_COMMON,
		XSTATE_FAMILY_UNKNOWN,
	};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (!span_equal(value, xstate_family_name(families[i])))
			continue;
		*ret = families[i];
		return NULL;
	}
	return own_refuse("intel, amd, common or unknown", value);
}

static struct error *take_vendor(struct own_reading *r, struct span value)
{
	r->vendor_given = true;
	return take_family(value, &r->vendor);
}

static bool add_vendor(const struct description *d, struct text *t)
{
	text_add(t, xstate_family_name(d->vendor));
	return true;
}

static struct error *take_xsave(struct own_reading *r, struct span value)
{
	return take_tri(value, &r->d->cpu.xsave);
}

static bool add_xsave(const struct description *d, struct text *t)
{
	return add_tri(d->cpu.xsave, t);
}

static struct error *take_xfeatures(struct own_reading *r, struct span value)
{
	uint64_t features = 0;
	struct error *err = take_word(value, UINT64_MAX, &features);

	if (err)
		return err;
	if ((features & XSTATE_LEGACY) != XSTATE_LEGACY)
		return error_new(ERROR_BAD_INPUT, "components without x87 or "
				 "SSE");
	if (features & XSTATE_BIT(XSTATE_MAX - 1))
		return error_new(ERROR_BAD_INPUT, "bit 63 is no component");
	for (unsigned i = 0; i < XSTATE_MAX; i++)
		if ((features & XSTATE_BIT(i)) &&
		    xstate_components[i].supervisor)
			return error_new(ERROR_BAD_INPUT, "component %u, %s, "
					 "is never in a signal frame", i,
					 xstate_components[i].name);
	r->d->cpu.xfeatures = features;
	return NULL;
}

static bool add_xfeatures(const struct description *d, struct text *t)
{
	text_printf(t, "%#" PRIx64, d->cpu.xfeatures);
	return d->origin[DESCRIBED_XFEATURES] != ORIGIN_NONE;
}

static struct error *take_layout(struct own_reading *r, struct span value)
{
	r->layout_line = r->line;
	return take_family(value, &r->layout);
}

static bool add_layout(const struct description *d, struct text *t)
{
	text_add(t, xstate_family_name(d->cpu.family));
	return d->origin[DESCRIBED_LAYOUT] != ORIGIN_NONE;
}

static struct error *take_mxcsr_mask(struct own_reading *r, struct span value)
{
	uint64_t mask = 0;
	struct error *err = take_word(value, UINT32_MAX, &mask);

	if (!err && !mask)
		return own_refuse("a mask", value);
	if (!err)
		r->d->cpu.mxcsr_mask = (uint32_t)mask;
	return err;
}

static bool add_mxcsr_mask(const struct description *d, struct text *t)
{
	text_printf(t, "%#" PRIx32, d->cpu.mxcsr_mask);
	return d->cpu.mxcsr_mask;
}

static struct error *take_xsavec(struct own_reading *r, struct span value)
{
	return take_tri(value, &r->d->cpu.xsavec);
}

static bool add_xsavec(const struct description *d, struct text *t)
{
	return add_tri(d->cpu.xsavec, t);
}

static struct error *take_user_limit(struct own_reading *r, struct span value)
{
	uint64_t limit = 0;
	struct error *err = take_word(value, CPU_USER_LIMIT_57, &limit);

	if (!err && !limit)
		return own_refuse("an address", value);
	if (!err)
		r->d->cpu.user_limit = limit;
	return err;
}

static bool add_user_limit(const struct description *d, struct text *t)
{
	text_printf(t, "0x%016" PRIx64, d->cpu.user_limit);
	return d->cpu.user_limit;
}

static struct error *take_extensions(struct span value, uint64_t *ret)
{
	struct span word;

	while (span_word(&value, &word)) {
		char name[OWN_VALUE_MAX];
		enum isa isa;

		span_copy(word, name, sizeof(name));
		if (!isa_find(name, &isa))
			return own_refuse("an extension", word);
		if (*ret & ISA_BIT(isa))
			return error_new(ERROR_BAD_INPUT, "%s is there twice",
					 name);
		*ret |= ISA_BIT(isa);
	}
	return NULL;
}

static bool add_extensions(uint64_t set, struct text *t)
{
	const char *blank = "";

	for (unsigned i = 0; i < ISA_COUNT; i++) {
		if (!(set & ISA_BIT(i)))
			continue;
		text_printf(t, "%s%s", blank, isa_table[i].name);
		blank = " ";
	}
	return *blank;
}

static struct error *take_isa(struct own_reading *r, struct span value)
{
	r->have_isa = true;
	return take_extensions(value, &r->d->isa.has);
}

static bool add_isa(const struct description *d, struct text *t)
{
	add_extensions(d->isa.has, t);
	return d->isa.known;
}

static struct error *take_isa_unknown(struct own_reading *r, struct span value)
{
	r->isa_unknown_line = r->line;
	return take_extensions(value, &r->isa_unknown);
}

static bool add_isa_unknown(const struct description *d, struct text *t)
{
	return add_extensions(ISA_ALL & ~d->isa.known, t) && d->isa.known;
}

static struct error *take_kernel(struct own_reading *r, struct span value)
{
	if (!description_is_release(value))
		return own_refuse("a release", value);
	return take_copy(value, &r->d->kernel);
}

/* One that would not be read again is left out: the rules say what counts. */
static bool add_kernel(const struct description *d, struct text *t)
{
	const char *kernel = d->kernel ? d->kernel : "";

	text_add(t, kernel);
	return description_is_release(span_of(kernel));
}

static struct error *take_rules(struct own_reading *r, struct span value)
{
	struct span word;

	while (span_word(&value, &word)) {
		char name[OWN_VALUE_MAX];
		rules_mask rules;

		span_copy(word, name, sizeof(name));
		rules = rules_by_name(name);
		if (!rules)
			return own_refuse("a set of rules", word);
		r->d->rules |= rules;
	}
	return r->d->rules ? NULL : own_refuse("a set of rules", value);
}

static bool add_rules(const struct description *d, struct text *t)
{
	const char *blank = "";

	for (unsigned i = 0; i < RULES_COUNT; i++) {
		if (!(d->rules & RULES_BIT(i)))
			continue;
		text_printf(t, "%s%s", blank, rules_table[i].id);
		blank = " ";
	}
	return d->rules;
}

static struct error *take_minsigstksz(struct own_reading *r, struct span value)
{
	uint64_t size = 0;
	struct error *err = take_word(value, MINSIGSTKSZ_MOST, &size);

	if (!err && size < MINSIGSTKSZ_LEAST)
		return own_refuse("the size of a frame", value);
	if (!err)
		r->d->minsigstksz = size;
	return err;
}

static bool add_minsigstksz(const struct description *d, struct text *t)
{
	text_printf(t, "%" PRIu64, d->minsigstksz);
	return d->minsigstksz;
}

static struct error *take_user_size(struct own_reading *r, struct span value)
{
	r->user_size_line = r->line;
	return take_word(value, UINT32_MAX, &r->user_size);
}

static bool add_user_size(const struct description *d, struct text *t)
{
	uint32_t size = cpu_user_size(&d->cpu, cpu_default_features(&d->cpu));

	text_printf(t, "%" PRIu32, size);
	return size && d->origin[DESCRIBED_XFEATURES] != ORIGIN_NONE;
}

static struct error *take_ia32(struct own_reading *r, struct span value)
{
	return take_tri(value, &r->d->ia32);
}

static bool add_ia32(const struct description *d, struct text *t)
{
	return add_tri(d->ia32, t);
}

static struct error *take_x32(struct own_reading *r, struct span value)
{
	return take_tri(value, &r->d->x32);
}

static bool add_x32(const struct description *d, struct text *t)
{
	return add_tri(d->x32, t);
}

static struct error *take_uses_amx(struct own_reading *r, struct span value)
{
	enum tri uses = TRI_UNKNOWN;
	struct error *err = take_tri(value, &uses);

	r->d->uses_amx = uses == TRI_YES;
	return err;
}

static bool add_uses_amx(const struct description *d, struct text *t)
{
	return add_tri(tri_of(d->uses_amx), t) && d->uses_amx;
}

const struct own_key own_keys[] = {
	{ "name", OWN_NO_FIELD, take_name, add_name },
	{ "vendor", OWN_NO_FIELD, take_vendor, add_vendor },
	{ "xsave", OWN_NO_FIELD, take_xsave, add_xsave },
	{ "xfeatures", DESCRIBED_XFEATURES, take_xfeatures, add_xfeatures },
	{ "layout", DESCRIBED_LAYOUT, take_layout, add_layout },
	{ "user_size", OWN_NO_FIELD, take_user_size, add_user_size },
	{ "mxcsr_mask", DESCRIBED_MXCSR_MASK, take_mxcsr_mask,
	  add_mxcsr_mask },
	{ "xsavec", DESCRIBED_XSAVEC, take_xsavec, add_xsavec },
	{ "user_limit", DESCRIBED_USER_LIMIT, take_user_limit,
	  add_user_limit },
	{ "isa", DESCRIBED_ISA, take_isa, add_isa },
	{ "isa_unknown", OWN_NO_FIELD, take_isa_unknown, add_isa_unknown },
	{ "kernel", OWN_NO_FIELD, take_kernel, add_kernel },
	{ "rules", DESCRIBED_RULES, take_rules, add_rules },
	{ "minsigstksz", DESCRIBED_MINSIGSTKSZ, take_minsigstksz,
	  add_minsigstksz },
	{ "ia32", DESCRIBED_ABIS, take_ia32, add_ia32 },
	{ "x32", DESCRIBED_ABIS, take_x32, add_x32 },
	{ "uses_amx", OWN_NO_FIELD, take_uses_amx, add_uses_amx },
};

const unsigned own_keys_count = ARRAY_SIZE(own_keys);

const struct own_key *own_keys_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(own_keys); i++)
		if (span_equal(name, own_keys[i].name))
			return &own_keys[i];
	return NULL;
}

void own_component_name(unsigned i, char ret[OWN_NAME_SIZE])
{
	if (xstate_components[i].name)
		snprintf(ret, OWN_NAME_SIZE, "%s", xstate_components[i].name);
	else
		snprintf(ret, OWN_NAME_SIZE, "%u", i);
}

/* XSTATE_MAX if there is none in signal frames. */
static unsigned find_component(struct span name)
{
	unsigned i;

	for (i = XSTATE_SSE + 1; i < XSTATE_MAX; i++) {
		char own[OWN_NAME_SIZE];

		own_component_name(i, own);
		if (span_equal(name, own))
			break;
	}
	return i < XSTATE_MAX && xstate_components[i].supervisor ? XSTATE_MAX
								  : i;
}

struct error *own_take_place(struct own_reading *r, struct span name,
			     struct span value)
{
	struct xstate_layout *l = &r->d->cpu.layout;
	struct span first, second;
	uint64_t offset, size;
	unsigned i = find_component(name);

	if (i == XSTATE_MAX)
		return own_refuse("a component with a place of its own", name);
	if (r->placed & XSTATE_BIT(i))
		return error_new(ERROR_BAD_INPUT, "'%.*s' is there twice",
				 SPAN_SHOWN(name));
	if (!span_split(value, '+', &first, &second) ||
	    !span_number(first, &offset) || !span_number(second, &size) ||
	    offset > UINT32_MAX || size > UINT32_MAX)
		return own_refuse("a place: OFFSET+SIZE", value);
	r->placed |= XSTATE_BIT(i);
	r->place_line[i] = r->line;
	l->features |= XSTATE_BIT(i);
	l->offset[i] = (uint32_t)offset;
	l->size[i] = (uint32_t)size;
	return NULL;
}

/* The places of the family named, which lines of their own cannot change. */
static struct error *finish_layout(struct own_reading *r)
{
	struct xstate_layout *l = &r->d->cpu.layout;
	const struct xstate_layout *family = xstate_family_layout(r->layout);

	if (!r->layout_line && !r->placed)
		return NULL;
	if (r->layout == XSTATE_FAMILY_UNKNOWN) {
		if (!r->placed && r->d->cpu.xfeatures & ~XSTATE_LEGACY)
			return error_new(ERROR_BAD_INPUT, "line %u: an unknown "
					 "layout without components",
					 r->layout_line);
		if (r->d->origin[DESCRIBED_LAYOUT] == ORIGIN_NONE)
			r->d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;
	}
	for (unsigned i = 2; i < XSTATE_MAX; i++) {
		if (!(r->placed & XSTATE_BIT(i)) ||
		    r->layout == XSTATE_FAMILY_UNKNOWN)
			continue;
		if (!(family->features & XSTATE_BIT(i)) ||
		    l->offset[i] != family->offset[i] ||
		    l->size[i] != family->size[i])
			return error_new(ERROR_BAD_INPUT, "line %u: this is "
					 "not its place in the %s layout",
					 r->place_line[i],
					 xstate_family_name(r->layout));
	}
	if (r->layout != XSTATE_FAMILY_UNKNOWN)
		*l = *family;
	return NULL;
}

static struct error *finish_isa(struct own_reading *r)
{
	struct isa_set *isa = &r->d->isa;

	if (r->isa_unknown_line && !r->have_isa)
		return error_new(ERROR_BAD_INPUT, "line %u: isa_unknown "
				 "without isa", r->isa_unknown_line);
	if (isa->has & r->isa_unknown)
		return error_new(ERROR_BAD_INPUT, "line %u: an extension both "
				 "there and unknown", r->isa_unknown_line);
	if (r->have_isa)
		isa->known = ISA_ALL & ~r->isa_unknown;
	return NULL;
}

/* The size is there for people; a wrong one says that something else is. */
static struct error *check_user_size(struct own_reading *r)
{
	struct cpu_model cpu = r->d->cpu;
	uint32_t size;

	if (cpu.xsave == TRI_UNKNOWN &&
	    r->d->origin[DESCRIBED_XFEATURES] != ORIGIN_NONE)
		cpu.xsave = TRI_YES;
	size = cpu_user_size(&cpu, cpu_default_features(&cpu));
	if (!r->user_size_line || !size || size == r->user_size)
		return NULL;
	return error_new(ERROR_BAD_INPUT, "line %u: user_size is %" PRIu64
			 ", but the components end at byte %" PRIu32,
			 r->user_size_line, r->user_size, size);
}

struct error *own_finish(struct own_reading *r)
{
	struct error *err = finish_layout(r);

	if (!err)
		err = finish_isa(r);
	return err ? err : check_user_size(r);
}
