/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - predictions held against what this kernel and CPU really do */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compare.h"
#include "describe/spec.h"
#include "emulator.h"
#include "harness.h"
#include "mutate.h"

#define DEFAULT_SEED 20260926
#define DEFAULT_COUNT 5000
#define CHILD_NAME "oracle-child"
#define LINE_SIZE 2048
#define DISAGREEMENTS_SHOWN 20
#define UNDECIDED_PERCENT 15	/* more is no prediction */
#define EMULATED_MS 30000	/* to wait for an answer */

/* Every case is predicted for each of these, and performed once. */
enum { HOST, DESCRIBED, TARGETS };

struct oracle {
	struct host host;
	struct description *described;	/* this machine again, or NULL */
	struct target targets[TARGETS];
	unsigned targets_count;
	struct harness harness;
	struct oracle_memory memory;
	bool verbose;
	int last_signal;	/* that killed a child; 0: none */
	unsigned tests;		/* lines of TAP so far */
	bool failed;
};

struct tally {
	struct {
		unsigned count[AGREEMENTS];
		unsigned outcomes[OUTCOMES];	/* as predicted */
	} of[TARGETS];
	unsigned skipped;
};

struct options {
	uint64_t seed;
	unsigned long count;
	const char *line;
	const char *target;
	bool emulated;
	bool verbose;
};

/* Ends the run: without the child nothing can be found out. */
static void bail_out(struct error *err)
{
	printf("Bail out! %s\n", error_message(err));
	error_free(err);
	exit(EXIT_FAILURE);
}

/*
 * Kernels with a copying fallback copy all of a misaligned image over the
 * thread's own state, and its header unchecked: what that thread restores
 * next may fail for it. Is there anything in the header beside XSTATE_BV?
 */
static bool spoils_thread(const struct oracle_case *c,
			  const struct oracle_memory *m)
{
	return c->v[CASE_SHIFT] % 64 &&
	       (c->v[CASE_XCOMP] || c->v[CASE_RESERVED] || !m->source.xsave ||
		c->v[CASE_FPSTATE] != CASE_DEFAULT ||
		c->v[CASE_MAGIC2_AT] < XSTATE_MIN_SIZE ||
		(c->v[CASE_MAGIC2_ALSO] &&
		 c->v[CASE_MAGIC2_ALSO] < XSTATE_MIN_SIZE));
}

static void perform(struct oracle *o, const struct oracle_case *c,
		    struct comparison ret[TARGETS])
{
	static const struct {
		uint32_t nr, int80;
	} calls[SIGFRAME_KINDS] = {
		[SIGFRAME_X86_64] = { 15, 0 },
		[SIGFRAME_IA32_RT] = { 173, 1 },
		[SIGFRAME_IA32] = { 119, 1 },
	};
	struct harness *h = &o->harness;
	struct oracle_memory *m = &o->memory;
	struct child_request *q = &h->shared->request;
	enum harness_end end;
	int signo;

	image_compose(c, &o->host, m);
	for (unsigned i = 0; i < CHILD_PAGES; i++) {
		q->pages[i] = m->pages[i];
		if (m->pages[i] != CHILD_UNMAPPED)
			memcpy(h->pages[i], m->arena + i * CHILD_PAGE,
			       CHILD_PAGE);
	}
	q->sp = m->sp;
	q->nr = calls[c->v[CASE_KIND]].nr;
	q->int80 = calls[c->v[CASE_KIND]].int80;

	struct error *err = harness_run(h, &end, &signo);

	if (err)
		bail_out(err);
	o->last_signal = signo;
	if (o->host.rules & RULES_BIT(RULES_R1) && spoils_thread(c, m))
		harness_forget(h);
	for (unsigned i = 0; i < o->targets_count; i++)
		compare(c, m, &o->host, &o->targets[i], h, end, signo,
			&ret[i]);
}

static void print_outcomes(const char *what, unsigned possible)
{
	printf("%s", what);
	for (unsigned i = 0; i < OUTCOMES; i++) {
		if (possible & 1u << i)
			printf(" %s", outcome_name((enum outcome)i));
	}
}

