/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.c - bounded reading of foreign text, line by line */
#include "base/lines.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

bool lines_next(struct lines *l, struct span *ret)
{
	if (l->at >= l->size)
		return false;

	const char *start = l->text + l->at;
	size_t left = l->size - l->at;
	const char *end = memchr(start, '\n', left);
	size_t size = end ? (size_t)(end - start) : left;

	l->at += end ? size + 1 : size;
	l->number++;
	*ret = (struct span){ start, size };
	return true;
}

struct span span_trim(struct span s)
{
	while (s.size && is_blank(*s.text)) {
		s.text++;
		s.size--;
	}
	while (s.size && is_blank(s.text[s.size - 1]))
		s.size--;
	return s;
}

bool span_equal(struct span s, const char *word)
{
	return s.size == strlen(word) && !memcmp(s.text, word, s.size);
}

bool span_starts(struct span s, const char *prefix)
{
	size_t size = strlen(prefix);

	return s.size >= size && !memcmp(s.text, prefix, size);
}

static struct span from(struct span s, size_t off)
{
	return (struct span){ s.text + off, s.size - off };
}

bool span_after(struct span s, const char *needle, struct span *ret)
{
	const char *found = memmem(s.text, s.size, needle, strlen(needle));

	if (!found)
		return false;
	*ret = from(s, (size_t)(found - s.text) + strlen(needle));
	return true;
}

bool span_split(struct span s, char separator, struct span *before_ret,
		struct span *after_ret)
{
	const char *found = memchr(s.text, separator, s.size);

	if (!found)
		return false;

	size_t size = (size_t)(found - s.text);

	*before_ret = (struct span){ s.text, size };
	*after_ret = from(s, size + 1);
	return true;
}

bool span_word(struct span *s, struct span *ret)
{
	struct span rest = span_trim(*s);
	size_t size = 0;

	while (size < rest.size && !is_blank(rest.text[size]))
		size++;
	*ret = (struct span){ rest.text, size };
	*s = from(rest, size);
	return size;
}

bool span_take(struct span *s, const char *prefix)
{
	if (!span_starts(*s, prefix))
		return false;
	*s = from(*s, strlen(prefix));
	return true;
}

/* The value of a digit, or 16 and more. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

static bool take_number(struct span *s, unsigned base, uint64_t *ret)
{
	uint64_t value = 0;
	size_t size = 0;

	for (; size < s->size && digit(s->text[size]) < base; size++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit(s->text[size]),
					   &value))
			return false;
	if (!size)
		return false;
	*s = from(*s, size);
	*ret = value;
	return true;
}

bool span_take_hex(struct span *s, uint64_t *ret)
{
	return take_number(s, 16, ret);
}

bool span_take_decimal(struct span *s, uint64_t *ret)
{
	return take_number(s, 10, ret);
}

bool span_number(struct span s, uint64_t *ret)
{
	uint64_t value;

	if (!take_number(&s, span_take(&s, "0x") ? 16 : 10, &value) || s.size)
		return false;
	*ret = value;
	return true;
}

bool span_printable(struct span s)
{
	for (size_t i = 0; i < s.size; i++)
		if (((unsigned char)s.text[i] < ' ' && s.text[i] != '\t') ||
		    s.text[i] == '\x7f')
			return false;
	return true;
}

void span_copy(struct span s, char *ret, size_t size)
{
	size_t length = strnlen(s.text, s.size < size ? s.size : size - 1);

	memcpy(ret, s.text, length);
	while (length && is_blank(ret[length - 1]))
		length--;
	ret[length] = '\0';
}
