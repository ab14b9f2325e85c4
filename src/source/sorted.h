/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sorted.h - arrays that are kept in the order of an address */
#ifndef SIGFRAME_SOURCE_SORTED_H
#define SIGFRAME_SOURCE_SORTED_H

#include <stddef.h>
#include <stdint.h>

/*
 * Index of the first of `count` elements of `size` bytes whose key, a
 * uint64_t `key` bytes into each, is above `addr`; `count` if there is none.
 */
size_t sorted_above(const void *array, size_t count, size_t size, size_t key,
		    uint64_t addr);

/*
 * Make a gap for a new element at `index`. Returns the array, which may have
 * moved, with *count one larger; NULL, nothing changed, without memory.
 */
void *sorted_insert(void *array, size_t *count, size_t size, size_t index);

#endif
