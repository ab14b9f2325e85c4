/* SPDX-License-Identifier: GPL-3.0-or-later */
/* random.h - numbers that come again with the same seed */
#ifndef ORACLE_RANDOM_H
#define ORACLE_RANDOM_H

#include <stdint.h>

/* splitmix64, by Sebastiano Vigna: every seed is a good one. */
struct random {
	uint64_t state;
};

static inline struct random random_of(uint64_t seed)
{
	return (struct random){ seed };
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* 0 .. below - 1; `below` is small. */
static inline unsigned random_below(struct random *r, unsigned below)
{
	return (unsigned)(random_next(r) % below);
}

#endif
