/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_cpuinfo.c - /proc/cpuinfo, and lscpu as text and as JSON */
#include <json-c/json.h>
#include <string.h>

#include "base/cleanup.h"
#include "describe/flags.h"
#include "describe/formats.h"

/* How far to look for a line that tells the format. */
#define HEAD_MAX (64u << 10)

/* lscpu nests the fields of a socket two deep. */
#define JSON_DEPTH_MAX 16

/* How one format calls the three facts. */
struct keys {
	const char *vendor;
	const char *name;
	const char *flags;
};

static const struct keys cpuinfo_keys = { "vendor_id", "model name", "flags" };
static const struct keys lscpu_keys = { "Vendor ID", "Model name", "Flags" };

/* Where the value of that key goes; NULL if it is not one of them. */
static struct span *place_of(struct cpu_flags *f, const struct keys *keys,
			     struct span key)
{
	if (span_equal(key, keys->vendor))
		return &f->vendor;
	if (span_equal(key, keys->name))
		return &f->name;
	return span_equal(key, keys->flags) ? &f->flags : NULL;
}

/* A line "key : value". */
static bool split_line(struct span line, struct span *key_ret,
		       struct span *value_ret)
{
	if (!span_split(line, ':', key_ret, value_ret))
		return false;
	*key_ret = span_trim(*key_ret);
	return true;
}

static bool has_keys(const struct keys *keys, const char *text, size_t size)
{
	struct lines lines = {
		.text = text,
		.size = size < HEAD_MAX ? size : HEAD_MAX,
	};
	struct cpu_flags f = { 0 };
	struct span line, key, value;

	while (lines_next(&lines, &line))
		if (split_line(line, &key, &value) &&
		    place_of(&f, keys, key))
			return true;
	return false;
}

bool format_cpuinfo_matches(const char *text, size_t size)
{
	return has_keys(&cpuinfo_keys, text, size);
}

bool format_lscpu_matches(const char *text, size_t size)
{
	return has_keys(&lscpu_keys, text, size);
}

static struct error *take_line(struct cpu_flags *f, const struct keys *keys,
			       struct span key, struct span value)
{
	struct span *place = place_of(f, keys, key);

	if (!place)
		return NULL;
	value = span_trim(value);
	if (place->text)
		return error_new(ERROR_BAD_INPUT, "'%.*s' is there twice",
				 SPAN_SHOWN(key));
	if (!span_printable(value))
		return error_new(ERROR_BAD_INPUT, "control characters in "
				 "'%.*s'", SPAN_SHOWN(key));
	*place = value;
	return NULL;
}

/* The first processor's part: its end is a blank line. */
struct error *format_cpuinfo_parse(const char *text, size_t size,
				   struct description *d,
				   enum xstate_family *vendor_ret)
{
	struct lines lines = { .text = text, .size = size };
	struct cpu_flags f = { 0 };
	struct error *err = NULL;
	bool begun = false;
	struct span line, key, value;

	while (!err && lines_next(&lines, &line)) {
		if (!split_line(line, &key, &value)) {
			if (begun && !span_trim(line).size)
				break;
			continue;
		}
		if (begun && span_equal(key, "processor"))
			break;
		begun = true;
		err = take_line(&f, &cpuinfo_keys, key, value);
	}
	return err ? error_wrap(err, "line %u", lines.number)
		   : flags_describe(&f, d, vendor_ret);
}

/* A machine with several kinds of CPU has a block of its own for each. */
struct error *format_lscpu_parse(const char *text, size_t size,
				 struct description *d,
				 enum xstate_family *vendor_ret)
{
	struct lines lines = { .text = text, .size = size };
	struct cpu_flags f = { 0 };
	struct error *err = NULL;
	struct span line, key, value;

	while (!err && !f.flags.text && lines_next(&lines, &line)) {
		if (!split_line(line, &key, &value))
			continue;
		err = take_line(&f, &lscpu_keys, key, value);
	}
	return err ? error_wrap(err, "line %u", lines.number)
		   : flags_describe(&f, d, vendor_ret);
}

bool format_lscpu_json_matches(const char *text, size_t size)
{
	struct span s = { text, size < HEAD_MAX ? size : HEAD_MAX };
	struct span rest;

	while (s.size && strchr(" \t\r\n", *s.text) && *s.text) {
		s.text++;
		s.size--;
	}
	return span_take(&s, "{") && span_after(s, "\"lscpu\"", &rest);
}

/* A string of a JSON object; .text is NULL if there is none. */
static struct span json_text(struct json_object *o, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(o, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return (struct span){ NULL, 0 };
	return (struct span){
		json_object_get_string(value),
		(size_t)json_object_get_string_len(value),
	};
}

/*
 * The fields of `list`, those below them too. Labels end in a colon in some
 * versions. The depth is bounded by the tokener's.
 */
static struct error *take_fields(struct cpu_flags *f, struct json_object *list)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < json_object_array_length(list); i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		struct json_object *children;

		if (!json_object_is_type(o, json_type_object))
			return error_new(ERROR_BAD_INPUT, "a field of lscpu "
					 "is not an object");

		struct span key = json_text(o, "field");
		struct span data = json_text(o, "data");

		if (key.size && key.text[key.size - 1] == ':')
			key.size--;
		if (key.text && data.text && !f->flags.text)
			err = take_line(f, &lscpu_keys, key, data);
		if (!err &&
		    json_object_object_get_ex(o, "children", &children) &&
		    json_object_is_type(children, json_type_array))
			err = take_fields(f, children);
	}
	return err;
}

static struct error *describe_json(struct json_object *root,
				   struct description *d,
				   enum xstate_family *vendor_ret)
{
	struct cpu_flags f = { 0 };
	struct json_object *list;

	if (!json_object_is_type(root, json_type_object) ||
	    !json_object_object_get_ex(root, "lscpu", &list) ||
	    !json_object_is_type(list, json_type_array))
		return error_new(ERROR_BAD_INPUT, "JSON without a list "
				 "\"lscpu\"");

	struct error *err = take_fields(&f, list);

	return err ? err : flags_describe(&f, d, vendor_ret);
}

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

struct error *format_lscpu_json_parse(const char *text, size_t size,
				      struct description *d,
				      enum xstate_family *vendor_ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_MAX);
	struct error *err;

	if (!tokener)
		return &error_no_memory;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);

	/* file.h bounds the size far below INT_MAX */
	struct json_object *root =
		json_tokener_parse_ex(tokener, text, (int)size);
	enum json_tokener_error why = json_tokener_get_error(tokener);

	if (root)
		err = describe_json(root, d, vendor_ret);
	else
		err = error_new(ERROR_BAD_INPUT, "line %u: not JSON: %s",
				line_of(text,
					json_tokener_get_parse_end(tokener)),
				why == json_tokener_continue
					? "it ends too early"
					: json_tokener_error_desc(why));
	json_object_put(root);
	json_tokener_free(tokener);
	return err;
}

const char *description_json_library(void)
{
	return json_c_version();
}
