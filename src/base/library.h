/* SPDX-License-Identifier: GPL-3.0-or-later */
/* library.h - a shared library that is loaded when it is first needed */
#ifndef SIGFRAME_BASE_LIBRARY_H
#define SIGFRAME_BASE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* A function of a library, and where in a table the pointer to it stands. */
struct library_function {
	const char *name;
	size_t offset;		/* bytes from the table's start */
};

struct library {
	const char *soname;
	const struct library_function *functions;
	size_t count;
	void *table;
	bool loaded;		/* the table is filled in */
};

/*
 * Load it, if it is not yet, and fill in its table. It stays loaded.
 * ERROR_UNSUPPORTED, naming it, if it cannot be or lacks a function.
 */
struct error *library_need(struct library *l) MUST_USE;

#define LIBRARY_NOTE_TYPE 0x407c0c0a
#define LIBRARY_JSON(soname, feature, priority, description)                   \
	"[{\"feature\":\"" feature "\",\"description\":\"" description         \
	"\",\"priority\":\"" priority "\",\"soname\":[\"" soname "\"]}]"

/*
 * Tell packagers, who else see only what is linked: a note as by "ELF dlopen
 * Metadata" of the UAPI Group. `priority`: "required", "recommended" or
 * "suggested". All are string literals without quotes in them.
 */
#define LIBRARY_NOTE(soname, feature, priority, description)                   \
	static const struct {                                                  \
		uint32_t owner_size, json_size, type;                          \
		char owner[4];                                                 \
		_Alignas(4) char json[sizeof(LIBRARY_JSON(                     \
			soname, feature, priority, description))];             \
	} library_note                                                         \
	__attribute__((__used__, __section__(".note.dlopen"),                  \
		       __aligned__(4))) = {                                    \
		.owner_size = sizeof(library_note.owner),                      \
		.json_size = sizeof(library_note.json),                        \
		.type = LIBRARY_NOTE_TYPE,                                     \
		.owner = "FDO",                                                \
		.json = LIBRARY_JSON(soname, feature, priority, description),  \
	}

#endif
