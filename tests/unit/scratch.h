/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scratch.h - a directory for the files of one test program */
#ifndef SIGFRAME_TESTS_SCRATCH_H
#define SIGFRAME_TESTS_SCRATCH_H

#include <stddef.h>

/* cmocka group fixtures: make the directory, remove it with all in it. */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The path of `name` in it; valid until the eighth next call. */
const char *scratch_path(const char *name);

/* Write a file; its path. */
const char *scratch_write(const char *name, const void *data, size_t size);

#endif
