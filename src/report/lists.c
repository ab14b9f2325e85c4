/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.c - the models and rules that targets may name */
#include "report/lists.h"

#include <inttypes.h>

#include "describe/models.h"
#include "kernel/rules.h"

void lists_add_cpus(struct text *t)
{
	text_printf(t, "%-25s %-9s %-6s %6s %6s  %s\n", "model", "xfeatures",
		    "layout", "frame", "max", "what it is (evidence)");
	for (unsigned i = 0; i < cpu_rows_count; i++) {
		const struct cpu_row *row = &cpu_rows[i];
		const struct xstate_layout *l =
			xstate_family_layout(row->vendor);
		bool xsave = row->isa & ISA_BIT(ISA_XSAVE);
		uint64_t features = isa_xfeatures(row->isa);
		uint32_t frame = XSTATE_FX_SIZE, most = XSTATE_FX_SIZE;

		if (xsave) {
			frame = xstate_layout_size(l,
						   features & ~XSTATE_DYNAMIC);
			most = xstate_layout_size(l, features);
		}
		text_printf(t, "%-25s 0x%-7" PRIx64 " %-6s %6u %6u  %s (%s)\n",
			    row->name, features ? features : XSTATE_LEGACY,
			    xsave ? xstate_family_name(row->vendor) : "-",
			    frame, most, row->title, row->evidence);
	}
}

void lists_add_kernels(struct text *t)
{
	text_add(t, "Sets of rules:\n");
	for (unsigned i = 0; i < RULES_COUNT; i++)
		text_printf(t, "  %-4s %-20s %s\n", rules_table[i].id,
			    rules_table[i].name, rules_table[i].kernels);
	text_add(t, "\nChanges, by release:\n");
	for (unsigned i = 0; i < rules_changes_count; i++) {
		const struct rules_change *c = &rules_changes[i];

		text_printf(t, "  %-4s %s  in %s\n", c->rules, c->date,
			    c->releases);
		text_printf(t, "       %s\n       %s\n", c->what, c->commits);
	}
}
