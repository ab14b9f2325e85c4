/* SPDX-License-Identifier: GPL-3.0-or-later */
/* library.c - a shared library that is loaded when it is first needed */
#include "base/library.h"

#include <dlfcn.h>
#include <string.h>

/* What the loader says, without the name if that stands in front. */
static const char *reason(const char *soname)
{
	const char *why = dlerror();
	size_t size = strlen(soname);

	if (!why)
		return "no reason is given";
	return strncmp(why, soname, size) || strncmp(why + size, ": ", 2)
		       ? why
		       : why + size + 2;
}

struct error *library_load(const char *soname,
			   const struct library_function *functions,
			   size_t count, void *table)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return error_new(ERROR_UNSUPPORTED, "%s cannot be loaded: %s",
				 soname, reason(soname));
	for (size_t i = 0; i < count; i++) {
		void *function = dlsym(handle, functions[i].name);

		if (!function) {
			dlclose(handle);
			return error_new(ERROR_UNSUPPORTED, "%s has no %s()",
					 soname, functions[i].name);
		}
		memcpy((char *)table + functions[i].offset, &function,
		       sizeof(function));
	}
	return NULL;
}
