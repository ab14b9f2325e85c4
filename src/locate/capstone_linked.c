/* SPDX-License-Identifier: GPL-3.0-or-later */
/* capstone_linked.c - capstone as a part of a static program */
#include "locate/capstone_library.h"

struct error *capstone_library(const struct capstone_library **ret)
{
#define ENTRY(name) .name = name,
	static const struct capstone_library library = {
		CAPSTONE_FUNCTIONS(ENTRY)
	};
#undef ENTRY

	*ret = &library;
	return NULL;
}
