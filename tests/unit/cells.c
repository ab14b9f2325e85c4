/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cells.c - tables of what becomes of a frame under each set of rules */
#include "cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const struct {
	enum rules_index rules;
	enum column column;
} columns[] = {
	{ RULES_R1, C1 }, { RULES_R2, C235 }, { RULES_R3, C235 },
	{ RULES_R5, C235 }, { RULES_R4, C4 }, { RULES_R6, C6 },
	{ RULES_R7, C7 },
};

/* The parts of a verdict that an ending stands for. */
static const struct {
	const char *name;
	enum outcome outcome;
	enum restore_path path;
} endings[] = {
	[FULL] = { "full", OUTCOME_INTACT, RESTORE_XSAVE },
	[FX] = { "fx", OUTCOME_INTACT, RESTORE_FX },
	[GARBAGE] = { "garbage", OUTCOME_GARBLED, RESTORE_XSAVE },
	[DROPPED] = { "dropped", OUTCOME_LOSSY, RESTORE_XSAVE },
	[FX_DROPPED] = { "fx-dropped", OUTCOME_LOSSY, RESTORE_FX },
	[INIT] = { "init", OUTCOME_LOSSY, RESTORE_INIT },
	[SEGV] = { "segv", OUTCOME_FATAL, RESTORE_REFUSED },
	[SEGV_AFTER] = { "segv-after", OUTCOME_FATAL, RESTORE_XSAVE },
	[IN_DOUBT] = { "in-doubt", OUTCOME_UNKNOWN, RESTORE_XSAVE },
};

/* True if the verdict is what the cell says. */
static bool holds(const struct cell *c, const struct made *m,
		  const struct target *t, const struct verdict *v)
{
	const uint64_t q = made_get(m, 472, 8), bv = made_get(m, 512, 8);
	enum outcome outcome = endings[c->end].outcome;
	uint64_t lost = 0, garbled = 0, loaded = 0;

	switch (c->end) {
	case FULL:
	case DROPPED:
	case SEGV_AFTER:
		lost = c->mask;
		loaded = bv & q & t->features;
		break;
	case GARBAGE:
	case IN_DOUBT:
		garbled = c->mask;
		loaded = bv & q & t->features & ~garbled;
		break;
	case FX:
	case FX_DROPPED:
		lost = c->mask;
		loaded = 0x3;
		break;
	case INIT:
		lost = t->features;
		break;
	case SEGV:
	case NOT_SAID:
		break;
	}
	if (outcome == OUTCOME_INTACT && lost)
		outcome = OUTCOME_LOSSY;

	bool in_doubt = c->end == IN_DOUBT;
	unsigned possible = in_doubt ? 1u << OUTCOME_INTACT |
					       1u << OUTCOME_GARBLED
				     : 1u << outcome;

	return v->outcome == outcome && v->possible == possible &&
	       v->paths == 1u << endings[c->end].path &&
	       !v->unsure == !in_doubt &&
	       v->lost == lost && v->garbled == garbled && v->loaded == loaded;
}

static void show(const char *id, const struct made_target *t,
		 enum rules_index rules, const struct cell *c,
		 const struct verdict *v)
{
	print_message("# %s on %s, %s: want %s %#llx, got %s, possible %#x, "
		      "paths %#x, loaded %#llx, garbled %#llx, lost %#llx;"
		      "%s; unsure %#llx\n",
		      id, t->cpu.name, rules_table[rules].id,
		      endings[c->end].name, (unsigned long long)c->mask,
		      outcome_name(v->outcome), v->possible, v->paths,
		      (unsigned long long)v->loaded,
		      (unsigned long long)v->garbled,
		      (unsigned long long)v->lost, made_names(v->checks),
		      (unsigned long long)v->unsure);
}

unsigned cells_wrong(const char *id, struct made *m, enum made_cpu target,
		     const struct cell cells[COLUMNS], uint64_t in_use)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		struct cell c = cells[columns[i].column];
		struct made_target t;

		if (c.end == NOT_SAID)
			continue;
		c.mask &= in_use;
		made_target(target, RULES_BIT(columns[i].rules), &t);

		struct verdict v = predict(&m->facts, &t.target);

		if (!holds(&c, m, &t.target, &v)) {
			show(id, &t, columns[i].rules, &c, &v);
			wrong++;
		}

		/* as the program has it: the layout is read off the frame */
		struct frame_facts known = m->facts;

		made_infer(m);
		v = predict(&m->facts, &t.target);
		if (!holds(&c, m, &t.target, &v) &&
		    (m->facts.family != XSTATE_FAMILY_UNKNOWN ||
		     v.outcome != OUTCOME_UNKNOWN)) {
			show(id, &t, columns[i].rules, &c, &v);
			wrong++;
		}
		m->facts = known;
	}
	return wrong;
}
