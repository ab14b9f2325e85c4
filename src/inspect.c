/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.c - from the inputs of the command line to the report's model */
#include "inspect.h"

#include "base/cleanup.h"
#include "describe/format_own.h"
#include "export/export.h"
#include "locate/reader.h"
#include "origin.h"
#include "processes.h"

/*
 * Of --all, how much memory is searched for dormant frames: together about a
 * second's worth, and at least that much of each process.
 */
#define SWEEP_MEMORY (UINT64_C(1) << 30)
#define SWEEP_MEMORY_EACH (UINT64_C(1) << 20)

/* What goes from one input to the next. */
struct inspection {
	const struct options *options;
	struct host *host;
	struct rehearse_stage stage;	/* if the options ask for it */
	struct report *report;
	struct report_walk *walk;	/* NULL: nothing is to be printed */
	struct progress progress;
	struct nursery *nursery;	/* of those who read ELF files */
	bool *seen;			/* options->tids that an input has */
	uint64_t searched;		/* bytes of memory, so far */
	const char *name;		/* of the file that is examined now */
	pid_t pid;			/* or of the process; else NULL and 0 */
	bool (*complain)(struct error *err);
};

static bool fails(struct inspection *in, struct error *err)
{
	const struct report_error *kept;

	if (!err)
		return false;
	progress_hide(&in->progress);
	kept = report_add_error(in->report, in->name, in->pid, err);
	if (in->walk && kept)
		in->complain(report_emit_error(in->walk, kept));
	return in->complain(err);
}

/* It is no use to go on if nobody can read of it. */
static bool is_over(const struct inspection *in)
{
	return in->walk && in->walk->failed;
}

/* Only who died, or has left something behind, needs to be asked about. */
static bool needs_autopsy(const struct located *l)
{
	return l->deaths_count || l->returned_count;
}

/* With a description of the machine that the input ran on, if it is known. */
static struct error *export(const struct inspection *in,
			    const struct located *l, const struct snapshot *s,
			    const struct report_target *origin)
{
	struct text cpu = TEXT_INIT;
	struct error *err;

	if (origin)
		own_write(origin->description, &cpu);
	err = text_bad(&cpu) ? &error_no_memory
			     : export_write(in->options->export, s, l,
					    origin ? text_string(&cpu) : NULL);
	text_deinit(&cpu);
	return err;
}

static void note_threads(struct inspection *in, const struct snapshot *s)
{
	for (size_t i = 0; i < in->options->tids_count; i++)
		for (size_t k = 0; k < s->threads_count; k++)
			in->seen[i] |= s->threads[k].tid ==
				       in->options->tids[i];
}

/* Print what there is to tell about the last input, and keep none of it. */
static struct error *tell(struct inspection *in)
{
	struct report *r = in->report;
	const struct report_input *last = &r->inputs[r->inputs_count - 1];
	struct error *err = NULL;

	/* the line stays if text is only going to count it */
	if (in->progress.mixed && (!r->sweep || report_is_notable(last) ||
				   in->options->json != OPTIONS_JSON_OFF))
		progress_hide(&in->progress);
	if (in->walk)
		err = report_emit_input(in->walk, last);
	report_forget(r);
	return err;
}

static uint64_t dormant_max(const struct inspection *in)
{
	uint64_t left = in->searched < SWEEP_MEMORY
				? SWEEP_MEMORY - in->searched
				: 0;

	if (!in->report->sweep || left > LOCATE_MEMORY_MAX)
		return LOCATE_MEMORY_MAX;
	return left > SWEEP_MEMORY_EACH ? left : SWEEP_MEMORY_EACH;
}

/*
 * Bytes of the largest image that any machine has which the frames are judged
 * for; 0: who knows. An export is for machines that are not known yet.
 */
static uint32_t image_max(const struct inspection *in, const struct snapshot *s)
{
	const struct cpu_model *cpu = &in->host->cpu;
	uint32_t most = origin_image_max(s);
	uint32_t size = cpu_user_size(cpu, cpu->xfeatures);

	if (!most || !size || in->options->export)
		return 0;
	most = size > most ? size : most;
	for (size_t i = 0; i < in->report->targets_count; i++) {
		cpu = in->report->targets[i].target.cpu;
		size = cpu_user_size(cpu, cpu->xfeatures);
		if (!size)
			return 0;
		most = size > most ? size : most;
	}
	return most;
}

