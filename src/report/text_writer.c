/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text_writer.c - a report as text for people */
#include "report/text_writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "report/output.h"
#include "report/wrap.h"

#define DEPTH_MAX 32
#define GRID_GAP 3
#define COLUMN_GAP 2
#define LAST_COLUMN_MIN 24
#define LAST_COLUMN_WANTED 36

/* One cell of a grid or table. */
struct cell {
	struct text text;	/* colors included */
	size_t columns;		/* without them */
	bool filled;
};

struct row {
	struct cell cells[FLOW_COLUMNS];
};

struct text_writer {
	struct emitter emitter;	/* first: the two are the same address */
	struct text_manner manner;
	struct output out;

	struct text line;	/* colors included */
	size_t line_columns;	/* without them */
	struct text value;	/* scratch */
	struct text safe;	/* the same */

	enum field_shape open[DEPTH_MAX];
	unsigned depth;
	unsigned hidden;	/* depth within something JSON-only */
	unsigned shapes[SHAPES];	/* how many of each are open */

	struct row *rows;	/* of the table or grid that is open */
	size_t rows_count;
	size_t rows_room;	/* these are kept, and what they hold */
	unsigned column;	/* last one written to */
	bool failed;
};

static struct text_writer *writer_of(struct emitter *e)
{
	return (struct text_writer *)e;
}

static const char *color_of(const struct field *f, const char *value)
{
	static const struct {
		const char *outcome;
		const char *color;
	} outcomes[] = {
		{ "intact", "\033[32m" },     { "lossy", "\033[33m" },
		{ "garbled", "\033[1;35m" },  { "fatal", "\033[1;31m" },
		{ "unknown", "\033[36m" },
	};

	switch (f->style) {
	case STYLE_PLAIN:
		return NULL;
	case STYLE_TITLE:
		return "\033[1m";
	case STYLE_WARNING:
		return "\033[33m";
	case STYLE_FAINT:
		return "\033[2m";
	case STYLE_OUTCOME:
		for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
			if (!strcmp(value, outcomes[i].outcome))
				return outcomes[i].color;
		return NULL;
	}
	return NULL;
}

static unsigned indentation(const struct text_writer *w)
{
	return 2 * w->shapes[SHAPE_INDENTED];
}

/* Takes a line and ends it. */
static void write_line(struct text_writer *w, struct text *line)
{
	text_add_bytes(line, "\n", 1);
	if (text_bad(line))
		w->failed = true;
	else
		output_lines(&w->out, line->data, line->size);
}

static void end_line(struct text_writer *w)
{
	struct text *line = &w->line;

	if (!w->line_columns)
		return;
	while (line->size && line->data[line->size - 1] == ' ')
		line->size--;
	if (w->manner.wrap && w->line_columns > w->manner.width) {
		struct text wrapped = TEXT_INIT;

		wrap_line(&wrapped, line->data, line->size, w->manner.width);
		write_line(w, &wrapped);
		text_deinit(&wrapped);
	} else {
		write_line(w, line);
	}
	if (text_bad(line))
		w->failed = true;
	text_clear(line);
	w->line_columns = 0;
}

static void begin_line(struct text_writer *w)
{
	end_line(w);
	w->line_columns = indentation(w);
	text_pad(&w->line, ' ', (long)w->line_columns);
}

static struct row *add_row(struct text_writer *w)
{
	if (w->rows_count == w->rows_room) {
		size_t room = w->rows_room ? 2 * w->rows_room : 16;
		struct row *rows = reallocarray(w->rows, room, sizeof(*rows));

		if (!rows) {
			w->failed = true;
			return NULL;
		}
		memset(rows + w->rows_room, 0,
		       (room - w->rows_room) * sizeof(*rows));
		w->rows = rows;
		w->rows_room = room;
	}
	w->column = 0;
	return &w->rows[w->rows_count++];
}

