/* SPDX-License-Identifier: GPL-3.0-or-later */
/* error.h - why the tool could not do its work */
#ifndef SIGFRAME_BASE_ERROR_H
#define SIGFRAME_BASE_ERROR_H

/*
 * Functions that can fail return `struct error *`: NULL on success, else an
 * error that the caller owns and must free, wrap or return. A fault in a
 * signal frame is not an error: it is a finding, see kernel/predict.h.
 */
enum error_code {
	ERROR_NO_MEMORY,
	ERROR_OS,		/* a system call failed */
	ERROR_PERMISSION,	/* the kernel refused access to the process */
	ERROR_GONE,		/* the process or thread no longer exists */
	ERROR_BAD_INPUT,	/* malformed or truncated */
	ERROR_UNSUPPORTED,	/* well formed, but nothing for this tool */
	ERROR_USAGE,		/* the command line makes no sense */
};

struct error;

/* Stands for "out of memory"; needs none itself and is never freed. */
extern struct error error_no_memory;

#define MUST_USE __attribute__((__warn_unused_result__))
#define PRINTF(fmt, args) __attribute__((__format__(__printf__, fmt, args)))

/* A new error; `error_no_memory` if there is no room for it. */
struct error *error_new(enum error_code code, const char *fmt, ...)
	MUST_USE PRINTF(2, 3);

/* As error_new() with ERROR_OS and ": strerror(errnum)" behind the message. */
struct error *error_os(int errnum, const char *fmt, ...)
	MUST_USE PRINTF(2, 3);

/* Put "fmt: " in front of err's message. Consumes err. */
struct error *error_wrap(struct error *err, const char *fmt, ...)
	MUST_USE PRINTF(2, 3);

enum error_code error_code(const struct error *err);

/*
 * Valid until err is freed. Foreign names stand in it as they came: whoever
 * prints it makes them safe.
 */
const char *error_message(const struct error *err);

/* NULL and error_no_memory are fine. */
void error_free(struct error *err);

#endif
