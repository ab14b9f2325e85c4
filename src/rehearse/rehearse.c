/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearse.c - really return from a frame, on this machine, in a child */
#include "rehearse/rehearse.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "kernel/checks.h"
#include "rehearse/compare.h"
#include "rehearse/scene.h"

/* Milliseconds. A return takes microseconds, but the machine may be busy. */
#define DEADLINE 2000

/*
 * A kernel of rules R2 that meets a page fault beyond what it makes readable
 * tries for ever, and takes no signal meanwhile.
 */
static bool may_never_end(const struct scene *s, const struct target *t,
			  enum rehearse_pages pages)
{
	static const char *const ids[] = {
		"xstate-unreadable", "fxsave-unreadable", "prefault-fails",
	};
	struct target under = *t;

	if (sigframe_shapes[s->facts.sigframe.kind].header ||
	    (t->rules && !(t->rules & RULES_BIT(RULES_R2))))
		return false;
	if (pages == REHEARSE_ABSENT)
		return true;
	under.rules = RULES_BIT(RULES_R2);

	struct verdict v = predict(&s->facts, &under);

	for (unsigned i = 0; i < checks_count; i++) {
		if (!((v.checks | v.unsure) >> i & 1))
			continue;
		for (size_t k = 0; k < sizeof(ids) / sizeof(ids[0]); k++)
			if (!strcmp(checks[i].id, ids[k]))
				return true;
	}
	return false;
}

static void fail(struct rehearsal *ret, const char *reason)
{
	ret->done = false;
	ret->outcome = OUTCOME_UNKNOWN;
	snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

static void take_landing(const struct scene *s,
			 const struct rehearse_stage *stage,
			 struct rehearsal *ret)
{
	const struct returned r = {
		.image = s->result,
		.cpu = &stage->host->cpu,
		.saved = s->features,
		.pkru = (uint32_t)s->job->rows[0].pkru,
	};

	compare_registers(&s->facts, &r, ret);
	compare_verdict(&s->facts, &r, ret);
}

static void take_refusal(const struct scene *s, int signal, int code,
			 struct rehearsal *ret)
{
	ret->outcome = OUTCOME_FATAL;
	ret->signal = signal;
	ret->code = code;
	compare_verdict(&s->facts, NULL, ret);
}

/* One child, and what became of it. */
static void perform(const struct scene *s, const struct rehearse_stage *stage,
		    struct rehearsal *ret)
{
	struct trial_end end = trial_run(s->job, 1, DEADLINE);
	const struct trial_row *row = &s->job->rows[0];
	bool tried = row->path != TRIAL_NOTHING;
	bool own = end.signal == SIGSEGV || end.signal == SIGBUS;

	ret->done = true;
	if (end.fate == TRIAL_SPUN) {
		ret->spun = true;
		take_refusal(s, 0, 0, ret);
	} else if (end.fate == TRIAL_KILLED && tried && own) {
		take_refusal(s, end.signal, 0, ret);
	} else if (end.fate != TRIAL_DONE) {
		fail(ret, end.why);
	} else if (row->path == TRIAL_LANDED) {
		take_landing(s, stage, ret);
	} else if (row->path == TRIAL_SIGNALLED) {
		take_refusal(s, (int)row->signal, (int)row->code, ret);
	} else {
		fail(ret, "sigreturn is blocked here");
	}
}

static void rehearse_once(const struct rehearse_stage *stage,
			  const struct frame_facts *f, uint64_t features,
			  struct rehearsal *ret)
{
	const struct host *host = stage->host;
	struct target t;
	struct scene s;

	*ret = (struct rehearsal){ .outcome = OUTCOME_UNKNOWN,
				   .agrees = true };
	if (scene_set(&s, stage, f, features, ret->reason,
		      sizeof(ret->reason))) {
		target_init(&t, "host", &host->cpu, host->rules, s.features);
		ret->features = s.features;
		ret->expected = predict(&s.facts, &t);
		if (may_never_end(&s, &t, stage->pages))
			fail(ret, "this kernel might never come back from it");
		else
			perform(&s, stage, ret);
	}
	scene_strike(&s);
}

void rehearse(const struct rehearse_stage *stage, const struct frame_facts *f,
	      uint64_t features, struct rehearsal *ret)
{
	rehearse_once(stage, f, features, ret);
	/* the kernel may have taken a page away: nothing to raise alarm for */
	if (!ret->agrees)
		rehearse_once(stage, f, features, ret);
}
