/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_linked.c - libarchive as a part of a static program */
#include "source/archive_library.h"

struct error *archive_library(const struct archive_library **ret)
{
#define ENTRY(name) .name = name,
	static const struct archive_library library = {
		ARCHIVE_FUNCTIONS(ENTRY)
	};
#undef ENTRY

	*ret = &library;
	return NULL;
}
