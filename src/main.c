/* SPDX-License-Identifier: GPL-3.0-or-later */
/* main.c - parse, inspect, report, exit status */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "config.h"
#include "describe/describe_host.h"
#include "inspect.h"
#include "report/json.h"
#include "report/lists.h"
#include "report/message.h"
#include "report/report.h"
#include "report/text_writer.h"
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
							 output_width(),
							 isatty(STDOUT_FILENO))
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

static enum exit_status status_of(const struct report *r, bool strict)
{
	const struct report_counts *c = &r->counts;

	if (c->bad || c->disagreements || c->autopsies || (strict && c->hazards))
		return STATUS_BAD;
	return report_outcome(c) == OUTCOME_UNKNOWN ? STATUS_UNKNOWN
						     : STATUS_INTACT;
}

static enum exit_status judge(const struct options *o,
			      const struct targets *targets,
			      const struct host *host)
{
	struct report *r = report_create(targets->list, targets->count);

	if (!r) {
		complain(&error_no_memory);
		return STATUS_TROUBLE;
	}

	bool done = inspect_all(o, host, r, complain);

	if (r->inputs_count && !o->quiet && complain(print_report(o, r)))
		done = false;

	enum exit_status status = done ? status_of(r, o->strict)
				       : STATUS_TROUBLE;

	report_destroy(r);
	return status;
}

static enum exit_status inspect(const struct options *o)
{
	struct targets targets;
	struct host host;

	host_describe(&host);
	host_probe(&host);
	if (complain(targets_init(&targets, o->targets, o->targets_count,
				  &host)))
		return STATUS_TROUBLE;

	enum exit_status status = judge(o, &targets, &host);

	targets_deinit(&targets);
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

static enum exit_status print(const struct options *o)
{
	struct text t = TEXT_INIT;
	bool failed = complain(tell(o, &t));

	if (!failed)
		failed = complain(text_bad(&t) ? &error_no_memory : NULL);
	if (!failed)
		fputs(text_string(&t), stdout);
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
	/* a diagnostic does not go to the network for symbols */
	unsetenv("DEBUGINFOD_URLS");
	if (complain(options_parse(argc, argv, &o)))
		return STATUS_TROUBLE;

	enum exit_status status = o.tell == OPTIONS_TELL_NOTHING
					  ? inspect(&o)
					  : print(&o);

	options_deinit(&o);

	struct error *err = close_stdout();

	/* trouble has been told of, and may be this very error */
	if (status == STATUS_TROUBLE)
		error_free(err);
	else if (complain(err))
		status = STATUS_TROUBLE;
	return (int)status;
}
