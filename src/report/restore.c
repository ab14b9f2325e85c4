/* SPDX-License-Identifier: GPL-3.0-or-later */
/* restore.c - the parts of a report that tell what "criu restore" would do */
#include "report/restore.h"

#include <string.h>

#include "base/cleanup.h"
#include "report/frame.h"
#include "report/message.h"

#define TO_JSON(k) { .key = (k), .flow = FLOW_HIDDEN }

/* What can become of a thread, the worst first. */
enum effect {
	LIVE_KILLED,
	FRAME_KILLED,
	FRAME_GARBLED,
	LIVE_LOST,
	FRAME_LOST,
	FRAME_HURT,		/* not intact, but it is not known how */
	LIVE_DOUBTFUL,
	FRAME_DOUBTFUL,
	FRAMES_MISSING,
	EFFECTS,
};

/* Of one thread, and of several. */
static const struct {
	const char *one, *several;
	bool registers;		/* which ones, behind it */
	bool handler;		/* whose return it comes of, behind that */
	const char *last;
} effects[EFFECTS] = {
	[LIVE_KILLED] = { " is killed as it goes on",
			  " are killed as they go on", .last = "" },
	[FRAME_KILLED] = { " is killed", " are killed", .handler = true,
			   .last = "" },
	[FRAME_GARBLED] = { " gets foreign bytes in its",
			    " get foreign bytes in their", .registers = true,
			    .handler = true, .last = "" },
	[LIVE_LOST] = { " loses the", " lose the", .registers = true,
			.last = " in use at the dump" },
	[FRAME_LOST] = { " loses its", " lose their", .registers = true,
			 .handler = true, .last = "" },
	[FRAME_HURT] = { " does not come back intact",
			 " do not come back intact", .handler = true,
			 .last = "" },
	[LIVE_DOUBTFUL] = { " may lose registers", " may lose registers",
			    .last = "" },
	[FRAME_DOUBTFUL] = { " may not come back intact",
			     " may not come back intact", .handler = true,
			     .last = "" },
	[FRAMES_MISSING] = { " may have frames that are not known",
			     " may have frames that are not known",
			     .last = "" },
};

#define NAMED_MAX 3

/* The threads that an effect has. */
struct victims {
	size_t count;
	pid_t first[NAMED_MAX];
	pid_t last;
	uint64_t registers;	/* components, of all */
	uint64_t signals;	/* of the handlers, bit n-1 */
	bool nameless;		/* the signal of one is not known */
};

static void add_victim(struct victims *v, pid_t tid, uint64_t registers)
{
	v->registers |= registers;
	/* threads come one by one: only the last may come again */
	if (v->count && v->last == tid)
		return;
	v->last = tid;
	if (v->count < NAMED_MAX)
		v->first[v->count] = tid;
	v->count++;
}

static void add_signal(struct victims *v, const struct sigframe *f)
{
	struct siginfo info;
	unsigned number = report_frame_signal(f, &info) ? (unsigned)info.signo
							 : f->sig;

	if (number && number <= SIGINFO_SIGNALS)
		v->signals |= UINT64_C(1) << (number - 1);
	else
		v->nameless = true;
}

static enum effect frame_effect(const struct verdict *v)
{
	switch (v->outcome) {
	case OUTCOME_LOSSY:
		return FRAME_LOST;
	case OUTCOME_GARBLED:
		return FRAME_GARBLED;
	case OUTCOME_FATAL:
		return FRAME_KILLED;
	case OUTCOME_UNKNOWN:
		return verdict_is_bad(v) ? FRAME_HURT : FRAME_DOUBTFUL;
	case OUTCOME_INTACT:
	case OUTCOMES:
		break;
	}
	return EFFECTS;
}

static enum effect live_effect(const struct criu_live *l)
{
	switch (l->outcome) {
	case OUTCOME_LOSSY:
		return LIVE_LOST;
	case OUTCOME_FATAL:
		return LIVE_KILLED;
	case OUTCOME_INTACT:
		return EFFECTS;
	case OUTCOME_GARBLED:	/* nothing of ours is read from elsewhere */
	case OUTCOME_UNKNOWN:
	case OUTCOMES:
		break;
	}
	return LIVE_DOUBTFUL;
}

static uint64_t lost_of_frame(const struct verdict *v)
{
	return v->outcome == OUTCOME_GARBLED ? v->garbled : v->lost;
}

static void find_victims(const struct report_input *in, size_t target,
			 struct victims ret[EFFECTS])
{
	const struct report_criu *c = &in->criu[target];

