/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpuid_convert.c - rewrite a CPUID dump as other programs print it */
#include "cpuid_convert.h"

#include <stdio.h>
#include <string.h>

struct leaf {
	unsigned leaf, subleaf, reg[4];
	bool numbered;
};

static bool scan(const char *line, struct leaf *ret)
{
	const char *mark = strstr(line, "[SL ");
	const char *end = strchr(line, '\n');

	*ret = (struct leaf){ 0 };
	if (sscanf(line, "CPUID %8x: %8x-%8x-%8x-%8x", &ret->leaf,
		   &ret->reg[0], &ret->reg[1], &ret->reg[2],
		   &ret->reg[3]) != 5)
		return false;
	if (mark && (!end || mark < end))
		ret->numbered = sscanf(mark, "[SL %x]", &ret->subleaf) == 1;
	return true;
}

static void heading(enum dump_form form, unsigned cpu, struct text *t)
{
	switch (form) {
	case DUMP_AIDA:
		text_printf(t, "------[ CPUID Registers / Logical CPU #%u ]"
			    "------\n", cpu);
		break;
	case DUMP_R:
	case DUMP_TYCHO:
	case DUMP_FORMS:
		text_printf(t, "CPU %u:\n", cpu);
	}
}

static void put(enum dump_form form, const struct leaf *l, struct text *t)
{
	switch (form) {
	case DUMP_AIDA:
		text_printf(t, "CPUID %08X: %08X-%08X-%08X-%08X [SL %02X]\n",
			    l->leaf, l->reg[0], l->reg[1], l->reg[2],
			    l->reg[3], l->subleaf);
		break;
	case DUMP_R:
		text_printf(t, "   0x%08x 0x%02x: eax=0x%08x ebx=0x%08x "
			    "ecx=0x%08x edx=0x%08x\n", l->leaf, l->subleaf,
			    l->reg[0], l->reg[1], l->reg[2], l->reg[3]);
		break;
	case DUMP_TYCHO:
	case DUMP_FORMS:
		text_printf(t, "CPUID %08x:%02x = %08x %08x %08x %08x | "
			    "................\n", l->leaf, l->subleaf,
			    l->reg[0], l->reg[1], l->reg[2], l->reg[3]);
	}
}

void cpuid_convert(const char *dump, enum dump_form form, struct text *ret)
{
	unsigned before = ~0u;	/* the leaf of the line before */
	bool begun = false;

	heading(form, 0, ret);
	while (dump) {
		struct leaf l;
		bool good = scan(dump, &l);

		dump = strchr(dump, '\n');
		dump = dump ? dump + 1 : NULL;
		if (!good)
			continue;
		if (begun && !l.leaf)
			return;
		begun = true;
		if (l.numbered || l.leaf != before)
			put(form, &l, ret);
		before = l.leaf;
	}
}

void cpuid_convert_another(enum dump_form form, struct text *ret)
{
	const struct leaf nothing = { .leaf = 1 };

	heading(form, 1, ret);
	put(form, &nothing, ret);
}
