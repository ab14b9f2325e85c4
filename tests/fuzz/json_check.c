/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json_check.c - is it JSON, and safe to print? */
#include "json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* No report goes as deep. */
#define DEPTH_MAX 64

/* What is left; `why` stays as it is once something is wrong. */
struct reader {
	const char *at;
	const char *end;
	const char *why;
	unsigned depth;
};

static bool wrong(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	return false;
}

/* The next byte, 0 at the end: a NUL is nowhere allowed. */
static uint8_t next(const struct reader *r)
{
	return r->at < r->end ? (uint8_t)*r->at : 0;
}

static bool take(struct reader *r, char c)
{
	if (next(r) != (uint8_t)c || r->at == r->end)
		return false;
	r->at++;
	return true;
}

static void take_space(struct reader *r)
{
	while (r->at < r->end && memchr(" \t\n\r", *r->at, 4))
		r->at++;
}

static bool take_digits(struct reader *r)
{
	const char *start = r->at;

	while (next(r) >= '0' && next(r) <= '9')
		r->at++;
	return r->at > start || wrong(r, "a number without digits");
}

static bool take_number(struct reader *r)
{
	take(r, '-');
	if (!take(r, '0') && !take_digits(r))
		return false;
	if (take(r, '.') && !take_digits(r))
		return false;
	if (!take(r, 'e') && !take(r, 'E'))
		return true;
	if (!take(r, '+'))
		take(r, '-');
	return take_digits(r);
}

/* A character above 0x7f, by the table of RFC 3629, section 4. */
static bool take_wide(struct reader *r)
{
	static const struct {
		uint8_t first, last;	/* of the first byte */
		uint8_t low, high;	/* of the second */
		uint8_t more;		/* bytes behind the first */
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 },
		{ 0xe1, 0xec, 0x80, 0xbf, 2 }, { 0xed, 0xed, 0x80, 0x9f, 2 },
		{ 0xee, 0xef, 0x80, 0xbf, 2 }, { 0xf0, 0xf0, 0x90, 0xbf, 3 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
	};
	uint8_t first = next(r);

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (first < forms[i].first || first > forms[i].last)
			continue;
		r->at++;
		for (unsigned k = 0; k < forms[i].more; k++, r->at++) {
			uint8_t low = k ? 0x80 : forms[i].low;
			uint8_t high = k ? 0xbf : forms[i].high;

			if (next(r) < low || next(r) > high)
				return wrong(r, "no UTF-8");
		}
		return true;
	}
	return wrong(r, "no UTF-8");
}

static bool take_escape(struct reader *r)
{
	if (!take(r, 'u')) {
		if (!next(r) || !strchr("\"\\/bfnrt", next(r)))
			return wrong(r, "no such escape");
		r->at++;
		return true;
	}
	for (unsigned i = 0; i < 4; i++, r->at++)
		if (!next(r) || !strchr("0123456789abcdefABCDEF", next(r)))
			return wrong(r, "no four hexadecimal digits");
	return true;
}

static bool take_string(struct reader *r)
{
	if (!take(r, '"'))
		return wrong(r, "no string");
	while (!take(r, '"')) {
		bool good = true;

		if (next(r) < 0x20 || next(r) == 0x7f)
			return wrong(r, "a control character, or the end");
		if (next(r) >= 0x80)
			good = take_wide(r);
		else if (take(r, '\\'))
			good = take_escape(r);
		else
			r->at++;
		if (!good)
			return false;
	}
	return true;
}

static bool take_value(struct reader *r);

static bool take_member(struct reader *r)
{
	take_space(r);
	if (!take_string(r))
		return false;
	take_space(r);
	return (take(r, ':') || wrong(r, "no colon")) && take_value(r);
}

static bool take_all(struct reader *r, char last, bool (*one)(struct reader *r))
{
	if (++r->depth > DEPTH_MAX)
		return wrong(r, "too deep");
	take_space(r);
	if (!take(r, last)) {
		do
			if (!one(r))
				return false;
		while (take(r, ','));
		if (!take(r, last))
			return wrong(r, "no end of an object or array");
	}
	r->depth--;
	return true;
}

static bool take_word(struct reader *r)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t length = strlen(words[i]);

		if ((size_t)(r->end - r->at) >= length &&
		    !memcmp(r->at, words[i], length)) {
			r->at += length;
			return true;
		}
	}
	return take_number(r);
}

static bool take_value(struct reader *r)
{
	bool good;

	take_space(r);
	if (take(r, '{'))
		good = take_all(r, '}', take_member);
	else if (take(r, '['))
		good = take_all(r, ']', take_value);
	else if (next(r) == '"')
		good = take_string(r);
	else
		good = take_word(r);
	take_space(r);
	return good;
}

const char *json_check(const char *json, size_t size, size_t *at_ret)
{
	struct reader r = { .at = json, .end = json + size };

	if (take_value(&r) && r.at < r.end)
		wrong(&r, "more behind the end");
	*at_ret = (size_t)(r.at - json);
	return r.why;
}

const char *json_check_text(const char *text, size_t size, size_t *at_ret)
{
	struct reader r = { .at = text, .end = text + size };

	while (r.at < r.end && !r.why) {
		if (next(&r) >= 0x80)
			take_wide(&r);
		else if ((next(&r) < 0x20 && next(&r) != '\n') ||
			 next(&r) == 0x7f)
			wrong(&r, "a control character");
		else
			r.at++;
	}
	*at_ret = (size_t)(r.at - text);
	return r.why;
}
