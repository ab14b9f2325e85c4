/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - plain structs as lines of text, and back */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/record.h"

struct thing {
	uint64_t count, mask;
	char *name, *other;
};

static const struct record_field fields[] = {
	{ "count", RECORD_NUMBER, offsetof(struct thing, count) },
	{ "mask", RECORD_WORD, offsetof(struct thing, mask) },
	{ "name", RECORD_TEXT, offsetof(struct thing, name) },
	{ "other", RECORD_TEXT, offsetof(struct thing, other) },
};
static const struct record thing = { "thing", fields, ARRAY_SIZE(fields) };

/* True if the line makes sense; *ret is then what it says. */
static bool reads(const char *line, struct thing *ret)
{
	struct span rest = span_of(line);
	struct error *err;

	*ret = (struct thing){ 0 };
	assert_true(record_is(&thing, &rest));
	err = record_read(&thing, rest, ret);
	if (!err)
		return true;
	assert_int_equal(error_code(err), ERROR_BAD_INPUT);
	error_free(err);
	record_deinit(&thing, ret);
	return false;
}

static void writes(void **state)
{
	char odd[] = "a \"b\" \\ \n\x1b\x80=";
	struct thing t = { 18446744073709551615u, 0x207, odd, NULL };
	struct text text = TEXT_INIT;

	(void)state;
	record_write(&thing, &t, &text);
	assert_string_equal(text_string(&text),
			    "thing count=18446744073709551615 mask=0x207 "
			    "name=\"a \\x22b\\x22 \\x5c \\x0a\\x1b\\x80=\"\n");
	text_clear(&text);
	record_write(&thing, &(struct thing){ 0 }, &text);
	assert_string_equal(text_string(&text), "thing\n");
	text_deinit(&text);
}

/* Every byte that a string may have comes back. */
static void comes_back(void **state)
{
	struct text text = TEXT_INIT;
	struct thing back;
	char all[256];

	(void)state;
	for (unsigned i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);		/* the last is the NUL */

	struct thing t = { 7, UINT64_C(1) << 63, all, (char[]){ "" } };

	record_write(&thing, &t, &text);
	assert_ptr_equal(strchr(text.data, '\n'), text.data + text.size - 1);
	text.data[text.size - 1] = '\0';
	assert_true(reads(text_string(&text), &back));
	assert_int_equal(back.count, t.count);
	assert_int_equal(back.mask, t.mask);
	assert_string_equal(back.name, all);
	assert_string_equal(back.other, "");
	record_deinit(&thing, &back);
	text_deinit(&text);
}

static void grows(void **state)
{
	struct thing t;

	(void)state;
	assert_true(reads("thing new=\"a b=c\" count=3 newer=0x1", &t));
	assert_int_equal(t.count, 3);
	assert_null(t.name);
	assert_true(reads("thing name=\"1\" name=\"2\"", &t));
	assert_string_equal(t.name, "2");
	record_deinit(&thing, &t);
}

static void refuses(void **state)
{
	static const char *const bad[] = {
		"thing x", "thing =", "thing count", "thing count=",
		"thing count= 1", "thing count=x", "thing count=-1",
		"thing count=18446744073709551616", "thing mask=0x",
		"thing name=", "thing name=a", "thing name=\"",
		"thing name=\"a", "thing name=\"\\\"", "thing name=\"\\x\"",
		"thing name=\"\\x4\"", "thing name=\"\\x4g\"",
		"thing name=\"\\x00\"", "thing name=\"\\n\"",
		"thing unknown=\"a", "thing unknown=",
	};
	struct span rest = span_of("things count=1");
	struct thing t;

	(void)state;
	assert_false(record_is(&thing, &rest));
	rest = span_of("");
	assert_false(record_is(&thing, &rest));
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
		if (reads(bad[i], &t))
			fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes),
		cmocka_unit_test(comes_back),
		cmocka_unit_test(grows),
		cmocka_unit_test(refuses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
