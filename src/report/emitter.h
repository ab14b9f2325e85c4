/* SPDX-License-Identifier: GPL-3.0-or-later */
/* emitter.h - where a report goes: text or JSON, from the same walk */
#ifndef SIGFRAME_REPORT_EMITTER_H
#define SIGFRAME_REPORT_EMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* How a value finds its place in the text. JSON does not care. */
enum field_flow {
	FLOW_HIDDEN,	/* JSON only */
	FLOW_BLANK,	/* an empty line, text only */
	FLOW_LINE,	/* starts a line */
	FLOW_HEADING,	/* starts a line at the left margin */
	FLOW_MORE,	/* goes on the current line */
	FLOW_CELL,	/* starts the next cell, inside a grid */
	FLOW_COLUMN_0,	/* is in this column, inside a table */
	FLOW_COLUMN_1,
	FLOW_COLUMN_2,
};

#define FLOW_COLUMNS 3

/* What colors may stress. */
enum field_style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_OUTCOME,	/* by the word it says */
	STYLE_WARNING,
	STYLE_FAINT,
};

/*
 * A field: its JSON key ("" for an element of an array, NULL for what is in
 * the text only) and how text shows it. `text` is
 * what surrounds the value, which stands in place of its '%'; a '%' less text
 * hides the value, NULL shows the value alone. In front of a line stand two
 * blanks for each object around it that is indented.
 */
struct field {
	const char *key;
	const char *text;
	enum field_flow flow;
	enum field_style style;
};

/* How the elements of an array or the fields of an object lie in the text. */
enum field_shape {
	SHAPE_PLAIN,
	SHAPE_INDENTED,	/* lines are indented by two more blanks */
	SHAPE_GRID,	/* cells side by side, as many as the width allows */
	SHAPE_TABLE,	/* rows whose columns align; text is the heading, with
			   a tab between columns */
	SHAPE_JSON_ONLY, /* all within is left out of the text */
	SHAPES,
};

/* What may well be said again, word for word. Whole lines. */
enum paragraph {
	PARAGRAPH_CODE,
	PARAGRAPH_COMPONENTS,
	PARAGRAPH_VERDICTS,
	PARAGRAPHS,
};

struct emitter;

struct emitter_ops {
	void (*begin)(struct emitter *e, const struct field *f,
		      enum field_shape shape, bool array);
	void (*end)(struct emitter *e);
	void (*string)(struct emitter *e, const struct field *f,
		       const char *value);
	void (*number)(struct emitter *e, const struct field *f,
		       int64_t value);
	void (*word)(struct emitter *e, const struct field *f, uint64_t value);
	void (*boolean)(struct emitter *e, const struct field *f, bool value);
	void (*null)(struct emitter *e, const struct field *f);
	void (*front)(struct emitter *e, bool front);
	/* both NULL: has to be told each time */
	bool (*again)(struct emitter *e, enum paragraph p, const void *key,
		      size_t size);
	void (*learnt)(struct emitter *e, enum paragraph p);
	struct error *(*flush)(struct emitter *e);
	struct error *(*finish)(struct emitter *e);
	void (*destroy)(struct emitter *e);
};

struct emitter {
	const struct emitter_ops *ops;
	bool keys;	/* also wants what is FLOW_HIDDEN */
};

static inline bool emit_wants(const struct emitter *e, const struct field *f)
{
	return e->keys || f->flow != FLOW_HIDDEN;
}

/*
 * Strings may be foreign: each writer makes them safe. A NULL string is null.
 */
static inline void emit_object(struct emitter *e, const struct field *f,
			       enum field_shape shape)
{
	e->ops->begin(e, f, shape, false);
}

static inline void emit_array(struct emitter *e, const struct field *f,
			      enum field_shape shape)
{
	e->ops->begin(e, f, shape, true);
}

static inline void emit_end(struct emitter *e)
{
	e->ops->end(e);
}

/* null: a JSON null, and nothing in the text. */
static inline void emit_null(struct emitter *e, const struct field *f)
{
	if (emit_wants(e, f))
		e->ops->null(e, f);
}

static inline void emit_string(struct emitter *e, const struct field *f,
			       const char *value)
{
	if (!emit_wants(e, f))
		return;
	if (value)
		e->ops->string(e, f, value);
	else
		e->ops->null(e, f);
}

/* A size, offset, count or id: decimal. */
static inline void emit_number(struct emitter *e, const struct field *f,
			       int64_t value)
{
	if (emit_wants(e, f))
		e->ops->number(e, f, value);
}

/* An address, mask or register: "0x%016x" in JSON, "0x%x" in text. */
static inline void emit_word(struct emitter *e, const struct field *f,
			     uint64_t value)
{
	if (emit_wants(e, f))
		e->ops->word(e, f, value);
}

/* In text, a true value shows the field's text, a false one nothing. */
static inline void emit_bool(struct emitter *e, const struct field *f,
			     bool value)
{
	if (emit_wants(e, f))
		e->ops->boolean(e, f, value);
}

/*
 * In front, where a report starts, text goes out as it comes. What is not in
 * front is kept until the end, because there may be more to say in front of
 * it; no object or array may begin there then. JSON keeps the order.
 */
static inline void emit_front(struct emitter *e, bool front)
{
	e->ops->front(e, front);
}

/*
 * From here to emit_learnt() the text depends on the bytes of `key` alone. True
 * if it was said under that key the last time: it has been said again, and
 * neither it nor emit_learnt() is to follow. `key` is no longer needed then.
 */
static inline bool emit_again(struct emitter *e, enum paragraph p,
			      const void *key, size_t size)
{
	return e->ops->again && e->ops->again(e, p, key, size);
}

static inline void emit_learnt(struct emitter *e, enum paragraph p)
{
	if (e->ops->learnt)
		e->ops->learnt(e, p);
}

/* Let the reader have what there is. An error if it could not be written. */
static inline struct error *emit_flush(struct emitter *e)
{
	return e->ops->flush(e);
}

/* Write out what is left. An error if something could not be written. */
static inline struct error *emit_finish(struct emitter *e)
{
	return e->ops->finish(e);
}

static inline void emitter_destroy(struct emitter *e)
{
	if (e)
		e->ops->destroy(e);
}

#endif
