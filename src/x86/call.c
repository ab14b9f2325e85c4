/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call.c - the call instruction that ends where something returns to */
#include "x86/call.h"

/* Length of `ff /2` at `b`, three bytes of it at least; 0 if it is none. */
static unsigned indirect_length(const uint8_t *b)
{
	unsigned mod = b[1] >> 6, rm = b[1] & 7;
	unsigned length = 2;

	if (b[0] != 0xff || (b[1] >> 3 & 7) != 2)
		return 0;
	if (mod == 3)
		return length;
	if (rm == 4)
		length++;
	if (mod == 1)
		return length + 1;
	if (mod == 2 || rm == 5 || (rm == 4 && (b[2] & 7) == 5))
		return length + 4;
	return length;
}

unsigned call_before(const uint8_t before[CALL_MAX])
{
	/* one more, for a look at what is not there */
	uint8_t b[CALL_MAX + 1] = { 0 };

	memcpy(b, before, CALL_MAX);
	if (b[CALL_MAX - CALL_DIRECT] == 0xe8)
		return CALL_DIRECT;
	for (unsigned length = 2; length <= CALL_MAX; length++)
		if (indirect_length(b + CALL_MAX - length) == length)
			return length;
	return 0;
}
