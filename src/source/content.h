/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.h - what a file is, by its first bytes */
#ifndef SIGFRAME_SOURCE_CONTENT_H
#define SIGFRAME_SOURCE_CONTENT_H

#include "base/bytes.h"

enum content {
	CONTENT_UNKNOWN,
	CONTENT_ELF,
	CONTENT_TAR,
	CONTENT_GZIP,		/* compressed from here on */
	CONTENT_ZSTD,
	CONTENT_XZ,
	CONTENT_LZ4,
	CONTENT_BZIP2,
	CONTENT_LZIP,
	CONTENT_LZMA,
	CONTENTS,
};

/* Names for messages; NULL for CONTENT_UNKNOWN. */
extern const char *const content_names[CONTENTS];

/* As many first bytes as can matter: a block of a tar archive. */
#define CONTENT_HEAD 512

/*
 * Judge by the first CONTENT_HEAD bytes, or all there are. Of ELF and most
 * compressions only the magic number is looked at, of tar the checksum of the
 * first header, of LZMA, which has no magic number, the whole header.
 */
enum content content_of(struct bytes head);

static inline bool content_is_compressed(enum content content)
{
	return content >= CONTENT_GZIP;
}

#endif