/* The line that repeats the case, and what came of it. */
static void print_case(const struct oracle *o, const char *name,
		       const struct oracle_case *c, unsigned target,
		       const struct comparison *cmp)
{
	static const char *const words[AGREEMENTS] = {
		[AGREES] = "agrees",
		[UNDECIDED] = "undecided",
		[DISAGREES] = "DISAGREES",
	};
	const struct child_result *r = &o->harness.shared->result;
	struct oracle_case base;
	char line[LINE_SIZE];

	image_base_case(&o->host, c->v[CASE_MACHINE], c->v[CASE_KIND], &base);
	case_format(c, &base, line, sizeof(line));
	printf("# %s: %s for %s: %s\n#   --case='%s'\n",
	       words[cmp->agreement], name, o->targets[target].name, cmp->why,
	       line);
	print_outcomes("#   predicted", cmp->verdict.possible);
	printf(", paths %#x, loaded %#" PRIx64 ", garbled %#" PRIx64
	       ", lost %#" PRIx64 "\n",
	       cmp->verdict.paths, cmp->verdict.loaded, cmp->verdict.garbled,
	       cmp->verdict.lost);
	printf("#   observed %s, path %u, signal %u, code %d, trap %" PRIu64
	       ", rip %#" PRIx64 ", rsp %#" PRIx64 "\n",
	       outcome_name(cmp->observed), r->path, r->signo, r->code,
	       r->trapno, r->regs[X86_RIP], r->regs[X86_RSP]);
}

static void try_case(struct oracle *o, const char *name,
		     const struct oracle_case *c, struct tally *tally)
{
	struct comparison cmp[TARGETS];

	perform(o, c, cmp);
	for (unsigned i = 0; i < o->targets_count; i++) {
		unsigned *count = tally->of[i].count;

		count[cmp[i].agreement]++;
		tally->of[i].outcomes[cmp[i].verdict.outcome]++;
		if (o->verbose || (cmp[i].agreement == DISAGREES &&
				   count[DISAGREES] <= DISAGREEMENTS_SHOWN))
			print_case(o, name, c, i, &cmp[i]);
	}
}

/*
 * A line of TAP. Where the release names one set of rules, all evidence is
 * there and only few cases may stay undecided; else the prediction would pass
 * by not committing itself.
 */
static void report_target(struct oracle *o, const char *group, uint64_t kind,
			  const struct tally *t, unsigned target)
{
	const unsigned *count = t->of[target].count;
	unsigned cases = count[AGREES] + count[UNDECIDED] + count[DISAGREES];
	rules_mask rules = o->targets[target].rules;
	bool one_rule = rules && !(rules & (rules - 1));
	bool vague = one_rule && count[UNDECIDED] * 100 >
				 cases * UNDECIDED_PERCENT;
	bool ok = cases && !count[DISAGREES] && !vague;

	printf("%sok %u - %s %s frames for %s: %u cases, %u agree, "
	       "%u disagree, %u undecided, %u skipped\n",
	       ok ? "" : "not ", ++o->tests, group, sigframe_shapes[kind].name,
	       o->targets[target].name, cases, count[AGREES],
	       count[DISAGREES], count[UNDECIDED], t->skipped);
	printf("# predicted:");
	for (unsigned i = 0; i < OUTCOMES; i++)
		printf(" %u %s", t->of[target].outcomes[i],
		       outcome_name((enum outcome)i));
	printf("\n");
	if (vague)
		printf("# too many cases are undecided\n");
	fflush(stdout);
	o->failed |= !ok;
}

static void report(struct oracle *o, const char *group, uint64_t kind,
		   const struct tally *t)
{
	for (unsigned i = 0; i < o->targets_count; i++)
		report_target(o, group, kind, t, i);
}

static void try_edited(struct oracle *o, uint64_t kind)
{
	struct tally tally = { 0 };
	struct edited e;

	for (unsigned i = 0; mutate_edited(&o->host, kind, i, &e); i++) {
		if (e.skipped) {
			printf("# skipped: %s: %s\n", e.name, e.skipped);
			tally.skipped++;
			continue;
		}
		try_case(o, e.name, &e.c, &tally);
	}
	report(o, "edited", kind, &tally);
}

static void try_machines(struct oracle *o, uint64_t kind)
{
	struct tally tally = { 0 };
	struct oracle_case c;

	for (unsigned i = 0; mutate_machine(&o->host, kind, i, &c); i++)
		try_case(o, machines[c.v[CASE_MACHINE]].name, &c, &tally);
	report(o, "cross-machine", kind, &tally);
}

