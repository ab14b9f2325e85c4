/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - which release follows which rules */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kernel/rules.h"

enum {
	R1 = 1 << RULES_R1,
	R2 = 1 << RULES_R2,
	R3 = 1 << RULES_R3,
	R4 = 1 << RULES_R4,
	R5 = 1 << RULES_R5,
	R6 = 1 << RULES_R6,
	R7 = 1 << RULES_R7,
};

struct row {
	const char *release;
	rules_mask rules;
};

static void run(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		rules_mask got = rules_of_release(rows[i].release);

		if (got != rows[i].rules)
			fail_msg("%s: %#x instead of %#x", rows[i].release, got,
				 rows[i].rules);
	}
}

/* Both sides of every change, on mainline and on each stable branch. */
static void boundaries(void **state)
{
	static const struct row rows[] = {
		{ "2.6.32", 0 },    { "3.10.0", 0 },	{ "4.4.302", 0 },
		{ "4.19.325", 0 },  { "5.0", 0 },	{ "5.1", 0 },
		{ "5.1.21", 0 },
		/* 1d731e731c4c */
		{ "5.2", R1 },	    { "5.2.0", R1 },	{ "5.2.21", R1 },
		{ "5.4.0", R1 },    { "5.4.302", R1 },	{ "5.10", R1 },
		{ "5.10.257", R1 }, { "5.13", R1 },	{ "5.13.19", R1 },
		/* 1258a8c89604 and its neighbours */
		{ "5.14", R2 },	    { "5.14.21", R2 },
		/* d877550eaf2d: stable first, mainline in 6.8 */
		{ "5.15", R2 },	    { "5.15.149", R2 }, { "5.15.150", R3 },
		{ "5.15.151", R3 }, { "5.15.209", R3 }, { "5.16", R2 },
		{ "5.16.20", R2 },  { "5.17.15", R2 },	{ "5.19.17", R2 },
		{ "6.0", R2 },	    { "6.0.19", R2 },	{ "6.1", R2 },
		{ "6.1.78", R2 },   { "6.1.79", R3 },	{ "6.1.192", R3 },
		{ "6.2", R2 },	    { "6.2.16", R2 },	{ "6.3.13", R2 },
		{ "6.4.16", R2 },   { "6.5.13", R2 },	{ "6.6", R2 },
		{ "6.6.17", R2 },   { "6.6.18", R3 },	{ "6.6.144", R3 },
		{ "6.7", R2 },	    { "6.7.5", R2 },	{ "6.7.6", R3 },
		{ "6.7.12", R3 },   { "6.8", R3 },	{ "6.8.12", R3 },
		{ "6.9", R3 },	    { "6.10.14", R3 },	{ "6.11.11", R3 },
		{ "6.12", R3 },	    { "6.12.43", R3 },	{ "6.12.107", R3 },
		{ "6.13.12", R3 },  { "6.14", R3 },	{ "6.14.11", R3 },
		/* dc8aa31a7ac2 */
		{ "6.15", R4 },	    { "6.15.11", R4 },	{ "6.16.3", R4 },
		{ "6.17.13", R4 },  { "6.18", R4 },	{ "6.18.5", R4 },
		/* 44eeff9bc467 */
		{ "6.18.34", R4 },  { "6.18.35", R5 },	{ "6.18.44", R5 },
		{ "6.19", R4 },	    { "6.19.14", R4 },	{ "7.0", R4 },
		{ "7.0.11", R4 },   { "7.0.12", R5 },	{ "7.1", R5 },
		{ "7.1.3", R5 },    { "7.2.13", R5 },	{ "7.3", R5 },
		{ "7.3.4", R5 },
		/* expected, not merged when this was written */
		{ "7.4", R5 | R6 }, { "7.4.1", R5 | R6 }, { "7.5", R5 | R6 },
		{ "8.0.3", R5 | R6 },
	};

	(void)state;
	run(rows, ARRAY_SIZE(rows));
}

