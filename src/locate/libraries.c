/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libraries.c - what code and its unwind information are read with */
#include "locate/libraries.h"

#include <capstone/capstone.h>
#include <elfutils/libdwfl.h>

void libraries_add(struct text *t)
{
	int major = 0, minor = 0;

	cs_version(&major, &minor);
	text_printf(t, "elfutils %s, capstone %d.%d", dwfl_version(NULL), major,
		    minor);
}
