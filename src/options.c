/* SPDX-License-Identifier: GPL-3.0-or-later */
/* options.c - the command line */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "base/text.h"
#include "config.h"
#include "options.h"
#include "source/input.h"
#include "status.h"
#include "version.h"

/* Options without a letter. */
enum options_key {
	KEY_TREE = 0x100,
	KEY_COMPARE,
	KEY_ALL,
	KEY_CRIU,
	KEY_SYSROOT,
	KEY_MAX_SIZE,
	KEY_RAW,
	KEY_STOP,
	KEY_STRICT,
	KEY_EXPORT,
	KEY_UNWIND,
	KEY_DORMANT,
	KEY_COLOR,
	KEY_EXPLAIN,
	KEY_LIST_CPUS,
	KEY_LIST_KERNELS,
	KEY_DESCRIBE_HOST,
	KEY_USAGE,
};

static const struct argp_option table[] = {
	{ .doc = "What to examine:", .group = 1 },
	{ .name = "pid", .key = 'p', .arg = "PID",
	  .doc = "examine the running process PID (repeatable)" },
	{ .name = "tree", .key = KEY_TREE,
	  .doc = "also the descendants of each PID" },
	{ .name = "all", .key = KEY_ALL,
	  .doc = "examine every process that you may look at" },
	{ .name = "criu", .key = KEY_CRIU, .arg = "DIR",
	  .doc = "examine the images of a CRIU checkpoint in DIR: as FILE, but "
		 "nothing else (repeatable)" },
	{ .name = "tid", .key = 'T', .arg = "TID",
	  .doc = "only the thread TID (repeatable)" },
	{ .name = "stop", .key = KEY_STOP, .arg = "WHICH",
	  .doc = "threads to stop for the look: auto (default: those that run "
		 "or may have a frame), all, or none (weaker evidence)" },
	{ .name = "executable", .key = 'e', .arg = "FILE",
	  .doc = "the executable of the core or checkpoint, if not the one that "
		 "it names" },
	{ .name = "sysroot", .key = KEY_SYSROOT, .arg = "DIR",
	  .doc = "look for the files of the core or checkpoint below DIR" },
	{ .name = "max-size", .key = KEY_MAX_SIZE, .arg = "SIZE",
	  .doc = "unpack at most SIZE bytes, or with K, M, G or T behind it "
		 "(default: 64G)" },
	{ .name = "unwind", .key = KEY_UNWIND, .arg = "WHICH",
	  .doc = "threads to unwind: auto (default: not those that cannot "
		 "have a frame), all, or none (weaker evidence)" },
	{ .name = "dormant", .key = KEY_DORMANT, .arg = "WHICH",
	  .doc = "memory to search for frames on stacks that no thread runs "
		 "on: auto (default: 64 MiB at most), all, or none" },

	{ .name = "compare", .key = KEY_COMPARE,
	  .doc = "of two inputs, what was before and what is after, say what "
		 "differs in frames and registers; judge nothing" },

	{ .doc = "Where the frames would be returned from:", .group = 2 },
	{ .name = "target", .key = 't', .arg = "TARGET",
	  .doc = "judge for CPU[,+FLAG|,-FLAG|,layout=intel|amd]...[@KERNEL] "
		 "(repeatable); CPU is host, a model or a description file, "
		 "KERNEL host, a release or a rule set; without, this machine" },

	{ .name = "rehearse", .key = 'r', .arg = "PAGES",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "also perform each return for real, in a child on this "
		 "machine; PAGES of the image are present (default) or "
		 "absent" },

	{ .doc = "What to print:", .group = 3 },
	{ .name = "registers", .key = 'x',
	  .doc = "the register values in each frame" },
	{ .name = "raw", .key = KEY_RAW,
	  .doc = "the bytes of each frame's areas, in hex" },
	{ .name = "json", .key = 'j', .arg = "FORM",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "JSON instead of text; FORM is pretty (default) or lines: "
		 "one for each input" },
	{ .name = "summary", .key = 's',
	  .doc = "one line for each input" },
	{ .name = "quiet", .key = 'q',
	  .doc = "nothing: the exit status tells" },
	{ .name = "color", .key = KEY_COLOR, .arg = "WHEN",
	  .doc = "color the text: auto (default), always or never" },
	{ .name = "strict", .key = KEY_STRICT,
	  .doc = "hazards make the exit status 1, too" },
	{ .name = "export", .key = KEY_EXPORT, .arg = "FILE",
	  .doc = "also write the frames as a small core, which can be "
		 "examined on another machine" },

	{ .doc = "Print, and examine nothing:", .group = 4 },
	{ .name = "list-cpus", .key = KEY_LIST_CPUS,
	  .doc = "the CPU models that TARGET may name" },
	{ .name = "list-kernels", .key = KEY_LIST_KERNELS,
	  .doc = "the rule sets, and which releases follow them" },
	{ .name = "describe-host", .key = KEY_DESCRIBE_HOST,
	  .doc = "this machine as a description file" },

	/* argp itself moves --help and --version to group -1. */
	{ .doc = "Help:", .group = -1 },
	{ .name = "explain", .key = KEY_EXPLAIN, .arg = "CHECK",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "say what a check or hazard means; without CHECK, list all" },
	{ .name = "version", .key = 'V', .doc = "print the version" },
	{ .name = "help", .key = '?', .doc = "print this help" },
	{ .key = 'h', .flags = OPTION_ALIAS },
	{ .name = "usage", .key = KEY_USAGE,
	  .doc = "print a short usage message" },
	{ 0 },
};

