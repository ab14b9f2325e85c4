/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rehearse.c - returns performed in a child, beside what predict() says */

/*
 * The frames are those of the oracle: what this kernel builds, edited; what
 * other machines build; and anything. That predict() is right about them the
 * oracle has found out with a child of its own, which shares no code with the
 * one here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../oracle/image.h"
#include "../oracle/mutate.h"
#include "base/cleanup.h"
#include "describe/host.h"
#include "describe/trial.h"
#include "rehearse/rehearse.h"
#include "rehearse/scene.h"

#define RANDOM_FRAMES 2000

static struct host host;
static struct rehearse_stage stage = { .host = &host };
static struct oracle_memory memory;

/* What a snapshot would tell of the frame that the case describes. */
static void facts_of(const struct oracle_case *c, struct frame_facts *ret)
{
	struct xstate_sw sw;

	image_compose(c, &host, &memory);
	*ret = (struct frame_facts){
		.frame = image_run(&memory, memory.frame),
		.area = image_run(&memory, memory.fpstate),
	};
	if (!sigframe_decode((enum sigframe_kind)c->v[CASE_KIND],
			     ret->frame.bytes, &ret->sigframe))
		ret->sigframe = (struct sigframe){
			.kind = (enum sigframe_kind)c->v[CASE_KIND],
			.fpstate = memory.fpstate,
		};
	if (xstate_sw_decode(frame_image(ret).bytes, &sw))
		ret->family = xstate_infer_layout(&sw, &memory.source.layout,
						  &ret->layout);
}

static struct rehearsal rehearse_case(const struct oracle_case *c)
{
	struct frame_facts facts;
	struct rehearsal r;

	facts_of(c, &facts);
	rehearse(&stage, &facts, cpu_default_features(&host.cpu), &r);
	return r;
}

static struct oracle_case native(enum sigframe_kind kind)
{
	struct oracle_case c;

	image_base_case(&host, MACHINE_NATIVE, kind, &c);
	return c;
}

/* How many of each outcome, and how many could not be tried. */
struct tally {
	unsigned done, refused, outcomes[OUTCOMES], wrong;
};

static void try_case(const char *name, const struct oracle_case *c,
		     struct tally *t)
{
	struct oracle_case base;
	struct rehearsal r = rehearse_case(c);
	char line[1024];

	t->done += r.done;
	t->refused += !r.done;
	t->outcomes[r.outcome]++;
	/* a reason has to be given */
	if (!r.done && !r.reason[0])
		fail_msg("%s: not done, and no reason", name);
	if (r.agrees)
		return;
	t->wrong++;
	image_base_case(&host, c->v[CASE_MACHINE], c->v[CASE_KIND], &base);
	case_format(c, &base, line, sizeof(line));
	print_message("%s: %s, not %s: %s\n  %s\n", name,
		      outcome_name(r.outcome),
		      outcome_name(r.expected.outcome), r.difference, line);
}

static void tell(const char *what, enum sigframe_kind kind,
		 const struct tally *t)
{
	print_message("%s, %s: %u done (%u intact, %u lossy, %u garbled, "
		      "%u fatal), %u refused, %u wrong\n", what,
		      sigframe_shapes[kind].name, t->done,
		      t->outcomes[OUTCOME_INTACT], t->outcomes[OUTCOME_LOSSY],
		      t->outcomes[OUTCOME_GARBLED], t->outcomes[OUTCOME_FATAL],
		      t->refused, t->wrong);
}

static const enum sigframe_kind kinds[] = {
	SIGFRAME_X86_64, SIGFRAME_IA32_RT, SIGFRAME_IA32,
};

static bool can_do(enum sigframe_kind kind)
{
	return kind == SIGFRAME_X86_64 || stage.ia32 == TRI_YES;
}

static void native_frames(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct oracle_case c = native(kinds[i]);
		struct rehearsal r = rehearse_case(&c);

		if (!can_do(kinds[i])) {
			assert_false(r.done);
			continue;
		}
		assert_true(r.done);
		assert_int_equal(r.outcome, OUTCOME_INTACT);
		assert_true(r.agrees);
		assert_int_equal(r.lost | r.garbled, 0);
	}
}

