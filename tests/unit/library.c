/* SPDX-License-Identifier: GPL-3.0-or-later */
/* library.c - shared libraries that are loaded, or cannot be */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/library.h"

struct functions {
	pid_t (*parent)(void);
	pid_t (*process)(void);
};

static const struct library_function there[] = {
	{ "getppid", offsetof(struct functions, parent) },
	{ "getpid", offsetof(struct functions, process) },
};

static void loaded(void **state)
{
	struct functions f = { NULL, NULL };
	struct library l = {
		.soname = "libc.so.6",
		.functions = there,
		.count = ARRAY_SIZE(there),
		.table = &f,
	};

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_null(library_need(&l));
		assert_true(l.loaded);
	}
	assert_int_equal(f.process(), getpid());
	assert_int_equal(f.parent(), getppid());
}

static void refused(const char *soname, const char *function,
		    const char *message)
{
	const struct library_function missing = { function, 0 };
	void *table[1] = { NULL };
	struct library l = {
		.soname = soname,
		.functions = &missing,
		.count = 1,
		.table = table,
	};
	struct error *err = library_need(&l);

	assert_non_null(err);
	assert_int_equal(error_code(err), ERROR_UNSUPPORTED);
	assert_string_equal(error_message(err), message);
	assert_null(table[0]);
	assert_false(l.loaded);
	error_free(err);
}

/* The name stands in it once, whatever the loader says. */
static void missing(void **state)
{
	(void)state;
	refused("libnobody-has.so.1", "getpid",
		"libnobody-has.so.1 cannot be loaded: cannot open shared "
		"object file: No such file or directory");
	refused("/dev/null", "getpid",
		"/dev/null cannot be loaded: file too short");
	refused("libc.so.6", "nobody_has_this",
		"libc.so.6 has no nobody_has_this()");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaded),
		cmocka_unit_test(missing),
	};

	return cmocka_run_group_tests_name("library", tests, NULL, NULL);
}