/* As uname -r prints them; a suffix on an exact number means nothing. */
static void distributions(void **state)
{
	static const struct row rows[] = {
		/* the number is exact */
		{ "6.12.48+deb13-amd64", R3 },
		{ "6.18.44-fc-v657", R5 },
		{ "6.18.34-1-lts", R4 },
		{ "6.1.79-1-MANJARO", R3 },
		{ "6.1.78-gentoo-x86_64", R2 },
		{ "7.0.12_1", R5 },
		{ "6.1.141-155.222.amzn2023.x86_64", R3 },
		{ "6.6.57.1-2.azl3", R3 },
		{ "6.6.17+", R2 },
		{ "7.1.3+deb14+1-amd64", R5 },
		/* the patch level is never counted: the whole branch */
		{ "5.10.0-28-amd64", R1 },
		{ "6.1.0-18-amd64", R2 | R3 },
		{ "6.1.0-9-cloud-amd64", R2 | R3 },
		{ "5.15.0-101-generic", R2 | R3 },
		{ "5.15.0-1053-aws", R2 | R3 },
		{ "6.6.0-14-generic", R2 | R3 },
		{ "6.8.0-45-generic", R3 },
		{ "6.8.0-1021-azure", R3 },
		{ "6.18.0-1-amd64", R4 | R5 },
		{ "7.0.0-14-generic", R4 | R5 },
		/* any later change may have been brought in */
		{ "5.14.0-427.13.1.el9_4.x86_64", R2 | R3 | R4 | R5 },
		{ "5.14.0-70.el9.x86_64", R2 | R3 | R4 | R5 },
		{ "6.12.0-55.9.1.el10_0.x86_64", R3 | R4 | R5 },
		{ "5.15.0-205.149.5.1.el9uek.x86_64", R2 | R3 | R4 | R5 },
		{ "5.3.18-150300.59.161-default", R1 | R2 | R3 | R4 | R5 },
		{ "5.14.21-150500.55.52-default", R2 | R3 | R4 | R5 },
		{ "6.4.0-150600.23.22-default", R2 | R3 | R4 | R5 },
		/* older than any rules that are known */
		{ "4.18.0-553.el8_10.x86_64", 0 },
		{ "3.10.0-1160.el7.x86_64", 0 },
		{ "4.19.0-27-amd64", 0 },
		{ "4.15.0-213-generic", 0 },
	};

	(void)state;
	run(rows, ARRAY_SIZE(rows));
}

