/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spec.c - targets as written on the command line */
#include "describe/spec.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "describe/file.h"
#include "describe/models.h"
#include "describe/similar.h"

#define FLAGS_MAX 64
#define ISA_ALL (UINT64_MAX >> (64 - ISA_COUNT))

/* One flag as written, with all that it brings or takes along. */
struct flag {
	const char *text;
	uint64_t add;
	uint64_t remove;
};

/* What the flags of a target ask for. */
struct changes {
	struct flag flags[FLAGS_MAX];
	unsigned count;
	enum xstate_family layout;	/* UNKNOWN: nothing said */
	bool uses_amx;
};

/* Names that stand for the extension on which all others of a kind rest. */
static const struct {
	const char *name;
	enum isa isa;
} groups[] = {
	{ "amx", ISA_AMX_TILE },
	{ "avx512", ISA_AVX512F },
};

static void cleanup_description(struct description **d)
{
	description_destroy(*d);
}

/*
 * The kernel behind the last '@', which is cut off; NULL if there is none. The
 * name of a file may have an '@'.
 */
static char *cut_kernel(char *text)
{
	char *at = access(text, F_OK) ? strrchr(text, '@') : NULL;

	if (!at || strpbrk(at, "/,"))
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool looks_like_flag(const char *s)
{
	return *s == '+' || *s == '-' || !strncasecmp(s, "layout=", 7);
}

/*
 * The flags at the end, cut off the CPU in front; NULL if there are none. From
 * the end, because a file may have commas in its name.
 */
static char *cut_flags(char *text)
{
	char *flags = NULL, *comma;

	while ((comma = strrchr(text, ',')) && looks_like_flag(comma + 1)) {
		if (flags)
			flags[-1] = ',';
		*comma = '\0';
		flags = comma + 1;
	}
	return flags;
}

/* What was said of these is no longer true. */
static void forget(struct description *d, enum description_field field)
{
	free(d->assumed[field]);
	d->assumed[field] = NULL;
	d->origin[field] = ORIGIN_NONE;
}

/* A release, or NULL, from which the rules are to follow. */
static struct error *set_release(struct description *d, const char *release)
{
	char *copy = release ? strdup(release) : NULL;

	if (release && !copy)
		return &error_no_memory;
	free(d->kernel);
	d->kernel = copy;
	d->rules = 0;
	forget(d, DESCRIBED_RULES);
	return NULL;
}

/*
 * The kernel that runs here. Where it was tried, its rules are what came of
 * that; if nothing did, its release is left out, as they do not follow from it.
 */
static struct error *set_host_kernel(struct description *d,
				     const struct host *host)
{
	bool strange = host->probe_ran && !host->probed;
	struct error *err = set_release(d, strange ? NULL : host->release);

	if (err)
		return err;
	if (host->probed) {
		d->rules = host->rules;
		d->origin[DESCRIBED_RULES] = ORIGIN_GIVEN;
	} else if (!strange && host->rules != rules_of_release(host->release)) {
		/* where uname has more to say than the release */
		d->rules = host->rules;
		d->origin[DESCRIBED_RULES] = ORIGIN_DERIVED;
	}
	return NULL;
}

static struct error *from_host(const struct host *host,
			       struct description **ret)
{
	static const enum description_field given[] = {
		DESCRIBED_XFEATURES, DESCRIBED_LAYOUT, DESCRIBED_MXCSR_MASK,
		DESCRIBED_XSAVEC, DESCRIBED_USER_LIMIT, DESCRIBED_ISA,
	};
	CLEANUP(cleanup_description) struct description *d =
		description_create(host->cpu.name);

	if (!d)
		return &error_no_memory;

	const char *name = d->cpu.name;

	d->cpu = host->cpu;
	d->cpu.name = name;
	d->isa = host->isa;
	d->vendor = host->vendor;
	d->minsigstksz = host->minsigstksz;
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		d->origin[given[i]] = ORIGIN_GIVEN;
	if (host->minsigstksz)
		d->origin[DESCRIBED_MINSIGSTKSZ] = ORIGIN_GIVEN;

	struct error *err = set_host_kernel(d, host);

	if (!err)
		*ret = TAKE_PTR(d);
	return err;
}

static struct error *from_model(const struct cpu_row *row,
				struct description **ret)
{
	struct description *d = description_create(row->name);

	if (!d)
		return &error_no_memory;
	d->isa.known = ISA_ALL;
	d->isa.has = row->isa;
	d->origin[DESCRIBED_ISA] = ORIGIN_GIVEN;
	d->vendor = row->vendor;
	d->cpu.mxcsr_mask = row->mxcsr_mask;
	if (row->mxcsr_mask)
		d->origin[DESCRIBED_MXCSR_MASK] = ORIGIN_GIVEN;
	else	/* or it would follow from this */
		d->isa.known &= ~ISA_BIT(ISA_MISALIGNSSE);
	*ret = d;
	return NULL;
}

static struct error *no_flag(const char *text)
{
	return error_new(ERROR_USAGE,
			 "'%s' is no flag: +FLAG, -FLAG, layout=intel or "
			 "layout=amd", text);
}

static struct error *no_such_cpu(const char *name)
{
	const char *comma = strchr(name, ',');
	const char *suggestion = models_suggest(name);

	if (!*name)
		return error_new(ERROR_USAGE,
				 "no CPU is named; see --list-cpus");
	if (comma)
		return no_flag(comma + 1);
	if (strchr(name, '@'))
		return error_new(ERROR_USAGE,
				 "flags come before the kernel: "
				 "CPU,FLAG@KERNEL");
	return error_new(ERROR_USAGE,
			 "'%s' is neither a CPU model nor a file%s%s; "
			 "see --list-cpus",
			 name, suggestion ? ", perhaps " : "",
			 suggestion ? suggestion : "");
}

static struct error *load_cpu(const char *name, const struct host *host,
			      struct description **ret)
{
	const struct cpu_row *row = models_find(name);

	if (!strcasecmp(name, "host"))
		return from_host(host, ret);
	if (row)
		return from_model(row, ret);
	if (strchr(name, '/') || (*name && !access(name, F_OK)))
		return description_read(name, ret);
	return no_such_cpu(name);
}

/* An extension, and all that it needs. */
static uint64_t with_needs(enum isa isa)
{
	return ISA_BIT(isa) | isa_table[isa].needs;
}

/* An extension, and all that needs it. */
static uint64_t with_dependents(enum isa isa)
{
	uint64_t set = ISA_BIT(isa);

	for (unsigned i = 0; i < ISA_COUNT; i++)
		if (isa_table[i].needs & ISA_BIT(isa))
			set |= ISA_BIT(i);
	return set;
}

static struct error *no_such_flag(const char *text)
{
	const char *nearest = NULL;
	unsigned least = SIMILAR_MAX;

	for (unsigned i = 0; i < ISA_COUNT; i++) {
		const char *names[] = { isa_table[i].name, isa_table[i].alias };

		for (size_t j = 0; j < ARRAY_SIZE(names) && names[j]; j++) {
			unsigned distance = similar_distance(
				text + 1, names[j], strlen(names[j]));

			if (distance < least) {
				least = distance;
				nearest = names[j];
			}
		}
	}
	if (!similar_is_close(text + 1, least))
		nearest = NULL;
	return error_new(ERROR_USAGE,
			 "'%s' names no extension that is known%s%s; "
			 "state components come with avx, mpx, avx512f, pku, "
			 "amx and apx",
			 text, nearest ? ", perhaps " : "",
			 nearest ? nearest : "");
}

static bool find_extension(const char *name, enum isa *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		if (strcasecmp(name, groups[i].name))
			continue;
		*ret = groups[i].isa;
		return true;
	}
	return isa_find(name, ret);
}

