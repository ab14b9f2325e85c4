/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - parse, open, locate, predict, report, exit status */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config.h"
#include "describe/host.h"
#include "options.h"
#include "report/json.h"
#include "report/message.h"
#include "report/report.h"
#include "report/text_writer.h"
#include "status.h"

#define WIDTH_DEFAULT 80

/* The one place where errors are printed. Consumes err; true if there was. */
static bool complain(struct error *err)
{
	struct text safe = TEXT_INIT;

	if (!err)
		return false;
	text_add_foreign(&safe, error_message(err));
	fprintf(stderr, "%s: %s\n", PACKAGE_NAME,
		text_bad(&safe) ? "out of memory" : text_string(&safe));
	text_deinit(&safe);
	error_free(err);
	return true;
}

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

/* Columns of the terminal on stdout. */
static unsigned output_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

static bool use_color(const struct options *o)
{
	const char *no_color = getenv("NO_COLOR");

	if (o->color != OPTIONS_COLOR_AUTO)
		return o->color == OPTIONS_COLOR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}

static struct error *print_report(const struct options *o,
				  const struct report *r)
{
	struct report_view view = { .registers = o->registers,
				    .raw = o->raw };
	struct emitter *e = o->json == OPTIONS_JSON_OFF
				    ? text_writer_create(stdout, use_color(o),
							 output_width())
				    : json_create(stdout,
						  o->json ==
						  OPTIONS_JSON_PRETTY);

	if (!e)
		return &error_no_memory;
	report_emit(r, &view, e);

	struct error *err = emit_finish(e);

	emitter_destroy(e);
	return err;
}

/* A report that did not reach its reader whole is a failure. */
static struct error *close_stdout(void)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) || failed)
		return error_os(errno, "writing the report");
	return NULL;
}

static enum exit_status status_of(const struct report *r, bool strict)
{
	const struct report_counts *c = &r->counts;

	if (c->bad || (strict && c->hazards))
		return STATUS_BAD;
	return report_outcome(c) == OUTCOME_UNKNOWN ? STATUS_UNKNOWN
						     : STATUS_INTACT;
}

static enum exit_status run(const struct options *o)
{
	struct host host;

	host_describe(&host);

	struct report_target target = { .kernel = host.release,
					.is_host = true };

	target_init(&target.target, "host", &host.cpu, host.rules,
		    cpu_default_features(&host.cpu));

	struct report *r = report_create(&target, 1);
	bool trouble = !r && complain(&error_no_memory);

	for (size_t i = 0; r && i < o->pids_count; i++)
		trouble |= complain(
			o->tree ? examine_tree(o, &host, o->pids[i], r)
				: examine_process(o, &host, o->pids[i], r));
	for (size_t i = 0; r && i < o->files_count; i++)
		trouble |= complain(examine_core(o, o->files[i], r));
	if (r && r->inputs_count && !o->quiet)
		trouble |= complain(print_report(o, r));
	trouble |= complain(close_stdout());

	enum exit_status status = trouble ? STATUS_TROUBLE
					  : status_of(r, o->strict);
	report_destroy(r);
	return status;
}

static enum exit_status explain(const char *id)
{
	struct text t = TEXT_INIT;
	bool found = message_add_explanation(&t, id);
	struct error *err = NULL;

	if (!found)
		err = error_new(ERROR_USAGE, "there is no check or hazard "
			"'%s'; --explain alone lists them", id);
	else if (text_bad(&t))
		err = &error_no_memory;
	else
		fputs(text_string(&t), stdout);
	text_deinit(&t);

	bool trouble = complain(err);

	trouble |= complain(close_stdout());
	return trouble ? STATUS_TROUBLE : STATUS_INTACT;
}

int main(int argc, char **argv)
{
	struct options o;

	/* a diagnostic does not go to the network for symbols */
	unsetenv("DEBUGINFOD_URLS");
	if (complain(options_parse(argc, argv, &o)))
		return STATUS_TROUBLE;

	enum exit_status status = o.explain ? explain(o.explain_id) : run(&o);

	options_deinit(&o);
	return (int)status;
}
