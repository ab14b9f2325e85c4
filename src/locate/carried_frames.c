/* SPDX-License-Identifier: GPL-3.0-or-later */
/* carried_frames.c - frames that were found where an export was made */
#include "locate/carried_frames.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/cleanup.h"
#include "base/record.h"
#include "locate/modules.h"
#include "source/carried.h"
#include "x86/context.h"

#define WORD "sigframe-inspect-frames"

/* More frames than a core has segments are nobody's. */
enum { FRAMES_MAX = 1 << 16 };
/* Nor does one thread have so many: chain.c stops there. */
enum { THREAD_FRAMES_MAX = 4096 };

struct memory_line {
	uint64_t all, searched;
	uint64_t deaths_unsearched;
	uint64_t frames;	/* lines of frames of all sorts */
};

struct thread_line {
	uint64_t tid, complete, stale;
	uint64_t frames;	/* lines */
	char *incomplete;
	char *lost;
};

/* Of a thread, a dormant one or one left over. */
struct frame_line {
	uint64_t kind, address, evidence, stack;
	uint64_t xsave_room, xsave_compacted, shadow_stack;
	uint64_t context_address, context_pc, context_sp;
	char *context;
};

struct place_line {
	uint64_t offset, line;
	char *function, *module, *file;
};

static const struct record_field memory_fields[] = {
	RECORD_FIELD(memory_line, all, RECORD_NUMBER),
	RECORD_FIELD(memory_line, searched, RECORD_NUMBER),
	RECORD_FIELD(memory_line, deaths_unsearched, RECORD_NUMBER),
	RECORD_FIELD(memory_line, frames, RECORD_NUMBER),
};
static const struct record_field thread_fields[] = {
	RECORD_FIELD(thread_line, tid, RECORD_NUMBER),
	RECORD_FIELD(thread_line, complete, RECORD_NUMBER),
	RECORD_FIELD(thread_line, stale, RECORD_NUMBER),
	RECORD_FIELD(thread_line, frames, RECORD_NUMBER),
	RECORD_FIELD(thread_line, incomplete, RECORD_TEXT),
	RECORD_FIELD(thread_line, lost, RECORD_TEXT),
};
static const struct record_field frame_fields[] = {
	RECORD_FIELD(frame_line, kind, RECORD_NUMBER),
	RECORD_FIELD(frame_line, address, RECORD_WORD),
	RECORD_FIELD(frame_line, evidence, RECORD_WORD),
	RECORD_FIELD(frame_line, stack, RECORD_NUMBER),
	RECORD_FIELD(frame_line, xsave_room, RECORD_NUMBER),
	RECORD_FIELD(frame_line, xsave_compacted, RECORD_NUMBER),
	RECORD_FIELD(frame_line, shadow_stack, RECORD_NUMBER),
	RECORD_FIELD(frame_line, context, RECORD_TEXT),
	RECORD_FIELD(frame_line, context_address, RECORD_WORD),
	RECORD_FIELD(frame_line, context_pc, RECORD_WORD),
	RECORD_FIELD(frame_line, context_sp, RECORD_WORD),
};
static const struct record_field place_fields[] = {
	RECORD_FIELD(place_line, function, RECORD_TEXT),
	RECORD_FIELD(place_line, offset, RECORD_WORD),
	RECORD_FIELD(place_line, module, RECORD_TEXT),
	RECORD_FIELD(place_line, file, RECORD_TEXT),
	RECORD_FIELD(place_line, line, RECORD_NUMBER),
};

static const struct record memory_record = RECORD("memory", memory_fields);
static const struct record thread_record = RECORD("thread", thread_fields);
static const struct record live_record = RECORD("frame", frame_fields);
static const struct record dormant_record = RECORD("dormant", frame_fields);
static const struct record returned_record = RECORD("returned", frame_fields);
static const struct record suspect_record = RECORD("suspect", frame_fields);
/* Of the thread, and of the frame, that came last. */
static const struct record at_record = RECORD("at", place_fields);
static const struct record interrupted_record =
	RECORD("interrupted", place_fields);
static const struct record restorer_record = RECORD("restorer", place_fields);
static const struct record resumed_record = RECORD("resumed", place_fields);

