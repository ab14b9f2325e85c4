/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dormant.c - the parts of a report that tell of stacks without a thread */
#include "report/dormant.h"

#include <inttypes.h>

#include "locate/recall.h"
#include "report/frame.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field BLANK = { .flow = FLOW_BLANK };

void report_add_frames(const struct report_counts *c, const char *word,
		       struct text *t)
{
	if (!c->frames && c->dormant)
		text_printf(t, "no %s", word);
	else
		text_printf(t, "%zu %s%s", c->frames, word,
			    text_plural(c->frames));
	if (c->dormant)
		text_printf(t, " %s %zu dormant", c->frames ? "and" : "but",
			    c->dormant);
}

static const struct field F_CONTEXT = TO_JSON("context");
static const struct field F_C_KIND = TO_JSON("kind");
static const struct field F_C_ADDRESS = TO_JSON("address");
static const struct field F_C_PC = TO_JSON("pc");
static const struct field F_C_SP = TO_JSON("sp");
static const struct field F_C_SYMBOL = TO_JSON("symbol");
static const struct field F_C_OFFSET = TO_JSON("offset");
static const struct field F_C_MODULE = TO_JSON("module");

void report_emit_parked(const struct located_frame *f, struct emitter *e)
{
	const struct parked_context *c = &f->context;

	if (!c->kind)
		return;
	emit_object(e, &F_CONTEXT, SHAPE_JSON_ONLY);
	emit_string(e, &F_C_KIND, c->kind);
	emit_word(e, &F_C_ADDRESS, c->address);
	emit_word(e, &F_C_PC, c->pc);
	emit_word(e, &F_C_SP, c->sp);
	emit_string(e, &F_C_SYMBOL, f->resumed.function);
	if (f->resumed.function)
		emit_word(e, &F_C_OFFSET, f->resumed.offset);
	else
		emit_null(e, &F_C_OFFSET);
	emit_string(e, &F_C_MODULE, f->resumed.module);
	emit_end(e);
}

static const struct field F_DORMANT = TO_JSON("dormant");
static const struct field F_RETURNED = TO_JSON("returned_frames");
static const struct field F_MEMORY = TO_JSON("memory");
static const struct field F_SEARCHED = TO_JSON("memory_searched");
static const struct field F_PARKED = { .flow = FLOW_HEADING,
				       .style = STYLE_TITLE };
static const struct field F_UNSEARCHED = { .text = "note: %",
					   .flow = FLOW_LINE };

/* All frames below a context are its, the innermost first. */
static void emit_stack(const struct located_frame *f, struct emitter *e)
{
	const struct parked_context *c = &f->context;
	struct text t = TEXT_INIT;

	text_add(&t, "parked stack, resumed at ");
	if (f->resumed.function)
		text_printf(&t, "%s+0x%" PRIx64, f->resumed.function,
			    f->resumed.offset);
	else
		text_printf(&t, "0x%" PRIx64, c->pc);
	text_printf(&t, " (%s context at 0x%" PRIx64 ")", c->kind, c->address);
	emit_string(e, &BLANK, "");
	emit_string(e, &F_PARKED, text_string(&t));
	text_deinit(&t);
}

/* "3.2 GiB", rounded up. */
static void add_size(uint64_t size, struct text *t)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	unsigned unit = 0;

	size = size / 1024 + !!(size % 1024);
	while (size >= 10240 && unit + 1 < sizeof(units) / sizeof(*units)) {
		size = size / 1024 + !!(size % 1024);
		unit++;
	}
	text_printf(t, "%" PRIu64 " %s", size, units[unit]);
}

static void emit_memory(const struct located *l, struct emitter *e)
{
	struct text t = TEXT_INIT;

	emit_number(e, &F_MEMORY, (int64_t)l->memory);
	emit_number(e, &F_SEARCHED, (int64_t)l->memory_searched);
	if (l->memory_searched >= l->memory)
		return;
	add_size(l->memory_searched, &t);
	text_add(&t, " of ");
	add_size(l->memory, &t);
	text_add(&t, " of memory have been searched for parked stacks, "
		     "--dormant=all searches all that there is");
	emit_string(e, &BLANK, "");
	emit_string(e, &F_UNSEARCHED, text_string(&t));
	text_deinit(&t);
}

void report_emit_dormant(const struct report *r, const struct report_view *view,
			 const struct report_input *in, struct emitter *e)
{
	const struct located *l = in->located;
	struct recall recall;
	uint64_t last = 0;

	recall.snapshot = in->snapshot;
	emit_array(e, &F_DORMANT, SHAPE_INDENTED);
	for (size_t i = 0; i < l->dormant_count; i++) {
		const struct located_frame *f = &l->dormant[i];

		if (!i || f->context.address != last)
			emit_stack(f, e);
		else
			emit_string(e, &BLANK, "");
		last = f->context.address;
		report_emit_frame(r, view, &in->dormant[i],
				  recall_frame(&recall, f), e);
	}
	emit_end(e);
	emit_number(e, &F_RETURNED, (int64_t)l->returned_count);
	emit_memory(l, e);
}
