/* SPDX-License-Identifier: GPL-3.0-or-later */
/* message.c - findings in words */
#include "report/message.h"

#include <inttypes.h>
#include <string.h>

#include "x86/siginfo.h"
#include "x86/xregs.h"

void message_add_components(struct text *t, uint64_t mask)
{
	const char *comma = "";

	for (uint64_t left = mask; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		text_add(t, comma);
		if (xstate_components[i].name)
			text_add(t, xstate_components[i].name);
		else
			text_printf(t, "component %u", i);
		comma = ", ";
	}
}

void message_add_registers(struct text *t, unsigned component, uint32_t set)
{
	const struct xregs_file *f = &xregs_files[component];
	const char *separator = f->prefix;

	for (unsigned i = 0; i < f->count; i++) {
		unsigned first = i;

		if (!(set >> i & 1))
			continue;
		while (i + 1 < f->count && (set >> (i + 1) & 1))
			i++;
		text_printf(t, "%s%u", separator, f->first + first);
		if (i > first)
			text_printf(t, "-%u", f->first + i);
		separator = ", ";
	}
	text_add(t, f->part);
}

void message_add_signals(struct text *t, uint64_t mask)
{
	const char *comma = "";

	if (!mask)
		text_add(t, "none");
	for (uint64_t left = mask; left; left &= left - 1) {
		unsigned n = (unsigned)__builtin_ctzll(left) + 1;

		text_add(t, comma);
		text_add(t, siginfo_signal_name(n));
		comma = ", ";
	}
}

static void add_extensions(struct text *t, uint64_t mask)
{
	const char *comma = "";

	for (unsigned i = 0; i < ISA_COUNT; i++) {
		if (!(mask & ISA_BIT(i)))
			continue;
		text_printf(t, "%s%s", comma, isa_table[i].name);
		comma = ", ";
	}
}

/* Fill in a detail's "{d0}", "{x1}", "{c0}". */
static void add_detail(struct text *t, const char *detail,
		       const uint64_t values[CHECK_VALUES])
{
	while (*detail) {
		size_t plain = strcspn(detail, "{");

		text_add_bytes(t, detail, plain);
		detail += plain;
		if (!*detail)
			return;

		char form = detail[1];
		uint64_t value = values[detail[2] - '0'];

		if (form == 'd')
			text_printf(t, "%" PRIu64, value);
		else if (form == 'x')
			text_printf(t, "0x%" PRIx64, value);
		else if (form == 'c')
			message_add_components(t, value);
		else
			add_extensions(t, value);
		detail += strlen("{d0}");
	}
}

static void add_message(struct text *t, const char *title, const char *detail,
			const uint64_t values[CHECK_VALUES])
{
	size_t length = strlen(title);

	if (!detail) {
		text_add(t, title);
		return;
	}
	/* the full stop comes behind the values */
	text_add_bytes(t, title, length - (title[length - 1] == '.'));
	text_add(t, " (");
	add_detail(t, detail, values);
	text_add(t, ").");
}

void message_add_check(struct text *t, unsigned index,
		       const struct frame_facts *f, const struct target *target)
{
	const struct check *c = &checks[index];
	uint64_t values[CHECK_VALUES] = { 0 };
	bool valued = check_values(index, f, target, values);

	add_message(t, c->title, valued ? c->detail : NULL, values);
}

void message_add_hazard(struct text *t, unsigned index,
			const struct frame_facts *f,
			const struct target *target)
{
	const struct hazard *h = &hazards[index];
	uint64_t values[CHECK_VALUES] = { 0 };
	bool valued = hazard_values(index, f, target, values);

	add_message(t, h->title, valued ? h->detail : NULL, values);
}

void message_add_criu(struct text *t, enum criu_index index,
		      const struct criu_findings *f)
{
	add_message(t, criu_reasons[index].title, criu_reasons[index].detail,
		    f->values[index]);
}

static void add_page(struct text *t, const char *id, const char *what,
		     const char *title, const char *effect, const char *advice,
		     const char *source)
{
	text_printf(t, "%s (%s)\n  %s\n  %s\n  What to do: %s\n", id, what,
		    title, effect, advice);
	if (source)
		text_printf(t, "  Source: %s\n", source);
}

static const char *check_kind(const struct check *c)
{
	if (c->stages & CHECK_AT(CHECK_CHOICE) && c->outcome == OUTCOME_INTACT)
		return "check, lossy where more than x87 and SSE is in use";
	switch (c->outcome) {
	case OUTCOME_LOSSY:
		return "check, lossy";
	case OUTCOME_GARBLED:
		return "check, garbled";
	case OUTCOME_FATAL:
		return "check, fatal";
	case OUTCOME_UNKNOWN:
		return "check, unknown";
	case OUTCOME_INTACT:
	case OUTCOMES:
		break;
	}
	return "check";
}

static const char *const criu_kinds[] = {
	[CRIU_REFUSES] = "criu restore refuses",
	[CRIU_REFUSES_FPU] = "criu restore refuses with --cpu-cap=fpu or =cpu",
	[CRIU_REFUSES_CPU] = "criu restore refuses with --cpu-cap=cpu",
	[CRIU_LOSES] = "criu restore loses registers",
	[CRIU_KILLS] = "criu restore, a thread is killed",
	[CRIU_DOUBTS] = "criu restore, unknown",
	[CRIU_REMARKS] = "criu restore, no register is lost",
};

static void add_list(struct text *t)
{
	text_add(t, "Checks, in the order of events:\n");
	for (unsigned i = 0; i < checks_count; i++)
		text_printf(t, "  %-30s %s\n", checks[i].id, checks[i].title);
	text_add(t, "\nHazards:\n");
	for (unsigned i = 0; i < hazards_count; i++)
		text_printf(t, "  %-30s %s\n", hazards[i].id,
			    hazards[i].title);
	text_add(t, "\nWhat criu restore does:\n");
	for (unsigned i = 0; i < CRIU_INDEXES; i++)
		text_printf(t, "  %-30s %s\n", criu_reasons[i].id,
			    criu_reasons[i].title);
}

bool message_add_explanation(struct text *t, const char *id)
{
	if (!id) {
		add_list(t);
		return true;
	}
	for (unsigned i = 0; i < checks_count; i++) {
		const struct check *c = &checks[i];

		if (strcmp(c->id, id))
			continue;
		add_page(t, c->id, check_kind(c), c->title, c->effect,
			 c->advice, c->source);
		return true;
	}
	for (unsigned i = 0; i < hazards_count; i++) {
		const struct hazard *h = &hazards[i];

		if (strcmp(h->id, id))
			continue;
		add_page(t, h->id, "hazard", h->title, h->effect, h->advice,
			 h->source);
		return true;
	}
	for (unsigned i = 0; i < CRIU_INDEXES; i++) {
		const struct criu_reason *c = &criu_reasons[i];

		if (strcmp(c->id, id))
			continue;
		add_page(t, c->id, criu_kinds[c->kind], c->title, c->effect,
			 c->advice, c->source);
		return true;
	}
	return false;
}
