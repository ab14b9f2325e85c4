/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz.h - what every fuzz target has */
#ifndef SIGFRAME_TESTS_FUZZ_FUZZ_H
#define SIGFRAME_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * A target is a file fuzz_NAME.c with this function, which takes any bytes,
 * ends the program where something does not hold, and leaves nothing behind.
 * Always 0. libFuzzer calls it, or driver.c, with the files of a corpus.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* End the program with a message if `holds` is false. */
void fuzz_must(bool holds, const char *fmt, ...) PRINTF(2, 3);

/*
 * An error is a fine answer to any input, if it is one line that says why.
 * Takes err; true if there was one.
 */
bool fuzz_failed(struct error *err);

/* A file in memory with these bytes, which the caller closes. */
int fuzz_file(const void *data, size_t size);

/* The bytes and a NUL behind; the caller frees them. */
char *fuzz_string(const uint8_t *data, size_t size);

/* Inputs that are a series of small decisions: the next bytes, or zeros. */
struct fuzz_choices {
	struct bytes left;
};

uint64_t fuzz_take(struct fuzz_choices *c, unsigned width);

/* 0 .. below - 1; below is at most 256. */
unsigned fuzz_below(struct fuzz_choices *c, unsigned below);

#endif