static struct error *parse_layout(const char *value, struct changes *c)
{
	static const enum xstate_family families[] = {
		XSTATE_FAMILY_INTEL, XSTATE_FAMILY_AMD,
	};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		if (strcasecmp(value, xstate_family_name(families[i])))
			continue;
		if (c->layout && c->layout != families[i])
			return error_new(ERROR_USAGE,
					 "layout=intel and layout=amd exclude "
					 "each other");
		c->layout = families[i];
		return NULL;
	}
	return error_new(ERROR_USAGE,
			 "there is no layout '%s', only intel and amd", value);
}

static struct error *parse_flag(const char *text, struct changes *c)
{
	struct flag f = { .text = text };
	enum isa isa;

	if (!strncasecmp(text, "layout=", 7))
		return parse_layout(text + 7, c);
	if (*text != '+' && *text != '-')
		return no_flag(text);
	if (!find_extension(text + 1, &isa))
		return no_such_flag(text);
	if (*text == '+')
		f.add = with_needs(isa);
	else
		f.remove = with_dependents(isa);
	for (unsigned i = 0; i < c->count; i++)
		if ((f.add & c->flags[i].remove) ||
		    (f.remove & c->flags[i].add))
			return error_new(ERROR_USAGE,
					 "%s and %s exclude each other",
					 c->flags[i].text, text);
	if (c->count == FLAGS_MAX)
		return error_new(ERROR_USAGE, "more than %d flags", FLAGS_MAX);
	c->flags[c->count++] = f;
	c->uses_amx |= !strcasecmp(text, "+amx");
	return NULL;
}

