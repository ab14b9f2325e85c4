/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - bounded reading of foreign text, line by line */
#ifndef SIGFRAME_BASE_LINES_H
#define SIGFRAME_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Some bytes of a text, which need not end in a NUL and may hold any. */
struct span {
	const char *text;
	size_t size;
};

/* All of a string. */
static inline struct span span_of(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* Where a reader stands. Starts as { text, size }, the rest zero. */
struct lines {
	const char *text;
	size_t size;
	size_t at;		/* bytes read so far */
	unsigned number;	/* of the last line, from 1 on */
};

/* The next line without its LF; false behind the last. CR is a blank. */
bool lines_next(struct lines *l, struct span *ret);

/* Without blanks at both ends. */
struct span span_trim(struct span s);

bool span_equal(struct span s, const char *word);
bool span_starts(struct span s, const char *prefix);

/* What follows the first `needle` in it; false if there is none. */
bool span_after(struct span s, const char *needle, struct span *ret);

/* Split at the first `separator`; false, untouched, if there is none. */
bool span_split(struct span s, char separator, struct span *before_ret,
		struct span *after_ret);

/* Take the first word off *s, blanks before it too; false if none is left. */
bool span_word(struct span *s, struct span *ret);

/* Take `prefix` off the front of *s; false, untouched, if it is not there. */
bool span_take(struct span *s, const char *prefix);

/*
 * Take a number off the front of *s, hexadecimal digits without a prefix or
 * decimal ones. False if there is none or it does not fit.
 */
bool span_take_hex(struct span *s, uint64_t *ret);
bool span_take_decimal(struct span *s, uint64_t *ret);

/* All of it is one number: decimal, or hexadecimal behind 0x. */
bool span_number(struct span s, uint64_t *ret);

/* True if nothing in it is a control character other than a tab. */
bool span_printable(struct span s);

/*
 * A copy that ends in a NUL, cut to `size` - 1 bytes and before the first NUL
 * in it, without blanks at the end; for names to compare and to show.
 */
void span_copy(struct span s, char *ret, size_t size);

/* For messages: "%.*s", SPAN_SHOWN(s). At most 40 bytes. */
#define SPAN_SHOWN(s) ((s).size < 40 ? (int)(s).size : 40), (s).text

#endif
