/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json.c - a report as JSON */
#include "report/json.h"

#include <errno.h>
#include <json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

#define DEPTH_MAX 32

struct json {
	struct emitter emitter;	/* first: the two are the same address */
	FILE *out;
	bool pretty;
	bool no_memory;
	struct json_object *open[DEPTH_MAX];	/* the root owns the rest */
	unsigned depth;
};

static struct json *json_of(struct emitter *e)
{
	return (struct json *)e;
}

/* Put `value` where the walk is; takes it. NULL stands for a JSON null. */
static void place(struct json *j, const struct field *f,
		  struct json_object *value)
{
	struct json_object *parent = j->depth ? j->open[j->depth - 1] : NULL;
	int failed;

	if (!parent || !f->key) {	/* text only */
		json_object_put(value);
		return;
	}
	if (json_object_is_type(parent, json_type_array))
		failed = json_object_array_add(parent, value);
	else
		failed = json_object_object_add(parent, f->key, value);
	if (failed) {
		json_object_put(value);
		j->no_memory = true;
	}
}

static void place_new(struct json *j, const struct field *f,
		      struct json_object *value)
{
	if (!value)
		j->no_memory = true;
	else
		place(j, f, value);
}

static void json_begin(struct emitter *e, const struct field *f,
		       enum field_shape shape, bool array)
{
	struct json *j = json_of(e);
	struct json_object *o = array ? json_object_new_array()
				      : json_object_new_object();

	(void)shape;
	if (!o || j->depth == DEPTH_MAX) {
		json_object_put(o);
		j->no_memory = true;
		o = NULL;
	} else if (j->depth) {
		place(j, f, o);
	}
	if (j->depth < DEPTH_MAX)
		j->open[j->depth++] = o;
}

static void json_end(struct emitter *e)
{
	struct json *j = json_of(e);

	if (j->depth > 1)
		j->depth--;
}

/* Valid UTF-8, with U+FFFD for each byte that is not. */
static struct json_object *new_string(const char *s)
{
	struct text t = TEXT_INIT;
	struct json_object *o = NULL;

	while (*s) {
		size_t length = text_utf8_length(s);

		if (length)
			text_add_bytes(&t, s, length);
		else
			text_add(&t, "\xef\xbf\xbd");
		s += length ? length : 1;
	}
	if (!text_bad(&t))
		o = json_object_new_string(text_string(&t));
	text_deinit(&t);
	return o;
}

static void json_string(struct emitter *e, const struct field *f,
			const char *value)
{
	place_new(json_of(e), f, new_string(value));
}

static void json_number(struct emitter *e, const struct field *f,
			int64_t value)
{
	place_new(json_of(e), f, json_object_new_int64(value));
}

static void json_word(struct emitter *e, const struct field *f, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)value);
	place_new(json_of(e), f, json_object_new_string(text));
}

static void json_boolean(struct emitter *e, const struct field *f, bool value)
{
	place_new(json_of(e), f, json_object_new_boolean(value));
}

static void json_null(struct emitter *e, const struct field *f)
{
	place(json_of(e), f, NULL);
}

static struct error *json_finish(struct emitter *e)
{
	struct json *j = json_of(e);
	int flags = j->pretty ? JSON_C_TO_STRING_PRETTY |
					JSON_C_TO_STRING_SPACED
			      : JSON_C_TO_STRING_PLAIN;
	const char *text = NULL;

	if (!j->no_memory)
		text = json_object_to_json_string_ext(
			j->open[0], flags | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (!text)
		return &error_no_memory;
	if (fprintf(j->out, "%s\n", text) < 0)
		return error_os(errno, "writing the report");
	return NULL;
}

static void json_destroy(struct emitter *e)
{
	struct json *j = json_of(e);

	json_object_put(j->open[0]);
	free(j);
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
		.finish = json_finish,
		.destroy = json_destroy,
	};
	struct json *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->emitter.ops = &ops;
	j->out = out;
	j->pretty = pretty;
	return &j->emitter;
}
