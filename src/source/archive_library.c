/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_library.c - libarchive, loaded when there is something to unpack */
#include "source/archive_library.h"

#include "base/cleanup.h"
#include "base/library.h"

/* The name of all that call themselves 3. */
#define SONAME "libarchive.so.13"
_Static_assert(ARCHIVE_VERSION_NUMBER / 1000000 == 3, SONAME);

LIBRARY_NOTE(SONAME, "archive", "recommended",
	     "compressed cores and archives of checkpoints");

struct error *archive_library(const struct archive_library **ret)
{
#define ENTRY(name) { #name, offsetof(struct archive_library, name) },
	static const struct library_function functions[] = {
		ARCHIVE_FUNCTIONS(ENTRY)
	};
#undef ENTRY
	static struct archive_library table;
	static struct library library = {
		.soname = SONAME,
		.functions = functions,
		.count = ARRAY_SIZE(functions),
		.table = &table,
	};
	struct error *err = library_need(&library);

	if (!err)
		*ret = &table;
	return err;
}