static void edited_frames(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct tally t = { 0 };
		struct edited e;

		for (unsigned n = 0; can_do(kinds[i]) &&
				     mutate_edited(&host, kinds[i], n, &e); n++)
			if (!e.skipped)
				try_case(e.name, &e.c, &t);
		tell("edited", kinds[i], &t);
		assert_int_equal(t.wrong, 0);
		assert_true(!can_do(kinds[i]) || t.done > 20);
		assert_true(!can_do(kinds[i]) || t.outcomes[OUTCOME_FATAL]);
	}
}

static void other_machines(void **state)
{
	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct tally t = { 0 };
		struct oracle_case c;

		for (unsigned n = 0; can_do(kinds[i]) &&
				     mutate_machine(&host, kinds[i], n, &c); n++)
			try_case("machine", &c, &t);
		tell("other machines", kinds[i], &t);
		assert_int_equal(t.wrong, 0);
		assert_true(!can_do(kinds[i]) || t.done > 20);
	}
}

static void random_frames(void **state)
{
	const char *given = getenv("REHEARSE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 20261122;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct random r = random_of(seed + kinds[i]);
		struct tally t = { 0 };
		char name[64];

		for (unsigned n = 0; can_do(kinds[i]) && n < RANDOM_FRAMES; n++) {
			struct oracle_case c;

			mutate_random(&host, kinds[i], &r, &c);
			snprintf(name, sizeof(name), "seed %#jx frame %u",
				 (uintmax_t)seed, n);
			try_case(name, &c, &t);
		}
		tell("random", kinds[i], &t);
		assert_int_equal(t.wrong, 0);
		assert_true(!can_do(kinds[i]) ||
			    t.done > RANDOM_FRAMES / 2);
	}
}

/* Which registers are lost is said by name. */
static void lost_registers(void **state)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct rehearsal r;

	(void)state;
	if (!(host.cpu.xfeatures & XSTATE_BIT(XSTATE_AVX)))
		skip();
	c.v[CASE_MAGIC1] = 0;
	r = rehearse_case(&c);
	assert_int_equal(r.outcome, OUTCOME_LOSSY);
	assert_true(r.lost & XSTATE_BIT(XSTATE_AVX));
	assert_false(r.lost & XSTATE_LEGACY);
	assert_int_equal(r.registers[XSTATE_AVX], 0xffff);
	assert_int_equal(r.registers[XSTATE_SSE], 0);
}

/* What has its initial value cannot get lost, whatever the kernel does. */
static void lost_zeros(void **state)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct frame_facts f;
	struct rehearsal r;
	struct run image;

	(void)state;
	c.v[CASE_MAGIC1] = 0;
	facts_of(&c, &f);
	image = frame_image(&f);
	for (unsigned i = XSTATE_AVX; i < XSTATE_MAX; i++)
		if (f.layout.features & XSTATE_BIT(i))
			memset(memory.arena + (memory.image - CHILD_ARENA) +
			       f.layout.offset[i], 0, f.layout.size[i]);
	assert_true(image.bytes.size > 0);
	rehearse(&stage, &f, cpu_default_features(&host.cpu), &r);
	assert_int_equal(r.outcome, OUTCOME_INTACT);
	assert_true(r.agrees);
}

/* A set of rules that this kernel does not follow expects something else. */
static void wrong_rules(void **state)
{
	const rules_mask covers = RULES_BIT(RULES_R6) | RULES_BIT(RULES_R7);
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct host other = host;
	struct rehearse_stage elsewhere = { .host = &other };
	struct frame_facts f;
	struct rehearsal r;

	(void)state;
	if (!(host.cpu.xfeatures & XSTATE_BIT(XSTATE_AVX)) || !host.rules ||
	    ((host.rules & covers) && (host.rules & ~covers)))
		skip();
	other.rules = RULES_BIT(host.rules & covers ? RULES_R3 : RULES_R6);
	c.v[CASE_EXTENDED] = c.v[CASE_SIZE];
	facts_of(&c, &f);
	rehearse(&elsewhere, &f, cpu_default_features(&host.cpu), &r);
	assert_true(r.done);
	assert_false(r.agrees);
	assert_true(r.difference[0]);
	/* and by its own rules all is well */
	rehearse(&stage, &f, cpu_default_features(&host.cpu), &r);
	assert_true(r.agrees);
}

