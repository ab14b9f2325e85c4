/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sorted.c - arrays that are kept in the order of an address */
#include "source/sorted.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

size_t sorted_above(const void *array, size_t count, size_t size, size_t key,
		    uint64_t addr)
{
	const uint8_t *keys = array;
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t value;

		memcpy(&value, keys + middle * size + key, sizeof(value));
		if (value <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void *sorted_insert(void *array, size_t *count, size_t size, size_t index)
{
	array = array_grow(array, *count, size);
	if (!array)
		return NULL;

	uint8_t *place = (uint8_t *)array + index * size;

	memmove(place + size, place, (*count - index) * size);
	(*count)++;
	return array;
}
