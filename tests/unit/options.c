/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - what the command line turns into, and what is refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "options.h"

#define MOST 16

/* Parse the words of `line`, which is cut at its blanks. */
static struct error *parse(char *line, struct options *ret)
{
	static char name[] = "sigframe-inspect";
	static char *argv[MOST + 2];
	int argc = 1;

	argv[0] = name;
	for (char *word = strtok(line, " "); word; word = strtok(NULL, " ")) {
		assert_true(argc <= MOST);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return options_parse(argc, argv, ret);
}

static void refused(void **state)
{
	static const struct {
		const char *line;
		const char *named;	/* in the message */
	} cases[] = {
		{ "", "nothing to examine" },
		{ "-x", "nothing to examine" },
		{ "--tree", "nothing to examine" },
		{ "-T 5", "nothing to examine" },
		{ "-p 0", "--pid: '0'" },
		{ "-p -1", "--pid: '-1'" },
		{ "-p +1", "--pid: '+1'" },
		{ "-p 0x10", "--pid: '0x10'" },
		{ "-p 1x", "--pid: '1x'" },
		{ "--pid=", "--pid: ''" },
		{ "-p 2147483648", "--pid: '2147483648'" },
		{ "-p 4294967297", "--pid: '4294967297'" },
		{ "-p 18446744073709551617", "--pid: '18446744073709551617'" },
		{ "-p 1 -T 0", "--tid: '0'" },
		{ "-p 1 --tid=abc", "--tid: 'abc'" },
		{ "-p 1 --stop=some", "auto, all, none" },
		{ "-p 1 --color=yes", "auto, always, never" },
		{ "-p 1 --json=yaml", "pretty, lines" },
		{ "-p 1 --rehearse=some", "present, absent" },
		{ "-p 1 -rsome", "--rehearse: 'some'" },
		{ "-p 1 -e prog", "--executable" },
		{ "-p 1 --sysroot=/mnt", "--sysroot" },
		{ "-p 1 core -e prog", "--executable" },
		{ "core --tree", "--tree" },
		{ "core --stop=auto", "--stop" },
		{ "-p 1 core --stop=all", "--stop" },
		{ "-p 1 --dormant=some", "--dormant" },
		{ "-p 1 -T 2 --dormant=all", "--dormant" },
		{ "core --dormant=auto --no-unwind", "--dormant" },
		{ "-p 1 -q -j", "--quiet and --json" },
		{ "-p 1 -q -x", "--quiet and --registers" },
		{ "-p 1 -q --raw", "--quiet and --raw" },
		{ "-p 1 -p 2 --export=small", "--export" },
		{ "-p 1 core --export=small", "--export" },
		{ "--tree -p 1 --export=small", "--export" },
		{ "-p 1 --export=", "--export" },
		{ "--list-cpus --export=small", "--export" },
		{ "--explain core", "--explain" },
		{ "--explain=magic1-wrong -p 1", "--explain" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[128];
		struct options o;
		struct error *err;

		strcpy(line, cases[i].line);
		err = parse(line, &o);
		if (!err)
			fail_msg("'%s' is accepted", cases[i].line);
		assert_int_equal(error_code(err), ERROR_USAGE);
		if (!strstr(error_message(err), cases[i].named))
			fail_msg("'%s' says: %s", cases[i].line,
				 error_message(err));
		assert_null(strchr(error_message(err), '\n'));
		error_free(err);
	}
}

static void defaults(void **state)
{
	char line[] = "-p 1";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_int_equal(o.pids_count, 1);
	assert_int_equal(o.pids[0], 1);
	assert_int_equal(o.files_count, 0);
	assert_int_equal(o.live.tids_count, 0);
	assert_int_equal(o.live.stop, LIVE_STOP_AUTO);
	assert_int_equal(o.json, OPTIONS_JSON_OFF);
	assert_int_equal(o.color, OPTIONS_COLOR_AUTO);
	assert_true(o.locate.unwind);
	assert_int_equal(o.locate.dormant, LOCATE_DORMANT_AUTO);
	assert_false(o.tree || o.registers || o.raw || o.quiet || o.strict ||
		     o.rehearse || o.tell == OPTIONS_TELL_EXPLANATION);
	options_deinit(&o);
}

static void process(void **state)
{
	char line[] = "-p 7 --pid=2147483647 --tree -T 8 --tid 9 --stop=none "
		      "-x --raw --json=lines -rabsent";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_int_equal(o.pids_count, 2);
	assert_int_equal(o.pids[0], 7);
	assert_int_equal(o.pids[1], 2147483647);
	assert_true(o.tree);
	assert_int_equal(o.live.tids_count, 2);
	assert_int_equal(o.live.tids[0], 8);
	assert_int_equal(o.live.tids[1], 9);
	assert_int_equal(o.live.stop, LIVE_STOP_NONE);
	/* without the other threads nothing can be told of what is left */
	assert_int_equal(o.locate.dormant, LOCATE_DORMANT_NONE);
	assert_true(o.registers && o.raw && o.rehearse);
	assert_int_equal(o.rehearse_pages, REHEARSE_ABSENT);
	assert_int_equal(o.json, OPTIONS_JSON_LINES);
	options_deinit(&o);
}

static void core(void **state)
{
	char line[] = "a -e prog --sysroot=/mnt -T 8 -j --strict --no-unwind "
		      "--color=never -- -b";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_int_equal(o.files_count, 2);
	assert_string_equal(o.files[0], "a");
	assert_string_equal(o.files[1], "-b");
	assert_string_equal(o.core.executable, "prog");
	assert_string_equal(o.core.sysroot, "/mnt");
	assert_int_equal(o.core.tids_count, 1);
	assert_int_equal(o.core.tids[0], 8);
	assert_int_equal(o.json, OPTIONS_JSON_PRETTY);
	assert_true(o.strict);
	assert_false(o.locate.unwind);
	assert_int_equal(o.color, OPTIONS_COLOR_NEVER);
	assert_null(o.export);
	options_deinit(&o);
}

static void export(void **state)
{
	char line[] = "core -q --export=small.core";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_string_equal(o.export, "small.core");
	options_deinit(&o);
}

static void dormant(void **state)
{
	static const struct {
		const char *line;
		enum locate_dormant want;
	} cases[] = {
		{ "core --dormant=all", LOCATE_DORMANT_ALL },
		{ "-p 1 --dormant=auto", LOCATE_DORMANT_AUTO },
		{ "-p 1 --dormant=none", LOCATE_DORMANT_NONE },
		{ "-p 1 -T 1 --dormant=none", LOCATE_DORMANT_NONE },
		{ "core --no-unwind", LOCATE_DORMANT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char line[128];
		struct options o;

		strcpy(line, cases[i].line);
		assert_null(parse(line, &o));
		assert_int_equal(o.locate.dormant, cases[i].want);
		options_deinit(&o);
	}
}

static void explain(void **state)
{
	char list[] = "--explain", one[] = "--explain=magic1-wrong";
	struct options o;

	(void)state;
	assert_null(parse(list, &o));
	assert_true(o.tell == OPTIONS_TELL_EXPLANATION);
	assert_null(o.explain_id);
	options_deinit(&o);
	assert_null(parse(one, &o));
	assert_true(o.tell == OPTIONS_TELL_EXPLANATION);
	assert_string_equal(o.explain_id, "magic1-wrong");
	options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(defaults),
		cmocka_unit_test(process),
		cmocka_unit_test(core),
		cmocka_unit_test(export),
		cmocka_unit_test(dormant),
		cmocka_unit_test(explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
