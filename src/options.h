/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.h - the command line */
#ifndef SIGFRAME_OPTIONS_H
#define SIGFRAME_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "locate/locate.h"
#include "rehearse/rehearse.h"
#include "source/core.h"
#include "source/live.h"

enum options_json {
	OPTIONS_JSON_OFF,	/* text */
	OPTIONS_JSON_PRETTY,	/* indented */
	OPTIONS_JSON_LINES,	/* a line, and an object, for each input */
};

enum options_color {
	OPTIONS_COLOR_AUTO,	/* if stdout is a terminal, NO_COLOR empty */
	OPTIONS_COLOR_ALWAYS,
	OPTIONS_COLOR_NEVER,
};

/* What to print instead of examining anything. */
enum options_tell {
	OPTIONS_TELL_NOTHING,
	OPTIONS_TELL_EXPLANATION,
	OPTIONS_TELL_CPUS,
	OPTIONS_TELL_KERNELS,
	OPTIONS_TELL_HOST,
};

/*
 * What the user asked for. Strings are argv's; the arrays belong to this
 * struct, also where live.tids and core.tids point to.
 */
struct options {
	pid_t *pids;		/* processes, as given, each > 0 */
	size_t pids_count;
	bool tree;		/* and their descendants */
	bool all;		/* instead, every process there is */
	const char **files;	/* as given, see source/input.h */
	size_t files_count;
	bool *files_criu;	/* each: has to be a directory of images */
	uint64_t max_size;	/* of what is in them; bytes */
	bool pid_first;		/* the first input is a process */
	bool compare;		/* the two inputs, and judge nothing */
	const char **targets;	/* as given, see describe/spec.h */
	size_t targets_count;
	pid_t *tids;		/* only these threads; none: all */
	size_t tids_count;

	struct live_options live;
	struct core_options core;
	struct locate_options locate;

	bool rehearse;		/* really perform the returns, too */
	enum rehearse_pages rehearse_pages;
	bool registers;
	bool raw;		/* hex of the areas */
	enum options_json json;
	bool summary;		/* one line of text for each input */
	bool quiet;		/* exit status only */
	bool strict;		/* a hazard counts as a bad frame */
	const char *export;	/* file to write the frames to; NULL: none */
	enum options_color color;

	enum options_tell tell;
	const char *explain_id;	/* NULL: list what there is; not verified */
};

/*
 * Parse the command line. ERROR_USAGE with one line for the user if it makes
 * no sense. --help, --usage and --version print and exit with 0; an option
 * that does not exist prints and exits with STATUS_TROUBLE. Permutes argv,
 * which has to outlive *ret. options_deinit() is due on success only.
 */
struct error *options_parse(int argc, char **argv,
			    struct options *ret) MUST_USE;
void options_deinit(struct options *o);

#endif
