/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compared.c - two looks at a process held side by side, not yet worded */
#include "report/compared.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/text.h"
#include "report/matching.h"

const char *const compared_outcome_names[COMPARED_OUTCOMES] = {
	[COMPARED_SAME] = "same",
	[COMPARED_DIFFERS] = "differs",
	[COMPARED_GONE] = "gone",
	[COMPARED_ADDED] = "added",
	[COMPARED_UNKNOWN] = "unknown",
};

struct compared *compared_create(void)
{
	return calloc(1, sizeof(struct compared));
}

static void input_deinit(struct compared_input *in)
{
	located_destroy(in->located);
	snapshot_destroy(in->snapshot);
}

void compared_destroy(struct compared *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->processes_count; i++) {
		free(c->processes[i].threads);
		free(c->processes[i].frames);
	}
	free(c->processes);
	for (unsigned side = 0; side < COMPARED_SIDES; side++) {
		for (size_t i = 0; i < c->inputs_count[side]; i++)
			input_deinit(&c->inputs[side][i]);
		free(c->inputs[side]);
	}
	free(c);
}

struct error *compared_add(struct compared *c, enum compared_when when,
			   struct snapshot *s, struct located *l)
{
	struct compared_input in = { s, l };
	size_t count = c->inputs_count[when];
	struct compared_input *inputs =
		array_grow(c->inputs[when], count, sizeof(*inputs));

	if (!inputs) {
		input_deinit(&in);
		return &error_no_memory;
	}
	inputs[count] = in;
	c->inputs[when] = inputs;
	c->inputs_count[when] = count + 1;
	return NULL;
}

/* Frames and threads. */

void compared_frame_side(const struct compared_frame *f,
			 enum compared_when when, struct difference_side *ret)
{
	difference_of_frame(f->frames[when]->facts, ret);
}

/*
 * A system call that waits and one that is about to be made again are the same
 * to the process: when it goes on, the kernel makes the one of the other. Who
 * dumps a process may have done so before. True if *g is changed.
 */
static bool rewind_call(const struct thread *t, struct x86_gprs *g)
{
	/* ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND: linux/errno.h */
	const int32_t first = -514, last = -512;
	int32_t result = (int32_t)g->r[X86_RAX];

	if (!(t->has & THREAD_HAS_GPRS) || t->orig_rax < 0 || result < first ||
	    result > last)
		return false;
	g->r[X86_RAX] = (uint64_t)t->orig_rax;
	g->r[X86_RIP] -= 2;	/* syscall, int $0x80 and sysenter alike */
	return true;
}

void compared_thread_side(const struct compared_process *p,
			  const struct compared_thread *ct,
			  enum compared_when when, struct difference_side *ret)
{
	const struct thread *t = ct->threads[when]->thread;
	const struct thread *other = ct->threads[!when]->thread;
	struct x86_gprs regs = t->regs, others = other->regs;
	uint64_t words = 0;

	rewind_call(t, &regs);

	bool rewound = rewind_call(other, &others);

	if (t->has & THREAD_HAS_GPRS) {
		words = DIFFERENCE_BIT(X86_REGS) - 1;
	} else if (t->has & THREAD_HAS_PC_SP) {
		words = DIFFERENCE_BIT(X86_RIP) | DIFFERENCE_BIT(X86_RSP);
		/* it waits in a call, but its rax has not been seen */
		if (t->syscall >= 0 && (other->has & THREAD_HAS_GPRS) &&
		    (rewound || others.r[X86_RIP] == regs.r[X86_RIP] - 2))
			regs.r[X86_RIP] -= 2;
	}
	difference_of_registers(&regs, words,
				(struct bytes){ t->xstate, t->xstate_size, 0 },
				&p->inputs[when]->snapshot->layout, ret);
	ret->states[DIFFERENCE_SIGMASK] = DIFFERENCE_UNKNOWN;
	if (t->has & THREAD_HAS_SIGMASK) {
		ret->words[DIFFERENCE_SIGMASK] = t->sigmask;
		ret->states[DIFFERENCE_SIGMASK] = DIFFERENCE_KNOWN;
	}
}

/* Is that all there is to be found in it? */
static bool searched(const struct compared_input *in, bool dormant)
{
	const struct located *l = in->located;

	for (size_t i = 0; i < l->threads_count; i++)
		if (l->threads[i].complete != TRI_YES)
			return false;
	return !dormant || l->memory_searched >= l->memory;
}

