/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.c - from two inputs of the command line to what differs */
#include "comparison.h"

#include "inspect.h"
#include "processes.h"

/* What goes from one process to the next. */
struct gathering {
	const struct options *options;
	const struct host *host;
	struct compared *compared;
	enum compared_when when;
};

/* Takes the snapshot. */
static struct error *add(const struct gathering *g, struct snapshot *s)
{
	struct located *l = NULL;
	struct error *err = locate(s, &g->options->locate, &l);

	if (err) {
		snapshot_destroy(s);
		return err;
	}
	if (l->unread)
		snapshot_note(s, "%s", l->unread);
	snapshot_close(s);
	return compared_add(g->compared, g->when, s, l);
}

static struct error *add_process(const struct gathering *g,
				 const struct process_wanted *p)
{
	struct snapshot *s = NULL;
	struct error *err = inspect_process(g->options, g->host, p->pid, true,
					    &s);

	/* descendants come and go */
	if (err && !p->named && error_code(err) == ERROR_GONE) {
		error_free(err);
		return NULL;
	}
	return err ? err : add(g, s);
}

static struct error *add_processes(const struct gathering *g, pid_t pid)
{
	struct processes p = PROCESSES_INIT;
	struct error *err = processes_add(&p, pid, g->options->tree);

	g->compared->whole[g->when] = g->options->tree &&
				      !g->options->tids_count;
	for (size_t i = 0; !err && i < p.count; i++)
		err = add_process(g, &p.list[i]);
	processes_deinit(&p);
	return err;
}

static struct error *add_file(const struct gathering *g, size_t index)
{
	bool *whole = &g->compared->whole[g->when];
	struct input *in = NULL;
	struct error *err = inspect_file(g->options, index, NULL, &in);

	if (err)
		return err;
	for (size_t i = 0; !err && i < input_count(in); i++) {
		struct snapshot *s = NULL;

		err = inspect_snapshot(in, i, g->host, &s);
		if (err)
			break;
		*whole = source_kind_is_checkpoint(s->kind) &&
			 !g->options->tids_count;
		err = add(g, s);
	}
	input_destroy(in);
	if (!err && !g->compared->inputs_count[g->when])
		err = error_new(ERROR_BAD_INPUT, "%s: there is no process to "
				"compare", g->options->files[index]);
	return err;
}

struct error *comparison_make(const struct options *o, const struct host *host,
			      struct compared *c)
{
	struct gathering g = { .options = o, .host = host, .compared = c };
	size_t pids = 0, files = 0;
	struct error *err = NULL;

	for (unsigned i = 0; !err && i < COMPARED_SIDES; i++) {
		bool pid = o->pids_count && o->files_count
				   ? o->pid_first == (i == 0)
				   : o->pids_count != 0;

		g.when = (enum compared_when)i;
		err = pid ? add_processes(&g, o->pids[pids++])
			  : add_file(&g, files++);
	}
	return err ? err : compared_match(c);
}
