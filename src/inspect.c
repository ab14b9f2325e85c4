/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.c - from the inputs of the command line to the report's model */
#include "inspect.h"

#include "base/cleanup.h"
#include "describe/describe_host.h"
#include "describe/format_own.h"
#include "export/export.h"
#include "origin.h"

/* Only who died, or has left something behind, needs to be asked about. */
static struct error *autopsy(const struct located *l, const struct snapshot *s,
			     const struct host *host, struct report *r)
{
	struct report_target *origin = NULL;
	struct error *err;

	if (!l->deaths_count && !l->returned_count)
		return NULL;
	err = origin_of(s, host, &origin);
	return err ? err : report_add_autopsy(r, origin);
}

/* With a description of the machine that the input ran on. */
static struct error *export(const char *path, const struct located *l,
			    const struct snapshot *s, const struct host *host)
{
	struct report_target *origin = NULL;
	struct text cpu = TEXT_INIT;
	struct error *err = origin_of(s, host, &origin);

	if (!err && origin)
		own_write(origin->description, &cpu);
	if (!err && text_bad(&cpu))
		err = &error_no_memory;
	if (!err)
		err = export_write(path, s, l,
				   origin ? text_string(&cpu) : NULL);
	text_deinit(&cpu);
	report_target_destroy(origin);
	return err;
}

/* The input that was added last. */
static struct error *rehearse_frames(const struct options *o,
				     const struct host *host, struct report *r)
{
	struct rehearse_stage stage = {
		.host = host,
		.pages = o->rehearse_pages,
	};
	enum tri x32;

	describe_host_abis(&stage.ia32, &x32);
	return report_rehearse(r, &stage);
}

static struct error *examine(const struct options *o, const struct host *host,
			     struct snapshot *s, struct report *r)
{
	struct located *l = NULL;
	struct error *err = locate(s, &o->locate, &l);
	struct error *export_err = NULL;

	if (err) {
		snapshot_destroy(s);
		return err;
	}
	/* there is a report, whatever became of that file */
	if (o->export)
		export_err = export(o->export, l, s, host);
	/* all that is needed has been copied; descriptors are scarce */
	snapshot_close(s);
	err = report_add(r, s, l);
	if (!err && o->rehearse)
		err = rehearse_frames(o, host, r);
	if (!err)
		err = autopsy(l, s, host, r);
	if (err) {
		error_free(export_err);
		return err;
	}
	return export_err;
}

static struct error *examine_process(const struct options *o,
				     const struct host *host, pid_t pid,
				     struct report *r)
{
	struct snapshot *s = NULL;
	struct error *err = live_open(pid, &o->live, &s);

	if (err)
		return err;
	s->layout = host->cpu.layout;
	s->xfeatures = host->cpu.xfeatures;
	return examine(o, host, s, r);
}

/* `root` and its descendants; how many of them failed. */
static size_t examine_tree(const struct options *o, const struct host *host,
			   pid_t root, struct report *r,
			   bool (*complain)(struct error *err))
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0, failed = 0;

	if (complain(live_tree(root, &pids, &count)))
		return 1;
	for (size_t i = 0; i < count; i++) {
		struct error *err;

		/* who examines its own shell's tree is part of it */
		if (pids[i] == getpid() && pids[i] != root)
			continue;
		err = examine_process(o, host, pids[i], r);
		/* descendants come and go, and that is not a failure */
		if (err && pids[i] != root && error_code(err) == ERROR_GONE)
			error_free(err);
		else
			failed += complain(err);
	}
	return failed;
}

static struct error *examine_core(const struct options *o,
				  const struct host *host, const char *path,
				  struct report *r)
{
	struct snapshot *s = NULL;
	struct error *err = core_open(path, &o->core, &s);

	return err ? err : examine(o, host, s, r);
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
	r->rehearsed = o->rehearse;
	for (size_t i = 0; i < o->pids_count; i++)
		r->failed += o->tree
				     ? examine_tree(o, host, o->pids[i], r,
						    complain)
				     : complain(examine_process(
					       o, host, o->pids[i], r));
	for (size_t i = 0; i < o->files_count; i++)
		r->failed += complain(examine_core(o, host, o->files[i], r));
	for (size_t i = 0; r->inputs_count && i < o->tids_count; i++)
		if (!has_thread(r, o->tids[i]))
			r->failed += complain(error_new(
				ERROR_GONE, "thread %d is in no input",
				(int)o->tids[i]));
	return !r->failed;
}