static void try_random(struct oracle *o, uint64_t kind, uint64_t seed,
		       unsigned long count)
{
	struct tally tally = { 0 };
	struct random r = random_of(seed + kind);
	struct oracle_case c;
	char name[64];

	for (unsigned long i = 0; i < count; i++) {
		mutate_random(&o->host, kind, &r, &c);
		snprintf(name, sizeof(name), "seed %#" PRIx64 " index %lu",
			 seed, i);
		try_case(o, name, &c, &tally);
	}
	report(o, "random", kind, &tally);
}

/*
 * Why frames of that kind cannot be tried here; NULL if they can. Whether the
 * return also does what it should is for the tests to find out.
 */
static const char *why_not(struct oracle *o, enum sigframe_kind kind)
{
	const struct child_result *r = &o->harness.shared->result;
	struct comparison cmp[TARGETS];
	struct oracle_case c;

	image_base_case(&o->host, MACHINE_NATIVE, kind, &c);
	perform(o, &c, cmp);
	if (r->path == CHILD_CONTINUED)
		return "this sigreturn is blocked here";
	if (o->last_signal == SIGSYS)
		return "this sigreturn is forbidden here";
	/* int $0x80 is refused with the address of the instruction */
	if (kind != SIGFRAME_X86_64 && r->path == CHILD_SIGNALLED &&
	    r->regs[X86_RSP] == o->memory.sp)
		return "this kernel runs no 32-bit programs";
	return NULL;
}

static void base_for_parse(void *arg, uint64_t machine, uint64_t kind,
			   struct oracle_case *ret)
{
	image_base_case(arg, machine, kind, ret);
}