/* uname -v beside it: Debian to 12 has the patch level there. */
static void versions(void **state)
{
	static const struct {
		const char *release, *version;
		rules_mask rules;
	} rows[] = {
		{ "6.1.0-18-amd64",
		  "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)", R2 },
		{ "6.1.0-18-cloud-amd64",
		  "#1 SMP PREEMPT_DYNAMIC Debian 6.1.78-1 (2024-02-24)", R2 },
		{ "6.1.0-20-amd64",
		  "#1 SMP PREEMPT_DYNAMIC Debian 6.1.85-1 (2024-04-11)", R3 },
		{ "5.10.0-28-amd64",
		  "#1 SMP Debian 5.10.209-2 (2024-01-31)", R1 },
		{ "6.12.48+deb13-amd64",
		  "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)", R3 },
		/* nothing to be had from it */
		{ "6.1.0-18-amd64", "", R2 | R3 },
		{ "6.1.0-18-amd64", "Debian ", R2 | R3 },
		{ "6.1.0-18-amd64", "#1 SMP Debian sid", R2 | R3 },
		{ "6.8.0-45-generic",
		  "#45-Ubuntu SMP PREEMPT_DYNAMIC Fri Aug 30 12:02:04 UTC", R3 },
		{ "6.18.44", "#1 SMP", R5 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rules_of_uname(rows[i].release, rows[i].version) !=
		    rows[i].rules)
			fail_msg("%s %s", rows[i].release, rows[i].version);
}

/* Before a release its rules are those of the one before, or already new. */
static void candidates(void **state)
{
	static const struct row rows[] = {
		{ "5.14-rc3", R1 | R2 },
		{ "6.8-rc5", R2 | R3 },
		{ "6.8.0-rc5", R2 | R3 },
		{ "6.8.0-rc5+", R2 | R3 },
		{ "6.15-rc1", R3 | R4 },
		{ "6.15.0-rc1-00042-gdeadbeef0123", R3 | R4 },
		{ "6.15~rc1-1~exp1", R3 | R4 },
		{ "6.15.0-0.rc1.18.fc43.x86_64", R3 | R4 },
		{ "7.1-rc2", R4 | R5 },
		{ "7.1.0-rc2", R4 | R5 },
		{ "7.1.0-0.rc2.250930.28.fc45.x86_64", R4 | R5 },
		{ "6.13-rc7", R3 },
		{ "6.18-rc3", R4 },
		{ "7.3-rc1", R5 },
	};

	(void)state;
	run(rows, ARRAY_SIZE(rows));
	/* over a change of the major number there is no "minor - 1" */
	assert_true(rules_of_release("7.0-rc1") & R4);
	assert_true(rules_of_release("6.0-rc1") & R2);
}

static void garbage(void **state)
{
	static const struct row rows[] = {
		{ "", 0 },		{ " ", 0 },
		{ "linux", 0 },		{ "R5", 0 },
		{ "6", 0 },		{ "6.", 0 },
		{ ".6", 0 },		{ "6..1", 0 },
		{ "6.x", 0 },		{ "x.6", 0 },
		{ "6.1.", 0 },		{ "6.1.x", 0 },
		{ "6.1.-1", 0 },	{ "6.1.78x", 0 },
		{ "6.1x", 0 },		{ "-6.1", 0 },
		{ "+6.1", 0 },		{ " 6.1", 0 },
		{ "6 .1", 0 },		{ "0x6.1", 0 },
		{ "6.1.78\n", 0 },
		{ "6,1", 0 },		{ "\xff\xfe", 0 },
		{ "6-rc1", 0 },		{ "v6.1", 0 },
		/* numbers that no type holds, or that wrap to a small one */
		{ "18446744073709551622.1", 0 },
		{ "4294967302.1", 0 },
		{ "6.4294967297", 0 },
		{ "6.1.4294967374", 0 },
		{ "6.1.18446744073709551694", 0 },
		{ "99999999999999999999999999999999999999999.1", 0 },
		{ "6.1.99999999999999999999999999999999999999999", 0 },
		{ "0.0.0", 0 },		{ "0.1", 0 },
	};

	(void)state;
	run(rows, ARRAY_SIZE(rows));
	/* long, but numbers */
	assert_int_equal(rules_of_release("6.1.99999"), R3);
	assert_int_equal(rules_of_release("6.000001.000078"), R2);
}

/* Whatever the string, the answer is a set of rules that exist. */
static void any_string(void **state)
{
	static const char alphabet[] = "0123456789..--rcel+_~ x\xff";
	uint64_t seed = 7;

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		char s[16] = { 0 };

		for (size_t i = 0; i < sizeof(s) - 1; i++) {
			seed = seed * UINT64_C(6364136223846793005) + 1;
			s[i] = alphabet[(seed >> 40) % sizeof(alphabet)];
		}
		assert_int_equal(rules_of_release(s) >> RULES_COUNT, 0);
		assert_int_equal(rules_of_release(s) & R7, 0);
	}
}

static void names(void **state)
{
	static const struct row rows[] = {
		{ "R1", R1 },		      { "R2", R2 },
		{ "R3", R3 },		      { "R4", R4 },
		{ "R5", R5 },		      { "R6", R6 },
		{ "R7", R7 },		      { "r3", R3 },
		{ "copy-fallback", R1 },      { "legacy-size", R2 },
		{ "prefault-user-size", R3 }, { "strict-magic2", R4 },
		{ "reverted", R5 },	      { "portable-tip", R6 },
		{ "portable-v3", R7 },	      { "Reverted", R5 },
		{ "STRICT-MAGIC2", R4 },      { "", 0 },
		{ "R", 0 },		      { "R0", 0 },
		{ "R8", 0 },		      { "R55", 0 },
		{ "R5 ", 0 },		      { " R5", 0 },
		{ "5", 0 },		      { "revert", 0 },
		{ "reverted-", 0 },	      { "6.1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rules_by_name(rows[i].release) != rows[i].rules)
			fail_msg("%s", rows[i].release);
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		assert_int_equal(rules_by_name(rules_table[i].id), 1u << i);
		assert_int_equal(rules_by_name(rules_table[i].name), 1u << i);
		assert_non_null(rules_table[i].kernels);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(boundaries), cmocka_unit_test(distributions),
		cmocka_unit_test(versions),   cmocka_unit_test(candidates),
		cmocka_unit_test(garbage),
		cmocka_unit_test(any_string), cmocka_unit_test(names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