	for (size_t i = 0; i < in->located->threads_count; i++) {
		const struct located_thread *l = &in->located->threads[i];
		pid_t tid = l->thread->tid;
		enum effect live = live_effect(&c->threads[i]);

		if (live != EFFECTS)
			add_victim(&ret[live], tid, c->threads[i].lost);
		for (size_t k = 0; k < l->frames_count; k++) {
			const struct verdict *v =
				&in->threads[i].frames[k].verdicts[target];
			enum effect effect = frame_effect(v);

			if (effect == EFFECTS)
				continue;
			add_victim(&ret[effect], tid, lost_of_frame(v));
			/* those of checkpoints are never forgotten */
			add_signal(&ret[effect],
				   &l->frames[k].facts->sigframe);
		}
		if (l->complete != TRI_YES)
			add_victim(&ret[FRAMES_MISSING], tid, 0);
	}
}

/* "a", "a and b", "a, b and c". */
static void add_joint(struct text *t, size_t i, size_t count)
{
	if (i)
		text_add(t, i + 1 < count ? ", " : " and ");
}

/* " AVX and AVX-512 registers"; the one that has no component of its own. */
static void add_registers(struct text *t, uint64_t mask)
{
	static const struct {
		uint64_t mask;
		const char *name;
	} families[] = {
		{ XSTATE_BIT(XSTATE_X87), "x87" },
		{ XSTATE_BIT(XSTATE_SSE), "SSE" },
		{ XSTATE_BIT(XSTATE_AVX), "AVX" },
		{ XSTATE_BIT(XSTATE_BNDREGS) | XSTATE_BIT(XSTATE_BNDCSR),
		  "MPX" },
		{ XSTATE_BIT(XSTATE_OPMASK) | XSTATE_BIT(XSTATE_ZMM_HI256) |
			  XSTATE_BIT(XSTATE_HI16_ZMM), "AVX-512" },
		{ XSTATE_BIT(XSTATE_PKRU), "protection key" },
		{ XSTATE_BIT(XSTATE_XTILECFG) | XSTATE_BIT(XSTATE_XTILEDATA),
		  "AMX" },
		{ XSTATE_BIT(XSTATE_APX), "APX" },
	};
	size_t count = 0, done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		count += (mask & families[i].mask) != 0;
	text_add(t, count ? " " : "");
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (!(mask & families[i].mask))
			continue;
		add_joint(t, done++, count);
		text_add(t, families[i].name);
	}
	text_add(t, count ? " registers" : " MXCSR");
}

static void add_threads(struct text *t, const struct victims *v)
{
	if (v->count > NAMED_MAX) {
		text_printf(t, "%zu threads", v->count);
		return;
	}
	text_add(t, v->count == 1 ? "thread " : "threads ");
	for (size_t i = 0; i < v->count; i++) {
		add_joint(t, i, v->count);
		text_printf(t, "%d", (int)v->first[i]);
	}
}

/* " when its SIGUSR1 handler returns" */
static void add_handler(struct text *t, const struct victims *v)
{
	bool one = v->count == 1;

	text_add(t, one ? " when its " : " when their ");
	if (!v->nameless && v->signals && !(v->signals & (v->signals - 1))) {
		message_add_signals(t, v->signals);
		text_add(t, " ");
	}
	one = one && !(v->signals & (v->signals - 1));
	text_add(t, one ? "handler returns" : "handlers return");
}

static void add_effect(struct text *t, enum effect effect,
		       const struct victims *v, bool first)
{
	add_threads(t, v);
	text_add(t, first ? " then" : "");
	text_add(t, v->count == 1 ? effects[effect].one
				  : effects[effect].several);
	if (effects[effect].registers)
		add_registers(t, v->registers);
	if (effects[effect].handler)
		add_handler(t, v);
	text_add(t, effects[effect].last);
}

static void add_effects(struct text *t, const struct report_input *in,
			size_t target)
{
	struct victims victims[EFFECTS] = { 0 };
	size_t dormant = 0;
	bool first = true;

	find_victims(in, target, victims);
	for (enum effect i = 0; i < EFFECTS; i++) {
		if (!victims[i].count)
			continue;
		text_add(t, first ? " and report success; " : "; ");
		add_effect(t, i, &victims[i], first);
		first = false;
	}
	for (size_t i = 0; i < in->located->dormant_count; i++)
		dormant += in->dormant[i].verdicts[target].outcome !=
			   OUTCOME_INTACT;
	if (dormant) {
		text_add(t, first ? " and report success; " : "; ");
		text_printf(t, "%zu dormant frame%s", dormant,
			    dormant == 1 ? " does not or may not return intact"
					 : "s do not or may not return intact");
	}
	if (first && !dormant)
		text_add(t, in->snapshot->threads_chosen
				    ? "; no register of the threads asked for "
				      "is lost"
				    : "; no register is lost");
}

