/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_report.c - reports of core files, in JSON and in text */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "examine.h"
#include "fuzz.h"
#include "json_check.h"
#include "report/json.h"
#include "report/text_writer.h"

/* One of the ways in which it can be printed. */
struct manner {
	struct report_view view;
	bool pretty;
};

static const struct manner manners[] = {
	{ { .form = REPORT_JSON, .registers = true, .raw = true }, true },
	{ { .form = REPORT_LINES, .registers = true }, false },
	{ { .form = REPORT_TEXT, .registers = true, .raw = true }, false },
	{ { .form = REPORT_BRIEF }, false },
};

static bool is_json(const struct manner *m)
{
	return m->view.form == REPORT_JSON || m->view.form == REPORT_LINES;
}

static struct emitter *create(const struct manner *m, FILE *out)
{
	static const struct text_manner plain = { .width = 80 };

	return is_json(m) ? json_create(out, m->pretty)
			  : text_writer_create(out, &plain);
}

/* All of it is what it should be. */
static void check(const struct manner *m, const char *text, size_t size)
{
	size_t at;
	const char *why = is_json(m) ? json_check(text, size, &at)
				     : json_check_text(text, size, &at);

	fuzz_must(!why, "form %d: %s at byte %zu of:\n%.*s", (int)m->view.form,
		  why ? why : "", at, (int)size, text);
}

static void print(const struct report *r, const struct manner *m)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct report_walk walk = { .report = r, .view = &m->view };

	fuzz_must(out, "no memory");
	walk.emitter = create(m, out);
	fuzz_must(walk.emitter, "no memory");
	fuzz_must(!fuzz_failed(report_emit_input(&walk, &r->inputs[0])) &&
			  !fuzz_failed(report_emit_end(&walk)),
		  "the report cannot be written");
	emitter_destroy(walk.emitter);
	fclose(out);
	/* lines: one for the input, one for the sum */
	if (m->view.form == REPORT_LINES)
		for (char *line = text, *end; *line; line = end + 1) {
			end = strchr(line, '\n');
			fuzz_must(end, "a line without an end");
			check(m, line, (size_t)(end - line));
		}
	else
		check(m, text, size);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *s = NULL;
	struct report *r = NULL;

	if (fuzz_failed(examine_core(data, size, &s)) ||
	    fuzz_failed(examine(s, &r)))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(manners); i++)
		print(r, &manners[i]);
	report_destroy(r);
	return 0;
}
