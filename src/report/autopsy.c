/* SPDX-License-Identifier: GPL-3.0-or-later */
/* autopsy.c - the parts of a report that tell what a thread died of */
#include "report/autopsy.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/message.h"
#include "x86/siginfo.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

static const struct field ELEMENT = TO_JSON("");
static const struct field BLANK = { .flow = FLOW_BLANK };
static const struct field F_CAUSE = { .flow = FLOW_LINE,
				      .style = STYLE_WARNING };

/* The signal that killed a process. */

static const struct field F_KILLED_BY = TO_JSON("killed_by");
static const struct field F_KILLED_CODE = TO_JSON("killed_code");

/* Signals whose default action is a core: others stopped it for a debugger. */
static bool kills_with_core(int32_t signo)
{
	static const uint8_t signals[] = { 3, 4, 5, 6, 7, 8, 11, 24, 25, 31 };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (signals[i] == signo)
			return true;
	return false;
}

/* Of the first thread that has one: in a core it is the one that died. */
static bool find_killer(const struct snapshot *s, struct siginfo *ret)
{
	for (size_t i = 0; s->kind == SOURCE_CORE && i < s->threads_count; i++) {
		const struct thread *t = &s->threads[i];

		if (t->has & THREAD_HAS_SIGINFO)
			return snapshot_siginfo(s, t, ret) &&
			       kills_with_core(ret->signo);
	}
	return false;
}

static void add_signal(struct text *t, const struct siginfo *info)
{
	text_add(t, info->signal_name);
	if (info->code_name)
		text_printf(t, " (%s)", info->code_name);
}

void report_add_killer(const struct report_input *in, struct text *t)
{
	struct siginfo info;

	if (!find_killer(in->snapshot, &info))
		return;
	text_add(t, ", killed by ");
	add_signal(t, &info);
}

static void emit_killer(const struct report_input *in, struct emitter *e)
{
	struct siginfo info = { 0 };
	bool known = find_killer(in->snapshot, &info);

	emit_string(e, &F_KILLED_BY, known ? info.signal_name : NULL);
	emit_string(e, &F_KILLED_CODE, known ? info.code_name : NULL);
}

/* The sentence. */

static pid_t tid_of(const struct report_input *in,
		    const struct located_death *d)
{
	return in->located->threads[d->thread].thread->tid;
}

static void add_cause(const struct report_input *in,
		      const struct report_autopsy *a, struct text *t)
{
	static const char *const fates[] = {
		[AUTOPSY_UNREADABLE] = "could not be read",
		[AUTOPSY_REFUSED] = "was refused",
		[AUTOPSY_FAULT] = "was restored, and the return faulted",
	};

	text_printf(t, "thread %d %s%s of a sigreturn: its frame at 0x%" PRIx64
		    " %s, %s: ",
		    (int)tid_of(in, a->death),
		    a->finding.certain ? "" : "probably ",
		    a->death->signal ? "got SIGSEGV because" : "died",
		    a->frame->facts->sigframe.address, fates[a->finding.kind],
		    checks[a->finding.check].id);
	message_add_check(t, a->finding.check, a->frame->facts, &a->target);
}

void report_emit_causes(const struct report_input *in, const char *name,
			struct emitter *e)
{
	for (size_t i = 0; i < in->autopsies_count; i++) {
		struct text t = TEXT_INIT;

		if (name)
			text_printf(&t, "%s: ", name);
		add_cause(in, &in->autopsies[i], &t);
		emit_string(e, &F_CAUSE, text_string(&t));
		text_deinit(&t);
	}
}

/* The whole of it. */

static const struct field F_AUTOPSIES = TO_JSON("autopsy");
static const struct field F_TITLE = { .text = "autopsy of thread %",
				      .flow = FLOW_LINE,
				      .style = STYLE_TITLE };
static const struct field F_TID = TO_JSON("tid");
static const struct field F_KIND = TO_JSON("kind");
static const struct field F_CERTAIN = TO_JSON("certain");
static const struct field F_CAUGHT = TO_JSON("caught");
static const struct field F_SIGNAL = { .text = "signal       %",
				       .flow = FLOW_LINE };
static const struct field F_SIGNAL_NAME = TO_JSON("signal");
static const struct field F_SIGNAL_CODE = TO_JSON("code");
static const struct field F_FRAME = TO_JSON("frame");
static const struct field F_ADDRESS = { .key = "address",
					.text = "frame at     %",
					.flow = FLOW_LINE };
static const struct field F_FRAME_KIND = { .key = "kind", .text = "  %",
					   .flow = FLOW_MORE };