static void write_place(const struct record *r, const struct code_place *p,
			struct text *t)
{
	const struct place_line line = {
		.function = p->function, .offset = p->offset,
		.module = p->module, .file = p->file, .line = p->line,
	};

	if (p->function || p->module)
		record_write(r, &line, t);
}

static void write_frames(const struct record *r,
			 const struct located_frame *frames, size_t count,
			 struct text *t)
{
	for (size_t i = 0; i < count; i++) {
		const struct located_frame *f = &frames[i];
		const struct frame_surroundings *around = &f->facts->around;
		const struct frame_line line = {
			.kind = f->kind,
			.address = f->address,
			.evidence = f->evidence,
			.stack = f->stack,
			.xsave_room = around->xsave_room,
			.xsave_compacted = around->xsave_compacted,
			.shadow_stack = around->shadow_stack,
			.context = (char *)f->context.kind,
			.context_address = f->context.address,
			.context_pc = f->context.pc,
			.context_sp = f->context.sp,
		};

		record_write(r, &line, t);
		write_place(&interrupted_record, &f->interrupted, t);
		write_place(&restorer_record, &f->restorer, t);
		write_place(&resumed_record, &f->resumed, t);
	}
}

void carried_frames_write(const struct located *l, struct text *t)
{
	struct memory_line memory = {
		.all = l->memory, .searched = l->memory_searched,
	};

	text_printf(t, WORD " %d\n", CARRIED_VERSION);
	memory.frames = l->dormant_count + l->returned_count;
	for (size_t i = 0; i < l->threads_count; i++)
		memory.frames += l->threads[i].frames_count;
	for (size_t i = 0; i < l->deaths_count; i++) {
		memory.deaths_unsearched += !l->deaths[i].searched;
		memory.frames += l->deaths[i].suspects_count;
	}
	record_write(&memory_record, &memory, t);
	for (size_t i = 0; i < l->threads_count; i++) {
		const struct located_thread *lt = &l->threads[i];
		const struct thread_line line = {
			.tid = (uint64_t)lt->thread->tid,
			.complete = lt->complete == TRI_YES,
			.stale = lt->stale,
			.frames = lt->frames_count,
			.incomplete = lt->incomplete,
			.lost = lt->lost,
		};

		record_write(&thread_record, &line, t);
		write_place(&at_record, &lt->place, t);
		write_frames(&live_record, lt->frames, lt->frames_count, t);
	}
	write_frames(&dormant_record, l->dormant, l->dormant_count, t);
	write_frames(&returned_record, l->returned, l->returned_count, t);
	for (size_t i = 0; i < l->deaths_count; i++)
		write_frames(&suspect_record, l->deaths[i].suspects,
			     l->deaths[i].suspects_count, t);
}

/* Where the reader is. */
struct reading {
	const struct snapshot *s;
	struct located *l;
	struct located_thread *thread;	/* the last; NULL: not asked for */
	struct located_frame *frame;	/* the last; NULL: not wanted */
	size_t next;		/* thread; they are in the same order */
	uint64_t frames;	/* lines so far */
	uint64_t expected;
	uint64_t thread_expected;	/* of the last thread */
	bool counted;
	bool lost;		/* there are more or fewer than expected */
	struct carried_deaths deaths;
};

/* NULL stays NULL; what is there already stays. */
static bool copy(const char *from, char **to)
{
	if (!from || *to)
		return true;
	*to = strdup(from);
	return *to;
}

static struct error *take_memory(struct reading *r, const void *data)
{
	const struct memory_line *line = data;

	r->l->memory = line->all;
	r->l->memory_searched = line->searched;
	r->deaths.searched = !line->deaths_unsearched;
	r->expected = line->frames;
	r->counted = true;
	return NULL;
}

static void check_thread(struct reading *r)
{
	r->lost |= r->thread && r->thread->frames_count != r->thread_expected;
}

static struct error *take_thread(struct reading *r, const void *data)
{
	const struct thread_line *line = data;
	const char *why = line->incomplete;

