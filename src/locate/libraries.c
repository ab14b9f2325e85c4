/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libraries.c - what code and its unwind information are read with */
#include "locate/libraries.h"

#include <elfutils/libdwfl.h>

#include "locate/capstone_library.h"

void libraries_add(struct text *t)
{
	const struct capstone_library *capstone;
	struct error *err = capstone_library(&capstone);
	int major = 0, minor = 0;

	text_printf(t, "elfutils %s, ", dwfl_version(NULL));
	if (err) {
		text_add(t, "capstone, which cannot be loaded");
		error_free(err);
		return;
	}
	capstone->cs_version(&major, &minor);
	text_printf(t, "capstone %d.%d", major, minor);
}
