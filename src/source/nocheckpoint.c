/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nocheckpoint.c - checkpoint.h for a program without support for images */
#include "source/checkpoint.h"

struct error *checkpoint_open(struct image_files *files, const char *name,
			      const struct core_options *options,
			      struct checkpoint **ret)
{
	(void)options;
	(void)ret;
	image_files_destroy(files);
	return error_new(ERROR_UNSUPPORTED, "%s: this program was built "
			 "without support for CRIU images", name);
}

size_t checkpoint_count(const struct checkpoint *c)
{
	(void)c;
	return 0;
}

struct error *checkpoint_snapshot(struct checkpoint *c, size_t i,
				  struct snapshot **ret)
{
	(void)c;
	(void)i;
	(void)ret;
	return error_new(ERROR_UNSUPPORTED, "no checkpoint");
}

void checkpoint_destroy(struct checkpoint *c)
{
	(void)c;
}

const char *checkpoint_library(void)
{
	return NULL;
}
