/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unpack.h - compressed streams; noarchive.c does without libarchive */
#ifndef SIGFRAME_SOURCE_UNPACK_H
#define SIGFRAME_SOURCE_UNPACK_H

#include "source/content.h"
#include "source/stream.h"

/*
 * What is in a compressed stream, of one of the kinds that
 * content_is_compressed(), and of up to `max` bytes. Takes `packed`, also when
 * it fails. Checksums are verified, data that is cut off is an error;
 * what follows behind its end does not matter. ERROR_UNSUPPORTED if the program
 * was built without it.
 */
struct error *unpack_open(struct stream *packed, enum content content,
			  uint64_t max, struct stream **ret) MUST_USE;

/*
 * "libarchive 3.6.2", which is loaded to ask it, or that this is not possible;
 * NULL if the program was built without.
 */
const char *unpack_library(void);

#endif
