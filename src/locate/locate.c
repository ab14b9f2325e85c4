/* SPDX-License-Identifier: GPL-3.0-or-later */
/* locate.c - the signal frames of a snapshot, with the evidence for each */
#include "locate/locate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/text.h"
#include "locate/cached.h"
#include "locate/carried_frames.h"
#include "locate/chain.h"
#include "locate/deaths.h"
#include "locate/decoder.h"
#include "locate/disasm.h"
#include "locate/elsewhere.h"
#include "locate/moved.h"
#include "locate/needs.h"
#include "locate/recall.h"
#include "locate/registered.h"
#include "locate/written.h"
#include "locate/torn.h"

/* Instructions of code whose effect is not known. */
enum { UNKNOWN_SHOWN = 3 };

struct tools {
	const struct snapshot *s;
	struct code *code;
	struct modules *modules;
	struct unwind *unwind;	/* NULL: do not unwind */
	struct disasm *disasm;
	struct needs *needs;
	uint32_t image_max;
	const struct locate_options *options;
	struct ahead ahead;
	struct frame_surroundings cached;	/* by cached_find() */
	bool cached_known;
	struct elsewhere *elsewhere; /* by thread */
};

static void tools_deinit(struct tools *t)
{
	for (size_t i = 0; t->elsewhere && i < t->s->threads_count; i++)
		elsewhere_deinit(&t->elsewhere[i]);
	free(t->elsewhere);
	ahead_deinit(&t->ahead);
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

	*t = (struct tools){
		.s = s,
		.image_max = options->image_max ? options->image_max
						: LOCATE_IMAGE_MAX,
		.options = options,
		.code = code_create(s),
		.elsewhere = calloc(s->threads_count + 1,
				    sizeof(*t->elsewhere)),
	};
	if (!t->code || !t->elsewhere)
		return &error_no_memory;
	err = modules_create(s, &(struct reader_options){
					.in_process = options->in_process,
					.nursery = options->nursery,
				}, &t->modules);
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

		if (sigframe_in_altstack(f, address))
			return FRAME_ON_ALTERNATE;
	}
	if (!m)
		return FRAME_ON_OTHER;
	if (m == snapshot_mapping(s, chain->end_sp) ||
	    (m->path && !strcmp(m->path, "[stack]")))
		return FRAME_ON_MAIN;
	return FRAME_ON_OTHER;
}

/* The instructions that the handler returns to, where they are known. */
static char *restorer_words(struct tools *t, const struct located_frame *frame)
{
	const struct sigframe *f = &frame->facts->sigframe;
	bool wide = sigframe_shapes[f->kind].pointer == 8;
	uint64_t cs = wide ? X86_USER_CS : X86_USER32_CS;
	struct text words = TEXT_INIT;
	uint64_t pcs[EMULATE_MAX];
	char *ret = NULL;

	if (frame->restorer_code)
		return strdup(frame->restorer_code->name);

	unsigned count = code_path(t->code, f->pretcode, cs, pcs);

	/* an ordinary function goes on and on */
	if (frame->returns == FRAME_RETURN_UNKNOWN && count > UNKNOWN_SHOWN)
		count = UNKNOWN_SHOWN;
	for (unsigned i = 0; i < count; i++) {
		char *insn = disasm_instruction(t->disasm, t->code, pcs[i],
						cs);

		if (!insn)
			break;
		text_printf(&words, "%s%s", i ? "; " : "", insn);
		free(insn);
	}
	if (words.size && !text_bad(&words))
		ret = strdup(text_string(&words));
	text_deinit(&words);
	return ret;
}

/* What the bytes of the frame and of the code around it tell. */
static struct error *fill_facts(struct tools *t,
				const struct frame_check *check,
				struct located_frame *ret)
{
	const struct sigframe *f = &check->sigframe;
	uint64_t pc = f->regs.r[X86_RIP];
	struct error *err = facts_gather(t->s, check, t->image_max, ret);

	if (err)
		return err;
	ret->interrupted.instruction = disasm_instruction(
		t->disasm, t->code, pc, f->regs.r[X86_CS]);
	ret->facts->around.isa_needed =
		needs_of(t->needs, t->code, pc, f->regs.r[X86_CS]);
	ret->restorer.instruction = restorer_words(t, ret);
	return NULL;
}

