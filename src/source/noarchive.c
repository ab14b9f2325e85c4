/* SPDX-License-Identifier: GPL-3.0-or-later */
/* noarchive.c - what is said where there is no libarchive */
#include "source/imagearchive.h"
#include "source/unpack.h"

struct error *unpack_open(struct stream *packed, enum content content,
			  uint64_t max, struct stream **ret)
{
	(void)max;
	(void)ret;
	stream_destroy(packed);
	return error_new(ERROR_UNSUPPORTED, "compressed with %s: decompress it "
			 "first, this program was built without libarchive",
			 content_names[content]);
}

struct error *image_files_of_archive(struct stream *tar, uint64_t max,
				     struct image_files **ret)
{
	(void)tar;
	(void)max;
	(void)ret;
	return error_new(ERROR_UNSUPPORTED, "a tar archive: extract it first, "
			 "this program was built without libarchive");
}

const char *unpack_library(void)
{
	return NULL;
}