/* The partner of a thread of `side`, on the other one, or NULL. */
static const struct located_thread *partner(const struct matching *m,
					    enum compared_when side,
					    const struct located_thread *t)
{
	const struct located *other = m->sides[!side].input->located;
	size_t index = m->sides[side].threads[
		t - m->sides[side].input->located->threads];

	return index == MATCHING_NONE ? NULL : &other->threads[index];
}

/* A frame that only `side` has: is it certain that the other has not? */
static enum compared_outcome alone(const struct matching *m,
				   enum compared_when side,
				   const struct matching_frame *f)
{
	const struct located_thread *t =
		f->thread ? partner(m, side, f->thread) : NULL;
	bool sure = t ? t->complete == TRI_YES
		      : searched(m->sides[!side].input, !f->thread);

	if (!sure)
		return COMPARED_UNKNOWN;
	return side == COMPARED_BEFORE ? COMPARED_GONE : COMPARED_ADDED;
}

static void compare_frame(const struct matching *m, struct compared_frame *f)
{
	struct difference_side before, after;
	const struct located_thread *there =
		f->threads[0] ? partner(m, COMPARED_BEFORE, f->threads[0])
			      : NULL;

	compared_frame_side(f, COMPARED_BEFORE, &before);
	compared_frame_side(f, COMPARED_AFTER, &after);
	difference_between(&before, &after, &f->difference);
	f->elsewhere = f->threads[1] != there;
	f->outcome = f->elsewhere || difference_found(&f->difference)
			     ? COMPARED_DIFFERS
		     : difference_is_partial(&f->difference) ? COMPARED_UNKNOWN
							     : COMPARED_SAME;
}

static int compare_addresses(const void *a, const void *b)
{
	const struct compared_frame *x = a, *y = b;
	uint64_t at = x->frames[!x->frames[0]]->facts->sigframe.address;
	uint64_t other = y->frames[!y->frames[0]]->facts->sigframe.address;

	return (at > other) - (at < other);
}

static struct error *compare_frames(const struct matching *m,
				    struct compared_process *p)
{
	const struct matching_side *a = &m->sides[COMPARED_BEFORE];
	const struct matching_side *b = &m->sides[COMPARED_AFTER];

	p->frames = calloc(a->frames_count + b->frames_count + 1,
			   sizeof(*p->frames));
	if (!p->frames)
		return &error_no_memory;
	for (size_t i = 0; i < a->frames_count; i++) {
		struct compared_frame *f = &p->frames[p->frames_count++];
		size_t k = a->frame_partners[i];

		f->frames[0] = a->frames[i].frame;
		f->threads[0] = a->frames[i].thread;
		if (k == MATCHING_NONE) {
			f->outcome = alone(m, COMPARED_BEFORE, &a->frames[i]);
			continue;
		}
		f->frames[1] = b->frames[k].frame;
		f->threads[1] = b->frames[k].thread;
		compare_frame(m, f);
	}
	for (size_t i = 0; i < b->frames_count; i++) {
		if (b->frame_partners[i] != MATCHING_NONE)
			continue;

		struct compared_frame *f = &p->frames[p->frames_count++];

		f->frames[1] = b->frames[i].frame;
		f->threads[1] = b->frames[i].thread;
		f->outcome = alone(m, COMPARED_AFTER, &b->frames[i]);
	}
	if (p->frames_count)
		qsort(p->frames, p->frames_count, sizeof(*p->frames),
		      compare_addresses);
	return NULL;
}

static void compare_thread(const struct compared_process *p,
			   struct compared_thread *t)
{
	const unsigned all = THREAD_HAS_GPRS | THREAD_HAS_XSTATE;
	struct difference_side before, after;
	struct difference *d = &t->difference;

	compared_thread_side(p, t, COMPARED_BEFORE, &before);
	compared_thread_side(p, t, COMPARED_AFTER, &after);
	difference_between(&before, &after, d);
	/* no registers of the thread's, but of the CPU's that it ran on */
	d->moved = 0;
	t->compared = !d->components_unknown &&
		      (t->threads[0]->thread->has &
		       t->threads[1]->thread->has & all) == all;
	t->outcome = difference_found(d) ? COMPARED_DIFFERS : COMPARED_SAME;
}

/* A thread that only one side has; the other may not tell of all. */
static enum compared_outcome alone_thread(const struct matching *m,
					  enum compared_when side)
{
	const struct located *other = m->sides[!side].input->located;