/* "criu will restore this and report success; ..." */
static void add_restore(struct text *t, const struct report_input *in,
			size_t target)
{
	const struct report_criu *c = &in->criu[target];

	if (c->refused == TRI_YES) {
		text_add(t, "criu will refuse to restore this, as there is no "
			    "XSAVE");
		return;
	}
	text_add(t, c->refused == TRI_NO ? "criu will restore this"
					 : "criu may refuse to restore this, "
					   "or restore it");
	add_effects(t, in, target);
}

static const struct field F_SENTENCE = { .flow = FLOW_LINE,
					 .style = STYLE_TITLE };

/* "on A and B, criu will ..."; `body` is what holds for all of `same`. */
static void emit_sentence(const struct report *r,
			  const struct report_input *in, const char *body,
			  const bool *same, size_t count, struct emitter *e)
{
	struct text t = TEXT_INIT;
	size_t done = 0;

	if (r->several)
		text_printf(&t, "process %d: ", (int)in->snapshot->pid);
	text_add(&t, "on ");
	for (size_t i = 0; i < r->targets_count; i++) {
		if (!same[i])
			continue;
		add_joint(&t, done++, count);
		text_add(&t, report_target_title(&r->targets[i]));
	}
	text_printf(&t, ", %s", body);
	emit_string(e, &F_SENTENCE, text_string(&t));
	text_deinit(&t);
}

void report_emit_restores(const struct report *r,
			  const struct report_input *in, struct emitter *e)
{
	size_t targets = in->criu_count;
	CLEANUP_FREE struct text *body = calloc(targets + 1, sizeof(*body));
	CLEANUP_FREE bool *said = calloc(targets + 1, sizeof(*said));
	CLEANUP_FREE bool *same = calloc(targets + 1, sizeof(*same));

	if (!body || !said || !same)
		return;
	for (size_t i = 0; i < targets; i++)
		add_restore(&body[i], in, i);
	for (size_t i = 0; i < targets; i++) {
		size_t count = 0;

		if (said[i])
			continue;
		for (size_t k = 0; k < targets; k++) {
			same[k] = !said[k] &&
				  !strcmp(text_string(&body[i]),
					  text_string(&body[k]));
			said[k] |= same[k];
			count += same[k];
		}
		emit_sentence(r, in, text_string(&body[i]), same, count, e);
	}
	for (size_t i = 0; i < targets; i++)
		text_deinit(&body[i]);
}

/* The details. */

static const struct field ELEMENT = TO_JSON("");
static const struct field BLANK = { .flow = FLOW_BLANK };
static const struct field F_CRIU = {
	.key = "criu",
	.text = "criu restore on\tregisters\twhy, as of CRIU " CRIU_VERSIONS,
	.flow = FLOW_HIDDEN };
static const struct field F_TARGET = { .key = "target",
				       .flow = FLOW_COLUMN_0 };
static const struct field F_REFUSED = TO_JSON("refused");
static const struct field F_OUTCOME = TO_JSON("outcome");
static const struct field F_OUTCOME_TEXT = { .flow = FLOW_COLUMN_1,
					     .style = STYLE_OUTCOME };
static const struct field F_MESSAGE_JSON = TO_JSON("message");
static const struct field F_REASONS = TO_JSON("reasons");
static const struct field F_ID = { .key = "id", .text = "%: ",
				   .flow = FLOW_COLUMN_2 };
static const struct field F_UNSURE_ID = { .key = "id", .text = "perhaps %: ",
					  .flow = FLOW_COLUMN_2 };
static const struct field F_CAP_ID = TO_JSON("id");
static const struct field F_CAPS_TEXT = { .text = "--cpu-cap%",
					  .flow = FLOW_COLUMN_2 };
static const struct field F_CERTAIN = TO_JSON("certain");
static const struct field F_MESSAGE = { .key = "message",
					.flow = FLOW_MORE };
static const struct field F_CPU_CAP = TO_JSON("cpu_cap");
static const struct field F_REFUSED_BY = TO_JSON("refused_by");
static const struct field F_THREADS = TO_JSON("threads");
static const struct field F_TID = TO_JSON("tid");
static const struct field F_LOST = TO_JSON("lost");

static void emit_reasons(const struct criu_findings *f, struct emitter *e)
{
	struct text message = TEXT_INIT;

	emit_array(e, &F_REASONS, SHAPE_PLAIN);
	for (enum criu_index i = 0; i < CRIU_INDEXES; i++) {
		bool certain = f->found >> i & 1;

		if (!certain && !(f->unsure >> i & 1))
			continue;
		text_clear(&message);
		message_add_criu(&message, i, f);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, certain ? &F_ID : &F_UNSURE_ID,
			    criu_reasons[i].id);
		emit_bool(e, &F_CERTAIN, certain);
		emit_string(e, &F_MESSAGE, text_string(&message));
		emit_end(e);
	}
	emit_end(e);
	text_deinit(&message);
}

