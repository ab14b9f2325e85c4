/* SPDX-License-Identifier: GPL-3.0-or-later */
/* described.h - what the tests of description files share */
#ifndef SIGFRAME_TESTS_UNIT_DESCRIBED_H
#define SIGFRAME_TESTS_UNIT_DESCRIBED_H

#include "base/text.h"
#include "describe/description.h"

/* The whole file of tests/data/cpu, to be freed; fails the test without. */
char *described_file(const char *name, size_t *size_ret);

/*
 * True in a program built without CRIU; there the image is refused with that
 * reason, or the test fails.
 */
bool described_without_criu(const char *image, size_t size);

/* Parse; fails the test if it is refused. */
struct description *described(const char *name, const char *text,
			      size_t size);

/* A row of a table; tabs part its columns. */
#define DESCRIBED_COLUMNS 10

struct described_row {
	char *column[DESCRIBED_COLUMNS];
};

/* Cut the next row, of that many columns, off *text; false behind the last. */
bool described_next_row(char **text, unsigned columns,
			struct described_row *ret);

/* "-" is 0 */
uint64_t described_number(const char *column);

#endif