/*
 * Find the frames of *s. If it is not clear that they are all, and stopping a
 * thread may help, look again: *s becomes another snapshot then. NULL after an
 * error.
 */
static struct error *find(struct inspection *in, struct snapshot **s,
			  struct located **ret)
{
	struct locate_options options = in->options->locate;
	pid_t pid = (*s)->pid;
	struct error *err;

	options.image_max = image_max(in, *s);
	options.dormant_max = dormant_max(in);
	options.nursery = in->nursery;
	/* an export has them all */
	if (!in->options->export) {
		options.judge = report_judge;
		options.judge_arg = in->report;
	}
	err = locate(*s, &options, ret);
	if (!err && (*ret)->lacks_registers) {
		located_destroy(*ret);
		snapshot_destroy(TAKE_PTR(*s));
		err = inspect_process(in->options, in->host, pid, true, s);
		if (!err)
			err = locate(*s, &options, ret);
	}
	if (err)
		snapshot_destroy(TAKE_PTR(*s));
	return err;
}

/* Add it to the report, with all that was asked for. Takes all. */
static struct error *judge(struct inspection *in, struct snapshot *s,
			   struct located *l, struct report_target *origin)
{
	bool autopsy = needs_autopsy(l);
	struct error *err;

	in->searched += l->memory_searched;
	err = report_add(in->report, s, l);
	if (!err && in->options->rehearse)
		err = report_rehearse(in->report, &in->stage);
	if (!err && autopsy)
		err = report_add_autopsy(in->report, TAKE_PTR(origin));
	if (!err)
		err = tell(in);
	report_target_destroy(origin);
	return err;
}

/* Takes the snapshot. */
static struct error *examine(struct inspection *in, struct snapshot *s)
{
	struct located *l = NULL;
	struct report_target *origin = NULL;
	struct error *export_err = NULL;
	struct error *err = find(in, &s, &l);

	if (err)
		return err;
	if (l->unread)
		snapshot_note(s, "%s", l->unread);
	if (in->options->export || needs_autopsy(l)) {
		if (s->kind == SOURCE_PROCESS)
			host_probe_once(in->host);
		err = origin_of(s, in->host, &origin);
	}
	if (err) {
		located_destroy(l);
		snapshot_destroy(s);
		return err;
	}
	/* there is a report, whatever became of that file */
	if (in->options->export)
		export_err = export(in, l, s, origin);
	/* descriptors are scarce; what does not move is read again */
	if (s->ops && !s->ops->steady)
		snapshot_close(s);
	note_threads(in, s);
	err = judge(in, s, l, origin);
	if (err) {
		error_free(export_err);
		return err;
	}
	return export_err;
}

struct error *inspect_process(const struct options *o, const struct host *host,
			      pid_t pid, bool closer, struct snapshot **ret)
{
	struct live_options live = o->live;
	struct error *err;

	live.closer = closer;
	live.no_shadow_stacks =
		host->isa.known & ~host->isa.has & ISA_BIT(ISA_SHSTK);
	err = live_open(pid, &live, ret);

	if (err)
		return err;
	(*ret)->layout = host->cpu.layout;
	(*ret)->xfeatures = host->cpu.xfeatures;
	return NULL;
}

static struct error *examine_process(struct inspection *in, pid_t pid)
{
	struct snapshot *s = NULL;
	struct error *err = inspect_process(in->options, in->host, pid, false,
					    &s);

	return err ? err : examine(in, s);
}

/*
 * Is it in the nature of things that this fails? Processes that nobody asked
 * for by name come and go, and of all there are some are not ours to look at.
 */
static bool is_passed_by(struct report *r, const struct process_wanted *p,
			 const struct error *err)
{
	if (!err || p->named)
		return false;
	if (error_code(err) == ERROR_GONE) {
		r->exited++;
		return true;
	}
	if (r->sweep && error_code(err) == ERROR_PERMISSION) {
		r->refused++;
		return true;
	}
	return false;
}

