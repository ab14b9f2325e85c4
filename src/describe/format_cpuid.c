/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_cpuid.c - dumps of raw CPUID leaves, as three programs print them */
#include "base/cleanup.h"
#include "base/lines.h"
#include "describe/cpuid.h"
#include "describe/formats.h"

/* How far to look for the first leaf; AIDA64 reports begin with prose. */
#define PROSE_MAX (256u << 10)

#define HEX_DIGITS 8

enum line_kind {
	LINE_OTHER,	/* not a leaf: prose, other tables */
	LINE_LEAF,
	LINE_NEXT_CPU,	/* heading of a logical CPU */
	LINE_BROKEN,	/* begins like a leaf and is none */
};

struct leaf_line {
	struct cpuid_record record;
	bool subleaf_given;
};

/* Exactly eight hexadecimal digits. */
static bool take_word(struct span *s, uint32_t *ret)
{
	struct span digits = { s->text, HEX_DIGITS };
	uint64_t value;

	if (s->size < HEX_DIGITS || !span_take_hex(&digits, &value) ||
	    digits.size)
		return false;
	*s = (struct span){ s->text + HEX_DIGITS, s->size - HEX_DIGITS };
	*ret = (uint32_t)value;
	return true;
}

static bool take_subleaf(struct span *s, uint32_t *ret)
{
	uint64_t value;

	if (!span_take_hex(s, &value) || value > UINT32_MAX)
		return false;
	*ret = (uint32_t)value;
	return true;
}

/* "0x0000000d 0x02: eax=0x00000100 ebx=0x00000240 ecx=... edx=..." */
static enum line_kind parse_r(struct span s, struct leaf_line *ret)
{
	static const char *const names[] = {
		" eax=0x", " ebx=0x", " ecx=0x", " edx=0x",
	};
	struct cpuid_record *r = &ret->record;

	s = span_trim(s);
	if (span_starts(s, "CPU"))
		return s.text[s.size - 1] == ':' ? LINE_NEXT_CPU : LINE_OTHER;
	if (!span_take(&s, "0x") || !take_word(&s, &r->leaf))
		return LINE_OTHER;
	if (!span_take(&s, " 0x") || !take_subleaf(&s, &r->subleaf) ||
	    !span_take(&s, ":"))
		return LINE_BROKEN;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!span_take(&s, names[i]) || !take_word(&s, &r->reg[i]))
			return LINE_BROKEN;
	ret->subleaf_given = true;
	return s.size ? LINE_BROKEN : LINE_LEAF;
}

/* "CPUID 0000000d:02 = 00000100 00000240 00000000 00000000 | ....@......." */
static enum line_kind parse_tycho(struct span s, struct leaf_line *ret)
{
	struct cpuid_record *r = &ret->record;

	s = span_trim(s);
	if (!span_take(&s, "CPUID ")) {
		if (span_starts(s, "CPU ") || span_starts(s, "CPU#"))
			return LINE_NEXT_CPU;
		return LINE_OTHER;
	}
	if (!take_word(&s, &r->leaf) || !span_take(&s, ":") ||
	    !take_subleaf(&s, &r->subleaf) || !span_take(&s, " ="))
		return LINE_BROKEN;
	for (unsigned i = 0; i < ARRAY_SIZE(r->reg); i++)
		if (!span_take(&s, " ") || !take_word(&s, &r->reg[i]))
			return LINE_BROKEN;
	ret->subleaf_given = true;
	return !s.size || *s.text == ' ' ? LINE_LEAF : LINE_BROKEN;
}

/* "CPUID 0000000D: 00000100-00000240-00000000-00000000 [SL 02] [AVX]" */
static enum line_kind parse_aida(struct span s, struct leaf_line *ret)
{
	struct cpuid_record *r = &ret->record;
	struct span mark;

	s = span_trim(s);
	if (span_starts(s, "---") &&
	    span_after(s, "Logical CPU #", &mark))
		return LINE_NEXT_CPU;
	if (!span_take(&s, "CPUID ") || !take_word(&s, &r->leaf))
		return LINE_OTHER;
	if (!span_take(&s, ": "))
		return LINE_BROKEN;
	for (unsigned i = 0; i < ARRAY_SIZE(r->reg); i++)
		if ((i && !span_take(&s, "-")) || !take_word(&s, &r->reg[i]))
			return LINE_BROKEN;
	if (s.size && *s.text != ' ')
		return LINE_BROKEN;
	if (span_after(s, "[SL ", &mark)) {
		ret->subleaf_given = true;
		if (!take_subleaf(&mark, &r->subleaf) ||
		    !span_take(&mark, "]"))
			return LINE_BROKEN;
	}
	return LINE_LEAF;
}

typedef enum line_kind (*line_parser)(struct span s, struct leaf_line *ret);

static bool matches(line_parser parser, const char *text, size_t size)
{
	struct lines lines = {
		.text = text,
		.size = size < PROSE_MAX ? size : PROSE_MAX,
	};
	struct span s;

	while (lines_next(&lines, &s)) {
		struct leaf_line line = { 0 };

		if (parser(s, &line) == LINE_LEAF)
			return true;
	}
	return false;
}

/*
 * Old dumps number no sub-leaves and skip those that are zero. Then only the
 * first one is known to be sub-leaf 0.
 */
static struct error *add_leaf(struct cpuid_table *t,
			      const struct leaf_line *line)
{
	if (!line->subleaf_given && cpuid_find(t, line->record.leaf, 0))
		return NULL;
	return cpuid_add(t, &line->record);
}

/* The leaves of the first logical CPU; the others are taken for the same. */
static struct error *read_table(line_parser parser, const char *text,
				size_t size, struct cpuid_table *t)
{
	struct lines lines = { .text = text, .size = size };
	struct error *err = NULL;
	struct span s;

	while (!err && lines_next(&lines, &s)) {
		struct leaf_line line = { 0 };
		enum line_kind kind = parser(s, &line);

		if (kind == LINE_BROKEN)
			err = error_new(ERROR_BAD_INPUT, "not a CPUID leaf, "
					"or only a part of one");
		if (kind == LINE_NEXT_CPU && t->count)
			break;
		if (kind != LINE_LEAF)
			continue;
		/* not every program writes a heading */
		if (t->count && !line.record.leaf && !line.record.subleaf)
			break;
		err = add_leaf(t, &line);
	}
	return err ? error_wrap(err, "line %u", lines.number) : NULL;
}

static struct error *parse(line_parser parser, const char *text, size_t size,
			   struct description *d,
			   enum xstate_family *vendor_ret)
{
	struct cpuid_table t = { 0 };
	struct error *err = read_table(parser, text, size, &t);

	if (!err)
		err = cpuid_describe(&t, d, vendor_ret);
	cpuid_deinit(&t);
	return err;
}

#define FORMAT(name, parser)                                                   \
	bool format_##name##_matches(const char *text, size_t size)            \
	{                                                                      \
		return matches(parser, text, size);                            \
	}                                                                      \
                                                                               \
	struct error *format_##name##_parse(const char *text, size_t size,     \
					    struct description *d,             \
					    enum xstate_family *vendor_ret)    \
	{                                                                      \
		return parse(parser, text, size, d, vendor_ret);               \
	}

FORMAT(cpuid_r, parse_r)
FORMAT(cpuid_tycho, parse_tycho)
FORMAT(cpuid_aida, parse_aida)