/* Append to the cell. */
static void fill(struct text_writer *w, struct cell *c,
		 const struct text *text, size_t columns)
{
	text_add_bytes(&c->text, text_string(text), text->size);
	if (text_bad(&c->text))
		w->failed = true;
	c->columns += columns;
	c->filled = true;
}

/* A finished piece of text goes where its field says. */
static void put(struct text_writer *w, enum field_flow flow,
		const struct text *text, size_t columns)
{
	bool grid = w->shapes[SHAPE_GRID], table = w->shapes[SHAPE_TABLE];
	struct row *row = w->rows_count ? &w->rows[w->rows_count - 1] : NULL;

	if (grid && (flow == FLOW_CELL || flow == FLOW_MORE)) {
		if (flow == FLOW_CELL || !row)
			row = add_row(w);
		if (row)
			fill(w, &row->cells[0], text, columns);
		return;
	}
	if (table && flow >= FLOW_COLUMN_0) {
		unsigned column = flow - FLOW_COLUMN_0;

		if (!row || column < w->column ||
		    (column == w->column && row->cells[column].filled))
			row = add_row(w);
		w->column = column;
		if (row)
			fill(w, &row->cells[column], text, columns);
		return;
	}
	if (table && flow == FLOW_MORE && row) {
		fill(w, &row->cells[w->column], text, columns);
		return;
	}
	if (flow == FLOW_HEADING)
		end_line(w);
	else if (flow != FLOW_MORE)
		begin_line(w);
	text_add_bytes(&w->line, text_string(text), text->size);
	w->line_columns += columns;
}

/* Most of what is said is for JSON only. */
static bool is_shown(const struct text_writer *w, const struct field *f)
{
	return f->flow != FLOW_HIDDEN && !w->hidden;
}

/* Surround `value`, already safe to print, with the field's text. */
static void show(struct text_writer *w, const struct field *f,
		 const char *value)
{
	const char *mark = f->text ? strchr(f->text, '%') : NULL;
	const char *color = w->manner.color ? color_of(f, value) : NULL;
	struct text *t = &w->value;
	size_t start, columns;

	if (!is_shown(w, f))
		return;
	if (f->flow == FLOW_BLANK) {
		end_line(w);
		output_lines(&w->out, "\n", 1);
		return;
	}
	text_clear(t);
	if (color)
		text_add(t, color);
	start = t->size;
	if (mark)
		text_add_bytes(t, f->text, (size_t)(mark - f->text));
	text_add(t, mark || !f->text ? value : f->text);
	if (mark)
		text_add(t, mark + 1);
	columns = text_columns(text_string(t) + start);
	if (color)
		text_add(t, "\033[0m");
	if (text_bad(t))
		w->failed = true;
	put(w, f->flow, t, columns);
}

/* What has been made in w->safe. */
static void show_safe(struct text_writer *w, const struct field *f)
{
	if (text_bad(&w->safe))
		w->failed = true;
	show(w, f, text_string(&w->safe));
}

static void write_string(struct emitter *e, const struct field *f,
			 const char *value)
{
	struct text_writer *w = writer_of(e);

	if (!is_shown(w, f))
		return;
	if (text_is_plain(value)) {
		show(w, f, value);
		return;
	}
	text_clear(&w->safe);
	text_add_foreign(&w->safe, value);
	show_safe(w, f);
}

static void write_number(struct emitter *e, const struct field *f,
			 int64_t value)
{
	struct text_writer *w = writer_of(e);

	if (!is_shown(w, f))
		return;
	text_clear(&w->safe);
	text_add_number(&w->safe, value);
	show_safe(w, f);
}

static void write_word(struct emitter *e, const struct field *f,
		       uint64_t value)
{
	struct text_writer *w = writer_of(e);

	if (!is_shown(w, f))
		return;
	text_clear(&w->safe);
	text_add_word(&w->safe, value);
	show_safe(w, f);
}

static void write_boolean(struct emitter *e, const struct field *f, bool value)
{
	if (value)
		show(writer_of(e), f, "yes");
}