	for (size_t i = 0; i < other->threads_count; i++)
		if (!other->threads[i].thread->tid)
			return COMPARED_UNKNOWN;
	return side == COMPARED_BEFORE ? COMPARED_GONE : COMPARED_ADDED;
}

static void add_thread(const struct matching *m, struct compared_process *p,
		       enum compared_when side, size_t index)
{
	const struct located_thread *l =
		&m->sides[side].input->located->threads[index];
	struct compared_thread *t = &p->threads[p->threads_count++];

	t->threads[side] = l;
	t->threads[!side] = partner(m, side, l);
	for (unsigned i = 0; i < COMPARED_SIDES; i++)
		if (t->threads[i] && t->threads[i]->complete != TRI_YES)
			t->incomplete = true;
	if (!l->thread->tid)	/* stands for those that may be missing */
		t->outcome = COMPARED_UNKNOWN;
	else if (t->threads[!side])
		compare_thread(p, t);
	else
		t->outcome = alone_thread(m, side);
}

static struct error *compare_threads(const struct matching *m,
				     struct compared_process *p)
{
	size_t before = m->sides[0].input->located->threads_count;
	size_t after = m->sides[1].input->located->threads_count;

	p->threads = calloc(before + after + 1, sizeof(*p->threads));
	if (!p->threads)
		return &error_no_memory;
	for (size_t i = 0; i < before; i++)
		add_thread(m, p, COMPARED_BEFORE, i);
	for (size_t i = 0; i < after; i++)
		if (m->sides[1].threads[i] == MATCHING_NONE)
			add_thread(m, p, COMPARED_AFTER, i);
	return NULL;
}

static void count(struct compared *c, struct compared_process *p)
{
	struct compared_counts *sums[] = { &p->counts, &c->counts };

	for (unsigned s = 0; s < sizeof(sums) / sizeof(*sums); s++) {
		for (size_t i = 0; i < p->frames_count; i++)
			sums[s]->frames[p->frames[i].outcome]++;
		for (size_t i = 0; i < p->threads_count; i++) {
			sums[s]->threads[p->threads[i].outcome]++;
			sums[s]->incomplete += p->threads[i].incomplete;
		}
	}
}

/* Processes. */

static struct error *add_pair(struct compared *c,
			      const struct compared_input *before,
			      const struct compared_input *after)
{
	struct compared_process *p = &c->processes[c->processes_count++];
	struct matching m;
	struct error *err;

	p->inputs[COMPARED_BEFORE] = before;
	p->inputs[COMPARED_AFTER] = after;
	if (!before || !after) {
		c->counts.processes[before ? COMPARED_GONE
					   : COMPARED_ADDED]++;
		return NULL;
	}
	err = matching_init(&m, before, after);
	p->match = m.match;
	if (!err)
		err = compare_frames(&m, p);
	if (!err)
		err = compare_threads(&m, p);
	matching_deinit(&m);
	if (!err)
		count(c, p);
	return err;
}

/* In a container, or outside of it. */
static bool same_inside(const struct snapshot *a, const struct snapshot *b)
{
	return (a->pid_inside && a->pid_inside == b->pid) ||
	       (b->pid_inside && b->pid_inside == a->pid);
}

/* What that process may be on a side, by its pid, or NULL. */
static const struct compared_input *find_one(const struct compared *c,
					     enum compared_when side,
					     const struct compared_input *in)
{
	const struct compared_input *inside = NULL;
	bool several = false;

	for (size_t i = 0; i < c->inputs_count[side]; i++) {
		const struct compared_input *other = &c->inputs[side][i];

		if (other->snapshot->pid == in->snapshot->pid)
			return other;
		if (!same_inside(other->snapshot, in->snapshot))
			continue;
		several = inside;
		inside = other;
	}
	return several ? NULL : inside;
}

/* The one that it must be, because it is that one's, too. */
static const struct compared_input *find(const struct compared *c,
					 enum compared_when side,
					 const struct compared_input *in)
{
	const struct compared_input *other = find_one(c, side, in);

	return other && find_one(c, !side, other) == in ? other : NULL;
}

static void add_pids(const struct compared *c, enum compared_when side,
		     struct text *t)
{
	const size_t shown = 8;
	size_t total = c->inputs_count[side];

	for (size_t i = 0; i < total && i < shown; i++)
		text_printf(t, "%s%d", i ? ", " : "",
			    (int)c->inputs[side][i].snapshot->pid);
	if (total > shown)
		text_printf(t, " and %zu more", total - shown);
}

