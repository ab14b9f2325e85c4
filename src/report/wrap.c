/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wrap.c - breaks lines that are too long for a terminal */
#include "report/wrap.h"

#include <string.h>

/* A label is no longer than this, indentation included. */
enum { LABEL_MAX = 34, STEP = 2 };

/* Bytes of the color or character at `s`, and the columns that it takes. */
static size_t step(const char *s, const char *end, unsigned *columns_ret)
{
	size_t size = 1;

	*columns_ret = 1;
	if (end - s > 1 && s[0] == '\033' && s[1] == '[') {
		const char *m = memchr(s, 'm', (size_t)(end - s));

		*columns_ret = 0;
		return m ? (size_t)(m - s) + 1 : (size_t)(end - s);
	}
	/* the other bytes of a character in UTF-8 */
	while (s + size < end && ((unsigned char)s[size] & 0xc0) == 0x80)
		size++;
	return size;
}

/* The column in which further parts of the line begin. */
static unsigned hang_of(const char *s, const char *end, unsigned width)
{
	unsigned column = 0, blanks = 0, indentation = 0, columns;
	bool label = false;

	for (size_t size; s < end && column <= LABEL_MAX; s += size) {
		size = step(s, end, &columns);
		if (!columns)
			continue;
		if (*s == ' ') {
			blanks++;
		} else if (!label) {
			label = true;
			indentation = column;
			blanks = 0;
		} else if (blanks > 1) {
			return column < width / 2 ? column
						  : indentation + STEP;
		} else {
			blanks = 0;
		}
		column += columns;
	}
	return indentation < width / 2 ? indentation + STEP : 0;
}

void wrap_line(struct text *t, const char *line, size_t size, unsigned width)
{
	const char *end = line + size;
	const char *start = line, *at = line, *blank = NULL;
	unsigned hang = hang_of(line, end, width);
	unsigned column = 0, columns;
	bool begun = false;

	while (at < end) {
		size_t bytes = step(at, end, &columns);

		if (*at == ' ' && begun && column > hang)
			blank = at;
		begun |= *at != ' ';
		if (column + columns > width && blank) {
			text_add_bytes(t, start, (size_t)(blank - start));
			text_add(t, "\n");
			text_pad(t, ' ', (long)hang);
			while (blank < end && *blank == ' ')
				blank++;
			start = at = blank;
			blank = NULL;
			column = hang;
			continue;
		}
		column += columns;
		at += bytes;
	}
	text_add_bytes(t, start, (size_t)(end - start));
}

size_t wrap_fitting(const char *text, size_t room)
{
	size_t columns = 0, fit = 0;

	for (const char *s = text; *s; columns++) {
		size_t length = text_utf8_length(s);

		if (*s == ' ' && columns <= room)
			fit = (size_t)(s - text);
		s += length ? length : 1;
	}
	if (columns <= room || !fit)	/* a word that is too long stays whole */
		return columns <= room ? strlen(text) : strcspn(text, " ");
	return fit;
}
