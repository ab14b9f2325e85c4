/* SPDX-License-Identifier: GPL-3.0-or-later */
/* question.c - questions about ELF files, and answers to them */
#include "locate/question.h"

#include "base/cleanup.h"
#include "locate/reading.h"

struct answerer {
	struct reading *files[QUESTION_FILES];	/* NULL: not read, or bad */
};

size_t answer_size(const struct question *q, const struct answer *a)
{
	size_t size = offsetof(struct answer, more);

	if (a->status != ANSWER_KNOWN)
		return a->status == ANSWER_NOTHING ||
				       a->status == ANSWER_UNREAD
			       ? size
			       : 0;
	if (q->kind == QUESTION_ROW)
		return a->row.ops_count <= CFI_OPS_MAX
			       ? size + a->row.ops_count *
						sizeof(a->more.ops[0])
			       : 0;
	if (a->function_size > QUESTION_NAME_MAX ||
	    a->file_size > QUESTION_NAME_MAX)
		return 0;
	return size + a->function_size + a->file_size;
}

struct answerer *answerer_create(void)
{
	return calloc(1, sizeof(struct answerer));
}

void answerer_destroy(struct answerer *a)
{
	for (size_t i = 0; a && i < QUESTION_FILES; i++)
		reading_close(a->files[i]);
	free(a);
}

/* Bytes of it that an answer has room for. */
static uint32_t name_size(const char *name)
{
	return name ? (uint32_t)strnlen(name, QUESTION_NAME_MAX) : 0;
}

static void answer_place(struct reading *r, const struct question *q,
			 struct answer *ret)
{
	struct reading_place place;

	reading_place(r, q->pc, q->kind == QUESTION_PLACE, &place);
	if (!place.function && !place.file)
		return;
	ret->status = ANSWER_KNOWN;
	ret->line = place.line;
	ret->offset = place.offset;
	ret->function_size = name_size(place.function);
	ret->file_size = name_size(place.file);
	if (place.function)
		memcpy(ret->more.names, place.function, ret->function_size);
	if (place.file)
		memcpy(ret->more.names + ret->function_size, place.file,
		       ret->file_size);
}

void answerer_answer(struct answerer *a, const struct question *q,
		     struct question_files files, struct answer *ret)
{
	struct reading **r = &a->files[q->file % QUESTION_FILES];

	/* all but what follows, of which only what is used is set */
	memset(ret, 0, offsetof(struct answer, more));
	ret->number = q->number;
	ret->status = ANSWER_NOTHING;
	if (files.fd >= 0) {
		reading_close(*r);
		*r = reading_open(q->start, q->end, files.fd, files.debug_fd);
	}
	if (!*r)
		ret->status = ANSWER_UNREAD;
	else if (q->kind != QUESTION_ROW)
		answer_place(*r, q, ret);
	else if (reading_row(*r, q->pc, &ret->row, ret->more.ops))
		ret->status = ANSWER_KNOWN;
}