static void examine_processes(struct inspection *in, const struct processes *p)
{
	struct report *r = in->report;

	for (size_t i = 0; i < p->count && !is_over(in); i++) {
		struct error *err;

		progress_show(&in->progress, i, p->count);
		in->pid = p->list[i].pid;
		err = examine_process(in, p->list[i].pid);
		if (is_passed_by(r, &p->list[i], err))
			error_free(err);
		else
			r->failed += fails(in, err);
	}
	in->pid = 0;
	if (r->sweep && !r->examined && !r->failed)
		r->failed += fails(in, error_new(
			ERROR_PERMISSION, "there is no process that could be "
			"looked at; %zu may not be", r->refused));
}

static void show_bytes(void *arg, const char *name, uint64_t bytes)
{
	progress_show_bytes(arg, name, bytes);
}

struct error *inspect_file(const struct options *o, size_t index,
			   struct progress *progress, struct input **ret)
{
	const struct input_options options = {
		.criu = o->files_criu[index],
		.core = o->core,
		.max_size = o->max_size,
		.progress = progress ? show_bytes : NULL,
		.arg = progress,
	};

	return input_open(o->files[index], &options, ret);
}

struct error *inspect_snapshot(struct input *input, size_t i,
			       const struct host *host, struct snapshot **ret)
{
	struct snapshot *s = NULL;
	struct error *err = input_snapshot(input, i, &s);

	if (!err)
		err = origin_infer(s, host);
	if (err) {
		snapshot_destroy(s);
		return err;
	}
	*ret = s;
	return NULL;
}

/* All processes in it; how many of them failed, or 1 if all of it did. */
static size_t examine_file(struct inspection *in, size_t index)
{
	const char *file = in->options->files[index];
	struct input *input = NULL;
	size_t failed = 0, count;

	if (fails(in, inspect_file(in->options, index, &in->progress, &input)))
		return 1;
	count = input_count(input);
	if (count > 1)
		in->report->several = true;
	if (count > 1 && in->options->export) {
		failed = fails(in, error_new(
			ERROR_USAGE, "%s: has %zu processes, and --export is "
			"for one at a time", file, count));
		count = 0;
	}
	for (size_t i = 0; i < count && !is_over(in); i++) {
		struct snapshot *s = NULL;
		struct error *err = inspect_snapshot(input, i, in->host, &s);

		failed += fails(in, err ? err : examine(in, s));
	}
	input_destroy(input);
	return failed;
}

/* All that is asked for, files included. */
static void examine_all(struct inspection *in)
{
	const struct options *o = in->options;
	struct report *r = in->report;
	struct processes wanted = PROCESSES_INIT;

	if (o->all)
		r->failed += fails(in, processes_add_all(&wanted));
	for (size_t i = 0; i < o->pids_count; i++) {
		in->pid = o->pids[i];
		r->failed += fails(in, processes_add(&wanted, o->pids[i],
							o->tree));
	}
	in->pid = 0;
	r->several = wanted.count + o->files_count > 1;
	in->nursery = nursery_open(r->several);
	if (!r->failed || wanted.count)
		examine_processes(in, &wanted);
	processes_deinit(&wanted);
	for (size_t i = 0; i < o->files_count && !is_over(in); i++) {
		in->name = o->files[i];
		r->failed += examine_file(in, i);
	}
	in->name = NULL;
	progress_hide(&in->progress);
	for (size_t i = 0; r->examined && i < o->tids_count; i++)
		if (!in->seen[i] && !is_over(in))
			r->failed += fails(in, error_new(
				ERROR_GONE, "thread %d is in no input",
				(int)o->tids[i]));
}

bool inspect_all(const struct options *o, struct host *host, struct report *r,
		 struct report_walk *walk,
		 bool (*complain)(struct error *err))
{
	CLEANUP_FREE bool *seen = calloc(o->tids_count + 1, sizeof(*seen));
	struct inspection in = {
		.options = o,
		.host = host,
		.stage = { .host = host, .pages = o->rehearse_pages },
		.report = r,
		.walk = walk,
		.seen = seen,
		.complain = complain,
	};

	if (!seen) {
		r->failed += complain(&error_no_memory);
		return false;
	}
	r->rehearsed = o->rehearse;
	r->sweep = o->all;
	progress_init(&in.progress);
	if (o->rehearse) {
		host_probe_once(host);
		in.stage.ia32 = host->ia32;
	}
	examine_all(&in);
	nursery_close(in.nursery);
	return !r->failed;
}
