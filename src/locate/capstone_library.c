/* SPDX-License-Identifier: GPL-3.0-or-later */
/* capstone_library.c - capstone, loaded when there is code to look at */
#include "locate/capstone_library.h"

#include "base/cleanup.h"
#include "base/library.h"

#define STRING(x) #x
#define NUMBER(x) STRING(x)
#define SONAME "libcapstone.so." NUMBER(CS_API_MAJOR)

LIBRARY_NOTE(SONAME, "disassembler", "required",
	     "what code does that a frame returns to, or returns with");

struct error *capstone_library(const struct capstone_library **ret)
{
#define ENTRY(name) { #name, offsetof(struct capstone_library, name) },
	static const struct library_function functions[] = {
		CAPSTONE_FUNCTIONS(ENTRY)
	};
#undef ENTRY
	static struct capstone_library table;
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
