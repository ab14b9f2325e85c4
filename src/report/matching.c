/* SPDX-License-Identifier: GPL-3.0-or-later */
/* matching.c - what of one look at a process is what of another */
#include "report/matching.h"

#include <stdlib.h>

/* Something by which two may match, and what it is of. */
struct slot {
	uint64_t key;
	uint64_t minor;
	size_t index;
};

static int compare_slots(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->minor != y->minor)
		return x->minor < y->minor ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Those of equal key and minor are partners, in the order of their indices. */
static void join(struct slot *slots[COMPARED_SIDES],
		 size_t counts[COMPARED_SIDES],
		 size_t *partners[COMPARED_SIDES])
{
	size_t i = 0, k = 0;

	for (unsigned side = 0; side < COMPARED_SIDES; side++)
		if (counts[side])
			qsort(slots[side], counts[side], sizeof(**slots),
			      compare_slots);
	while (i < counts[0] && k < counts[1]) {
		const struct slot *a = &slots[0][i], *b = &slots[1][k];

		if (a->key == b->key && a->minor == b->minor) {
			partners[0][a->index] = b->index;
			partners[1][b->index] = a->index;
			i++;
			k++;
		} else if (compare_slots(a, b) < 0) {
			i++;
		} else {
			k++;
		}
	}
}

static struct error *list_frames(struct matching_side *s)
{
	const struct located *l = s->input->located;
	size_t count = l->dormant_count, at = 0;

	for (size_t i = 0; i < l->threads_count; i++)
		count += l->threads[i].frames_count;
	s->frames = calloc(count + 1, sizeof(*s->frames));
	s->frame_partners = calloc(count + 1, sizeof(*s->frame_partners));
	s->threads = calloc(l->threads_count + 1, sizeof(*s->threads));
	if (!s->frames || !s->frame_partners || !s->threads)
		return &error_no_memory;
	for (size_t i = 0; i < l->threads_count; i++) {
		const struct located_thread *t = &l->threads[i];

		s->threads[i] = MATCHING_NONE;
		for (size_t k = 0; k < t->frames_count; k++)
			s->frames[at++] = (struct matching_frame){
				t, &t->frames[k] };
	}
	for (size_t i = 0; i < l->dormant_count; i++)
		s->frames[at++].frame = &l->dormant[i];
	for (size_t i = 0; i < count; i++)
		s->frame_partners[i] = MATCHING_NONE;
	s->frames_count = count;
	return NULL;
}

/* The key of a thread; false if it has none of that kind. */
typedef bool thread_key(const struct matching_side *s, size_t thread,
			uint64_t *ret);

static const struct thread *thread_at(const struct matching_side *s, size_t i)
{
	return s->input->located->threads[i].thread;
}

static bool key_tid(const struct matching_side *s, size_t thread, uint64_t *ret)
{
	*ret = (uint64_t)thread_at(s, thread)->tid;
	return *ret != 0;
}

static bool key_sp(const struct matching_side *s, size_t thread, uint64_t *ret)
{
	const struct thread *t = thread_at(s, thread);

	*ret = t->regs.r[X86_RSP];
	return t->tid && (t->has & THREAD_HAS_PC_SP);
}

static bool key_stack(const struct matching_side *s, size_t thread,
		      uint64_t *ret)
{
	const struct mapping *m;

	if (!key_sp(s, thread, ret))
		return false;
	m = snapshot_mapping(s->input->snapshot, *ret);
	if (m)	/* the end stays where it is, the start may grow */
		*ret = m->end;
	return m;
}

/* Match those threads that have no partner yet. */
static struct error *join_threads(struct matching *m, thread_key *key)
{
	struct slot *slots[COMPARED_SIDES] = { NULL };
	size_t counts[COMPARED_SIDES] = { 0 };
	size_t *partners[COMPARED_SIDES];
	struct error *err = NULL;