static const struct field F_PC = { .key = "pc", .text = ", back to %",
				   .flow = FLOW_MORE };
static const struct field F_SP = TO_JSON("sp");
static const struct field F_SYMBOL = { .key = "symbol", .text = ", %",
				       .flow = FLOW_MORE };
static const struct field F_CHECK = TO_JSON("check");
static const struct field F_ID = { .key = "id", .text = "check        %: ",
				   .flow = FLOW_LINE };
static const struct field F_MESSAGE = { .key = "message", .flow = FLOW_MORE };
static const struct field F_EFFECT = { .key = "effect",
				       .text = "             %",
				       .flow = FLOW_LINE };
static const struct field F_ADVICE = { .key = "advice",
				       .text = "advice       %",
				       .flow = FLOW_LINE };
static const struct field F_MACHINE = TO_JSON("machine");
static const struct field F_XFEATURES = { .key = "xfeatures",
					  .text = "died on      xfeatures %",
					  .flow = FLOW_LINE };
static const struct field F_LAYOUT = { .key = "layout", .text = ", % layout",
				       .flow = FLOW_MORE };
static const struct field F_MXCSR = { .key = "mxcsr_mask",
				      .text = ", MXCSR bits %",
				      .flow = FLOW_MORE };
static const struct field F_RULES = TO_JSON("rules");
static const struct field F_RULES_TEXT = { .text = ", rules %",
					   .flow = FLOW_MORE };
static const struct field F_EVIDENCE = TO_JSON("evidence");
static const struct field F_FACT = { .key = "", .text = "evidence     %",
				     .flow = FLOW_LINE };

static void emit_machine(const struct report_autopsy *a, struct emitter *e)
{
	const struct cpu_model *cpu = a->target.cpu;
	struct text rules = TEXT_INIT;

	emit_object(e, &F_MACHINE, SHAPE_PLAIN);
	emit_word(e, &F_XFEATURES, cpu->xfeatures);
	emit_string(e, &F_LAYOUT, xstate_family_name(cpu->family));
	if (cpu->mxcsr_mask)
		emit_word(e, &F_MXCSR, cpu->mxcsr_mask);
	else
		emit_null(e, &F_MXCSR);
	emit_array(e, &F_RULES, SHAPE_JSON_ONLY);
	for (unsigned i = 0; i < RULES_COUNT; i++) {
		if (!(a->finding.rules & RULES_BIT(i)))
			continue;
		text_printf(&rules, "%s%s", rules.size ? " or " : "",
			    rules_table[i].id);
		emit_string(e, &ELEMENT, rules_table[i].id);
	}
	emit_end(e);
	emit_string(e, &F_RULES_TEXT, text_string(&rules));
	emit_end(e);
	text_deinit(&rules);
}

static void emit_evidence(const struct report_autopsy *a, struct emitter *e)
{
	const struct autopsy_death *d = &a->death->death;

	emit_array(e, &F_EVIDENCE, SHAPE_PLAIN);
	if (d->in_sigreturn)
		emit_string(e, &F_FACT, "the thread stood in sigreturn");
	else
		emit_string(e, &F_FACT,
			    "the thread had all registers of the frame");
	if (a->finding.kind == AUTOPSY_REFUSED && d->initial == TRI_YES)
		emit_string(e, &F_FACT,
			    "its extended state was initial, as after a "
			    "frame that is refused");
	if (!d->in_sigreturn && autopsy_no_fault(d))
		emit_string(e, &F_FACT,
			    "no instruction of its own had faulted (RF is 0)");
	emit_end(e);
}