/* The evidence that its return address is. */
static unsigned registered(const struct snapshot *s, const struct sigframe *f)
{
	return registered_is(s, f->kind, f->pretcode) ? FRAME_REGISTERED : 0;
}

/* Everything but how it was found. */
static struct error *fill_frame(struct tools *t,
				const struct frame_check *check,
				enum tri shadow_stack,
				struct located_frame *ret)
{
	const struct sigframe *f = &check->sigframe;
	struct frame_surroundings *around;
	struct error *err;

	modules_place(t->modules, f->regs.r[X86_RIP], &ret->interrupted);
	modules_place(t->modules, f->pretcode, &ret->restorer);
	err = fill_facts(t, check, ret);
	if (err)
		return err;
	if (!t->cached_known) {
		cached_find(t->s, &t->cached);
		t->cached_known = true;
	}
	around = &ret->facts->around;
	around->shadow_stack = shadow_stack;
	around->xsave_room = t->cached.xsave_room;
	around->xsave_compacted = t->cached.xsave_compacted;
	return NULL;
}

static struct error *fill_frames(struct tools *t, const struct chain *chain,
				 struct kept *kept, struct located_thread *ret)
{
	if (!chain->count)
		return NULL;
	ret->frames = calloc(chain->count, sizeof(*ret->frames));
	if (!ret->frames)
		return &error_no_memory;
	ret->frames_count = chain->count;
	for (size_t i = 0; i < chain->count; i++) {
		const struct chain_link *link = &chain->links[i];
		struct located_frame *f = &ret->frames[i];
		struct error *err = fill_frame(t, &link->check,
					       ret->thread->shadow_stack, f);

		if (err)
			return err;
		f->evidence = link->evidence |
			      registered(t->s, &link->check.sigframe);
		f->stack = stack_of(t->s, chain, link->check.sigframe.address);
		err = recall_settle(t->s, t->options, kept, f);
		if (err)
			return err;
	}
	return NULL;
}

static struct error *not_examined(struct located_thread *ret, const char *why)
{
	ret->complete = TRI_UNKNOWN;
	free(ret->incomplete);
	ret->incomplete = strdup(why);
	return ret->incomplete ? NULL : &error_no_memory;
}

static struct error *locate_thread(struct tools *t, const struct thread *thread,
				   struct kept *kept,
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

	err = chain_follow(t->s, t->code, t->unwind, thread,
			   t->options->dormant == LOCATE_DORMANT_NONE
				   ? NULL : &t->ahead, &chain);
	if (err)
		return err;
	ret->stale = chain.stale;
	if (t->unwind && chain.lost.size)
		ret->lost = strdup(text_string(&chain.lost));
	ret->complete = chain.complete;
	err = elsewhere_look(t->s, thread, &chain,
			     &t->elsewhere[thread - t->s->threads]);
	if (!err && chain.complete != TRI_YES)
		err = not_examined(ret, text_string(&chain.incomplete));
	if (!err)
		err = fill_frames(t, &chain, kept, ret);
	chain_deinit(&chain);

	const char *sign = err ? NULL : torn_sign(t->s, ret);

	return sign ? not_examined(ret, sign) : err;
}

/* What nothing leads to is kept short: there may be many. */
static struct error *fill_returned(struct tools *t,
				   const struct frame_check *check,
				   struct located_frame *ret)
{
	struct error *err = facts_gather(t->s, check, t->image_max, ret);
	struct run *area;
	uint64_t size;
	uint8_t *fit;

	if (err || !ret->area_memory)
		return err;
	area = &ret->facts->area;
	size = check->end - area->bytes.addr + XSTATE_MAGIC2_SIZE;
	if (check->end < area->bytes.addr || size >= area->bytes.size)
		return NULL;
	fit = realloc(ret->area_memory, size);
	if (!fit)
		return NULL;
	ret->area_memory = fit;
	*area = (struct run){ { fit, size, area->bytes.addr },
			      RUN_END_UNKNOWN };
	return NULL;
}

static struct error *add_dormant(struct tools *t, const struct dormant *d,
				 struct located *l)
{
	enum tri shadow_stack = snapshot_shadow_stack(t->s);
	struct error *err = NULL;

