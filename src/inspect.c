/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.c - from the inputs of the command line to the report's model */
#include "inspect.h"

#include "base/cleanup.h"
#include "describe/describe_host.h"
#include "describe/format_own.h"
#include "export/export.h"
#include "origin.h"

/* What does not change from one input to the next. */
struct inspection {
	const struct options *options;
	const struct host *host;
	struct rehearse_stage stage;	/* if the options ask for it */
	struct report *report;
	bool (*complain)(struct error *err);
};

/* Only who died, or has left something behind, needs to be asked about. */
static struct error *autopsy(const struct inspection *in,
			     const struct located *l, const struct snapshot *s)
{
	struct report_target *origin = NULL;
	struct error *err;

	if (!l->deaths_count && !l->returned_count)
		return NULL;
	err = origin_of(s, in->host, &origin);
	return err ? err : report_add_autopsy(in->report, origin);
}

/* With a description of the machine that the input ran on. */
static struct error *export(const struct inspection *in,
			    const struct located *l, const struct snapshot *s)
{
	struct report_target *origin = NULL;
	struct text cpu = TEXT_INIT;
	struct error *err = origin_of(s, in->host, &origin);

	if (!err && origin)
		own_write(origin->description, &cpu);
	if (!err && text_bad(&cpu))
		err = &error_no_memory;
	if (!err)
		err = export_write(in->options->export, s, l,
				   origin ? text_string(&cpu) : NULL);
	text_deinit(&cpu);
	report_target_destroy(origin);
	return err;
}

/* Takes the snapshot. */
static struct error *examine(const struct inspection *in, struct snapshot *s)
{
	struct located *l = NULL;
	struct error *err = locate(s, &in->options->locate, &l);
	struct error *export_err = NULL;

	if (err) {
		snapshot_destroy(s);
		return err;
	}
	/* there is a report, whatever became of that file */
	if (in->options->export)
		export_err = export(in, l, s);
	/* all that is needed has been copied; descriptors are scarce */
	snapshot_close(s);
	err = report_add(in->report, s, l);
	if (!err && in->options->rehearse)
		err = report_rehearse(in->report, &in->stage);
	if (!err)
		err = autopsy(in, l, s);
	if (err) {
		error_free(export_err);
		return err;
	}
	return export_err;
}

static struct error *examine_process(const struct inspection *in, pid_t pid)
{
	struct snapshot *s = NULL;
	struct error *err = live_open(pid, &in->options->live, &s);

	if (err)
		return err;
	s->layout = in->host->cpu.layout;
	s->xfeatures = in->host->cpu.xfeatures;
	return examine(in, s);
}

/* `root` and its descendants; how many of them failed. */
static size_t examine_tree(const struct inspection *in, pid_t root)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0, failed = 0;

	if (in->complain(live_tree(root, &pids, &count)))
		return 1;
	for (size_t i = 0; i < count; i++) {
		struct error *err;

		/* who examines its own shell's tree is part of it */
		if (pids[i] == getpid() && pids[i] != root)
			continue;
		err = examine_process(in, pids[i]);
		/* descendants come and go, and that is not a failure */
		if (err && pids[i] != root && error_code(err) == ERROR_GONE)
			error_free(err);
		else
			failed += in->complain(err);
	}
	return failed;
}

static struct error *examine_core(const struct inspection *in,
				  const char *path)
{
	struct snapshot *s = NULL;
	struct error *err = core_open(path, &in->options->core, &s);

	return err ? err : examine(in, s);
}

static bool has_thread(const struct report *r, pid_t tid)
{
	for (size_t i = 0; i < r->inputs_count; i++) {
		const struct snapshot *s = r->inputs[i].snapshot;

		for (size_t k = 0; k < s->threads_count; k++)
			if (s->threads[k].tid == tid)
				return true;
	}
	return false;
}

bool inspect_all(const struct options *o, const struct host *host,
		 struct report *r, bool (*complain)(struct error *err))
{
	struct inspection in = {
		.options = o,
		.host = host,
		.stage = { .host = host, .pages = o->rehearse_pages },
		.report = r,
		.complain = complain,
	};
	enum tri x32;

	r->rehearsed = o->rehearse;
	if (o->rehearse)
		describe_host_abis(&in.stage.ia32, &x32);
	for (size_t i = 0; i < o->pids_count; i++)
		r->failed += o->tree ? examine_tree(&in, o->pids[i])
				     : complain(examine_process(&in,
								o->pids[i]));
	for (size_t i = 0; i < o->files_count; i++)
		r->failed += complain(examine_core(&in, o->files[i]));
	for (size_t i = 0; r->inputs_count && i < o->tids_count; i++)
		if (!has_thread(r, o->tids[i]))
			r->failed += complain(error_new(
				ERROR_GONE, "thread %d is in no input",
				(int)o->tids[i]));
	return !r->failed;
}
