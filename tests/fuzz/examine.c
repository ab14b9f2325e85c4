/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examine.c - what the program does with a snapshot, for fuzz targets */
#include "examine.h"

#include "base/cleanup.h"
#include "fuzz.h"
#include "origin.h"
#include "targets.h"

/* A directory that holds no program: results depend on the input alone. */
const struct core_options examine_options = { .sysroot = "/proc/self/fdinfo" };

/* Nothing of it counts. */
static const struct host host = {
	.cpu = { .name = "host", .xsave = TRI_YES, .xfeatures = 3,
		 .user_limit = CPU_USER_LIMIT_48 },
};

static const struct targets *targets(void)
{
	static const char *const specs[] = {
		"Haswell@R1", "EPYC-Genoa@R3", "SapphireRapids,+amx@R6",
		"Icelake-Server@6.1.0-9-vendor",
	};
	static struct targets list;

	if (!list.count)
		fuzz_must(!targets_init(&list, specs, ARRAY_SIZE(specs), &host),
			  "the targets are not known");
	return &list;
}

struct error *examine_core(const uint8_t *data, size_t size,
			   struct snapshot **ret)
{
	return core_open_fd(fuzz_file(data, size), "core", &examine_options,
			    ret);
}

/* By address, never overlapping: all that looks things up relies on it. */
static void check_order(const struct snapshot *s)
{
	for (size_t i = 0; i < s->mappings_count; i++) {
		const struct mapping *m = &s->mappings[i];

		fuzz_must(m->start < m->end && (!i || m[-1].end <= m->start),
			  "mapping %zu, %#llx to %#llx, is out of order", i,
			  (unsigned long long)m->start,
			  (unsigned long long)m->end);
	}
	for (size_t i = 1; i < s->captures_count; i++) {
		const struct capture *c = &s->captures[i];

		fuzz_must(c[-1].start + c[-1].size <= c->start,
			  "capture %zu is out of order", i);
	}
}

struct error *examine_locate(const struct snapshot *s, struct located **ret)
{
	static const struct locate_options options = {
		.unwind = true,
		.dormant_max = 1 << 20,
		.in_process = true,
	};

	check_order(s);
	return locate(s, &options, ret);
}

/* Of what is missing is never made a good end. */
static void check(const struct report_input *in)
{
	const struct report_counts *c = &in->counts;

	for (size_t i = 0; i < in->snapshot->threads_count; i++)
		fuzz_must(!in->snapshot->threads[i].problem ||
				  in->located->threads[i].complete != TRI_YES,
			  "thread %zu could not be examined, and has all "
			  "its frames", i);
	for (size_t i = 0; i < in->located->threads_count; i++) {
		const struct located_thread *t = &in->located->threads[i];

		fuzz_must(t->complete == TRI_YES || t->incomplete,
			  "thread %zu is incomplete, and nothing says why", i);
		for (size_t k = 0; k < t->frames_count; k++)
			fuzz_must(t->frames[k].evidence,
				  "a frame without evidence");
	}
	if (report_outcome_all(c) == OUTCOME_INTACT)
		fuzz_must(!c->incomplete && !c->bad &&
				  !c->verdicts[OUTCOME_UNKNOWN],
			  "all is intact, and %zu threads incomplete, %zu "
			  "frames bad, %zu unknown", c->incomplete, c->bad,
			  c->verdicts[OUTCOME_UNKNOWN]);
}

struct error *examine(struct snapshot *s, struct report **ret)
{
	const struct targets *t = targets();
	struct report_target *origin = NULL;
	struct located *l = NULL;
	struct report *r = NULL;
	struct error *err = origin_infer(s, &host);

	if (!err)
		err = examine_locate(s, &l);
	if (!err)
		err = origin_of(s, &host, &origin);
	if (err) {
		located_destroy(l);
		snapshot_destroy(s);
		return err;
	}
	snapshot_close(s);
	r = report_create(t->list, t->count);
	fuzz_must(r, "no memory");
	err = report_add(r, s, l);
	if (!err)
		err = report_add_autopsy(r, TAKE_PTR(origin));
	report_target_destroy(origin);
	if (err) {
		report_destroy(r);
		return err;
	}
	check(&r->inputs[0]);
	*ret = r;
	return NULL;
}
