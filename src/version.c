/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version.c - what --version prints */
#include "version.h"

#include "config.h"
#include "describe/file.h"
#include "locate/libraries.h"
#include "source/checkpoint.h"
#include "source/unpack.h"

#ifdef LINKED_STATICALLY
#define STATIC_SIGN '+'
#else
#define STATIC_SIGN '-'
#endif

static char sign(const void *there)
{
	return there ? '+' : '-';
}

void version_add(struct text *t)
{
	const char *criu = checkpoint_library();
	const char *archive = unpack_library();

	text_printf(t, PACKAGE_STRING "\n"
		    "features: %ccriu %carchive %cstatic\n"
		    "libraries: ", sign(criu), sign(archive), STATIC_SIGN);
	libraries_add(t);
	text_printf(t, ", json-c %s", description_json_library());
	if (criu)
		text_printf(t, ", protobuf-c %s", criu);
	if (archive)
		text_printf(t, ", %s", archive);
	text_add(t, "\n"
		 "License GPL-3.0-or-later <https://gnu.org/licenses/gpl.html>\n"
		 "This is free software: you may change and redistribute it. "
		 "There is NO WARRANTY,\nto the extent permitted by law.\n");
}
