/* SPDX-License-Identifier: GPL-3.0-or-later */
/* similar.h - what somebody may have meant */
#ifndef SIGFRAME_DESCRIBE_SIMILAR_H
#define SIGFRAME_DESCRIBE_SIMILAR_H

#include <stdbool.h>
#include <stddef.h>

#define SIMILAR_MAX 48	/* longer words are like no other */

/*
 * How many characters have to be put in, taken out or replaced to make `a`,
 * whole, the first `b_size` characters of `b`; ignoring case.
 * SIMILAR_MAX if it is so many, or one is longer.
 */
unsigned similar_distance(const char *a, const char *b, size_t b_size);

/* Is that near enough for a slip of the fingers in `word`? */
bool similar_is_close(const char *word, unsigned distance);

#endif
