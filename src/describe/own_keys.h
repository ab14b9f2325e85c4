/* SPDX-License-Identifier: GPL-3.0-or-later */
/* own_keys.h - the keys of our own description files */
#ifndef SIGFRAME_DESCRIBE_OWN_KEYS_H
#define SIGFRAME_DESCRIBE_OWN_KEYS_H

#include "base/lines.h"
#include "base/text.h"
#include "describe/description.h"

#define OWN_NO_FIELD (-1)

/* Longer values of text are nobody's. */
#define OWN_VALUE_MAX 256

/* What the lines say that has no place in the description. */
struct own_reading {
	struct description *d;
	unsigned line;			/* the one being read */
	uint64_t seen;			/* bit n: own_keys[n] had a line */
	unsigned layout_line;		/* of "layout", 0: none */
	enum xstate_family layout;
	uint64_t placed;		/* components with a line */
	unsigned place_line[XSTATE_MAX];
	bool have_isa;
	uint64_t isa_unknown;
	unsigned isa_unknown_line;
	uint64_t user_size;
	unsigned user_size_line;
	bool vendor_given;
	enum xstate_family vendor;
};

/*
 * One row per key. `take` reads a value, `add` appends it and says false if
 * there is nothing to say. Keys without a field carry no origin.
 */
struct own_key {
	const char *name;
	int field;	/* enum description_field, or OWN_NO_FIELD */
	struct error *(*take)(struct own_reading *r, struct span value);
	bool (*add)(const struct description *d, struct text *t);
};

/* In the order in which they are written. */
extern const struct own_key own_keys[];
extern const unsigned own_keys_count;

/* NULL if there is none of that name. */
const struct own_key *own_keys_find(struct span name);

/* "'VALUE' is not WHAT" */
struct error *own_refuse(const char *what, struct span value) MUST_USE;

/*
 * Append text that may be foreign, as much as a value may have; what cannot be
 * printed becomes '?'.
 */
void own_add_plain(struct text *t, const char *s);

/* What a component is called in keys: "avx", or its number: "21". */
#define OWN_NAME_SIZE 16
void own_component_name(unsigned i, char ret[OWN_NAME_SIZE]);

/* A value OFFSET+SIZE for the component of that name. */
struct error *own_take_place(struct own_reading *r, struct span name,
			     struct span value) MUST_USE;

/*
 * What can be said only when all lines are read: the layout, the extensions,
 * and whether user_size agrees with them.
 */
struct error *own_finish(struct own_reading *r) MUST_USE;

#endif