static struct error *ambiguous(const struct compared *c)
{
	struct text before = TEXT_INIT, after = TEXT_INIT;
	struct error *err;

	add_pids(c, COMPARED_BEFORE, &before);
	add_pids(c, COMPARED_AFTER, &after);
	err = error_new(ERROR_USAGE,
			"--compare: nothing tells which process is which, "
			"there is %s before and %s after; name one thread of "
			"each with --tid", text_string(&before),
			text_string(&after));
	text_deinit(&before);
	text_deinit(&after);
	return err;
}

/* The only one of `side` that has most frames of `one`, in *ret, or NULL. */
static struct error *most_alike(const struct compared *c,
				enum compared_when side,
				const struct compared_input *one,
				const struct compared_input **ret)
{
	size_t most = 0;

	*ret = NULL;
	for (size_t i = 0; i < c->inputs_count[side]; i++) {
		size_t common = 0;
		struct error *err = matching_common(
			one, &c->inputs[side][i], &common);

		if (err)
			return err;
		if (common && common == most)
			*ret = NULL;
		if (common > most)
			*ret = &c->inputs[side][i];
		most = common > most ? common : most;
	}
	return NULL;
}

/* Those that only one side has. */
static struct error *add_others(struct compared *c, enum compared_when side,
				const struct compared_input *but)
{
	struct error *err = NULL;

	for (size_t i = 0; !err && i < c->inputs_count[side]; i++) {
		const struct compared_input *in = &c->inputs[side][i];

		if (in != but)
			err = side == COMPARED_BEFORE ? add_pair(c, in, NULL)
						      : add_pair(c, NULL, in);
	}
	return err;
}

/* One alone: with the one of its pid, or the one that it must be. */
static struct error *match_one(struct compared *c, enum compared_when side)
{
	const struct compared_input *one = &c->inputs[side][0];
	const struct compared_input *other = find(c, !side, one);
	struct error *err = NULL;

	if (!other && c->inputs_count[!side] == 1)
		other = &c->inputs[!side][0];
	if (!other)
		err = most_alike(c, !side, one, &other);
	if (!err && !other)
		err = ambiguous(c);
	if (err)
		return err;
	err = side == COMPARED_BEFORE ? add_pair(c, one, other)
				      : add_pair(c, other, one);
	if (c->whole[0] && c->whole[1])
		err = err ? err : add_others(c, !side, other);
	return err;
}

static struct error *match_all(struct compared *c)
{
	struct error *err = NULL;
	bool any = false;

	for (size_t i = 0; i < c->inputs_count[0]; i++)
		any |= find(c, COMPARED_AFTER, &c->inputs[0][i]) != NULL;
	if (!any)
		return ambiguous(c);
	for (size_t i = 0; !err && i < c->inputs_count[0]; i++) {
		const struct compared_input *in = &c->inputs[0][i];

		err = add_pair(c, in, find(c, COMPARED_AFTER, in));
	}
	for (size_t i = 0; !err && i < c->inputs_count[1]; i++) {
		const struct compared_input *in = &c->inputs[1][i];

		if (!find(c, COMPARED_BEFORE, in))
			err = add_pair(c, NULL, in);
	}
	return err;
}

struct error *compared_match(struct compared *c)
{
	c->processes = calloc(c->inputs_count[0] + c->inputs_count[1] + 1,
			      sizeof(*c->processes));
	if (!c->processes)
		return &error_no_memory;
	if (c->inputs_count[COMPARED_BEFORE] == 1)
		return match_one(c, COMPARED_BEFORE);
	if (c->inputs_count[COMPARED_AFTER] == 1)
		return match_one(c, COMPARED_AFTER);
	return match_all(c);
}

enum compared_outcome compared_result(const struct compared_counts *c)
{
	static const enum compared_outcome by_weight[] = {
		COMPARED_DIFFERS, COMPARED_GONE, COMPARED_ADDED,
		COMPARED_UNKNOWN,
	};

	for (unsigned i = 0; i < sizeof(by_weight) / sizeof(*by_weight); i++) {
		enum compared_outcome o = by_weight[i];

		if (c->frames[o] || c->threads[o] || c->processes[o])
			return o == COMPARED_UNKNOWN ? o : COMPARED_DIFFERS;
	}
	return c->incomplete ? COMPARED_UNKNOWN : COMPARED_SAME;
}