static const char args_doc[] = "-p PID...\nFILE...";
static const char doc[] =
	"Find the signal frames on the thread stacks of a running process, a "
	"core file or a CRIU checkpoint, show the extended CPU state in each, "
	"and say whether sigreturn would restore it intact. A FILE may be "
	"compressed, a tar archive with a checkpoint, or - for standard input."
	"\v"
	"Exit status: 0 every frame is intact, or there is none; 1 a frame is "
	"lossy, garbled or fatal; 2 usage, or an input that could not be "
	"examined; 3 nothing is known to be bad, but something is unknown. With "
	"--compare: 0 nothing differs, 1 something does, 2 as above, 3 nothing "
	"is known to differ, but not all could be compared.";

/* The parser's own. */
struct parse {
	struct options *options;
	bool stop_given;
	bool max_size_given;
	bool stdin_given;	/* as a file; given twice it is an error */
	bool stdin_again;
	bool criu_given;
	bool dormant_given;	/* and not none */
	unsigned told;		/* options that only print */
	struct error *error;
};

static struct error *parse_number(const char *what, const char *arg,
				  pid_t *ret)
{
	unsigned long value = 0;
	const char *p = arg;

	for (; *p >= '0' && *p <= '9' && value <= INT_MAX; p++)
		value = value * 10 + (unsigned long)(*p - '0');
	if (*p || !value || value > INT_MAX)
		return error_new(ERROR_USAGE,
				 "%s: '%s' is not a decimal number from 1 to %d",
				 what, arg, INT_MAX);
	*ret = (pid_t)value;
	return NULL;
}

/* The index of `arg` in `words`, which ends with NULL. */
static struct error *parse_word(const char *what, const char *arg,
				const char *const *words, unsigned *ret)
{
	struct text list = TEXT_INIT;
	struct error *err;

	for (unsigned i = 0; words[i]; i++) {
		if (strcmp(arg, words[i]) == 0) {
			*ret = i;
			return NULL;
		}
	}
	text_printf(&list, "%s", words[0]);
	for (unsigned i = 1; words[i]; i++)
		text_printf(&list, ", %s", words[i]);
	err = error_new(ERROR_USAGE, "%s: '%s' is none of %s", what, arg,
			text_string(&list));
	text_deinit(&list);
	return err;
}

static struct error *parse_max_size(struct parse *p, const char *arg)
{
	p->max_size_given = true;
	if (size_parse(arg, &p->options->max_size))
		return NULL;
	return error_new(ERROR_USAGE, "--max-size: '%s' is not a number above "
			 "0, with K, M, G or T behind it or nothing", arg);
}

