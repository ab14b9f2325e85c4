/* SPDX-License-Identifier: GPL-3.0-or-later */
/* output.c - where lines of text go, and which may be said again */
#include "report/output.h"

#include <string.h>

#include "source/spool.h"

/* What is written at once, in bytes. */
#define WRITE_SIZE (32u << 10)

/* Where what is said now goes. */
static FILE *place_of(struct output *o)
{
	struct spool spool = { .fd = -1 };
	struct error *err;

	if (o->front || o->failed)
		return o->out;
	if (o->behind)
		return o->behind;
	err = spool_open(&spool);
	if (!err)
		o->behind = fdopen(spool.fd, "w+");
	if (o->behind)
		return o->behind;
	spool_close(&spool);
	error_free(err);
	o->failed = true;
	return o->out;
}

static void write_pending(struct output *o)
{
	struct text *t = &o->pending;
	size_t size = t->size;

	if (text_bad(t) ||
	    (size && fwrite(t->data, 1, size, place_of(o)) != size))
		o->failed = true;
	text_clear(t);
}

void output_lines(struct output *o, const char *lines, size_t size)
{
	text_add_bytes(&o->pending, lines, size);
	if (o->learning)
		text_add_bytes(&o->learning->lines, lines, size);
	if (o->pending.size >= WRITE_SIZE || text_bad(&o->pending))
		write_pending(o);
}

void output_front(struct output *o, bool front)
{
	write_pending(o);
	o->front = front;
}

bool output_again(struct output *o, enum paragraph p, const void *key,
		  size_t size, unsigned indentation)
{
	struct memo *m = &o->memos[p];

	if (m->known && m->indentation == indentation && m->key.size == size &&
	    (!size || !memcmp(m->key.data, key, size))) {
		output_lines(o, text_string(&m->lines), m->lines.size);
		return true;
	}
	text_clear(&m->key);
	text_clear(&m->lines);
	text_add_bytes(&m->key, key, size);
	m->indentation = indentation;
	m->known = false;
	o->learning = m;
	return false;
}

void output_learnt(struct output *o, enum paragraph p)
{
	struct memo *m = &o->memos[p];

	o->learning = NULL;
	m->known = !text_bad(&m->key) && !text_bad(&m->lines);
}

void output_flush(struct output *o)
{
	write_pending(o);
	if (fflush(o->out))
		o->failed = true;
}

/* All that was said in front is out: now the rest. */
static void append_behind(struct output *o)
{
	char buf[4096];
	size_t size;

	rewind(o->behind);
	while ((size = fread(buf, 1, sizeof(buf), o->behind)))
		if (fwrite(buf, 1, size, o->out) != size)
			o->failed = true;
	o->failed |= ferror(o->behind) != 0;
}

void output_finish(struct output *o)
{
	write_pending(o);
	if (o->behind)
		append_behind(o);
}

void output_deinit(struct output *o)
{
	for (unsigned i = 0; i < PARAGRAPHS; i++) {
		text_deinit(&o->memos[i].key);
		text_deinit(&o->memos[i].lines);
	}
	text_deinit(&o->pending);
	if (o->behind)
		fclose(o->behind);
}