	for (unsigned side = 0; side < COMPARED_SIDES; side++) {
		struct matching_side *s = &m->sides[side];
		size_t count = s->input->located->threads_count;

		partners[side] = s->threads;
		slots[side] = calloc(count + 1, sizeof(**slots));
		if (!slots[side])
			err = &error_no_memory;
		for (size_t i = 0; !err && i < count; i++) {
			struct slot *slot = &slots[side][counts[side]];

			slot->index = i;
			counts[side] += s->threads[i] == MATCHING_NONE &&
					key(s, i, &slot->key);
		}
	}
	if (!err)
		join(slots, counts, partners);
	free(slots[0]);
	free(slots[1]);
	return err;
}

static struct error *join_frames(struct matching *m)
{
	struct slot *slots[COMPARED_SIDES] = { NULL };
	size_t counts[COMPARED_SIDES];
	size_t *partners[COMPARED_SIDES];
	struct error *err = NULL;

	for (unsigned side = 0; side < COMPARED_SIDES; side++) {
		struct matching_side *s = &m->sides[side];

		partners[side] = s->frame_partners;
		counts[side] = s->frames_count;
		slots[side] = calloc(s->frames_count + 1, sizeof(**slots));
		if (!slots[side])
			err = &error_no_memory;
		for (size_t i = 0; !err && i < s->frames_count; i++) {
			const struct sigframe *f =
				&s->frames[i].frame->facts->sigframe;

			slots[side][i] = (struct slot){ f->address, f->kind,
							i };
		}
	}
	if (!err)
		join(slots, counts, partners);
	free(slots[0]);
	free(slots[1]);
	return err;
}

/* Whose frames are the same is the same. */
static void pair_by_frames(struct matching *m)
{
	struct matching_side *a = &m->sides[COMPARED_BEFORE];
	struct matching_side *b = &m->sides[COMPARED_AFTER];

	for (size_t i = 0; i < a->frames_count; i++) {
		size_t k = a->frame_partners[i];

		if (k == MATCHING_NONE || !a->frames[i].thread ||
		    !b->frames[k].thread)
			continue;

		size_t x = (size_t)(a->frames[i].thread -
				    a->input->located->threads);
		size_t y = (size_t)(b->frames[k].thread -
				    b->input->located->threads);

		if (a->threads[x] == MATCHING_NONE &&
		    b->threads[y] == MATCHING_NONE) {
			a->threads[x] = y;
			b->threads[y] = x;
		}
	}
}

struct error *matching_init(struct matching *m,
			    const struct compared_input *before,
			    const struct compared_input *after)
{
	struct error *err = NULL;

	*m = (struct matching){
		.sides = { { .input = before }, { .input = after } },
		.match = before->snapshot->pid == after->snapshot->pid
				 ? COMPARED_BY_TID
				 : COMPARED_BY_STACK,
	};
	for (unsigned side = 0; !err && side < COMPARED_SIDES; side++)
		err = list_frames(&m->sides[side]);
	if (!err)
		err = join_frames(m);
	if (err)
		return err;
	if (m->match == COMPARED_BY_TID)
		return join_threads(m, key_tid);
	pair_by_frames(m);
	err = join_threads(m, key_sp);
	return err ? err : join_threads(m, key_stack);
}

void matching_deinit(struct matching *m)
{
	for (unsigned side = 0; side < COMPARED_SIDES; side++) {
		free(m->sides[side].threads);
		free(m->sides[side].frames);
		free(m->sides[side].frame_partners);
	}
}

struct error *matching_common(const struct compared_input *a,
			      const struct compared_input *b, size_t *ret)
{
	struct matching m;
	struct error *err = matching_init(&m, a, b);

	*ret = 0;
	for (size_t i = 0; !err && i < m.sides[0].frames_count; i++)
		*ret += m.sides[0].frame_partners[i] != MATCHING_NONE;
	matching_deinit(&m);
	return err;
}