/* Repeat one case. */
static int replay(struct oracle *o, const char *line)
{
	struct tally tally = { 0 };
	struct oracle_case c;
	const char *bad;

	if (!case_parse(line, base_for_parse, &o->host, &c, &bad)) {
		fprintf(stderr, "oracle: not a field: %s\n", bad);
		return EXIT_FAILURE;
	}
	o->verbose = true;
	try_case(o, "replayed", &c, &tally);
	report(o, "replayed", c.v[CASE_KIND], &tally);
	printf("1..%u\n", o->tests);
	return o->failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool parse_number(const char *s, uint64_t *ret)
{
	char *end;

	*ret = strtoull(s, &end, 0);
	return *s && !*end;
}

static bool parse_options(int argc, char **argv, struct options *ret)
{
	static const struct option longs[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "count", required_argument, NULL, 'n' },
		{ "case", required_argument, NULL, 'c' },
		{ "target", required_argument, NULL, 't' },
		{ "emulated", no_argument, NULL, 'e' },
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	uint64_t count;
	int opt;

	*ret = (struct options){
		.seed = DEFAULT_SEED,
		.count = DEFAULT_COUNT,
	};
	while ((opt = getopt_long(argc, argv, "s:n:c:t:ev", longs, NULL)) != -1) {
		switch (opt) {
		case 's':
			if (!parse_number(optarg, &ret->seed))
				return false;
			break;
		case 'n':
			if (!parse_number(optarg, &count) || count > UINT_MAX)
				return false;
			ret->count = count;
			break;
		case 'c':
			ret->line = optarg;
			break;
		case 't':
			ret->target = optarg;
			break;
		case 'e':
			ret->emulated = true;
			break;
		case 'v':
			ret->verbose = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc;
}

/* The child's executable lies beside ours. */
static bool find_child(char *ret, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", ret, size - 1);

	if (len <= 0)
		return false;
	ret[len] = '\0';

	char *slash = strrchr(ret, '/');
	size_t room = slash ? size - (size_t)(slash + 1 - ret) : 0;

	if (room <= strlen(CHILD_NAME))
		return false;
	memcpy(slash + 1, CHILD_NAME, sizeof(CHILD_NAME));
	return access(ret, X_OK) == 0;
}

/* By what the run shall be judged. */
static struct error *choose_targets(struct oracle *o,
				    const struct options *opt)
{
	static const char *const tri_words[] = {
		[TRI_UNKNOWN] = "not known", [TRI_NO] = "no", [TRI_YES] = "yes"
	};
	struct cpu_model *cpu = &o->host.cpu;
	struct error *err;

	if (opt->emulated) {
		err = emulator_measure(cpu);
		if (err)
			return err;
		o->harness.patience_ms = EMULATED_MS;
		printf("# emulated: reserved MXCSR bits are refused: %s, "
		       "components not in use are read: %s, MXCSR stays when "
		       "AVX becomes initial: %s, FXRSTOR reads all 512 bytes: "
		       "%s%s%s\n",
		       tri_words[cpu->checks_mxcsr],
		       tri_words[cpu->reads_unused],
		       tri_words[cpu->keeps_mxcsr],
		       tri_words[cpu->reads_reserved],
		       emulator_bugs.keeps_initial
			       ? ", MXCSR stays when SSE becomes initial: yes"
			       : "",
		       emulator_bugs.clears_zmm
			       ? ", ZMM halves go with those of YMM: yes"
			       : "");
	}
	target_init(&o->targets[HOST], "host@host", cpu, o->host.rules,
		    cpu_default_features(cpu));
	o->targets_count = 1;
	if (!opt->target)
		return NULL;

	err = spec_parse(opt->target, &o->host, &o->described);
	if (err)
		return err;

	struct cpu_model *same = &o->described->cpu;

	/* of the same CPU, and descriptions do not tell */
	same->checks_mxcsr = cpu->checks_mxcsr;
	same->reads_unused = cpu->reads_unused;
	same->keeps_mxcsr = cpu->keeps_mxcsr;
	same->reads_reserved = cpu->reads_reserved;
	target_init(&o->targets[DESCRIBED], opt->target, same,
		    o->described->rules, cpu_default_features(same));
	o->targets_count = 2;
	return NULL;
}

static void run_all(struct oracle *o, const struct options *opt)
{
	static const enum sigframe_kind kinds[] = {
		SIGFRAME_X86_64, SIGFRAME_IA32_RT, SIGFRAME_IA32
	};

	printf("# %s, xfeatures %#" PRIx64 ", %s layout, user size %u, "
	       "kernel %s, rules %#x\n# seed %#" PRIx64 "\n",
	       o->host.brand, o->host.cpu.xfeatures,
	       xstate_family_name(o->host.cpu.family),
	       cpu_user_size(&o->host.cpu, cpu_default_features(&o->host.cpu)),
	       o->host.release, o->host.rules, opt->seed);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *reason = why_not(o, kinds[i]);

		if (reason) {
			printf("ok %u - %s frames # SKIP %s\n", ++o->tests,
			       sigframe_shapes[kinds[i]].name, reason);
			continue;
		}
		try_edited(o, kinds[i]);
		try_machines(o, kinds[i]);
		if (opt->count)
			try_random(o, kinds[i], opt->seed, opt->count);
	}
	printf("# children: %lu\n1..%u\n", o->harness.started, o->tests);
}

int main(int argc, char **argv)
{
	static struct oracle o;
	struct options opt;
	char child[PATH_MAX];
	uint64_t features;

	if (!parse_options(argc, argv, &opt)) {
		fprintf(stderr, "usage: oracle [--seed=N] [--count=N] "
				"[--target=SPEC] [--emulated] [--verbose] "
				"[--case=LINE]\n");
		return EXIT_FAILURE;
	}
	if (!find_child(child, sizeof(child))) {
		printf("Bail out! %s is not beside the program\n", CHILD_NAME);
		return EXIT_FAILURE;
	}
	host_describe(&o.host);
	o.verbose = opt.verbose;
	features = o.host.cpu.xsave == TRI_YES
			   ? cpu_default_features(&o.host.cpu)
			   : 0;

	struct error *err = harness_init(&o.harness, child, features);

	if (!err)
		err = choose_targets(&o, &opt);
	if (err)
		bail_out(err);
	image_live(&o.host, cpu_default_features(&o.host.cpu),
		   o.harness.shared->live);

	const char *reason = why_not(&o, SIGFRAME_X86_64);
	int status;

	if (reason) {
		printf("1..0 # SKIP %s\n", reason);
		status = 77;
	} else if (opt.line) {
		status = replay(&o, opt.line);
	} else {
		run_all(&o, &opt);
		status = o.failed ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	harness_deinit(&o.harness);
	description_destroy(o.described);
	return status;
}