	check_thread(r);
	r->thread = NULL;
	r->frame = NULL;
	if (r->next == r->l->threads_count ||
	    (uint64_t)r->l->threads[r->next].thread->tid != line->tid)
		return NULL;
	r->thread = &r->l->threads[r->next++];
	r->thread_expected = line->frames;
	r->thread->complete = line->complete ? TRI_YES : TRI_UNKNOWN;
	r->thread->stale = line->stale;
	if (!line->complete && !why)
		why = "the export does not say why";
	free(r->thread->incomplete);
	r->thread->incomplete = NULL;
	if (!copy(why, &r->thread->incomplete) ||
	    !copy(line->lost, &r->thread->lost))
		return &error_no_memory;
	return NULL;
}

static struct error *add_frame(struct reading *r,
			       const struct frame_line *line,
			       struct located_frame **frames, size_t *count)
{
	const char *context = NULL;
	struct located_frame *more;

	if (line->kind >= SIGFRAME_KINDS || line->stack > FRAME_ON_OTHER ||
	    line->xsave_room > UINT32_MAX ||
	    line->xsave_compacted > TRI_YES || line->shadow_stack > TRI_YES ||
	    ++r->frames > FRAMES_MAX)
		return error_new(ERROR_BAD_INPUT, "there is no such frame");
	if (line->context) {
		context = context_kind_named(line->context);
		if (!context)
			return error_new(ERROR_UNSUPPORTED, "there is no "
					 "context '%.40s'", line->context);
	}
	more = array_grow(*frames, *count, sizeof(*more));
	if (!more)
		return &error_no_memory;
	*frames = more;
	r->frame = &more[(*count)++];
	*r->frame = (struct located_frame){
		.evidence = (unsigned)line->evidence,
		.stack = (enum frame_stack)line->stack,
		.context = { context, line->context_address,
			     line->context_pc, line->context_sp },
	};
	r->frame->kind = (enum sigframe_kind)line->kind;
	r->frame->address = line->address;
	r->frame->around = (struct frame_surroundings){
		.xsave_room = (uint32_t)line->xsave_room,
		.xsave_compacted = (enum tri)line->xsave_compacted,
		.shadow_stack = (enum tri)line->shadow_stack,
	};
	return NULL;
}

static struct error *take_live(struct reading *r, const void *data)
{
	const struct frame_line *line = data;
	struct located_thread *t = r->thread;

	r->frame = NULL;
	if (!line->evidence)
		return error_new(ERROR_BAD_INPUT, "a frame without evidence");
	if (t && t->frames_count == THREAD_FRAMES_MAX)
		return error_new(ERROR_BAD_INPUT, "more than %d signal frames",
				 THREAD_FRAMES_MAX);
	if (t)
		return add_frame(r, data, &t->frames, &t->frames_count);
	r->frames++;
	return NULL;
}

/* These come by address, and none lies over another. */
static struct error *add_apart(struct reading *r, const void *data,
			       struct located_frame **frames, size_t *count)
{
	const struct frame_line *line = data;

	if (*count) {
		const struct located_frame *last = &(*frames)[*count - 1];
		uint64_t size = sigframe_shapes[last->kind].need_end;

		if (line->address < last->address ||
		    line->address - last->address < size)
			return error_new(ERROR_BAD_INPUT,
					 "frames out of order");
	}
	return add_frame(r, line, frames, count);
}

static struct error *take_dormant(struct reading *r, const void *data)
{
	return add_apart(r, data, &r->l->dormant, &r->l->dormant_count);
}

static struct error *take_returned(struct reading *r, const void *data)
{
	return add_apart(r, data, &r->l->returned, &r->l->returned_count);
}

static struct error *take_suspect(struct reading *r, const void *data)
{
	return add_frame(r, data, &r->deaths.suspects,
			 &r->deaths.suspects_count);
}

static struct error *take_place(const struct place_line *line,
				struct code_place *ret)
{
	const struct {
		const char *from;
		char **to;
	} texts[] = {
		{ line->function, &ret->function },
		{ line->module, &ret->module },
		{ line->file, &ret->file },
	};

	ret->offset = line->offset;
	ret->line = (unsigned)line->line;
	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++)
		if (!copy(texts[i].from, texts[i].to))
			return &error_no_memory;
	return NULL;
}

static struct error *take_at(struct reading *r, const void *data)
{
	return r->thread ? take_place(data, &r->thread->place) : NULL;
}

static struct error *take_interrupted(struct reading *r, const void *data)
{
	return r->frame ? take_place(data, &r->frame->interrupted) : NULL;
}