static struct error *parse_stop(struct parse *p, const char *arg)
{
	static const char *const words[] = {
		[LIVE_STOP_AUTO] = "auto",
		[LIVE_STOP_ALL] = "all",
		[LIVE_STOP_NONE] = "none",
		NULL,
	};
	unsigned word = LIVE_STOP_AUTO;
	struct error *err = parse_word("--stop", arg, words, &word);

	p->options->live.stop = (enum live_stop)word;
	p->stop_given = true;
	return err;
}

static struct error *parse_dormant(struct parse *p, const char *arg)
{
	static const char *const words[] = {
		[LOCATE_DORMANT_AUTO] = "auto",
		[LOCATE_DORMANT_ALL] = "all",
		[LOCATE_DORMANT_NONE] = "none",
		NULL,
	};
	unsigned word = LOCATE_DORMANT_AUTO;
	struct error *err = parse_word("--dormant", arg, words, &word);

	p->options->locate.dormant = (enum locate_dormant)word;
	p->dormant_given = word != LOCATE_DORMANT_NONE;
	return err;
}

static struct error *parse_unwind(struct options *o, const char *arg)
{
	enum { AUTO, ALL, NONE };
	static const char *const words[] = {
		[AUTO] = "auto",
		[ALL] = "all",
		[NONE] = "none",
		NULL,
	};
	unsigned word = AUTO;
	struct error *err = parse_word("--unwind", arg, words, &word);

	o->locate.unwind = word != NONE;
	o->live.every = word == ALL;
	return err;
}

static struct error *parse_color(struct options *o, const char *arg)
{
	static const char *const words[] = {
		[OPTIONS_COLOR_AUTO] = "auto",
		[OPTIONS_COLOR_ALWAYS] = "always",
		[OPTIONS_COLOR_NEVER] = "never",
		NULL,
	};
	unsigned word = OPTIONS_COLOR_AUTO;
	struct error *err = parse_word("--color", arg, words, &word);

	o->color = (enum options_color)word;
	return err;
}

static struct error *parse_json(struct options *o, const char *arg)
{
	static const char *const words[] = { "pretty", "lines", NULL };
	unsigned word = 0;
	struct error *err = NULL;

	if (arg)
		err = parse_word("--json", arg, words, &word);
	o->json = word == 0 ? OPTIONS_JSON_PRETTY : OPTIONS_JSON_LINES;
	return err;
}

static struct error *parse_rehearse(struct options *o, const char *arg)
{
	static const char *const words[] = {
		[REHEARSE_PRESENT] = "present",
		[REHEARSE_ABSENT] = "absent",
		NULL,
	};
	unsigned word = REHEARSE_PRESENT;
	struct error *err = NULL;

	if (arg)
		err = parse_word("--rehearse", arg, words, &word);
	o->rehearse = true;
	o->rehearse_pages = (enum rehearse_pages)word;
	return err;
}

static struct error *parse_tell(struct parse *p, enum options_tell what)
{
	p->options->tell = what;
	p->told++;
	return NULL;
}

