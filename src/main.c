/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - parse, inspect, report, exit status */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "comparison.h"
#include "config.h"
#include "describe/describe_host.h"
#include "describe/spec.h"
#include "inspect.h"
#include "report/comparison.h"
#include "report/json.h"
#include "report/lists.h"
#include "report/message.h"
#include "report/report.h"
#include "report/text_writer.h"
#include "report/wrap.h"
#include "rights.h"
#include "status.h"
#include "targets.h"

#define WIDTH_DEFAULT 80

/* The one place where errors are printed. Takes err; true if there was one. */
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

/* Columns of the terminal on stdout. Where a line is an input, one is enough. */
static unsigned output_width(const struct options *o)
{
	struct winsize size;

	if (o->summary && !isatty(STDOUT_FILENO))
		return UINT_MAX;
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

static struct emitter *create_emitter(const struct options *o)
{
	const struct text_manner manner = {
		.color = use_color(o),
		.width = output_width(o),
		.wrap = isatty(STDOUT_FILENO),
	};

	return o->json == OPTIONS_JSON_OFF
		       ? text_writer_create(stdout, &manner)
		       : json_create(stdout, o->json == OPTIONS_JSON_PRETTY);
}

static enum report_form form_of(const struct options *o)
{
	switch (o->json) {
	case OPTIONS_JSON_PRETTY:
		return REPORT_JSON;
	case OPTIONS_JSON_LINES:
		return REPORT_LINES;
	case OPTIONS_JSON_OFF:
		break;
	}
	return o->summary ? REPORT_BRIEF : REPORT_TEXT;
}

static enum exit_status status_of(const struct report *r, bool strict)
{
	const struct report_counts *c = &r->counts;

	if (c->bad || c->restored_bad || c->disagreements || c->autopsies ||
	    (strict && c->hazards))
		return STATUS_BAD;
	return report_outcome_all(c) == OUTCOME_UNKNOWN ? STATUS_UNKNOWN
							: STATUS_INTACT;
}

static enum exit_status judge(const struct options *o,
			      const struct targets *targets,
			      struct host *host)
{
	struct report_view view = { .form = form_of(o),
				    .registers = o->registers,
				    .raw = o->raw };
	struct report *r = report_create(targets->list, targets->count);
	struct report_walk walk = {
		.report = r,
		.view = &view,
		.emitter = o->quiet ? NULL : create_emitter(o),
	};
	enum exit_status status = STATUS_TROUBLE;

	if (!r || (!walk.emitter && !o->quiet)) {
		complain(&error_no_memory);
	} else {
		bool done = inspect_all(o, host, r, o->quiet ? NULL : &walk,
					complain);

		if (!o->quiet && complain(report_emit_end(&walk)))
			done = false;
		if (done)
			status = status_of(r, o->strict);
	}
	emitter_destroy(walk.emitter);
	report_destroy(r);
	return status;
}

/* Does any of the targets depend on what the kernel here does? */
static bool kernel_matters(const struct options *o)
{
	bool matters = !o->targets_count;

	for (size_t i = 0; i < o->targets_count; i++)
		matters |= spec_may_mean_host(o->targets[i]);
	return matters;
}

static enum exit_status inspect(const struct options *o)
{
	struct targets targets;
	struct host host;

	host_describe(&host);
	if (kernel_matters(o))
		host_probe(&host);
	if (complain(targets_init(&targets, o->targets, o->targets_count,
				  &host)))
		return STATUS_TROUBLE;

	enum exit_status status = judge(o, &targets, &host);

	targets_deinit(&targets);
	return status;
}

/* What differs, or, in JSON, why that cannot be told. */
static struct error *print_comparison(const struct options *o,
				      const struct compared *c,
				      const struct error *why)
{
	const struct report_view view = { .registers = o->registers };
	struct emitter *e = create_emitter(o);
	struct error *err = &error_no_memory;

	if (e) {
		if (why)
			report_emit_no_comparison(why, e);
		else
			report_emit_comparison(c, &view, e);
		err = emit_finish(e);
	}
	emitter_destroy(e);
	return err;
}

static enum exit_status compare(const struct options *o)
{
	static const enum exit_status statuses[COMPARED_OUTCOMES] = {
		[COMPARED_SAME] = STATUS_INTACT,
		[COMPARED_DIFFERS] = STATUS_BAD,
		[COMPARED_UNKNOWN] = STATUS_UNKNOWN,
	};
	enum exit_status status = STATUS_TROUBLE;
	struct compared *c = compared_create();
	struct error *err = &error_no_memory;
	struct host host;
	bool shown;

	host_describe(&host);
	if (c)
		err = comparison_make(o, &host, c);
	shown = !o->quiet && (!err || o->json != OPTIONS_JSON_OFF);
	if (!(shown && complain(print_comparison(o, c, err))) && !err)
		status = statuses[compared_result(&c->counts)];
	complain(err);
	compared_destroy(c);
	return status;
}

/* Everything that examines nothing: text to stdout. */
static struct error *tell(const struct options *o, struct text *t)
{
	struct host host;

	switch (o->tell) {
	case OPTIONS_TELL_CPUS:
		lists_add_cpus(t);
		return NULL;
	case OPTIONS_TELL_KERNELS:
		lists_add_kernels(t);
		return NULL;
	case OPTIONS_TELL_HOST:
		host_describe(&host);
		return describe_host(&host, t);
	case OPTIONS_TELL_EXPLANATION:
		if (!message_add_explanation(t, o->explain_id))
			return error_new(ERROR_USAGE,
					 "there is no check or hazard '%s'; "
					 "--explain alone lists them",
					 o->explain_id);
		return NULL;
	case OPTIONS_TELL_NOTHING:
		break;
	}
	return NULL;
}

/* Lists are for people at a terminal; a description file is as it is. */
static bool fits(const struct options *o)
{
	return o->tell == OPTIONS_TELL_HOST || !isatty(STDOUT_FILENO);
}

static void add_wrapped(struct text *t, const char *lines, unsigned width)
{
	for (const char *end; *lines; lines = end + 1) {
		end = strchrnul(lines, '\n');
		wrap_line(t, lines, (size_t)(end - lines), width);
		text_add(t, "\n");
		if (!*end)
			break;
	}
}

static enum exit_status print(const struct options *o)
{
	struct text t = TEXT_INIT, wrapped = TEXT_INIT;
	bool failed = complain(tell(o, &t));

	if (!fits(o))
		add_wrapped(&wrapped, text_string(&t), output_width(o));
	if (!failed)
		failed = complain(text_bad(&t) || text_bad(&wrapped)
					  ? &error_no_memory
					  : NULL);
	if (!failed)
		fputs(text_string(fits(o) ? &t : &wrapped), stdout);
	text_deinit(&wrapped);
	text_deinit(&t);
	return failed ? STATUS_TROUBLE : STATUS_INTACT;
}

/* A report that did not reach its reader whole is a failure. */
static struct error *close_stdout(void)
{
	bool failed = ferror(stdout);

	if (fclose(stdout) || failed)
		return error_os(errno, "writing the report");
	return NULL;
}

/*
 * A standard stream that is closed must not become a file of ours. What takes
 * its place can only be used the wrong way round, so that writing still fails.
 */
static void occupy_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null",
				    fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct options o;

	occupy_streams();
	if (complain(rights_check()))
		return STATUS_TROUBLE;
	/* a file that may not grow is an error like others */
	signal(SIGXFSZ, SIG_IGN);
	/* children are waited for, also where nobody else does */
	signal(SIGCHLD, SIG_DFL);
	/* a diagnostic does not go to the network for symbols */
	unsetenv("DEBUGINFOD_URLS");
	if (complain(options_parse(argc, argv, &o)))
		return STATUS_TROUBLE;

	enum exit_status status = o.tell != OPTIONS_TELL_NOTHING ? print(&o)
				  : o.compare			 ? compare(&o)
								 : inspect(&o);

	options_deinit(&o);

	struct error *err = close_stdout();

	/* trouble has been told of, and may be this very error */
	if (status == STATUS_TROUBLE)
		error_free(err);
	else if (complain(err))
		status = STATUS_TROUBLE;
	return (int)status;
}
