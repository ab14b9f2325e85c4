/* SPDX-License-Identifier: GPL-3.0-or-later */
/* again.c - paragraphs of a report that are said once more */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "report/json.h"
#include "report/text_writer.h"

static const struct field F_LINE = { .key = "line", .flow = FLOW_LINE };
static const struct field F_MORE = { .key = "more", .text = " (%)",
				     .flow = FLOW_MORE };
static const struct field F_HIDDEN = { .key = "hidden", .flow = FLOW_HIDDEN };
static const struct field F_GRID = { .key = "grid", .flow = FLOW_HIDDEN };
static const struct field F_CELL = { .key = "", .flow = FLOW_CELL };
static const struct field ELEMENT = { .key = "", .flow = FLOW_HIDDEN };

/* As a report does it; how often it had to be told in full. */
static unsigned say(struct emitter *e, uint64_t value)
{
	if (emit_again(e, PARAGRAPH_CODE, &value, sizeof(value)))
		return 0;
	emit_string(e, &F_LINE, "a paragraph");
	emit_number(e, &F_MORE, (int64_t)value);
	emit_number(e, &F_HIDDEN, 7);
	emit_array(e, &F_GRID, SHAPE_GRID);
	emit_string(e, &F_CELL, "one");
	emit_string(e, &F_CELL, "two");
	emit_end(e);
	emit_learnt(e, PARAGRAPH_CODE);
	return 1;
}

static unsigned say_all(struct emitter *e)
{
	unsigned told = 0;

	emit_object(e, &ELEMENT, SHAPE_PLAIN);
	told += say(e, 1);
	told += say(e, 1);
	emit_string(e, &F_LINE, "between");
	told += say(e, 1);
	told += say(e, 2);
	told += say(e, 1);
	emit_object(e, &F_GRID, SHAPE_INDENTED);
	told += say(e, 1);
	told += say(e, 1);
	emit_end(e);
	emit_object(e, &F_GRID, SHAPE_JSON_ONLY);
	told += say(e, 3);
	emit_end(e);
	told += say(e, 1);
	emit_end(e);
	assert_null(emit_finish(e));
	return told;
}

#define SAID(indent, n) \
	indent "a paragraph (" n ")\n" indent "one   two\n"

static void text(void **state)
{
	static const char want[] = SAID("", "1") SAID("", "1") "between\n"
		SAID("", "1") SAID("", "2") SAID("", "1")
		SAID("  ", "1") SAID("  ", "1") SAID("", "1");
	const struct text_manner manner = { .width = 80 };
	CLEANUP_FREE char *got = NULL;
	size_t size;
	FILE *out = open_memstream(&got, &size);
	struct emitter *e = out ? text_writer_create(out, &manner) : NULL;

	(void)state;
	assert_non_null(e);
	/* another value, and another indentation, are not the same */
	assert_int_equal(say_all(e), 5);
	emitter_destroy(e);
	fclose(out);
	assert_string_equal(got, want);
}

/* JSON has to be told every time. */
static void json(void **state)
{
	CLEANUP_FREE char *got = NULL;
	size_t size, count = 0;
	FILE *out = open_memstream(&got, &size);
	struct emitter *e = out ? json_create(out, false) : NULL;

	(void)state;
	assert_non_null(e);
	assert_int_equal(say_all(e), 9);
	emitter_destroy(e);
	fclose(out);
	for (const char *at = got; (at = strstr(at, "\"hidden\"")); at++)
		count++;
	assert_int_equal(count, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(json),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