/* What cannot be told from one option alone. */
static struct error *check_combination(const struct parse *p)
{
	const struct options *o = p->options;
	bool named_input = o->pids_count || o->files_count;
	bool any_input = named_input || o->all;
	/* one of each, so that what is for one is in its place */
	bool both = o->compare && o->pids_count && o->files_count;
	const struct {
		bool wrong;
		const char *message;
	} rules[] = {
		{ o->tell == OPTIONS_TELL_EXPLANATION && any_input,
		  "--explain examines nothing, it goes without PID and FILE "
		  "(its own value follows an equals sign)" },
		{ o->tell != OPTIONS_TELL_NOTHING && any_input,
		  "what only prints goes without PID and FILE" },
		{ p->told > 1,
		  "--explain, --list-cpus, --list-kernels and --describe-host "
		  "exclude each other" },
		{ o->tell == OPTIONS_TELL_NOTHING && !any_input,
		  "nothing to examine: give -p PID or a FILE" },
		{ o->all && named_input,
		  "--all goes without PID and FILE" },
		{ o->all && (o->tree || o->tids_count || o->export ||
			     o->core.executable || o->core.sysroot),
		  "--all goes without --tree, --tid, --export, --executable "
		  "and --sysroot" },
		{ o->pids_count && o->core.executable && !both,
		  "--executable is for core files, not for -p" },
		{ o->pids_count && o->core.sysroot && !both,
		  "--sysroot is for core files, not for -p" },
		{ p->max_size_given && !o->files_count,
		  "--max-size is for files" },
		{ p->stdin_again, "standard input can be read only once" },
		{ o->compare && p->criu_given,
		  "--compare takes DIR as it is, without --criu" },
		{ o->files_count && o->tree && !both,
		  "--tree is for -p, not for core files" },
		{ o->files_count && p->stop_given && !both,
		  "--stop is for -p, not for core files" },
		{ p->dormant_given && o->tids_count,
		  "--dormant is for whole processes, not for --tid" },
		{ p->dormant_given && !o->locate.unwind,
		  "--dormant and --unwind=none exclude each other" },
		{ o->export && !o->export[0],
		  "--export: the file has no name" },
		{ o->export && o->tell != OPTIONS_TELL_NOTHING,
		  "what only prints goes without --export" },
		{ o->compare && o->tell != OPTIONS_TELL_NOTHING,
		  "what only prints goes without --compare" },
		{ o->compare && (o->all || o->pids_count + o->files_count != 2),
		  "--compare takes two inputs: what was before, then what is "
		  "after" },
		{ o->compare && (o->targets_count || o->rehearse || o->raw ||
				 o->strict || o->export),
		  "--compare judges nothing, it goes without --target, "
		  "--rehearse, --raw, --strict and --export" },
		{ o->export && (o->tree || o->pids_count + o->files_count > 1),
		  "--export is for one process or core at a time" },
		{ o->summary && (o->quiet || o->registers || o->raw ||
				 o->json != OPTIONS_JSON_OFF),
		  "--summary goes without --json, --quiet, --registers and "
		  "--raw" },
		{ o->summary && o->compare,
		  "--summary and --compare exclude each other" },
		{ o->summary && o->tell != OPTIONS_TELL_NOTHING,
		  "what only prints goes without --summary" },
		{ o->quiet && o->json != OPTIONS_JSON_OFF,
		  "--quiet and --json exclude each other" },
		{ o->quiet && o->registers,
		  "--quiet and --registers exclude each other" },
		{ o->quiet && o->raw, "--quiet and --raw exclude each other" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].wrong)
			return error_new(ERROR_USAGE, "%s", rules[i].message);
	return NULL;
}

/* Returns only if that fails. */
static struct error *print_version(FILE *out)
{
	struct text t = TEXT_INIT;
	struct error *err = NULL;

	version_add(&t);
	if (text_bad(&t))
		err = &error_no_memory;
	else if (fputs(text_string(&t), out) < 0 || fflush(out))
		err = error_os(errno, "writing the version");
	text_deinit(&t);
	if (!err)
		exit(EXIT_SUCCESS);
	return err;
}

static struct error *parse_key(int key, char *arg, struct argp_state *state,
			       struct parse *p)
{
	struct options *o = p->options;

