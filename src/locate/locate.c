/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locate.c - the signal frames of a snapshot, with the evidence for each */
#include "locate/locate.h"

#include <stdlib.h>
#include <string.h>

#include "locate/cached.h"
#include "locate/chain.h"
#include "locate/disasm.h"
#include "locate/needs.h"

struct tools {
	const struct snapshot *s;
	struct code *code;
	struct modules *modules;
	struct unwind *unwind;	/* NULL: do not unwind */
	struct disasm *disasm;
	struct needs *needs;
	struct frame_surroundings cached;	/* by cached_find() */
	bool cached_known;
};

static void tools_deinit(struct tools *t)
{
	needs_destroy(t->needs);
	disasm_destroy(t->disasm);
	unwind_destroy(t->unwind);
	modules_destroy(t->modules);
	code_destroy(t->code);
}

static struct error *tools_init(struct tools *t, const struct snapshot *s,
				const struct locate_options *options)
{
	struct error *err;

	*t = (struct tools){ .s = s, .code = code_create(s) };
	if (!t->code)
		return &error_no_memory;
	err = modules_create(s, &t->modules);
	if (!err && options->unwind)
		err = unwind_create(s, t->modules, t->code, &t->unwind);
	if (!err)
		err = disasm_create(&t->disasm);
	if (!err)
		err = needs_create(&t->needs);
	return err;
}

/* Alternate if any frame of the thread says that its stack is one there. */
static enum frame_stack stack_of(const struct snapshot *s,
				 const struct chain *chain, uint64_t address)
{
	const struct mapping *m = snapshot_mapping(s, address);

	for (size_t i = 0; i < chain->count; i++) {
		const struct sigframe *f = &chain->links[i].check.sigframe;

		if (f->altstack_size &&
		    !(f->altstack_flags & SIGFRAME_SS_DISABLE) &&
		    address - f->altstack_sp < f->altstack_size)
			return FRAME_ON_ALTERNATE;
	}
	if (!m)
		return FRAME_ON_OTHER;
	if (m == snapshot_mapping(s, chain->end_sp) ||
	    (m->path && !strcmp(m->path, "[stack]")))
		return FRAME_ON_MAIN;
	return FRAME_ON_OTHER;
}

static struct error *fill_frame(struct tools *t, const struct chain *chain,
				const struct chain_link *link,
				struct located_frame *ret)
{
	const struct sigframe *f = &link->check.sigframe;
	uint64_t pc = f->regs.r[X86_RIP];
	struct error *err = facts_gather(t->s, &link->check, ret);

	if (err)
		return err;
	ret->evidence = link->evidence;
	ret->stack = stack_of(t->s, chain, f->address);
	modules_place(t->modules, pc, &ret->interrupted);
	ret->interrupted.instruction = disasm_instruction(
		t->disasm, t->code, pc, f->regs.r[X86_CS]);
	ret->facts.around.isa_needed =
		needs_of(t->needs, t->code, pc, f->regs.r[X86_CS]);
	modules_place(t->modules, f->pretcode, &ret->restorer);
	return NULL;
}

static struct error *fill_frames(struct tools *t, const struct chain *chain,
				 struct located_thread *ret)
{
	enum tri shadow_stack = ret->thread->shadow_stack;

	if (chain->count && !t->cached_known) {
		cached_find(t->s, &t->cached);
		t->cached_known = true;
	}

	if (!chain->count)
		return NULL;
	ret->frames = calloc(chain->count, sizeof(*ret->frames));
	if (!ret->frames)
		return &error_no_memory;
	ret->frames_count = chain->count;
	for (size_t i = 0; i < chain->count; i++) {
		struct error *err = fill_frame(t, chain, &chain->links[i],
					       &ret->frames[i]);

		if (err)
			return err;

		struct frame_surroundings *around =
			&ret->frames[i].facts.around;

		around->shadow_stack = shadow_stack;
		around->xsave_room = t->cached.xsave_room;
		around->xsave_compacted = t->cached.xsave_compacted;
	}
	return NULL;
}

static struct error *not_examined(struct located_thread *ret, const char *why)
{
	ret->complete = TRI_UNKNOWN;
	ret->incomplete = strdup(why);
	return ret->incomplete ? NULL : &error_no_memory;
}

static struct error *locate_thread(struct tools *t, const struct thread *thread,
				   struct located_thread *ret)
{
	struct chain chain;
	struct error *err;

	ret->thread = thread;
	if (thread->has & THREAD_HAS_PC_SP)
		modules_place(t->modules, thread->regs.r[X86_RIP],
			      &ret->place);
	if (thread->clear) {
		ret->complete = TRI_YES;
		return NULL;
	}
	if (thread->problem)
		return not_examined(ret, error_message(thread->problem));
	if (!(thread->has & THREAD_HAS_PC_SP))
		return not_examined(ret, "its registers are not known");

	err = chain_follow(t->s, t->code, t->unwind, thread, &chain);
	if (err)
		return err;
	ret->stale = chain.stale;
	ret->complete = chain.complete;
	if (chain.complete != TRI_YES)
		err = not_examined(ret, text_string(&chain.incomplete));
	if (!err)
		err = fill_frames(t, &chain, ret);
	chain_deinit(&chain);
	return err;
}

struct error *locate(const struct snapshot *s,
		     const struct locate_options *options,
		     struct located **ret)
{
	struct located *l = calloc(1, sizeof(*l));
	struct tools tools;
	struct error *err;

	if (!l)
		return &error_no_memory;
	err = tools_init(&tools, s, options);
	if (!err && s->threads_count) {
		l->threads = calloc(s->threads_count, sizeof(*l->threads));
		if (!l->threads)
			err = &error_no_memory;
	}
	while (!err && l->threads_count < s->threads_count) {
		size_t i = l->threads_count++;

		err = locate_thread(&tools, &s->threads[i], &l->threads[i]);
	}
	tools_deinit(&tools);
	if (err) {
		located_destroy(l);
		return err;
	}
	*ret = l;
	return NULL;
}

void located_destroy(struct located *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->threads_count; i++) {
		struct located_thread *t = &l->threads[i];

		for (size_t k = 0; k < t->frames_count; k++) {
			struct located_frame *f = &t->frames[k];

			code_place_deinit(&f->interrupted);
			code_place_deinit(&f->restorer);
			free(f->frame_memory);
			free(f->area_memory);
		}
		free(t->frames);
		free(t->incomplete);
		code_place_deinit(&t->place);
	}
	free(l->threads);
	free(l);
}
