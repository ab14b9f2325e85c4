/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wrap.c - lines that are too long for a terminal */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "report/wrap.h"

static const struct {
	const char *line;
	unsigned width;
	const char *wrapped;
} cases[] = {
	{ "", 10, "" },
	{ "short", 10, "short" },
	{ "just right", 10, "just right" },
	{ "one two three four", 10, "one two\n  three\n  four" },
	{ "    one two three", 10, "    one\n      two\n      three" },
	/* goes on below what follows the label */
	{ "  check   one two three", 18,
	  "  check   one two\n    three" },
	{ "  why  one two three", 16, "  why  one two\n       three" },
	/* nowhere to break */
	{ "/a/very/long/path x", 10, "/a/very/long/path\n  x" },
	{ "aaaaaaaaaaaaaaaaaaaa", 10, "aaaaaaaaaaaaaaaaaaaa" },
	{ "          deep", 10, "          deep" },
	/* colors take no room, characters one column each */
	{ "\033[1mone two\033[0m", 7, "\033[1mone two\033[0m" },
	{ "\033[1mone two six\033[0m", 7, "\033[1mone two\n  six\033[0m" },
	{ "\xc3\xa4\xc3\xb6 \xc3\xbc\xc3\x9f ok", 5,
	  "\xc3\xa4\xc3\xb6 \xc3\xbc\xc3\x9f\n  ok" },
	/* what is not right is passed on */
	{ "\033[", 1, "\033[" },
};

static void wraps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text t = TEXT_INIT;

		wrap_line(&t, cases[i].line, strlen(cases[i].line),
			  cases[i].width);
		if (strcmp(text_string(&t), cases[i].wrapped) != 0)
			fail_msg("'%s' becomes\n%s", cases[i].line,
				 text_string(&t));
		text_deinit(&t);
	}
}

/* Whatever the width, no byte but blanks is lost, and it ends. */
static void keeps_all(void **state)
{
	static const char line[] = "  thread 4243 died of a sigreturn:  its "
				   "frame at \033[1m0x7ffc\033[0m was refused";

	(void)state;
	for (unsigned width = 0; width < 100; width++) {
		struct text t = TEXT_INIT;
		const char *from = line, *to;

		wrap_line(&t, line, sizeof(line) - 1, width);
		for (to = text_string(&t); *to; to++) {
			if (strchr(" \n", *to))
				continue;
			while (*from == ' ')
				from++;
			assert_int_equal(*from++, *to);
		}
		assert_int_equal(*from, '\0');
		text_deinit(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wraps),
		cmocka_unit_test(keeps_all),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
