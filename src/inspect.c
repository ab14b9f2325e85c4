/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inspect.c - from the inputs of the command line to the report's model */
#include "inspect.h"

#include "base/cleanup.h"

static struct error *examine(const struct options *o, struct snapshot *s,
			     struct report *r)
{
	struct located *l = NULL;
	struct error *err = locate(s, &o->locate, &l);

	if (err) {
		snapshot_destroy(s);
		return err;
	}
	return report_add(r, s, l);
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
	return examine(o, s, r);
}

static struct error *examine_tree(const struct options *o,
				  const struct host *host, pid_t root,
				  struct report *r)
{
	CLEANUP_FREE pid_t *pids = NULL;
	size_t count = 0;
	struct error *err = live_tree(root, &pids, &count);

	for (size_t i = 0; !err && i < count; i++) {
		err = examine_process(o, host, pids[i], r);
		/* descendants come and go, and that is not a failure */
		if (err && pids[i] != root && error_code(err) == ERROR_GONE) {
			error_free(err);
			err = NULL;
		}
	}
	return err;
}

static struct error *examine_core(const struct options *o, const char *path,
				  struct report *r)
{
	struct snapshot *s = NULL;
	struct error *err = core_open(path, &o->core, &s);

	return err ? err : examine(o, s, r);
}

bool inspect_all(const struct options *o, const struct host *host,
		 struct report *r, bool (*complain)(struct error *err))
{
	bool failed = false;

	for (size_t i = 0; i < o->pids_count; i++)
		failed |= complain(
			o->tree ? examine_tree(o, host, o->pids[i], r)
				: examine_process(o, host, o->pids[i], r));
	for (size_t i = 0; i < o->files_count; i++)
		failed |= complain(examine_core(o, o->files[i], r));
	return !failed;
}