static void emit_autopsy(const struct report_input *in,
			 const struct report_autopsy *a, struct emitter *e)
{
	const struct sigframe *s = &a->frame->facts->sigframe;
	const struct check *c = &checks[a->finding.check];
	const struct siginfo *info = &a->death->death.info;
	bool read = a->finding.kind != AUTOPSY_UNREADABLE;
	struct text t = TEXT_INIT;

	emit_string(e, &BLANK, "");
	emit_number(e, &F_TITLE, tid_of(in, a->death));
	emit_object(e, &ELEMENT, SHAPE_INDENTED);
	emit_number(e, &F_TID, tid_of(in, a->death));
	emit_string(e, &F_KIND, autopsy_kind_names[a->finding.kind]);
	emit_bool(e, &F_CERTAIN, a->finding.certain);
	emit_bool(e, &F_CAUGHT, a->death->signal);
	add_signal(&t, info);
	if (a->death->signal)
		text_add(&t, ", now in its handler");
	emit_string(e, &F_SIGNAL, text_string(&t));
	emit_string(e, &F_SIGNAL_NAME, info->signal_name);
	emit_string(e, &F_SIGNAL_CODE, info->code_name);
	emit_object(e, &F_FRAME, SHAPE_PLAIN);
	emit_word(e, &F_ADDRESS, s->address);
	emit_string(e, &F_FRAME_KIND, sigframe_shapes[s->kind].name);
	if (read) {
		emit_word(e, &F_PC, s->regs.r[X86_RIP]);
		emit_word(e, &F_SP, s->regs.r[X86_RSP]);
	} else {
		emit_null(e, &F_PC);
		emit_null(e, &F_SP);
	}
	emit_string(e, &F_SYMBOL,
		    read ? a->frame->interrupted.function : NULL);
	emit_end(e);
	text_clear(&t);
	message_add_check(&t, a->finding.check, a->frame->facts, &a->target);
	emit_object(e, &F_CHECK, SHAPE_PLAIN);
	emit_string(e, &F_ID, c->id);
	emit_string(e, &F_MESSAGE, text_string(&t));
	emit_string(e, &F_EFFECT, c->effect);
	emit_string(e, &F_ADVICE, c->advice);
	emit_end(e);
	emit_machine(a, e);
	emit_evidence(a, e);
	emit_end(e);
	text_deinit(&t);
}

/* Hints. */

static const struct field F_HINTS = TO_JSON("hints");
static const struct field F_HINT_ID = TO_JSON("id");
static const struct field F_HINT_TID = TO_JSON("tid");
static const struct field F_HINT_ADDRESS = TO_JSON("address");
static const struct field F_HINT_CHECK = TO_JSON("check");
static const struct field F_HINT_TEXT = { .key = "message", .text = "hint: %",
					  .flow = FLOW_LINE,
					  .style = STYLE_WARNING };

static const char *const hint_ids[REPORT_HINT_KINDS] = {
	[REPORT_HINT_SUSPECTED] = "sigreturn-suspected",
	[REPORT_HINT_LOSSY] = "returned-lossy",
	[REPORT_HINT_GARBLED] = "returned-garbled",
};

static void add_suspicion(struct text *t, pid_t tid,
			  const struct located_death *d)
{
	text_printf(t, "thread %d may have got SIGSEGV because a sigreturn "
		    "failed: it came from the kernel, no instruction of its "
		    "own had faulted, and its extended state was initial; ",
		    (int)tid);
	if (d->signal)
		text_printf(t, "the frame at 0x%" PRIx64 " may have been "
			    "written over the one to blame",
			    d->signal->facts->sigframe.address);
	else
		text_add(t, d->searched ? "no frame to blame was found"
					: "the frame to blame is not in what "
					  "could be read");
}

static void emit_hint(const struct report_input *in,
		      const struct report_hint *h, struct emitter *e)
{
	struct text t = TEXT_INIT;

	emit_string(e, &F_HINT_ID, hint_ids[h->kind]);
	if (h->death) {
		emit_number(e, &F_HINT_TID, tid_of(in, h->death));
		emit_null(e, &F_HINT_ADDRESS);
		emit_null(e, &F_HINT_CHECK);
		add_suspicion(&t, tid_of(in, h->death), h->death);
	} else {
		emit_null(e, &F_HINT_TID);
		emit_word(e, &F_HINT_ADDRESS,
			  h->frame->facts->sigframe.address);
		emit_string(e, &F_HINT_CHECK, checks[h->check].id);
		text_printf(&t, "a frame at 0x%" PRIx64 ", left over from a "
			    "handler that is gone, cannot have come back %s if "
			    "it was returned from here: ",
			    h->frame->facts->sigframe.address,
			    h->kind == REPORT_HINT_LOSSY ? "whole" : "right");
		message_add_check(&t, h->check, h->frame->facts,
				  &in->origin->target);
	}
	emit_string(e, &F_HINT_TEXT, text_string(&t));
	text_deinit(&t);
}

void report_emit_autopsies(const struct report_input *in, struct emitter *e)
{
	emit_killer(in, e);
	emit_array(e, &F_AUTOPSIES, SHAPE_PLAIN);
	for (size_t i = 0; i < in->autopsies_count; i++)
		emit_autopsy(in, &in->autopsies[i], e);
	emit_end(e);
	emit_array(e, &F_HINTS, SHAPE_PLAIN);
	if (in->hints_count)
		emit_string(e, &BLANK, "");
	for (size_t i = 0; i < in->hints_count; i++) {
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_hint(in, &in->hints[i], e);
		emit_end(e);
	}
	emit_end(e);
}
