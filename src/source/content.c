/* SPDX-License-Identifier: GPL-3.0-or-later */
/* content.c - what a file is, by its first bytes */
#include "source/content.h"

#include "base/cleanup.h"

/* Of a header of ustar and all its relatives. */
#define TAR_SUM_OFF 148
#define TAR_SUM_SIZE 8

/* lc=3, lp=0, pb=2: what everyone writes. */
#define LZMA_PROPERTIES 0x5d
#define LZMA_DICTIONARY_MIN (UINT32_C(1) << 12)
#define LZMA_SIZE_UNKNOWN UINT64_MAX
/* More than anybody compresses; text would have to say so by chance. */
#define LZMA_SIZE_MAX (UINT64_C(1) << 48)

const char *const content_names[CONTENTS] = {
	[CONTENT_ELF] = "ELF",
	[CONTENT_TAR] = "tar",
	[CONTENT_GZIP] = "gzip",
	[CONTENT_ZSTD] = "zstd",
	[CONTENT_XZ] = "xz",
	[CONTENT_LZ4] = "lz4",
	[CONTENT_BZIP2] = "bzip2",
	[CONTENT_LZIP] = "lzip",
	[CONTENT_LZMA] = "lzma",
};

static const struct {
	const char *magic;
	size_t size;
	enum content content;
} magics[] = {
	{ "\177ELF", 4, CONTENT_ELF },
	{ "\x1f\x8b\x08", 3, CONTENT_GZIP },
	{ "\x28\xb5\x2f\xfd", 4, CONTENT_ZSTD },
	{ "\xfd" "7zXZ", 6, CONTENT_XZ },
	{ "\x04\x22\x4d\x18", 4, CONTENT_LZ4 },
	{ "\x02\x21\x4c\x18", 4, CONTENT_LZ4 },	/* lz4 -l */
	{ "BZh", 3, CONTENT_BZIP2 },
	{ "LZIP\x01", 5, CONTENT_LZIP },
};

/* Octal digits, as tar writes them: between blanks and a blank or NUL. */
static bool tar_number(struct bytes field, uint64_t *ret)
{
	size_t i = 0;
	uint64_t value = 0;

	while (i < field.size && field.data[i] == ' ')
		i++;

	size_t first = i;

	for (; i < field.size && field.data[i] >= '0' && field.data[i] <= '7';
	     i++)
		value = value << 3 | (field.data[i] & 7);
	*ret = value;
	return i > first &&
	       (i == field.size || field.data[i] == ' ' || !field.data[i]);
}

/* Old programs took the bytes for signed ones. */
static bool is_tar(struct bytes head)
{
	struct bytes field = bytes_first(bytes_from(head, TAR_SUM_OFF),
					 TAR_SUM_SIZE);
	uint64_t wanted;
	int64_t sum = 0, signed_sum = 0;

	if (head.size < CONTENT_HEAD || !tar_number(field, &wanted))
		return false;
	for (size_t i = 0; i < CONTENT_HEAD; i++) {
		bool in_field = i - TAR_SUM_OFF < TAR_SUM_SIZE;

		sum += in_field ? ' ' : head.data[i];
		signed_sum += in_field ? ' ' : (int8_t)head.data[i];
	}
	return (int64_t)wanted == sum || (int64_t)wanted == signed_sum;
}

/* The sizes of dictionaries are 2^n or 2^n + 2^(n-1). */
static bool is_lzma(struct bytes head)
{
	uint32_t dictionary, rest;
	uint64_t size;

	if (!bytes_u32(head, 1, &dictionary) || !bytes_u64(head, 5, &size) ||
	    head.data[0] != LZMA_PROPERTIES || dictionary < LZMA_DICTIONARY_MIN)
		return false;
	rest = dictionary & (dictionary - 1);
	return (!rest || (rest & (rest - 1)) == 0) &&
	       (size == LZMA_SIZE_UNKNOWN || size < LZMA_SIZE_MAX);
}

enum content content_of(struct bytes head)
{
	for (unsigned i = 0; i < ARRAY_SIZE(magics); i++)
		if (bytes_has(head, 0, magics[i].size) &&
		    !memcmp(head.data, magics[i].magic, magics[i].size))
			return magics[i].content;
	if (is_tar(head))
		return CONTENT_TAR;
	return is_lzma(head) ? CONTENT_LZMA : CONTENT_UNKNOWN;
}
