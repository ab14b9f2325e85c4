/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - places in tables */
#ifndef SIGFRAME_BASE_HASH_H
#define SIGFRAME_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The place of `key` in a table of 1 << bits places, 1 <= bits <= 63. Spreads
 * keys that differ in few bits, as addresses do (Knuth, The Art of Computer
 * Programming 3, 6.4: by the golden ratio); not hostile ones.
 */
static inline size_t hash_place(uint64_t key, unsigned bits)
{
	return key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits);
}

#endif