	l->memory = d->memory;
	l->memory_searched = d->searched;
	l->dormant = calloc(d->count + 1, sizeof(*l->dormant));
	l->returned = calloc(d->count + 1, sizeof(*l->returned));
	if (!l->dormant || !l->returned)
		return &error_no_memory;
	for (size_t i = 0; i < d->count && !err; i++) {
		const struct dormant_frame *from = &d->frames[i];
		bool led_to = from->context.kind;
		struct located_frame *f =
			led_to ? &l->dormant[l->dormant_count++]
			       : &l->returned[l->returned_count++];

		f->evidence = from->evidence |
			      registered(t->s, &from->check.sigframe);
		f->stack = from->stack;
		f->context = from->context;
		if (!led_to) {
			err = fill_returned(t, &from->check, f);
			continue;
		}
		err = fill_frame(t, &from->check, shadow_stack, f);
		modules_place(t->modules, from->context.pc, &f->resumed);
	}
	return err;
}

/* A frame that a thread got away from unseen has to be somewhere. */
static struct error *settle_elsewhere(struct tools *t, const struct dormant *d,
				      struct located *l)
{
	struct error *err = NULL;
	enum tri more = TRI_UNKNOWN;

	for (size_t i = 0; i < l->threads_count && !err; i++)
		if (elsewhere_remains(t->s, t->code, &t->s->threads[i],
				      &t->elsewhere[i], d, &more))
			err = not_examined(&l->threads[i], t->elsewhere[i].why);
	return err;
}

/* Of the process as a whole, so its first thread has to say it. */
static struct error *add_doubt(struct located *l, const char *reason,
			       size_t places)
{
	struct located_thread *t = l->threads;
	struct text why = TEXT_INIT;
	struct error *err = &error_no_memory;

	if (!places || !l->threads_count || t->incomplete)
		return NULL;
	text_printf(&why, "%s: %zu place%s may or may not be dormant frames",
		    reason, places, places == 1 ? "" : "s");
	if (!text_bad(&why))
		err = not_examined(t, text_string(&why));
	text_deinit(&why);
	return err;
}

/* Frames beside those that threads are on their way to. */
static struct error *locate_dormant(struct tools *t,
				    const struct locate_options *options,
				    struct located *l)
{
	uint64_t limit = options->dormant == LOCATE_DORMANT_ALL
				 ? UINT64_MAX
				 : options->dormant_max ? options->dormant_max
							: LOCATE_MEMORY_MAX;
	struct dormant d;
	struct error *err;

	if (options->dormant == LOCATE_DORMANT_NONE || !t->unwind)
		return settle_elsewhere(t, NULL, l);
	ahead_sort(&t->ahead);
	err = dormant_find(t->s, t->code, t->unwind, l, limit, &t->ahead, &d);
	if (err)
		return err;

	size_t doubts = moved_take_out(t->s, t->code, &d);
	bool all = d.searched == d.memory && !written_leaves_out(t->s);

	err = settle_elsewhere(t, all ? &d : NULL, l);
	if (!err)
		err = add_dormant(t, &d, l);
	if (!err)
		err = add_doubt(l, "the process ran on while its memory was "
				   "searched", doubts);
	if (!err)
		err = add_doubt(l, "unwinding of parked stacks is not certain",
				d.unsure);
	dormant_deinit(&d);
	return err;
}

/*
 * Would the registers of a thread tell more that was spared? Not if unwinding
 * has got to its end without them, and arrived at each frame on the way.
 */
static bool lacks_registers(const struct located_thread *t)
{
	if (!t->thread->spared)
		return false;
	for (size_t i = 0; i < t->frames_count; i++)
		if (!(t->frames[i].evidence & FRAME_UNWOUND))
			return true;
	return t->complete != TRI_YES ||
	       (t->lost && (t->frames_count || t->thread->candidate));
}

static struct error *locate_here(struct tools *t,
				 const struct locate_options *options,
				 struct located *l)
{
	const struct snapshot *s = t->s;
	struct error *err = NULL;

	l->threads = calloc(s->threads_count + 1, sizeof(*l->threads));
	if (!l->threads)
		return &error_no_memory;
	while (!err && !l->lacks_registers &&
	       l->threads_count < s->threads_count) {
		size_t i = l->threads_count++;

		err = locate_thread(t, &s->threads[i], &l->kept,
				    &l->threads[i]);
		l->lacks_registers = !err && lacks_registers(&l->threads[i]);
	}
	if (err || l->lacks_registers)
		return err;
	err = locate_dormant(t, options, l);
	/* which may have left a doubt */
	for (size_t i = 0; i < l->threads_count && !err; i++)
		l->lacks_registers |= lacks_registers(&l->threads[i]);
	return err ? err : deaths_find(s, t->code, t->modules, l);
}

