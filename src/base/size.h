/* SPDX-License-Identifier: GPL-3.0-or-later */
/* size.h - amounts of bytes as people write them */
#ifndef SIGFRAME_BASE_SIZE_H
#define SIGFRAME_BASE_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#define SIZE_KIB (UINT64_C(1) << 10)
#define SIZE_GIB (UINT64_C(1) << 30)

/*
 * A decimal number, with K, M, G or T (either case) behind it for powers of
 * 1024. False if it is anything else, 0, or more than INT64_MAX bytes, which
 * is as large as a file can be.
 */
bool size_parse(const char *text, uint64_t *ret);

/* Enough for size_show(). */
#define SIZE_TEXT 32

/* "17 bytes", "4 KiB", "1.5 GiB": in the largest unit, rounded down. */
const char *size_show(uint64_t bytes, char text[SIZE_TEXT]);

#endif