static void write_null(struct emitter *e, const struct field *f)
{
	(void)e;
	(void)f;
}

static void clear_rows(struct text_writer *w)
{
	for (size_t i = 0; i < w->rows_count; i++) {
		for (unsigned c = 0; c < FLOW_COLUMNS; c++) {
			struct cell *cell = &w->rows[i].cells[c];

			text_clear(&cell->text);
			cell->columns = 0;
			cell->filled = false;
		}
	}
	w->rows_count = 0;
	w->column = 0;
}

static void free_rows(struct text_writer *w)
{
	for (size_t i = 0; i < w->rows_room; i++)
		for (unsigned c = 0; c < FLOW_COLUMNS; c++)
			text_deinit(&w->rows[i].cells[c].text);
	free(w->rows);
}

/* Cells go down the columns, as many columns as fit. */
static void write_grid(struct text_writer *w)
{
	size_t widest = 1, count = w->rows_count;

	for (size_t i = 0; i < count; i++)
		if (w->rows[i].cells[0].columns > widest)
			widest = w->rows[i].cells[0].columns;
	widest += GRID_GAP;

	size_t indent = indentation(w), width = w->manner.width;
	size_t room = width > indent ? width - indent : 1;
	size_t across = (room + GRID_GAP) / widest;

	across = across ? across : 1;
	size_t down = (count + across - 1) / across;

	for (size_t y = 0; y < down; y++) {
		begin_line(w);
		for (size_t i = y; i < count; i += down) {
			const struct cell *c = &w->rows[i].cells[0];

			text_add(&w->line, text_string(&c->text));
			text_pad(&w->line, ' ', (long)(widest - c->columns));
			w->line_columns += widest;
		}
		end_line(w);
	}
}

/* The last column has no color, so it can be broken into lines. */
static void write_last_column(struct text_writer *w, const char *text,
			      size_t indent)
{
	size_t width = w->manner.width;
	size_t room = width > indent + LAST_COLUMN_MIN ? width - indent
						       : LAST_COLUMN_MIN;

	while (*text) {
		size_t size = wrap_fitting(text, room);

		text_add_bytes(&w->line, text, size);
		text += size;
		text += *text == ' ';
		if (!*text)
			break;
		w->line_columns = 1;	/* not empty */
		end_line(w);
		text_pad(&w->line, ' ', (long)indent);
	}
}

static size_t widest(const struct text_writer *w, unsigned column, size_t max)
{
	size_t most = 0;

	for (size_t i = 0; i < w->rows_count; i++) {
		size_t columns = w->rows[i].cells[column].columns;

		if (columns > most && columns <= max)
			most = columns;
	}
	return most;
}

/* What the first column may take, so that there is room for the last. */
static size_t first_column_max(const struct text_writer *w, size_t second)
{
	size_t others = indentation(w) + second + LAST_COLUMN_WANTED +
			(FLOW_COLUMNS - 1) * COLUMN_GAP;

	return w->manner.width > others ? w->manner.width - others : 0;
}

/*
 * Columns are as wide as their widest cell; the last takes what is left. What
 * is too long for the first column has a line of its own.
 */
static void write_table(struct text_writer *w)
{
	size_t widths[FLOW_COLUMNS - 1];

	widths[1] = widest(w, 1, SIZE_MAX);
	widths[0] = widest(w, 0, first_column_max(w, widths[1]));
	for (size_t i = 0; i < w->rows_count; i++) {
		const struct cell *cells = w->rows[i].cells;
		size_t indent = indentation(w);

		begin_line(w);
		for (unsigned c = 0; c < FLOW_COLUMNS - 1; c++) {
			size_t pad = widths[c] + COLUMN_GAP;

			text_add(&w->line, text_string(&cells[c].text));
			if (cells[c].columns > widths[c]) {
				w->line_columns = 1;
				begin_line(w);
			} else {
				pad -= cells[c].columns;
			}
			text_pad(&w->line, ' ', (long)pad);
			indent += widths[c] + COLUMN_GAP;
		}
		write_last_column(w, text_string(&cells[FLOW_COLUMNS - 1].text),
				  indent);
		w->line_columns = 1;
		end_line(w);
	}
}

