/* SPDX-License-Identifier: GPL-3.0-or-later */
/* description.c - a CPU and kernel as somebody described them */
#include "describe/description.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RELEASE_MAX 64

const char *const origin_names[] = {
	[ORIGIN_NONE] = "none",
	[ORIGIN_GIVEN] = "given",
	[ORIGIN_DERIVED] = "derived",
	[ORIGIN_ASSUMED] = "assumed",
};

const char *const description_field_names[DESCRIBED_FIELDS] = {
	[DESCRIBED_XFEATURES] = "xfeatures",
	[DESCRIBED_LAYOUT] = "layout",
	[DESCRIBED_MXCSR_MASK] = "mxcsr_mask",
	[DESCRIBED_XSAVEC] = "xsavec",
	[DESCRIBED_USER_LIMIT] = "user_limit",
	[DESCRIBED_ISA] = "isa",
	[DESCRIBED_RULES] = "rules",
	[DESCRIBED_MINSIGSTKSZ] = "minsigstksz",
	[DESCRIBED_ABIS] = "abis",
};

struct description *description_create(const char *name)
{
	struct description *d = calloc(1, sizeof(*d));

	if (d && !description_rename(d, name)) {
		free(d);
		d = NULL;
	}
	return d;
}

void description_destroy(struct description *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < DESCRIBED_FIELDS; i++)
		free(d->assumed[i]);
	free(d->kernel);
	free(d->name);
	free(d);
}

bool description_rename(struct description *d, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return false;
	free(d->name);
	d->name = copy;
	d->cpu.name = copy;
	return true;
}

void description_set_abis(struct description *d, enum tri ia32, enum tri x32)
{
	d->ia32 = ia32;
	d->x32 = x32;
	if (ia32 != TRI_UNKNOWN || x32 != TRI_UNKNOWN)
		d->origin[DESCRIBED_ABIS] = ORIGIN_GIVEN;
}

bool description_is_release(struct span s)
{
	if (!s.size || s.size > RELEASE_MAX || *s.text < '0' || *s.text > '9')
		return false;
	for (size_t i = 0; i < s.size; i++)
		if (s.text[i] <= ' ' || s.text[i] > '~')
			return false;
	return true;
}

void description_assume(struct description *d, enum description_field field,
			const char *fmt, ...)
{
	char *sentence;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&sentence, fmt, args) < 0)
		sentence = NULL;
	va_end(args);
	free(d->assumed[field]);
	d->assumed[field] = sentence;
	d->origin[field] = ORIGIN_ASSUMED;
}
