/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearse_report.c - what a rehearsal changes about a report's verdict */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../oracle/image.h"
#include "base/cleanup.h"
#include "report/model.h"

static struct host host;
static struct oracle_memory memory;

/* A frame that this kernel built, but for what `change` does to the case. */
static struct located *make_located(void (*change)(struct oracle_case *c,
						   struct frame_facts *f))
{
	struct located *l = calloc(1, sizeof(*l));
	struct located_frame *frame = calloc(1, sizeof(*frame));
	struct frame_facts *f = calloc(1, sizeof(*f));
	struct oracle_case c;
	struct xstate_sw sw;

	assert_non_null(l);
	assert_non_null(frame);
	assert_non_null(f);
	frame->facts = f;
	l->threads = calloc(1, sizeof(*l->threads));
	assert_non_null(l->threads);
	l->threads_count = 1;
	l->threads[0].frames = frame;
	l->threads[0].frames_count = 1;
	l->threads[0].complete = TRI_YES;

	image_base_case(&host, MACHINE_NATIVE, SIGFRAME_X86_64, &c);
	f->around = (struct frame_surroundings){
		.rip_mapped = TRI_YES,
		.rip_executable = TRI_YES,
		.restorer = TRI_YES,
		.restorer_executable = TRI_YES,
		.resident = TRI_YES,
		.stack_mapped = TRI_YES,
	};
	change(&c, f);
	image_compose(&c, &host, &memory);
	f->frame = image_run(&memory, memory.frame);
	f->area = image_run(&memory, memory.fpstate);
	assert_true(sigframe_decode(SIGFRAME_X86_64, f->frame.bytes,
				    &f->sigframe));
	assert_true(xstate_sw_decode(frame_image(f).bytes, &sw));
	f->family = xstate_infer_layout(&sw, &host.cpu.layout, &f->layout);
	return l;
}

/* What a report counts, if that is all that is known of the kernel's rules. */
static struct report_counts counted(const char *name, rules_mask rules,
				    void (*change)(struct oracle_case *c,
						   struct frame_facts *f))
{
	struct report_target target = { .is_host = !strcmp(name, "host") };
	struct host known = host;
	struct rehearse_stage stage = { .host = &known, .ia32 = TRI_NO };
	struct snapshot *s = snapshot_create(SOURCE_CORE);
	struct located *l = make_located(change);
	struct report *r = report_create(&target, 1);
	struct report_counts counts;

	assert_non_null(s);
	assert_non_null(r);
	known.rules = rules;
	target_init(&target.target, name, &host.cpu, rules,
		    cpu_default_features(&host.cpu));
	l->threads[0].thread = snapshot_add_thread(s, 1);
	assert_non_null(l->threads[0].thread);
	assert_null(report_add(r, s, l));
	assert_null(report_rehearse(r, &stage));
	counts = r->counts;
	report_destroy(r);
	return counts;
}

static const rules_mask every = RULES_BIT(RULES_COUNT) - 1;

static void nothing(struct oracle_case *c, struct frame_facts *f)
{
	(void)c;
	(void)f;
}

/* Intact by some rules, lossy by R6 and R7. */
static void extended(struct oracle_case *c, struct frame_facts *f)
{
	(void)f;
	c->v[CASE_EXTENDED] = c->v[CASE_SIZE];
}

/* The same, and what a rehearsal cannot know is not known either. */
static void extended_nowhere(struct oracle_case *c, struct frame_facts *f)
{
	extended(c, f);
	f->around.rip_mapped = TRI_UNKNOWN;
}

static void no_magic1(struct oracle_case *c, struct frame_facts *f)
{
	(void)f;
	c->v[CASE_MAGIC1] = 0;
}

static void nowhere(struct oracle_case *c, struct frame_facts *f)
{
	(void)c;
	f->around.rip_mapped = TRI_NO;
}

static void good_frame(void **state)
{
	struct report_counts c = counted("host", host.rules, nothing);

	(void)state;
	assert_int_equal(report_outcome(&c), OUTCOME_INTACT);
	assert_int_equal(c.bad + c.disagreements + c.settled, 0);
}

/* It settles what the rules left open, either way. */
static void settled(void **state)
{
	const rules_mask covers = RULES_BIT(RULES_R6) | RULES_BIT(RULES_R7);
	struct report_counts c = counted("host", every, extended);

	(void)state;
	if (!host.rules ||
	    ((host.rules & covers) && (host.rules & ~covers)) ||
	    !(host.cpu.xfeatures & XSTATE_BIT(XSTATE_AVX)))
		skip();
	assert_int_equal(c.verdicts[OUTCOME_UNKNOWN], 1);
	assert_int_equal(c.disagreements, 0);
	if (host.rules & covers) {
		assert_int_equal(c.settled, 0);
		assert_int_equal(c.bad, 1);
	} else {
		assert_int_equal(c.settled, 1);
		assert_int_equal(c.bad, 0);
		assert_int_equal(report_outcome(&c), OUTCOME_INTACT);
	}
}

/* But not for another machine, nor where something else is in doubt. */
static void not_settled(void **state)
{
	struct report_counts c = counted("elsewhere", every, extended);

	(void)state;
	if (!(host.cpu.xfeatures & XSTATE_BIT(XSTATE_AVX)))
		skip();
	assert_int_equal(c.settled + c.bad, 0);
	assert_int_equal(report_outcome(&c), OUTCOME_UNKNOWN);
	c = counted("host", every, extended_nowhere);
	assert_int_equal(c.settled, 0);
	assert_int_equal(report_outcome(&c), OUTCOME_UNKNOWN);
}

/* What is bad stays so, also where the rehearsal does not see why. */
static void bad_stays_bad(void **state)
{
	struct report_counts c = counted("host", host.rules, nowhere);

	(void)state;
	assert_int_equal(c.verdicts[OUTCOME_FATAL], 1);
	assert_int_equal(c.bad, 1);
	assert_int_equal(c.settled + c.disagreements, 0);
	assert_int_equal(report_outcome(&c), OUTCOME_FATAL);
	c = counted("host", host.rules, no_magic1);
	assert_int_equal(c.bad, 1);
	assert_int_equal(c.settled + c.disagreements, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_frame),
		cmocka_unit_test(settled),
		cmocka_unit_test(not_settled),
		cmocka_unit_test(bad_stays_bad),
	};

	host_describe(&host);
	host_probe(&host);
	if (!host.probe_ran) {
		printf("1..0 # SKIP %s\n", host.probe_note);
		return 77;
	}
	return cmocka_run_group_tests_name("rehearse_report", tests, NULL,
					   NULL);
}