static struct error *take_restorer(struct reading *r, const void *data)
{
	return r->frame ? take_place(data, &r->frame->restorer) : NULL;
}

static struct error *take_resumed(struct reading *r, const void *data)
{
	return r->frame ? take_place(data, &r->frame->resumed) : NULL;
}

static const struct {
	const struct record *record;
	struct error *(*take)(struct reading *r, const void *data);
} takers[] = {
	{ &memory_record, take_memory },
	{ &thread_record, take_thread },
	{ &at_record, take_at },
	{ &live_record, take_live },
	{ &interrupted_record, take_interrupted },
	{ &restorer_record, take_restorer },
	{ &resumed_record, take_resumed },
	{ &dormant_record, take_dormant },
	{ &returned_record, take_returned },
	{ &suspect_record, take_suspect },
};

static struct error *take_line(struct reading *r, struct span line)
{
	union {
		struct memory_line memory;
		struct thread_line thread;
		struct frame_line frame;
		struct place_line place;
	} data;

	for (unsigned i = 0; i < ARRAY_SIZE(takers); i++) {
		const struct record *record = takers[i].record;
		struct span rest = line;
		struct error *err;

		if (!record_is(record, &rest))
			continue;
		memset(&data, 0, sizeof(data));
		err = record_read(record, rest, &data);
		if (!err)
			err = takers[i].take(r, &data);
		record_deinit(record, &data);
		return err;
	}
	return NULL;
}

static struct error *start(struct reading *r)
{
	const struct snapshot *s = r->s;

	r->l->threads = calloc(s->threads_count + 1, sizeof(*r->l->threads));
	if (!r->l->threads)
		return &error_no_memory;
	for (size_t i = 0; i < s->threads_count; i++) {
		struct located_thread *t =
			&r->l->threads[r->l->threads_count++];
		const char *why = s->threads[i].problem
					  ? error_message(s->threads[i].problem)
					  : "the export does not mention it";

		t->thread = &s->threads[i];
		t->complete = TRI_UNKNOWN;
		t->incomplete = strdup(why);
		if (!t->incomplete)
			return &error_no_memory;
	}
	return NULL;
}

struct error *carried_frames_read(const struct snapshot *s, struct located *l,
				  struct carried_deaths *deaths_ret,
				  bool *whole_ret)
{
	struct lines lines = { .text = s->carried_frames,
			       .size = strlen(s->carried_frames) };
	struct reading r = { .s = s, .l = l };
	struct error *err = start(&r);
	struct span line;

	if (!err)
		err = carried_check(&lines, WORD);
	while (!err && lines_next(&lines, &line))
		err = take_line(&r, line);
	*deaths_ret = r.deaths;
	check_thread(&r);
	*whole_ret = r.counted && r.frames == r.expected && !r.lost;
	return err ? error_wrap(err, "carried text, line %u", lines.number)
		   : NULL;
}

void carried_deaths_deinit(struct carried_deaths *d)
{
	for (size_t i = 0; i < d->suspects_count; i++) {
		code_place_deinit(&d->suspects[i].interrupted);
		code_place_deinit(&d->suspects[i].restorer);
		code_place_deinit(&d->suspects[i].resumed);
	}
	free(d->suspects);
	*d = (struct carried_deaths){ 0 };
}

/* The suspect at that address, of those whose names are not taken yet. */
static struct located_frame *named(struct carried_deaths *d, uint64_t address)
{
	for (size_t i = 0; i < d->suspects_count; i++)
		if (d->suspects[i].address == address &&
		    d->suspects[i].interrupted.function)
			return &d->suspects[i];
	return NULL;
}

void carried_deaths_apply(struct carried_deaths *d, struct located *l)
{
	for (size_t i = 0; i < l->deaths_count; i++) {
		struct located_death *death = &l->deaths[i];

		death->searched = d->searched;
		for (size_t k = 0; k < death->suspects_count; k++) {
			struct located_frame *f = &death->suspects[k];
			struct located_frame *from =
				named(d, f->address);

			if (!from)
				continue;
			code_place_deinit(&f->interrupted);
			f->interrupted = from->interrupted;
			from->interrupted = (struct code_place){ 0 };
		}
	}
}