/* PKRU may forbid all memory; the child has to find that out nevertheless. */
static void locked_memory(void **state)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	uint32_t pkru = UINT32_MAX;
	struct frame_facts f;
	struct rehearsal r;

	(void)state;
	if (!(host.cpu.xfeatures & XSTATE_BIT(XSTATE_PKRU)))
		skip();
	facts_of(&c, &f);
	memcpy(memory.arena + (memory.image - CHILD_ARENA) +
	       host.cpu.layout.offset[XSTATE_PKRU], &pkru, sizeof(pkru));
	rehearse(&stage, &f, cpu_default_features(&host.cpu), &r);
	assert_int_equal(r.outcome, OUTCOME_INTACT);
	assert_true(r.agrees);
}

static void refuses(const struct rehearse_stage *where,
		    const struct frame_facts *f, const char *word)
{
	struct rehearsal r;

	rehearse(where, f, cpu_default_features(&host.cpu), &r);
	assert_false(r.done);
	assert_int_equal(r.outcome, OUTCOME_UNKNOWN);
	assert_true(r.agrees);
	if (!strstr(r.reason, word))
		fail_msg("'%s' does not speak of %s", r.reason, word);
}

static void refusals(void **state)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct rehearse_stage where = stage;
	struct host other = host;
	struct frame_facts f, good;

	(void)state;
	facts_of(&c, &good);

	f = good;
	f.sigframe.kind = SIGFRAME_X32;
	refuses(&stage, &f, "kind");
	f = good;
	f.area = (struct run){ bytes_first(good.area.bytes, 1024),
			       RUN_END_UNKNOWN };
	refuses(&stage, &f, "behind fpstate");
	f = good;
	f.area.bytes.size = 1000;
	f.area.end = RUN_END_UNREADABLE;
	refuses(&stage, &f, "inside a page");
	f = good;
	f.frame.bytes.size = 100;
	refuses(&stage, &f, "frame");
	f = good;
	f.sigframe.regs.r[X86_SS] = 7;	/* local table */
	refuses(&stage, &f, "segment");
	f = good;
	f.sigframe.regs.r[X86_CS] = 12 << 3 | 3;	/* thread-local slot */
	refuses(&stage, &f, "segment");

	other.probe_ran = false;
	snprintf(other.probe_note, sizeof(other.probe_note), "not today");
	where.host = &other;
	refuses(&where, &good, "not today");

	if (stage.ia32 != TRI_YES)
		return;
	c = native(SIGFRAME_IA32_RT);
	facts_of(&c, &f);
	where = stage;
	where.ia32 = TRI_NO;
	refuses(&where, &f, "32-bit");
}

/* What might never come back from the kernel is not begun. */
static void endless(void **state)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct host other = host;
	struct rehearse_stage where = { .host = &other };
	struct frame_facts f;

	(void)state;
	other.rules = RULES_BIT(RULES_R2) | RULES_BIT(RULES_R3);
	where.pages = REHEARSE_ABSENT;
	facts_of(&c, &f);
	refuses(&where, &f, "never");

	/* claims what lies behind the end of memory */
	where.pages = REHEARSE_PRESENT;
	if (!(host.cpu.xfeatures & XSTATE_BIT(XSTATE_AVX)))
		return;
	c.v[CASE_SIZE] = XSTATE_MIN_SIZE;
	c.v[CASE_EXTENDED] = XSTATE_MIN_SIZE + XSTATE_MAGIC2_SIZE;
	c.v[CASE_MAGIC2_AT] = XSTATE_MIN_SIZE;
	c.v[CASE_ROOM] = XSTATE_MIN_SIZE + 64;
	facts_of(&c, &f);
	refuses(&where, &f, "never");
	other.rules = 0;
	refuses(&where, &f, "never");
}

static void absent_pages(void **state)
{
	struct rehearse_stage where = stage;

	(void)state;
	if (!host.rules || (host.rules & RULES_BIT(RULES_R2)))
		skip();
	where.pages = REHEARSE_ABSENT;
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct tally t = { 0 };
		struct edited e;

		if (!can_do(kinds[i]))
			continue;
		for (unsigned n = 0; mutate_edited(&host, kinds[i], n, &e); n++) {
			struct frame_facts f;
			struct rehearsal r;

			if (e.skipped)
				continue;
			facts_of(&e.c, &f);
			rehearse(&where, &f, cpu_default_features(&host.cpu),
				 &r);
			t.done += r.done;
			t.wrong += !r.agrees;
			t.outcomes[r.outcome]++;
			if (!r.agrees)
				print_message("%s: %s\n", e.name, r.difference);
		}
		tell("absent", kinds[i], &t);
		assert_int_equal(t.wrong, 0);
		assert_true(t.done > 20);
	}
}

