/* SPDX-License-Identifier: GPL-3.0-or-later */
/* abis.c - what the answers to calls of other ABIs mean */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/abis.h"

/* What became of one call, and what that says of each of the ABIs. */
static const struct {
	const char *name;
	enum trial_path path;
	int signal;
	int64_t answer;
	enum tri ia32, x32;
} cases[] = {
	{ "a process", TRIAL_CONTINUED, 0, 4242, TRI_YES, TRI_YES },
	{ "no such call", TRIAL_CONTINUED, 0, -ENOSYS, TRI_UNKNOWN, TRI_NO },
	{ "a filter", TRIAL_CONTINUED, 0, -EPERM, TRI_UNKNOWN, TRI_UNKNOWN },
	{ "no process", TRIAL_CONTINUED, 0, 0, TRI_UNKNOWN, TRI_UNKNOWN },
	{ "no gate", TRIAL_SIGNALLED, SIGSEGV, 1, TRI_NO, TRI_NO },
	{ "something else", TRIAL_SIGNALLED, SIGBUS, 1, TRI_UNKNOWN,
	  TRI_UNKNOWN },
	{ "the end", TRIAL_TRIED, 0, 0, TRI_UNKNOWN, TRI_UNKNOWN },
	{ "not even tried", TRIAL_NOTHING, 0, 0, TRI_UNKNOWN, TRI_UNKNOWN },
};

static void judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct trial_row row = {
			.path = cases[i].path,
			.signal = (uint64_t)cases[i].signal,
			.code = (uint64_t)cases[i].answer,
		};
		const struct trial_row rows[ABIS_ROWS] = { row, row };
		enum tri ia32, x32;

		abis_judge(rows, &ia32, &x32);
		if (ia32 != cases[i].ia32 || x32 != cases[i].x32)
			fail_msg("%s: %d %d", cases[i].name, ia32, x32);
	}
}

/* Each is judged by its own row. */
static void apart(void **state)
{
	const struct trial_row yes = { .path = TRIAL_CONTINUED, .code = 1 };
	const struct trial_row no = { .path = TRIAL_SIGNALLED,
				      .signal = SIGSEGV };
	struct trial_row rows[ABIS_ROWS];
	enum tri ia32, x32;

	(void)state;
	abis_ask(rows, 0x1000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct trial_row *r = &rows[i];
		/* by its gate, or by the bit of its number */
		enum tri *mine = r->int80 ? &ia32 : &x32;

		assert_int_equal(r->sp, 0x1000);
		assert_int_equal(!r->int80, !!(r->call & 0x40000000));
		rows[0] = rows[1] = no;
		*r = yes;
		abis_judge(rows, &ia32, &x32);
		assert_int_equal(ia32, mine == &ia32 ? TRI_YES : TRI_NO);
		assert_int_equal(x32, mine == &x32 ? TRI_YES : TRI_NO);
		abis_ask(rows, 0x1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judged),
		cmocka_unit_test(apart),
	};

	return cmocka_run_group_tests_name("abis", tests, NULL, NULL);
}
