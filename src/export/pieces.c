/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pieces.c - the memory that an exported core holds */
#include "export/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Around a place in code: more than is ever decoded. Bytes. */
enum { CODE_BEFORE = 64, CODE_AFTER = 448 };
/* From the red zone on, of each stack. Bytes. */
enum { STACK_BEFORE = 128, STACK_AFTER = 1024 };

/* Bytes that are wanted; of those that overlap the lower rank counts. */
struct wish {
	struct bytes bytes;
	uint8_t *owned;		/* NULL: somebody else's */
	enum { RANK_FRAME, RANK_AROUND } rank;
};

struct wishes {
	const struct snapshot *s;
	struct wish *list;
	size_t count;
	size_t room;
};

static void wishes_deinit(struct wishes *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->list[i].owned);
	free(w->list);
}

static struct error *add(struct wishes *w, struct wish wish)
{
	if (w->count == w->room) {
		size_t room = w->room ? 2 * w->room : 64;
		struct wish *list = reallocarray(w->list, room, sizeof(*list));

		if (!list) {
			free(wish.owned);
			return &error_no_memory;
		}
		w->list = list;
		w->room = room;
	}
	w->list[w->count++] = wish;
	return NULL;
}

static struct error *add_run(struct wishes *w, const struct run *r)
{
	if (!r->bytes.size)
		return NULL;
	return add(w, (struct wish){ .bytes = r->bytes, .rank = RANK_FRAME });
}

/* What can be had of [at - before, at + after). */
static struct error *add_around(struct wishes *w, uint64_t at, uint64_t before,
				uint64_t after)
{
	const struct mapping *m = snapshot_mapping(w->s, at);
	uint64_t from = at > before ? at - before : 0;
	enum run_end end;

	if (!m || at > UINT64_MAX - after)
		return NULL;
	if (from < m->start)
		from = m->start;

	size_t size = at + after - from;
	uint8_t *data = malloc(size);

	if (!data)
		return &error_no_memory;
	size = snapshot_read(w->s, from, data, size, &end);
	if (!size) {
		free(data);
		return NULL;
	}
	return add(w, (struct wish){
		.bytes = { data, size, from },
		.owned = data,
		.rank = RANK_AROUND,
	});
}

static struct error *add_code(struct wishes *w, uint64_t pc)
{
	return add_around(w, pc, CODE_BEFORE, CODE_AFTER);
}

static struct error *add_frames(struct wishes *w,
				const struct located_frame *frames,
				size_t count)
{
	struct error *err = NULL;

	for (size_t i = 0; i < count && !err; i++) {
		const struct frame_facts *f = frames[i].facts;

		err = add_run(w, &f->frame);
		if (!err)
			err = add_run(w, &f->area);
		if (!err)
			err = add_code(w, f->sigframe.regs.r[X86_RIP]);
		if (!err)
			err = add_code(w, f->sigframe.pretcode);
	}
	return err;
}

static struct error *add_thread(struct wishes *w,
				const struct located_thread *t)
{
	const struct x86_gprs *regs = &t->thread->regs;
	struct error *err = add_frames(w, t->frames, t->frames_count);

	if (err || !(t->thread->has & THREAD_HAS_PC_SP))
		return err;
	err = add_code(w, regs->r[X86_RIP]);
	if (!err)
		err = add_around(w, regs->r[X86_RSP], STACK_BEFORE,
				 STACK_AFTER);
	return err;
}

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;

	return (x->bytes.addr > y->bytes.addr) -
	       (x->bytes.addr < y->bytes.addr);
}

/* One piece of the wishes [from, to), which lie over or next to each other. */
static struct error *merge(const struct wish *from, const struct wish *to,
			   uint64_t end, uint8_t **ret)
{
	uint64_t start = from->bytes.addr;
	uint8_t *data = malloc(end - start);

	if (!data)
		return &error_no_memory;
	for (int rank = RANK_AROUND; rank >= RANK_FRAME; rank--)
		for (const struct wish *w = from; w < to; w++)
			if ((int)w->rank == rank)
				memcpy(data + (w->bytes.addr - start),
				       w->bytes.data, w->bytes.size);
	*ret = data;
	return NULL;
}

static struct error *add_piece(struct pieces *p, const uint8_t *data,
			       uint64_t start, size_t size, unsigned prot)
{
	struct piece *list =
		reallocarray(p->list, p->count + 1, sizeof(*list));
	uint8_t *copy = malloc(size);

	if (list)
		p->list = list;
	if (!list || !copy) {
		free(copy);
		return &error_no_memory;
	}
	memcpy(copy, data, size);
	list[p->count++] = (struct piece){ copy, size, start, prot };
	return NULL;
}

/* Cut where mappings end: a segment has one protection. */
static struct error *cut(struct pieces *p, const struct snapshot *s,
			 const uint8_t *data, uint64_t start, uint64_t end)
{
	struct error *err = NULL;

	for (uint64_t at = start, next; at < end && !err; at = next) {
		const struct mapping *m = snapshot_mapping(s, at);

		next = m && m->end < end ? m->end : end;
		err = add_piece(p, data + (at - start), at, next - at,
				m ? m->prot : 0);
	}
	return err;
}

static struct error *merge_all(const struct wishes *w, struct pieces *p)
{
	struct error *err = NULL;

	for (size_t i = 0, k; i < w->count && !err; i = k) {
		const struct bytes *b = &w->list[i].bytes;
		uint64_t start = b->addr, end = b->addr + b->size;
		CLEANUP_FREE uint8_t *data = NULL;

		for (k = i + 1; k < w->count &&
				w->list[k].bytes.addr <= end; k++) {
			b = &w->list[k].bytes;
			if (b->addr + b->size > end)
				end = b->addr + b->size;
		}
		err = merge(&w->list[i], &w->list[k], end, &data);
		if (!err)
			err = cut(p, w->s, data, start, end);
	}
	return err;
}

struct error *pieces_gather(const struct snapshot *s, const struct located *l,
			    struct pieces *ret)
{
	struct wishes w = { .s = s };
	struct pieces p = { 0 };
	struct error *err = NULL;

	for (size_t i = 0; i < l->threads_count && !err; i++)
		err = add_thread(&w, &l->threads[i]);
	if (!err)
		err = add_frames(&w, l->dormant, l->dormant_count);
	if (!err)
		err = add_frames(&w, l->returned, l->returned_count);
	for (size_t i = 0; i < l->deaths_count && !err; i++)
		err = add_frames(&w, l->deaths[i].suspects,
				 l->deaths[i].suspects_count);
	if (!err && w.count) {
		qsort(w.list, w.count, sizeof(*w.list), compare_wishes);
		err = merge_all(&w, &p);
	}
	wishes_deinit(&w);
	if (err)
		pieces_deinit(&p);
	else
		*ret = p;
	return err;
}

void pieces_deinit(struct pieces *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i].data);
	free(p->list);
	*p = (struct pieces){ 0 };
}
