/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - plain structs as lines of text, and back */
#include "base/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t *number_at(const void *data, const struct record_field *f)
{
	return (const uint64_t *)((const char *)data + f->offset);
}

static char *const *text_at(const void *data, const struct record_field *f)
{
	return (char *const *)((const char *)data + f->offset);
}

static void add_quoted(struct text *t, const char *s)
{
	text_add(t, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ' || c >= 0x7f || c == '"' || c == '\\')
			text_printf(t, "\\x%02x", c);
		else
			text_add_bytes(t, s, 1);
	}
	text_add(t, "\"");
}

void record_write(const struct record *r, const void *data, struct text *t)
{
	text_add(t, r->name);
	for (size_t i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];

		if (f->type == RECORD_TEXT) {
			const char *s = *text_at(data, f);

			if (!s)
				continue;
			text_printf(t, " %s=", f->key);
			add_quoted(t, s);
		} else if (*number_at(data, f)) {
			text_printf(t, f->type == RECORD_WORD
					       ? " %s=0x%" PRIx64
					       : " %s=%" PRIu64,
				    f->key, *number_at(data, f));
		}
	}
	text_add(t, "\n");
}

bool record_is(const struct record *r, struct span *line)
{
	struct span rest = *line, word;

	if (!span_word(&rest, &word) || !span_equal(word, r->name))
		return false;
	*line = rest;
	return true;
}

static struct error *malformed(struct span s)
{
	return error_new(ERROR_BAD_INPUT, "'%.*s' makes no sense",
			 SPAN_SHOWN(s));
}

/* Take `"..."` off the front; what is escaped was two digits behind "\x". */
static struct error *take_quoted(struct span *s, char **ret)
{
	struct span at = *s, quoted, rest;
	char *out;

	if (!span_take(&at, "\"") || !span_split(at, '"', &quoted, &rest))
		return malformed(*s);
	at = quoted;
	out = malloc(at.size + 1);
	if (!out)
		return &error_no_memory;
	*ret = out;
	*out = '\0';
	while (at.size) {
		struct span digits = { at.text + 2, 2 };
		uint64_t value;

		if (*at.text != '\\') {
			*out++ = *at.text++;
			at.size--;
			continue;
		}
		if (at.size < 4 || at.text[1] != 'x' ||
		    !span_take_hex(&digits, &value) || digits.size || !value)
			return malformed(*s);
		*out++ = (char)value;
		at = (struct span){ at.text + 4, at.size - 4 };
	}
	*out = '\0';
	*s = rest;
	return NULL;
}

static struct error *take_number(struct span *s, uint64_t *ret)
{
	struct span word, rest = *s;

	if (!span_word(&rest, &word) || word.text != s->text ||
	    !span_number(word, ret))
		return malformed(*s);
	*s = rest;
	return NULL;
}

/* A value that nobody asked for, quoted or not. */
static struct error *skip(struct span *s)
{
	char *text = NULL;
	struct span word;

	if (s->size && *s->text == '"') {
		struct error *err = take_quoted(s, &text);

		free(text);
		return err;
	}
	return span_word(s, &word) ? NULL : malformed(*s);
}

static struct error *take_pair(const struct record *r, struct span *line,
			       void *data)
{
	struct span key;

	if (!span_split(*line, '=', &key, line))
		return malformed(*line);
	for (size_t i = 0; i < r->count; i++) {
		const struct record_field *f = &r->fields[i];
		char *member = (char *)data + f->offset;

		if (!span_equal(key, f->key))
			continue;
		if (f->type != RECORD_TEXT)
			return take_number(line, (uint64_t *)member);
		free(*(char **)member);
		*(char **)member = NULL;
		return take_quoted(line, (char **)member);
	}
	return skip(line);
}

struct error *record_read(const struct record *r, struct span line, void *data)
{
	struct error *err = NULL;

	for (line = span_trim(line); line.size && !err; line = span_trim(line))
		err = take_pair(r, &line, data);
	return err ? error_wrap(err, "%s", r->name) : NULL;
}

void record_deinit(const struct record *r, void *data)
{
	for (size_t i = 0; i < r->count; i++) {
		char **text = (char **)((char *)data + r->fields[i].offset);

		if (r->fields[i].type != RECORD_TEXT)
			continue;
		free(*text);
		*text = NULL;
	}
}
