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

/* Parse the words of `text`; *ret may refer to them until the next call. */
static struct error *parse(const char *text, struct options *ret)
{
	static char line[256];
	static char name[] = "sigframe-inspect";
	static char *argv[MOST + 2];
	int argc = 1;

	argv[0] = name;
	assert_true(strlen(text) < sizeof(line));
	strcpy(line, text);
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
		{ "--all -p 1", "--all goes without PID" },
		{ "--all core", "--all goes without PID" },
		{ "--all --tree", "--all goes without --tree" },
		{ "--all -T 5", "--all goes without --tree, --tid" },
		{ "--all --export=file", "--all goes without" },
		{ "--all --list-cpus", "what only prints" },
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
		{ "-p 1 --unwind=some", "auto, all, none" },
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
		{ "core --dormant=auto --unwind=none", "--dormant" },
		{ "core --max-size=0", "--max-size: '0'" },
		{ "core --max-size=", "--max-size: ''" },
		{ "core --max-size=1.5G", "--max-size: '1.5G'" },
		{ "core --max-size=16777216T", "--max-size: '16777216T'" },
		{ "-p 1 --max-size=1G", "--max-size" },
		{ "- core -", "standard input" },
		{ "--compare a --criu=b", "without --criu" },
		{ "--criu=dir --tree", "--tree" },
		{ "-p 1 -q -j", "--quiet and --json" },
		{ "-p 1 -q -x", "--quiet and --registers" },
		{ "-p 1 -q --raw", "--quiet and --raw" },
		{ "-p 1 -s -j", "--summary" },
		{ "-p 1 -s -q", "--summary" },
		{ "-p 1 --summary -x", "--summary" },
		{ "-p 1 -s --raw", "--summary" },
		{ "--compare -s a b", "--summary" },
		{ "--list-cpus -s", "--summary" },
		{ "-p 1 -p 2 --export=small", "--export" },
		{ "-p 1 core --export=small", "--export" },
		{ "--tree -p 1 --export=small", "--export" },
		{ "-p 1 --export=", "--export" },
		{ "--list-cpus --export=small", "--export" },
		{ "--compare", "nothing to examine" },
		{ "--compare a", "--compare takes two" },
		{ "--compare -p 1", "--compare takes two" },
		{ "--compare a b c", "--compare takes two" },
		{ "--compare a b -p 1", "--compare takes two" },
		{ "--compare a b -t host", "--compare judges nothing" },
		{ "--compare a b -r", "--compare judges nothing" },
		{ "--compare a b --raw", "--compare judges nothing" },
		{ "--compare a b --strict", "--compare judges nothing" },
		{ "--compare a b --export=c", "--compare judges nothing" },
		{ "--compare --list-cpus", "--compare" },
		{ "--compare a b --stop=all", "--stop" },
		{ "--compare -p 1 -p 2 -e prog", "--executable" },
		{ "--compare -q -x a b", "--quiet and --registers" },
		{ "--explain core", "--explain" },
		{ "--explain=magic1-wrong -p 1", "--explain" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;
		struct error *err;

		err = parse(cases[i].line, &o);
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

/* Two inputs in the order of the command line, whatever they are. */
static void compared(void **state)
{
	static const struct {
		const char *line;
		unsigned pids, files;
		bool pid_first;
	} cases[] = {
		{ "--compare a b", 0, 2, false },
		{ "a b --compare", 0, 2, false },
		{ "--compare -p 1 -p 2", 2, 0, true },
		{ "--compare a -p 1", 1, 1, false },
		{ "a --compare -p1", 1, 1, false },
		{ "a --pid=1 --compare", 1, 1, false },
		{ "--compare -p 1 a", 1, 1, true },
		{ "-p 1 --compare -- a", 1, 1, true },
		{ "-p 1 a -x -j --compare", 1, 1, true },
		/* each for its side */
		{ "--compare core -p 1 --tree --stop=all -e prog", 1, 1, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;
		struct error *err;

		err = parse(cases[i].line, &o);
		if (err)
			fail_msg("'%s': %s", cases[i].line,
				 error_message(err));
		assert_true(o.compare);
		assert_int_equal(o.pids_count, cases[i].pids);
		assert_int_equal(o.files_count, cases[i].files);
		if (o.pid_first != cases[i].pid_first)
			fail_msg("'%s' is in another order", cases[i].line);
		/* registers are compared to the last */
		assert_true(o.live.whole_xstate && o.core.whole_xstate);
		options_deinit(&o);
	}
}

static void defaults(void **state)
{
	static const char line[] = "-p 1";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_int_equal(o.pids_count, 1);
	assert_int_equal(o.pids[0], 1);
	assert_int_equal(o.files_count, 0);
	assert_true(o.max_size == UINT64_C(64) << 30);
	assert_int_equal(o.live.tids_count, 0);
	assert_int_equal(o.live.stop, LIVE_STOP_AUTO);
	assert_int_equal(o.json, OPTIONS_JSON_OFF);
	assert_int_equal(o.color, OPTIONS_COLOR_AUTO);
	assert_true(o.locate.unwind && !o.live.every);
	assert_int_equal(o.locate.dormant, LOCATE_DORMANT_AUTO);
	assert_false(o.tree || o.registers || o.raw || o.quiet || o.strict ||
		     o.summary ||
		     o.rehearse || o.tell == OPTIONS_TELL_EXPLANATION);
	options_deinit(&o);
}

static void process(void **state)
{
	static const char line[] =
		"-p 7 --pid=2147483647 --tree -T 8 --tid 9 --stop=none "
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

/* Directories are files that have to be directories. */
static void criu(void **state)
{
	static const char line[] = "--criu=a b --criu c -e prog";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_int_equal(o.files_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(o.files_criu[i],
				 strcmp(o.files[i], "b") != 0);
	assert_string_equal(o.core.executable, "prog");
	options_deinit(&o);
}

static void core(void **state)
{
	static const char line[] =
		"a -e prog --sysroot=/mnt -T 8 -j --strict --unwind=none "
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

static void summary(void **state)
{
	static const char line[] = "--all -s --strict";
	struct options o;

	(void)state;
	assert_null(parse(line, &o));
	assert_true(o.summary && o.all && o.strict);
	options_deinit(&o);
}

static void export(void **state)
{
	static const char line[] = "core -q --export=small.core";
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
		{ "core --unwind=none", LOCATE_DORMANT_NONE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;

		assert_null(parse(cases[i].line, &o));
		assert_int_equal(o.locate.dormant, cases[i].want);
		options_deinit(&o);
	}
}

static void unwind(void **state)
{
	static const struct {
		const char *line;
		bool unwind, every;
	} cases[] = {
		{ "-p 1 --unwind=auto", true, false },
		{ "-p 1 --unwind=all", true, true },
		{ "-p 1 --unwind=none", false, false },
		{ "-p 1 --unwind=all --unwind=auto", true, false },
		{ "core --unwind=all", true, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o;

		assert_null(parse(cases[i].line, &o));
		assert_int_equal(o.locate.unwind, cases[i].unwind);
		assert_int_equal(o.live.every, cases[i].every);
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
		cmocka_unit_test(compared),
		cmocka_unit_test(defaults),
		cmocka_unit_test(process),
		cmocka_unit_test(core),
		cmocka_unit_test(criu),
		cmocka_unit_test(summary),
		cmocka_unit_test(export),
		cmocka_unit_test(dormant),
		cmocka_unit_test(unwind),
		cmocka_unit_test(explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
