/* SPDX-License-Identifier: GPL-3.0-or-later */
/* described.c - what the tests of description files share */
#include "config.h"

#include "described.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "describe/file.h"

char *described_file(const char *name, size_t *size_ret)
{
	const char *srcdir = getenv("srcdir");
	CLEANUP_FREE char *path = NULL;
	struct text t = TEXT_INIT;
	char buf[4096];
	size_t got;

	assert_true(asprintf(&path, "%s/tests/data/cpu/%s",
			     srcdir ? srcdir : ".", name) > 0);

	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	while ((got = fread(buf, 1, sizeof(buf), f)))
		text_add_bytes(&t, buf, got);
	fclose(f);
	assert_false(text_bad(&t));
	assert_true(t.size > 0);
	*size_ret = t.size;
	return t.data;
}

struct description *described(const char *name, const char *text, size_t size)
{
	struct description *d = NULL;
	struct error *err = description_parse(name, text, size, &d);

	if (err)
		fail_msg("%s", error_message(err));
	return d;
}

bool described_without_criu(const char *image, size_t size)
{
#ifdef HAVE_CRIU
	(void)image;
	(void)size;
	return false;
#else
	struct description *d = NULL;
	struct error *err = description_parse("image", image, size, &d);

	assert_non_null(err);
	assert_int_equal(error_code(err), ERROR_UNSUPPORTED);
	assert_non_null(strstr(error_message(err), "built without"));
	error_free(err);
	return true;
#endif
}

bool described_next_row(char **text, unsigned columns,
			struct described_row *ret)
{
	char *line;

	do
		line = strsep(text, "\n");
	while (line && (*line == '#' || !*line));
	if (!line)
		return false;
	for (unsigned i = 0; i < columns; i++) {
		ret->column[i] = strsep(&line, "\t");
		if (!ret->column[i])
			fail_msg("a row has %u columns of %u", i, columns);
	}
	assert_null(line);
	return true;
}

uint64_t described_number(const char *column)
{
	char *end;
	uint64_t value = strtoull(column, &end, 0);

	if (!strcmp(column, "-"))
		return 0;
	assert_true(end != column && !*end);
	return value;
}
