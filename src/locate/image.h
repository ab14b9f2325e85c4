/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image.h - ELF files put together from memory */
#ifndef SIGFRAME_LOCATE_IMAGE_H
#define SIGFRAME_LOCATE_IMAGE_H

#include "source/snapshot.h"

/* Bytes that image_is_x86() wants to see. */
enum { IMAGE_HEADER_SIZE = 64 };

/* Is this the ELF header of code for x86-64, x32 or i386? */
bool image_is_x86(struct bytes header);

/*
 * The file that is mapped from `base` to `end`, as far as its segments tell
 * and without section headers. The caller frees it. NULL if its headers are
 * not to be had, or there is no memory.
 */
uint8_t *image_build(const struct snapshot *s, uint64_t base, uint64_t end,
		     size_t *size_ret);

#endif
