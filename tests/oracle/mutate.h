/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mutate.h - which cases are tried */
#ifndef ORACLE_MUTATE_H
#define ORACLE_MUTATE_H

#include "case.h"
#include "machine.h"
#include "random.h"

/* One edit of a frame that this CPU's kernel built. */
struct edited {
	const char *name;	/* "E02 MAGIC2 is 0" */
	const char *skipped;	/* why it makes no sense on this CPU, or NULL */
	struct oracle_case c;
};

/* The edit number `index` of a frame of `kind`; false behind the last. */
bool mutate_edited(const struct host *host, uint64_t kind, unsigned index,
		   struct edited *ret);

/*
 * Frame number `index` of another machine, each with several sets of
 * components in use; false behind the last.
 */
bool mutate_machine(const struct host *host, uint64_t kind, unsigned index,
		    struct oracle_case *ret);

/* Anything; the generator's state alone decides. */
void mutate_random(const struct host *host, uint64_t kind, struct random *r,
		   struct oracle_case *ret);

#endif