static void table_heading(struct text_writer *w, const char *text)
{
	enum field_flow flow = FLOW_COLUMN_0;

	while (*text && flow <= FLOW_COLUMN_2) {
		size_t length = strcspn(text, "\t");
		struct text cell = TEXT_INIT;

		text_add_bytes(&cell, text, length);
		put(w, flow++, &cell, text_columns(text_string(&cell)));
		text_deinit(&cell);
		text += length;
		text += *text == '\t';
	}
}

static void write_begin(struct emitter *e, const struct field *f,
			enum field_shape shape, bool array)
{
	struct text_writer *w = writer_of(e);

	(void)array;
	if (shape == SHAPE_JSON_ONLY || w->hidden)
		w->hidden++;
	if (w->depth == DEPTH_MAX) {
		w->failed = true;
		return;
	}
	if (!w->hidden && shape != SHAPE_TABLE && f && f->text)
		show(w, f, "");
	w->open[w->depth++] = shape;
	w->shapes[shape]++;
	if (w->hidden)
		return;
	if (shape == SHAPE_GRID || shape == SHAPE_TABLE) {
		end_line(w);
		clear_rows(w);
	}
	if (shape == SHAPE_TABLE && f && f->text)
		table_heading(w, f->text);
}

static void write_end(struct emitter *e)
{
	struct text_writer *w = writer_of(e);
	enum field_shape shape = w->open[w->depth - 1];

	w->depth--;
	w->shapes[shape]--;
	if (w->hidden) {
		w->hidden--;
		return;
	}
	if (shape == SHAPE_GRID)
		write_grid(w);
	else if (shape == SHAPE_TABLE)
		write_table(w);
	if (shape == SHAPE_GRID || shape == SHAPE_TABLE)
		clear_rows(w);
}

static void write_front(struct emitter *e, bool front)
{
	struct text_writer *w = writer_of(e);

	end_line(w);
	output_front(&w->out, front);
}

static bool write_again(struct emitter *e, enum paragraph p, const void *key,
			size_t size)
{
	struct text_writer *w = writer_of(e);

	if (w->hidden)
		return true;
	end_line(w);
	return output_again(&w->out, p, key, size, indentation(w));
}

static void write_learnt(struct emitter *e, enum paragraph p)
{
	struct text_writer *w = writer_of(e);

	end_line(w);
	output_learnt(&w->out, p);
}

static struct error *write_flush(struct emitter *e)
{
	struct text_writer *w = writer_of(e);

	output_flush(&w->out);
	if (w->failed || w->out.failed)
		return error_os(errno ? errno : ENOMEM, "writing the report");
	return NULL;
}

static struct error *write_finish(struct emitter *e)
{
	struct text_writer *w = writer_of(e);

	end_line(w);
	output_finish(&w->out);
	return write_flush(e);
}

static void write_destroy(struct emitter *e)
{
	struct text_writer *w = writer_of(e);

	free_rows(w);
	output_deinit(&w->out);
	text_deinit(&w->line);
	text_deinit(&w->value);
	text_deinit(&w->safe);
	free(w);
}

struct emitter *text_writer_create(FILE *out,
				   const struct text_manner *manner)
{
	static const struct emitter_ops ops = {
		.begin = write_begin,
		.end = write_end,
		.string = write_string,
		.number = write_number,
		.word = write_word,
		.boolean = write_boolean,
		.null = write_null,
		.front = write_front,
		.again = write_again,
		.learnt = write_learnt,
		.flush = write_flush,
		.finish = write_finish,
		.destroy = write_destroy,
	};
	struct text_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->emitter.ops = &ops;
	w->out.out = out;
	w->out.front = true;
	w->manner = *manner;
	return &w->emitter;
}
