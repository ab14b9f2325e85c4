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

struct error *library_need(struct library *l)
{
	void *handle;

	if (l->loaded)
		return NULL;
	handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return error_new(ERROR_UNSUPPORTED, "%s cannot be loaded: %s",
				 l->soname, reason(l->soname));
	for (size_t i = 0; i < l->count; i++) {
		const struct library_function *f = &l->functions[i];
		void *function = dlsym(handle, f->name);

		if (!function) {
			dlclose(handle);
			return error_new(ERROR_UNSUPPORTED, "%s has no %s()",
					 l->soname, f->name);
		}
		memcpy((char *)l->table + f->offset, &function,
		       sizeof(function));
	}
	l->loaded = true;
	return NULL;
}
