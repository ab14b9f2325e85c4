/* SPDX-License-Identifier: GPL-3.0-or-later */
/* call.h - the call instruction that ends where something returns to */
#ifndef SIGFRAME_X86_CALL_H
#define SIGFRAME_X86_CALL_H

#include "base/bytes.h"

enum {
	CALL_MAX = 7,		/* bytes of the longest, prefixes left out */
	CALL_DIRECT = 5,	/* of one that has its target in it */
};

/*
 * How long the call instruction is that ends where these bytes do; 0 if there
 * is none. By chance other bytes look like one, too.
 */
unsigned call_before(const uint8_t before[CALL_MAX]);

#endif