/* A scene whose frame leads to that code, by way of a pad. */
static void set_with_code(struct scene *s, const uint8_t *code, size_t size)
{
	struct oracle_case c = native(SIGFRAME_X86_64);
	struct frame_facts f;
	char why[128];
	uint64_t rip;

	/* leads to 64-bit code all the same */
	c.v[CASE_CS] = X86_USER32_CS;
	facts_of(&c, &f);
	assert_true(scene_set(s, &stage, &f, cpu_default_features(&host.cpu),
			      why, sizeof(why)));
	rip = s->facts.sigframe.regs.r[X86_RIP] & ~UINT64_C(4095);
	assert_int_equal(mprotect((void *)rip, 4096, PROT_READ | PROT_WRITE),
			 0);
	memcpy((uint8_t *)rip + TRIAL_PAD_64, code, size);
	assert_int_equal(mprotect((void *)rip, 4096, PROT_READ | PROT_EXEC), 0);
}

/*
 * The mechanism: a frame that leads to an endless loop. The child must not
 * outlive its time, and nothing of it may be left.
 */
static void deadline(void **state)
{
	static const uint8_t loop[] = { 0xeb, 0xfe };	/* jmp . */
	struct trial_end end;
	struct scene s;

	(void)state;
	set_with_code(&s, loop, sizeof(loop));
	end = trial_run(s.job, 1, 3000);
	assert_int_equal(end.fate, TRIAL_SPUN);
	assert_int_equal(s.job->rows[0].path, TRIAL_TRIED);
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	scene_strike(&s);
}

/* The filter: no system call but those that are needed. */
static void confined(void **state)
{
	/* mov $39, %eax; syscall (getpid); then the landing's own code */
	static const uint8_t call[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05 };
	struct trial_end end;
	struct scene s;

	(void)state;
	set_with_code(&s, call, sizeof(call));
	end = trial_run(s.job, 1, TRIAL_DEADLINE * 4);
	assert_int_equal(end.fate, TRIAL_KILLED);
	assert_int_equal(end.signal, SIGSYS);
	scene_strike(&s);
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static volatile sig_atomic_t children_seen;

static void count_child(int signo)
{
	(void)signo;
	children_seen++;
}

/* Neither descriptors nor children nor signals, even for who ignores them. */
static void no_traces(void **state)
{
	static void (*const handlers[])(int) = { count_child, SIG_IGN };
	struct oracle_case c = native(SIGFRAME_X86_64);
	unsigned before = open_descriptors();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(handlers); i++) {
		signal(SIGCHLD, handlers[i]);
		assert_true(rehearse_case(&c).done);
		assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
		assert_int_equal(errno, ECHILD);
	}
	signal(SIGCHLD, SIG_DFL);
	assert_int_equal(children_seen, 0);
	assert_int_equal(open_descriptors(), before);
}

static int prepare(void **state)
{
	(void)state;
	host_describe(&host);
	host_probe(&host);
	stage.ia32 = host.ia32;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_frames),
		cmocka_unit_test(edited_frames),
		cmocka_unit_test(other_machines),
		cmocka_unit_test(random_frames),
		cmocka_unit_test(lost_registers),
		cmocka_unit_test(lost_zeros),
		cmocka_unit_test(wrong_rules),
		cmocka_unit_test(locked_memory),
		cmocka_unit_test(refusals),
		cmocka_unit_test(endless),
		cmocka_unit_test(absent_pages),
		cmocka_unit_test(deadline),
		cmocka_unit_test(confined),
		cmocka_unit_test(no_traces),
	};

	prepare(NULL);
	if (!host.probe_ran) {
		printf("1..0 # SKIP %s\n", host.probe_note);
		return 77;
	}
	return cmocka_run_group_tests_name("rehearse", tests, NULL, NULL);
}
