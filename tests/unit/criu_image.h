/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_image.h - cpuinfo.img files with known fields */
#ifndef SIGFRAME_TESTS_UNIT_CRIU_IMAGE_H
#define SIGFRAME_TESTS_UNIT_CRIU_IMAGE_H

#include <stdint.h>

#include "base/text.h"

/* The fields CRIU writes; see images/cpuinfo.proto there. */
struct criu_cpu {
	uint32_t vendor;
	uint32_t words[19];
	unsigned words_count;
	const char *brand;
	uint64_t xfeatures;
	uint32_t xsave_size;
	uint32_t xsave_size_max;
};

enum criu_quirk {
	CRIU_OLD_FRAMING = 1 << 0,	/* no first magic */
	CRIU_PACKED = 1 << 1,		/* words in one field */
	CRIU_TWO_RECORDS = 1 << 2,	/* another one behind it */
	CRIU_UNKNOWN_FIELDS = 1 << 3,	/* of some later version */
	CRIU_REPEATED_FIELD = 1 << 4,	/* wrong first, the last one counts */
};

/* Append the image. Written by hand, not by the library that reads it. */
void criu_image(const struct criu_cpu *cpu, unsigned quirks,
		struct text *ret);

#endif
