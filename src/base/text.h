/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - a growing string, and making foreign strings safe to print */
#ifndef SIGFRAME_BASE_TEXT_H
#define SIGFRAME_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A string under construction. Starts as TEXT_INIT. Appending never fails
 * visibly: when memory runs out the text turns bad and stays so, and the one
 * who uses it asks text_bad() once at the end.
 */
struct text {
	char *data;	/* NUL-terminated, or NULL while empty */
	size_t size;	/* bytes without the NUL */
	size_t room;
	bool bad;
};

#define TEXT_INIT { NULL, 0, 0, false }

void text_add(struct text *t, const char *s);
void text_add_bytes(struct text *t, const void *data, size_t size);
void text_printf(struct text *t, const char *fmt, ...) PRINTF(2, 3);

/* In decimal, and as 0x and hexadecimal digits. */
void text_add_number(struct text *t, int64_t value);
void text_add_word(struct text *t, uint64_t value);

/* `count` times `c`; nothing if count is not positive. */
void text_pad(struct text *t, char c, long count);

/*
 * Append a string that came from a process, core or file: control characters,
 * DEL, bidirectional controls and invalid UTF-8 as \xNN, backslash doubled;
 * all other UTF-8 as it is.
 */
void text_add_foreign(struct text *t, const char *s);

/* Would text_add_foreign() take it as it is, and all of it ASCII? */
bool text_is_plain(const char *s);

/* The string; "" while empty. Valid until the next change. */
const char *text_string(const struct text *t);
bool text_bad(const struct text *t);

/* What makes an English noun the plural that `count` wants. */
static inline const char *text_plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Back to empty, memory kept. */
void text_clear(struct text *t);
void text_deinit(struct text *t);

/* Columns that the UTF-8 string takes on a terminal, one per character. */
size_t text_columns(const char *s);

/*
 * Length in bytes of the UTF-8 character at s, or 0 if it is not a valid one
 * (overlong forms, surrogates and values above 0x10ffff are not).
 */
size_t text_utf8_length(const char *s);

/* The code point of that character, which is `length` bytes long. */
uint32_t text_utf8_value(const char *s, size_t length);

/*
 * Is that character one that must not reach a terminal: a control, DEL, or one
 * that reorders what is shown? All such are below 0x10000.
 */
bool text_is_unprintable(const char *s, size_t length);

#endif
