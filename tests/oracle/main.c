/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - predictions held against what this kernel and CPU really do */
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "compare.h"
#include "harness.h"
#include "mutate.h"

#define DEFAULT_COUNT 5000
#define CHILD_NAME "oracle-child"
#define LINE_SIZE 2048
#define DISAGREEMENTS_SHOWN 20

struct oracle {
	struct host host;
	struct harness harness;
	struct oracle_memory memory;
	bool verbose;
	int last_signal;	/* that killed a child; 0: none */
	unsigned tests;		/* lines of TAP so far */
	bool failed;
};

struct tally {
	unsigned count[AGREEMENTS];
	unsigned skipped;
	unsigned outcomes[OUTCOMES];	/* as predicted */
};

struct options {
	uint64_t seed;
	unsigned long count;
	const char *line;
	bool verbose;
};

/* Ends the run: without the child nothing can be found out. */
static void bail_out(struct error *err)
{
	printf("Bail out! %s\n", error_message(err));
	error_free(err);
	exit(EXIT_FAILURE);
}

static void perform(struct oracle *o, const struct oracle_case *c,
		    struct comparison *ret)
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
	compare(c, m, &o->host, h, end, signo, ret);
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
		       const struct oracle_case *c,
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
	printf("# %s: %s: %s\n#   --case='%s'\n", words[cmp->agreement], name,
	       cmp->why, line);
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
	struct comparison cmp;

	perform(o, c, &cmp);
	tally->count[cmp.agreement]++;
	tally->outcomes[cmp.verdict.outcome]++;
	if (o->verbose || (cmp.agreement == DISAGREES &&
			   tally->count[DISAGREES] <= DISAGREEMENTS_SHOWN))
		print_case(o, name, c, &cmp);
}

/*
 * One line of TAP. Where the release names one set of rules, all evidence is
 * there and only few cases may stay undecided; else the prediction would pass
 * by not committing itself.
 */
static void report(struct oracle *o, const char *group, uint64_t kind,
		   const struct tally *t)
{
	unsigned cases = t->count[AGREES] + t->count[UNDECIDED] +
			 t->count[DISAGREES];
	bool one_rule = o->host.rules && !(o->host.rules & (o->host.rules - 1));
	bool vague = one_rule && t->count[UNDECIDED] * 10 > cases;
	bool ok = cases && !t->count[DISAGREES] && !vague;

	printf("%sok %u - %s %s frames: %u cases, %u agree, %u disagree, "
	       "%u undecided, %u skipped\n",
	       ok ? "" : "not ", ++o->tests, group, sigframe_shapes[kind].name,
	       cases, t->count[AGREES], t->count[DISAGREES],
	       t->count[UNDECIDED], t->skipped);
	printf("# predicted:");
	for (unsigned i = 0; i < OUTCOMES; i++)
		printf(" %u %s", t->outcomes[i],
		       outcome_name((enum outcome)i));
	printf("\n");
	if (vague)
		printf("# too many cases are undecided\n");
	fflush(stdout);
	o->failed |= !ok;
}

static void try_edited(struct oracle *o, uint64_t kind)
{
	struct tally tally = { { 0 } };
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
	struct tally tally = { { 0 } };
	struct oracle_case c;

	for (unsigned i = 0; mutate_machine(&o->host, kind, i, &c); i++)
		try_case(o, machines[c.v[CASE_MACHINE]].name, &c, &tally);
	report(o, "cross-machine", kind, &tally);
}

static void try_random(struct oracle *o, uint64_t kind, uint64_t seed,
		       unsigned long count)
{
	struct tally tally = { { 0 } };
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
	struct comparison cmp;
	struct oracle_case c;

	image_base_case(&o->host, MACHINE_NATIVE, kind, &c);
	perform(o, &c, &cmp);
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
	struct tally tally = { { 0 } };
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
		{ "verbose", no_argument, NULL, 'v' },
		{ 0 },
	};
	struct timespec now;
	uint64_t count;
	int opt;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct options){
		.seed = (uint64_t)now.tv_sec * 1000000000 +
			(uint64_t)now.tv_nsec,
		.count = DEFAULT_COUNT,
	};
	while ((opt = getopt_long(argc, argv, "s:n:c:v", longs, NULL)) != -1) {
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
				"[--verbose] [--case=LINE]\n");
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
	return status;
}