/* A frame of an export, of which *ret has only what that says. */
static struct error *fill_carried(struct tools *t, bool brief,
				  struct located_frame *ret, bool *there_ret)
{
	const struct frame_surroundings said = ret->around;
	struct frame_surroundings *around;
	struct frame_check check;
	struct error *err;

	*there_ret = facts_check(t->s, t->code, ret->kind, ret->address,
				 &check);
	if (!*there_ret)
		return NULL;
	err = brief ? fill_returned(t, &check, ret)
		    : fill_facts(t, &check, ret);
	if (err)
		return err;
	around = &ret->facts->around;
	around->shadow_stack = said.shadow_stack;
	around->xsave_room = said.xsave_room;
	around->xsave_compacted = said.xsave_compacted;
	return NULL;
}

static void frame_deinit(struct located_frame *f);

/* The same for all of them; those whose bytes are missing are left out. */
static struct error *fill_all_carried(struct tools *t, bool brief,
				      struct located_frame *frames,
				      size_t *count, bool *missing_ret)
{
	size_t kept = 0;
	struct error *err = NULL;

	for (size_t i = 0; i < *count; i++) {
		bool there = true;

		if (!err)
			err = fill_carried(t, brief, &frames[i], &there);
		if (there) {
			frames[kept++] = frames[i];
		} else {
			frame_deinit(&frames[i]);
			*missing_ret = true;
		}
	}
	*count = kept;
	return err;
}

/* What was found where the export was made. */
static struct error *locate_carried(struct tools *t, struct located *l)
{
	struct carried_deaths deaths;
	bool whole;
	struct error *err = carried_frames_read(t->s, l, &deaths, &whole);
	bool missing = !whole;

	if (!err)
		err = fill_all_carried(t, false, l->dormant, &l->dormant_count,
				       &missing);
	if (!err)
		err = fill_all_carried(t, true, l->returned,
				       &l->returned_count, &missing);
	for (size_t i = 0; i < l->threads_count && !err; i++) {
		struct located_thread *thread = &l->threads[i];

		err = fill_all_carried(t, false, thread->frames,
				       &thread->frames_count, &missing);
		if (!err && missing)
			err = not_examined(thread, "the file lacks a frame, "
					   "or its bytes");
	}
	if (!err)
		err = deaths_find(t->s, t->code, t->modules, l);
	carried_deaths_apply(&deaths, l);
	carried_deaths_deinit(&deaths);
	return err;
}

/*
 * What a file that could not be read might have told is not known to be
 * nothing. Of an export all is known already.
 */
static struct error *settle_unread(struct tools *t, struct located *l)
{
	const char *unread = modules_unread(t->modules);
	struct error *err = NULL;

	if (!unread)
		return NULL;
	l->unread = strdup(unread);
	if (!l->unread)
		return &error_no_memory;
	for (size_t i = 0; i < l->threads_count && t->unwind && !err &&
			   !t->s->carried_frames; i++) {
		struct located_thread *thread = &l->threads[i];

		if (thread->complete == TRI_YES && (thread->lost || !i))
			err = not_examined(thread, unread);
	}
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
	if (!err)
		err = s->carried_frames ? locate_carried(&tools, l)
					: locate_here(&tools, options, l);
	if (!err)
		err = settle_unread(&tools, l);
	tools_deinit(&tools);
	/* what code does must not look as if it had been looked at */
	err = decoder_trouble(err);
	if (err) {
		located_destroy(l);
		return err;
	}
	*ret = l;
	return NULL;
}

static void frame_deinit(struct located_frame *f)
{
	code_place_deinit(&f->interrupted);
	code_place_deinit(&f->restorer);
	code_place_deinit(&f->resumed);
	facts_deinit(f);
	free(f->verdicts);
}

static void frames_free(struct located_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++)
		frame_deinit(&frames[i]);
	free(frames);
}

void located_destroy(struct located *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->threads_count; i++) {
		struct located_thread *t = &l->threads[i];

		frames_free(t->frames, t->frames_count);
		free(t->incomplete);
		free(t->lost);
		code_place_deinit(&t->place);
	}
	deaths_deinit(l);
	frames_free(l->dormant, l->dormant_count);
	frames_free(l->returned, l->returned_count);
	free(l->threads);
	kept_deinit(&l->kept);
	free(l->unread);
	free(l);
}
