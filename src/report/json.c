/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - a report as JSON */
#include "report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define DEPTH_MAX 32
#define INDENT 2

/* An object or array that is not closed yet. */
struct level {
	bool array;
	bool any;	/* there is something in it */
};

struct json {
	struct emitter emitter;	/* first: the two are the same address */
	FILE *out;
	bool pretty;
	struct level open[DEPTH_MAX];
	unsigned depth;
	unsigned hidden;	/* depth within something of the text only */
	int failed;		/* errno */
};

static struct json *json_of(struct emitter *e)
{
	return (struct json *)e;
}

static void put(struct json *j, const char *s)
{
	if (fputs(s, j->out) == EOF && !j->failed)
		j->failed = errno;
}

static void new_line(struct json *j)
{
	if (j->pretty && fprintf(j->out, "\n%*s", (int)j->depth * INDENT, "") <
				 0 &&
	    !j->failed)
		j->failed = errno;
}

/*
 * Append it as valid UTF-8, with U+FFFD for each byte that is not. What no
 * terminal should get is escaped also where JSON would not ask for it.
 */
static void add_escaped(struct text *t, const char *s)
{
	static const char *const escapes[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n",
		['\f'] = "\\f", ['\r'] = "\\r", ['"'] = "\\\"",
		['\\'] = "\\\\",
	};

	while (*s) {
		size_t length = text_utf8_length(s);
		unsigned char c = (unsigned char)*s;

		if (!length)
			text_add(t, "\xef\xbf\xbd");
		else if (c < sizeof(escapes) / sizeof(*escapes) && escapes[c])
			text_add(t, escapes[c]);
		else if (text_is_unprintable(s, length))
			text_printf(t, "\\u%04x", text_utf8_value(s, length));
		else
			text_add_bytes(t, s, length);
		s += length ? length : 1;
	}
}

/* Begin a value: what goes in front of it. False if it is not for JSON. */
static bool begin_value(struct json *j, const struct field *f)
{
	struct level *in = j->depth ? &j->open[j->depth - 1] : NULL;

	if (j->hidden || !f->key)
		return false;
	if (!in)
		return true;
	put(j, in->any ? "," : "");
	in->any = true;
	new_line(j);
	if (in->array)
		return true;
	/* keys are ours, and need no escapes */
	put(j, "\"");
	put(j, f->key);
	put(j, j->pretty ? "\": " : "\":");
	return true;
}

static void json_begin(struct emitter *e, const struct field *f,
		       enum field_shape shape, bool array)
{
	struct json *j = json_of(e);

	(void)shape;
	if (j->depth == DEPTH_MAX)
		j->failed = EOVERFLOW;
	if (j->depth == DEPTH_MAX || !begin_value(j, f)) {
		j->hidden++;
		return;
	}
	put(j, array ? "[" : "{");
	j->open[j->depth++] = (struct level){ .array = array };
}

static void json_end(struct emitter *e)
{
	struct json *j = json_of(e);

	if (j->hidden) {
		j->hidden--;
		return;
	}
	j->depth--;
	new_line(j);
	put(j, j->open[j->depth].array ? "]" : "}");
}

static void json_string(struct emitter *e, const struct field *f,
			const char *value)
{
	struct json *j = json_of(e);
	struct text t = TEXT_INIT;

	if (!begin_value(j, f))
		return;
	text_add(&t, "\"");
	add_escaped(&t, value);
	text_add(&t, "\"");
	if (text_bad(&t) && !j->failed)
		j->failed = ENOMEM;
	put(j, text_string(&t));
	text_deinit(&t);
}

static void json_number(struct emitter *e, const struct field *f,
			int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	if (begin_value(json_of(e), f))
		put(json_of(e), text);
}

static void json_word(struct emitter *e, const struct field *f, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "\"0x%016" PRIx64 "\"", value);
	if (begin_value(json_of(e), f))
		put(json_of(e), text);
}

static void json_boolean(struct emitter *e, const struct field *f, bool value)
{
	if (begin_value(json_of(e), f))
		put(json_of(e), value ? "true" : "false");
}

static void json_null(struct emitter *e, const struct field *f)
{
	if (begin_value(json_of(e), f))
		put(json_of(e), "null");
}

static void json_front(struct emitter *e, bool front)
{
	(void)e;
	(void)front;
}

static struct error *json_flush(struct emitter *e)
{
	struct json *j = json_of(e);

	if (fflush(j->out) && !j->failed)
		j->failed = errno;
	return j->failed ? error_os(j->failed, "writing the report") : NULL;
}

static struct error *json_finish(struct emitter *e)
{
	put(json_of(e), "\n");
	return json_flush(e);
}

static void json_destroy(struct emitter *e)
{
	free(json_of(e));
}

struct emitter *json_create(FILE *out, bool pretty)
{
	static const struct emitter_ops ops = {
		.begin = json_begin,
		.end = json_end,
		.string = json_string,
		.number = json_number,
		.word = json_word,
		.boolean = json_boolean,
		.null = json_null,
		.front = json_front,
		.flush = json_flush,
		.finish = json_finish,
		.destroy = json_destroy,
	};
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->emitter.ops = &ops;
	j->emitter.keys = true;
	j->out = out;
	j->pretty = pretty;
	return &j->emitter;
}