/* The components that come and go with these extensions. */
static uint64_t components_of(uint64_t extensions)
{
	return isa_xfeatures(extensions | ISA_BIT(ISA_XSAVE)) & ~XSTATE_LEGACY;
}

static void change(struct description *d, uint64_t add, uint64_t remove)
{
	static const struct {
		enum isa isa;
		enum description_field field;
	} follows[] = {
		{ ISA_XSAVEC, DESCRIBED_XSAVEC },
		{ ISA_MISALIGNSSE, DESCRIBED_MXCSR_MASK },
		{ ISA_LA57, DESCRIBED_USER_LIMIT },
	};
	uint64_t differs = (add & ~(d->isa.known & d->isa.has)) |
			   (remove & ~(d->isa.known & ~d->isa.has));

	d->isa.known |= add | remove;
	d->isa.has = (d->isa.has | add) & ~remove;
	if (d->origin[DESCRIBED_XFEATURES] != ORIGIN_NONE) {
		d->cpu.xfeatures |= components_of(add);
		d->cpu.xfeatures &= ~components_of(remove);
	}
	if (differs & ISA_BIT(ISA_XSAVE))
		d->cpu.xsave = TRI_UNKNOWN;
	for (size_t i = 0; i < ARRAY_SIZE(follows); i++)
		if (differs & ISA_BIT(follows[i].isa))
			forget(d, follows[i].field);
	if (components_of(add | remove) || (differs & ISA_BIT(ISA_XSAVE)))
		forget(d, DESCRIBED_MINSIGSTKSZ);
}

static struct error *apply_flags(struct description *d, char *list)
{
	struct changes c = { .layout = XSTATE_FAMILY_UNKNOWN };
	struct error *err = NULL;

	for (char *text; !err && (text = strsep(&list, ","));)
		err = parse_flag(text, &c);
	if (err)
		return err;
	for (unsigned i = 0; i < c.count; i++)
		change(d, c.flags[i].add, c.flags[i].remove);
	d->uses_amx |= c.uses_amx;
	if (c.layout) {
		forget(d, DESCRIBED_LAYOUT);
		forget(d, DESCRIBED_MINSIGSTKSZ);
		d->cpu.layout = *xstate_family_layout(c.layout);
		d->origin[DESCRIBED_LAYOUT] = ORIGIN_GIVEN;
		d->vendor = c.layout;
	}
	return NULL;
}

