/* SPDX-License-Identifier: GPL-3.0-or-later */
/* size.c - amounts of bytes as people write them */
#include "base/size.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char letters[] = "kmgt";

bool size_parse(const char *text, uint64_t *ret)
{
	const char *p = text;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	if (p == text)
		return false;
	if (*p) {
		/* the bit that tells the cases apart */
		const char *letter = strchr(letters, *p | 0x20);
		unsigned shift;

		if (!letter || p[1])
			return false;
		shift = 10 * (unsigned)(letter - letters + 1);
		if (value > UINT64_MAX >> shift)
			return false;
		value <<= shift;
	}
	if (!value || value > INT64_MAX)
		return false;
	*ret = value;
	return true;
}

const char *size_show(uint64_t bytes, char text[SIZE_TEXT])
{
	unsigned unit = 0;
	uint64_t tenths;

	while (unit < strlen(letters) && bytes >> (10 * (unit + 1)))
		unit++;
	if (!unit) {
		snprintf(text, SIZE_TEXT, "%" PRIu64 " byte%s", bytes,
			 bytes == 1 ? "" : "s");
		return text;
	}
	/* 1024 of the next smaller unit are one */
	tenths = (bytes >> (10 * (unit - 1))) * 10 >> 10;
	if (tenths % 10)
		snprintf(text, SIZE_TEXT, "%" PRIu64 ".%u %ciB", tenths / 10,
			 (unsigned)(tenths % 10), letters[unit - 1] & ~0x20);
	else
		snprintf(text, SIZE_TEXT, "%" PRIu64 " %ciB", tenths / 10,
			 letters[unit - 1] & ~0x20);
	return text;
}
