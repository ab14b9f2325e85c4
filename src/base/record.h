/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.h - plain structs as lines of text, and back */
#ifndef SIGFRAME_BASE_RECORD_H
#define SIGFRAME_BASE_RECORD_H

#include "base/cleanup.h"
#include "base/lines.h"
#include "base/text.h"

/*
 * A record is a struct of nothing but uint64_t and char *, a table says which
 * member is where. As text it is a line "name key=value key="text" ...";
 * members that are 0 or NULL are left out, keys that the reader does not know
 * are skipped, so that both sides may grow.
 */
enum record_type {
	RECORD_NUMBER,		/* uint64_t, decimal */
	RECORD_WORD,		/* uint64_t, hexadecimal behind 0x */
	RECORD_TEXT,		/* char *, owned; any bytes but NUL */
};

struct record_field {
	const char *key;
	enum record_type type;
	size_t offset;		/* of the member */
};

struct record {
	const char *name;
	const struct record_field *fields;
	size_t count;
};

/* A member of struct `line`, and a record of an array of those. */
#define RECORD_FIELD(line, member, type)                                      \
	{ #member, type, offsetof(struct line, member) }
#define RECORD(word, table) { word, table, ARRAY_SIZE(table) }

/* Append the line of `data`. */
void record_write(const struct record *r, const void *data, struct text *t);

/* True if the line is one of that record; *line is then what follows. */
bool record_is(const struct record *r, struct span *line);

/*
 * Read what follows the name into `data`, which starts zeroed. ERROR_BAD_INPUT
 * if the line makes no sense; record_deinit() is due in any case.
 */
struct error *record_read(const struct record *r, struct span line,
			  void *data) MUST_USE;
/* Free the texts. */
void record_deinit(const struct record *r, void *data);

#endif
