/* SPDX-License-Identifier: GPL-3.0-or-later */
/* targets.c - the targets of the command line, ready to judge frames on */
#include "targets.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "describe/models.h"
#include "describe/spec.h"

/* Is it the very machine we run on, and not a variation of it? */
static bool is_host(const char *spec)
{
	return !strcasecmp(spec, "host") || !strcasecmp(spec, "host@host");
}

/*
 * What the target's CPU is, in words, without the remarks that --list-cpus
 * has behind a semicolon; the caller frees it.
 */
static char *cpu_title(const char *spec, const struct description *d,
		       const struct host *host)
{
	size_t length = strcspn(spec, ",@");
	CLEANUP_FREE char *model = strndup(spec, length);
	const struct cpu_row *row = model ? models_find(model) : NULL;
	const char *title = row ? row->title : d->name;

	if (length == 4 && !strncasecmp(spec, "host", length))
		title = host->cpu.name;
	return strndup(title, row ? strcspn(title, ";") : strlen(title));
}

static struct error *add(struct targets *t, const char *spec,
			 const struct host *host)
{
	struct description *d = NULL;
	struct error *err = spec_parse(spec, host, &d);

	if (err)
		return err;

	struct report_target *r = &t->list[t->count++];

	*r = (struct report_target){
		.description = d,
		.cpu = cpu_title(spec, d, host),
		.is_host = is_host(spec),
	};
	if (r->is_host) {
		r->probed = host->probed != 0;
		r->note = host->probe_note[0] ? host->probe_note : NULL;
		description_set_abis(d, host->ia32, host->x32);
	}
	if (!r->cpu)
		return &error_no_memory;
	target_init(&r->target, spec, &d->cpu, d->rules,
		    cpu_default_features(&d->cpu) |
			    (d->uses_amx ? XSTATE_DYNAMIC : 0));
	r->target.isa = d->isa;
	r->target.minsigstksz = d->minsigstksz;
	r->target.ia32 = d->ia32;
	r->target.x32 = d->x32;
	return NULL;
}

struct error *targets_init(struct targets *ret, const char *const *specs,
			   size_t count, const struct host *host)
{
	static const char *const here[] = { "host" };
	struct targets t = { 0 };
	struct error *err = NULL;

	if (!count) {
		specs = here;
		count = ARRAY_SIZE(here);
	}
	t.list = calloc(count, sizeof(*t.list));
	if (!t.list)
		return &error_no_memory;
	for (size_t i = 0; i < count && !err; i++)
		err = add(&t, specs[i], host);
	if (err)
		targets_deinit(&t);
	else
		*ret = t;
	return err;
}

void targets_deinit(struct targets *t)
{
	for (size_t i = 0; i < t->count; i++) {
		description_destroy(t->list[i].description);
		free(t->list[i].cpu);
	}
	free(t->list);
	*t = (struct targets){ 0 };
}
