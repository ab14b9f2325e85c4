/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.c - why the tool could not do its work */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct error {
	enum error_code code;
	char *message;
};

struct error error_no_memory = {
	.code = ERROR_NO_MEMORY,
	.message = (char *)"out of memory",
};

/* Takes `message`, which is NULL when formatting it found no memory. */
static struct error *error_create(enum error_code code, char *message)
{
	struct error *err = message ? malloc(sizeof(*err)) : NULL;

	if (!err) {
		free(message);
		return &error_no_memory;
	}
	err->code = code;
	err->message = message;
	return err;
}

static PRINTF(1, 0) char *format(const char *fmt, va_list args)
{
	char *text;

	return vasprintf(&text, fmt, args) < 0 ? NULL : text;
}

static char *join(char *first, const char *second)
{
	char *text = NULL;

	if (first && asprintf(&text, "%s: %s", first, second) < 0)
		text = NULL;
	free(first);
	return text;
}

struct error *error_new(enum error_code code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	return error_create(code, message);
}

struct error *error_os(int errnum, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);
	return error_create(ERROR_OS, join(message, strerror(errnum)));
}

struct error *error_wrap(struct error *err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	char *message = format(fmt, args);
	va_end(args);

	struct error *outer = error_create(err->code,
					   join(message, err->message));
	error_free(err);
	return outer;
}

enum error_code error_code(const struct error *err)
{
	return err->code;
}

const char *error_message(const struct error *err)
{
	return err->message;
}

void error_free(struct error *err)
{
	if (!err || err == &error_no_memory)
		return;
	free(err->message);
	free(err);
}