static struct error *set_kernel(struct description *d, const char *kernel,
				const struct host *host)
{
	rules_mask rules;

	if (!strcasecmp(kernel, "host"))
		return set_host_kernel(d, host);
	if (!strcasecmp(kernel, "unknown"))
		return set_release(d, NULL);
	rules = rules_by_name(kernel);
	if (rules) {
		struct error *err = set_release(d, NULL);

		if (err)
			return err;
		d->rules = rules;
		d->origin[DESCRIBED_RULES] = ORIGIN_GIVEN;
		return NULL;
	}
	if (description_is_release(span_of(kernel)) && rules_of_release(kernel))
		return set_release(d, kernel);
	return error_new(ERROR_USAGE,
			 "'%s' is neither a release since 5.2 nor a set of "
			 "rules, nor host or unknown; see --list-kernels",
			 kernel);
}

/* Say that nobody named the kernel, before what else is to be said of it. */
static void assume_host_kernel(struct description *d)
{
	CLEANUP_FREE char *more = d->assumed[DESCRIBED_RULES];

	d->assumed[DESCRIBED_RULES] = NULL;
	description_assume(d, DESCRIBED_RULES, "kernel: the host's%s%s",
			   more ? "; " : "", more ? more : "");
}

/*
 * Without components and their places there is nothing to predict with: every
 * answer would be that it cannot be known.
 */
static struct error *check_known(const struct description *d)
{
	const struct cpu_model *c = &d->cpu;

	if (d->origin[DESCRIBED_XFEATURES] == ORIGIN_NONE)
		return error_new(ERROR_BAD_INPUT,
				 "nothing says which state components are "
				 "enabled");
	if (!cpu_user_size(c, c->xfeatures))
		return error_new(ERROR_BAD_INPUT,
				 "nothing says where the state components "
				 "are; add ,layout=intel or ,layout=amd");
	return NULL;
}

static struct error *build(const char *cpu, char *flags, const char *kernel,
			   const struct host *host, struct description **ret)
{
	struct error *err = load_cpu(cpu, host, ret);

	if (err)
		return err;

	struct description *d = *ret;
	bool assume_kernel = !kernel && !d->kernel && !d->rules;

	if (flags)
		err = apply_flags(d, flags);
	if (!err && (kernel || assume_kernel))
		err = set_kernel(d, kernel ? kernel : "host", host);
	if (!err)
		err = description_complete(d, d->vendor);
	if (!err)
		err = check_known(d);
	if (!err && assume_kernel)
		assume_host_kernel(d);
	return err;
}

/* Does a file say what to call the machine? `cpu` is its path then. */
static bool has_own_name(const struct description *d, const char *cpu)
{
	return strcasecmp(cpu, "host") != 0 && !models_find(cpu) &&
	       strcmp(d->name, cpu) != 0;
}

struct error *spec_parse(const char *text, const struct host *host,
			 struct description **ret)
{
	CLEANUP(cleanup_description) struct description *d = NULL;
	CLEANUP_FREE char *copy = strdup(text);

	if (!copy)
		return &error_no_memory;

	const char *kernel = cut_kernel(copy);
	char *flags = cut_flags(copy);
	struct error *err = build(copy, flags, kernel, host, &d);

	if (err)
		return error_wrap(err, "target %s", text);
	if (!has_own_name(d, copy) && !description_rename(d, text))
		return &error_no_memory;
	*ret = TAKE_PTR(d);
	return NULL;
}

bool spec_may_mean_host(const char *text)
{
	CLEANUP_FREE char *copy = strdup(text);
	const char *kernel = copy ? cut_kernel(copy) : NULL;

	return !kernel || !strcasecmp(kernel, "host");
}