	switch (key) {
	case 'p':
		o->pid_first |= !o->files_count;
		return parse_number("--pid", arg, &o->pids[o->pids_count++]);
	case KEY_COMPARE:
		o->compare = true;
		return NULL;
	case KEY_TREE:
		o->tree = true;
		return NULL;
	case KEY_ALL:
		o->all = true;
		return NULL;
	case 'T':
		return parse_number("--tid", arg, &o->tids[o->tids_count++]);
	case KEY_STOP:
		return parse_stop(p, arg);
	case 'e':
		o->core.executable = arg;
		return NULL;
	case KEY_SYSROOT:
		o->core.sysroot = arg;
		return NULL;
	case KEY_MAX_SIZE:
		return parse_max_size(p, arg);
	case KEY_UNWIND:
		return parse_unwind(o, arg);
	case KEY_DORMANT:
		return parse_dormant(p, arg);
	case 'r':
		return parse_rehearse(o, arg);
	case 'x':
		o->registers = true;
		return NULL;
	case KEY_RAW:
		o->raw = true;
		return NULL;
	case 'j':
		return parse_json(o, arg);
	case 's':
		o->summary = true;
		return NULL;
	case 'q':
		o->quiet = true;
		return NULL;
	case KEY_COLOR:
		return parse_color(o, arg);
	case KEY_STRICT:
		o->strict = true;
		return NULL;
	case KEY_EXPORT:
		o->export = arg;
		return NULL;
	case 't':
		o->targets[o->targets_count++] = arg;
		return NULL;
	case KEY_EXPLAIN:
		o->explain_id = arg;
		return parse_tell(p, OPTIONS_TELL_EXPLANATION);
	case KEY_LIST_CPUS:
		return parse_tell(p, OPTIONS_TELL_CPUS);
	case KEY_LIST_KERNELS:
		return parse_tell(p, OPTIONS_TELL_KERNELS);
	case KEY_DESCRIBE_HOST:
		return parse_tell(p, OPTIONS_TELL_HOST);
	case 'V':
		return print_version(state->out_stream);
	case '?':
	case 'h':
		argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
		return NULL;
	case KEY_USAGE:
		argp_state_help(state, state->out_stream,
				ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		return NULL;
	case KEY_CRIU:
		p->criu_given = true;
		o->files_criu[o->files_count] = true;
		o->files[o->files_count++] = arg;
		return NULL;
	case ARGP_KEY_ARG:
		o->files[o->files_count++] = arg;
		if (!strcmp(arg, "-")) {
			p->stdin_again = p->stdin_given;
			p->stdin_given = true;
		}
		return NULL;
	case ARGP_KEY_END:
		return check_combination(p);
	default:
		return NULL;
	}
}

static error_t parse_argp(int key, char *arg, struct argp_state *state)
{
	struct parse *p = state->input;

	switch (key) {
	case ARGP_KEY_ARGS:
	case ARGP_KEY_INIT:
	case ARGP_KEY_SUCCESS:
	case ARGP_KEY_ERROR:
	case ARGP_KEY_FINI:
	case ARGP_KEY_NO_ARGS:
		return ARGP_ERR_UNKNOWN;
	default:
		p->error = parse_key(key, arg, state, p);
		return p->error ? EINVAL : 0;
	}
}

struct error *options_parse(int argc, char **argv, struct options *ret)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse_argp,
		.args_doc = args_doc,
		.doc = doc,
	};
	struct parse p = { .options = ret };
	size_t most = argc > 0 ? (size_t)argc : 1;
	error_t code;

	/* Nothing can be given more often than there are arguments. */
	*ret = (struct options){
		.pids = calloc(most, sizeof(*ret->pids)),
		.tids = calloc(most, sizeof(*ret->tids)),
		.files = calloc(most, sizeof(*ret->files)),
		.files_criu = calloc(most, sizeof(*ret->files_criu)),
		.targets = calloc(most, sizeof(*ret->targets)),
		.locate.unwind = true,
		.max_size = INPUT_MAX_SIZE,
	};
	if (!ret->pids || !ret->tids || !ret->files ||
	    !ret->files_criu || !ret->targets) {
		options_deinit(ret);
		return &error_no_memory;
	}
	argp_err_exit_status = STATUS_TROUBLE;
	code = argp_parse(&argp, argc, argv, ARGP_NO_HELP | ARGP_IN_ORDER,
			  NULL, &p);
	if (code && !p.error)
		p.error = error_os(code, "cannot read the command line");
	if (p.error) {
		options_deinit(ret);
		return p.error;
	}
	/* what is not another thread's cannot be told then */
	if (ret->tids_count || !ret->locate.unwind)
		ret->locate.dormant = LOCATE_DORMANT_NONE;
	ret->live.tids = ret->tids;
	ret->live.tids_count = ret->tids_count;
	ret->live.whole_xstate = ret->export || ret->compare;
	ret->live.registers = ret->live.whole_xstate || !ret->locate.unwind;
	ret->core.tids = ret->tids;
	ret->core.tids_count = ret->tids_count;
	ret->core.whole_xstate = ret->compare;
	ret->core.few_xstates = !ret->export && !ret->compare;
	return NULL;
}

void options_deinit(struct options *o)
{
	free(o->pids);
	free(o->tids);
	free(o->files);
	free(o->files_criu);
	free(o->targets);
	*o = (struct options){ 0 };
}
