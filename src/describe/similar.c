/* SPDX-License-Identifier: GPL-3.0-or-later */
/* similar.c - what somebody may have meant */
#include "describe/similar.h"

#include <ctype.h>
#include <string.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned d = a < b ? a : b;

	return d < c ? d : c;
}

/* Levenshtein's distance, one row of the matrix at a time. */
unsigned similar_distance(const char *a, const char *b, size_t b_size)
{
	unsigned row[SIMILAR_MAX + 1];
	size_t a_size = strlen(a);

	if (a_size >= SIMILAR_MAX || b_size >= SIMILAR_MAX)
		return SIMILAR_MAX;
	for (unsigned j = 0; j <= b_size; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_size; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_size; j++) {
			unsigned above = row[j];
			bool same = tolower((unsigned char)a[i - 1]) ==
				    tolower((unsigned char)b[j - 1]);

			row[j] = least(above + 1, row[j - 1] + 1,
				       diagonal + !same);
			diagonal = above;
		}
	}
	return row[b_size];
}

bool similar_is_close(const char *word, unsigned distance)
{
	size_t size = strlen(word);

	return distance <= (size < 3 ? 0 : size < 6 ? 1 : size < 10 ? 2 : 3);
}