/* "=fpu would refuse: A, B"; nothing if there are none of that kind. */
static void add_caps(struct text *t, uint64_t found, enum criu_kind kind,
		     const char *option)
{
	const char *separator = option;

	for (enum criu_index i = 0; i < CRIU_INDEXES; i++) {
		if (!(found >> i & 1) || criu_reasons[i].kind != kind)
			continue;
		text_printf(t, "%s%s", separator, criu_reasons[i].id);
		separator = ", ";
	}
}

/*
 * Nobody has to use that option: of a dump without cpuinfo.img only JSON says
 * so, and text has no more than the ids.
 */
static void emit_caps(const struct criu_findings *f, struct emitter *e)
{
	const uint64_t no_cpuinfo = UINT64_C(1) << CRIU_CAP_NO_CPUINFO;
	struct text message = TEXT_INIT, ids = TEXT_INIT;

	emit_array(e, &F_CPU_CAP,
		   f->found & no_cpuinfo ? SHAPE_JSON_ONLY : SHAPE_PLAIN);
	for (enum criu_index i = 0; i < CRIU_INDEXES; i++) {
		if (!(f->found >> i & 1))
			continue;
		text_clear(&message);
		message_add_criu(&message, i, f);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, &F_CAP_ID, criu_reasons[i].id);
		emit_string(e, &F_REFUSED_BY,
			    criu_reasons[i].kind == CRIU_REFUSES_CPU ? "cpu"
								    : "fpu");
		emit_string(e, &F_MESSAGE_JSON, text_string(&message));
		emit_end(e);
	}
	add_caps(&ids, f->found, CRIU_REFUSES_FPU, "=fpu would refuse: ");
	add_caps(&ids, f->found, CRIU_REFUSES_CPU,
		 ids.size ? "; =cpu also: " : "=cpu would refuse: ");
	if (ids.size)
		emit_string(e, &F_CAPS_TEXT, text_string(&ids));
	emit_end(e);
	text_deinit(&message);
	text_deinit(&ids);
}

static void emit_threads(const struct report_input *in,
			 const struct report_criu *c, struct emitter *e)
{
	emit_array(e, &F_THREADS, SHAPE_JSON_ONLY);
	for (size_t i = 0; i < in->located->threads_count; i++) {
		const struct criu_live *l = &c->threads[i];

		emit_object(e, &ELEMENT, SHAPE_JSON_ONLY);
		emit_number(e, &F_TID, in->located->threads[i].thread->tid);
		emit_string(e, &F_OUTCOME, outcome_name(l->outcome));
		report_emit_components(&F_LOST, l->lost, e);
		emit_end(e);
	}
	emit_end(e);
}

static bool has_reasons(const struct report_input *in)
{
	const uint64_t no_cpuinfo = UINT64_C(1) << CRIU_CAP_NO_CPUINFO;

	for (size_t i = 0; i < in->criu_count; i++)
		if (in->criu[i].why.found | in->criu[i].why.unsure |
		    (in->criu[i].compared.found & ~no_cpuinfo))
			return true;
	return false;
}

void report_emit_criu(const struct report *r, const struct report_input *in,
		      struct emitter *e)
{
	bool shown = has_reasons(in);

	if (!in->criu)
		return;
	if (shown)
		emit_string(e, &BLANK, "");
	emit_array(e, &F_CRIU, shown ? SHAPE_TABLE : SHAPE_JSON_ONLY);
	for (size_t i = 0; i < in->criu_count; i++) {
		const struct report_criu *c = &in->criu[i];
		struct text message = TEXT_INIT;

		add_restore(&message, in, i);
		emit_object(e, &ELEMENT, SHAPE_PLAIN);
		emit_string(e, &F_TARGET, r->targets[i].target.name);
		if (c->refused == TRI_UNKNOWN)
			emit_null(e, &F_REFUSED);
		else
			emit_bool(e, &F_REFUSED, c->refused == TRI_YES);
		emit_string(e, &F_OUTCOME, outcome_name(c->outcome));
		emit_string(e, &F_OUTCOME_TEXT,
			    c->refused == TRI_YES ? "refused"
						  : outcome_name(c->outcome));
		emit_string(e, &F_MESSAGE_JSON, text_string(&message));
		emit_reasons(&c->why, e);
		emit_caps(&c->compared, e);
		emit_threads(in, c, e);
		emit_end(e);
		text_deinit(&message);
	}
	emit_end(e);
}

void report_add_restored(const struct report_counts *c, struct text *t)
{
	if (c->criu_refuses)
		text_printf(t, "; %zu refused by criu", c->criu_refuses);
	if (c->restored_bad > c->criu_refuses)
		text_printf(t, "; live registers lost in %zu checkpoint%s",
			    c->restored_bad - c->criu_refuses,
			    text_plural(c->restored_bad - c->criu_refuses));
}
