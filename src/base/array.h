/* SPDX-License-Identifier: GPL-3.0-or-later */
/* array.h - arrays that grow at their end */
#ifndef SIGFRAME_BASE_ARRAY_H
#define SIGFRAME_BASE_ARRAY_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Room for one more element of `size` bytes behind the `count` that there are:
 * the array, which may have moved, or NULL without memory; then the old one is
 * good as it was. It doubles whenever the count reaches a power of two, so
 * that all of its growth has to come from here.
 */
static inline void *array_grow(void *array, size_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? count * 2 : 1, size);
}

#endif
