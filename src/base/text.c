/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - a growing string, and making foreign strings safe to print */
#include "base/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one call of text_printf() mostly adds, in bytes. */
enum { PRINTF_ROOM = 80 };
/* What is set aside at least: words are added one by one. */
enum { ROOM_LEAST = 64 };

/* Room for `more` bytes and a NUL; false if the text is or turns bad. */
static bool reserve(struct text *t, size_t more)
{
	if (t->bad)
		return false;
	if (more < t->room - t->size)
		return true;

	size_t room = (t->size + more + 1) * 2;

	if (room < ROOM_LEAST)
		room = ROOM_LEAST;

	char *data = realloc(t->data, room);

	if (!data) {
		t->bad = true;
		return false;
	}
	t->data = data;
	t->room = room;
	return true;
}

void text_add_bytes(struct text *t, const void *data, size_t size)
{
	if (!reserve(t, size))
		return;
	memcpy(t->data + t->size, data, size);
	t->size += size;
	t->data[t->size] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list args;
	int size;

	/* most are short: once more only if it did not fit */
	for (size_t more = PRINTF_ROOM; reserve(t, more);
	     more = (size_t)size) {
		va_start(args, fmt);
		size = vsnprintf(t->data + t->size, more + 1, fmt, args);
		va_end(args);
		if (size < 0) {
			t->bad = true;
			return;
		}
		if ((size_t)size <= more) {
			t->size += (size_t)size;
			return;
		}
	}
}

/* Digits of the longest number, and its sign or prefix. */
enum { DIGITS = 24 };

/* Writes backwards from `end` on; returns where it starts. */
static char *put_digits(char *end, uint64_t value, unsigned base)
{
	do
		*--end = "0123456789abcdef"[value % base];
	while (value /= base);
	return end;
}

void text_add_number(struct text *t, int64_t value)
{
	char digits[DIGITS], *end = digits + DIGITS;
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *start = put_digits(end, size, 10);

	if (value < 0)
		*--start = '-';
	text_add_bytes(t, start, (size_t)(end - start));
}

void text_add_word(struct text *t, uint64_t value)
{
	char digits[DIGITS], *end = digits + DIGITS;
	char *start = put_digits(end, value, 16);

	*--start = 'x';
	*--start = '0';
	text_add_bytes(t, start, (size_t)(end - start));
}

void text_pad(struct text *t, char c, long count)
{
	if (count <= 0 || !reserve(t, (size_t)count))
		return;
	memset(t->data + t->size, c, (size_t)count);
	t->size += (size_t)count;
	t->data[t->size] = '\0';
}

uint32_t text_utf8_value(const char *s, size_t length)
{
	const uint8_t *b = (const uint8_t *)s;
	uint32_t value = length == 1 ? b[0] : b[0] & (0xff >> (length + 1));

	for (size_t i = 1; i < length; i++)
		value = value << 6 | (b[i] & 0x3f);
	return value;
}

size_t text_utf8_length(const char *s)
{
	const uint8_t *b = (const uint8_t *)s;
	size_t length;
	uint32_t value;

	if (b[0] < 0x80)
		return 1;
	if (b[0] >= 0xc2 && b[0] < 0xe0)
		length = 2;
	else if (b[0] >= 0xe0 && b[0] < 0xf0)
		length = 3;
	else if (b[0] >= 0xf0 && b[0] < 0xf5)
		length = 4;
	else
		return 0;

	for (size_t i = 1; i < length; i++)
		if ((b[i] & 0xc0) != 0x80)	/* stops at a NUL too */
			return 0;
	value = text_utf8_value(s, length);
	if ((length == 3 && value < 0x800) || (length == 4 && value < 0x10000))
		return 0;
	if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	return length;
}

bool text_is_unprintable(const char *s, size_t length)
{
	const uint8_t *b = (const uint8_t *)s;

	if (length == 1)
		return b[0] < 0x20 || b[0] == 0x7f;
	if (length == 2)
		return (b[0] == 0xc2 && b[1] < 0xa0) ||
		       (b[0] == 0xd8 && b[1] == 0x9c);
	if (length == 3 && b[0] == 0xe2 && b[1] == 0x80)
		return (b[2] >= 0x8b && b[2] <= 0x8f) ||
		       (b[2] >= 0xa8 && b[2] <= 0xae);
	if (length == 3 && b[0] == 0xe2 && b[1] == 0x81)
		return b[2] >= 0xa6 && b[2] <= 0xa9;
	return false;
}

/* Bytes at the start that are printable ASCII and no backslash. */
static size_t plain_length(const char *s)
{
	size_t length = 0;

	while (s[length] >= 0x20 && s[length] < 0x7f && s[length] != '\\')
		length++;
	return length;
}

bool text_is_plain(const char *s)
{
	return !s[plain_length(s)];
}

void text_add_foreign(struct text *t, const char *s)
{
	while (*s) {
		size_t plain = plain_length(s);

		text_add_bytes(t, s, plain);
		s += plain;
		if (!*s)
			return;

		size_t length = text_utf8_length(s);
		size_t take = length ? length : 1;

		if (*s == '\\') {
			text_add(t, "\\\\");
		} else if (length && !text_is_unprintable(s, length)) {
			text_add_bytes(t, s, length);
		} else {
			for (size_t i = 0; i < take; i++)
				text_printf(t, "\\x%02x", (uint8_t)s[i]);
		}
		s += take;
	}
}

const char *text_string(const struct text *t)
{
	return t->data ? t->data : "";
}

bool text_bad(const struct text *t)
{
	return t->bad;
}

void text_clear(struct text *t)
{
	t->size = 0;
	if (t->data)
		t->data[0] = '\0';
}

void text_deinit(struct text *t)
{
	free(t->data);
	*t = (struct text)TEXT_INIT;
}

size_t text_columns(const char *s)
{
	size_t columns = 0;

	while (*s) {
		size_t length = (uint8_t)*s < 0x80 ? 1 : text_utf8_length(s);

		s += length ? length : 1;
		columns++;
	}
	return columns;
}
