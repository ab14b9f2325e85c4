/* SPDX-License-Identifier: GPL-3.0-or-later */
/* case.c - one experiment with a signal frame, as a line of text */
#include "case.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "x86/sigframe.h"

static const char *const field_names[CASE_FIELDS] = {
	[CASE_MACHINE] = "machine",
	[CASE_KIND] = "kind",
	[CASE_SEED] = "seed",
	[CASE_SIZE] = "size",
	[CASE_EXTENDED] = "extended",
	[CASE_FEATURES] = "features",
	[CASE_MAGIC1] = "magic1",
	[CASE_MAGIC2] = "magic2",
	[CASE_MAGIC2_AT] = "magic2_at",
	[CASE_MAGIC2_ALSO] = "magic2_also",
	[CASE_BV] = "bv",
	[CASE_XCOMP] = "xcomp",
	[CASE_COMPACT] = "compact",
	[CASE_RESERVED] = "reserved",
	[CASE_MXCSR] = "mxcsr",
	[CASE_SHIFT] = "shift",
	[CASE_PAGE_OFFSET] = "page_offset",
	[CASE_ROOM] = "room",
	[CASE_ABSENT] = "absent",
	[CASE_FPSTATE] = "fpstate",
	[CASE_FRAME_APART] = "frame_apart",
	[CASE_FRAME_ROOM] = "frame_room",
	[CASE_UC_FLAGS] = "uc_flags",
	[CASE_RIP] = "rip",
	[CASE_RSP] = "rsp",
	[CASE_RFLAGS] = "rflags",
	[CASE_CS] = "cs",
	[CASE_SS] = "ss",
	[CASE_SIGMASK] = "sigmask",
	[CASE_STACK_SP] = "stack_sp",
	[CASE_STACK_FLAGS] = "stack_flags",
	[CASE_STACK_SIZE] = "stack_size",
};

const char *case_field_name(enum oracle_field field)
{
	return field_names[field];
}

int case_format(const struct oracle_case *c, const struct oracle_case *base,
		char *ret, size_t size)
{
	int len = snprintf(ret, size, "machine=%s kind=%s",
			   machines[c->v[CASE_MACHINE]].name,
			   sigframe_shapes[c->v[CASE_KIND]].name);

	for (unsigned i = CASE_SEED; i < CASE_FIELDS && len >= 0; i++) {
		size_t used = (size_t)len < size ? (size_t)len : size;

		if (c->v[i] == base->v[i])
			continue;
		len += snprintf(ret + used, size - used, " %s=%#" PRIx64,
				field_names[i], c->v[i]);
	}
	return len;
}

static bool word_is(const char *word, size_t length, const char *name)
{
	return strlen(name) == length && !memcmp(word, name, length);
}

static bool parse_value(unsigned field, const char *s, size_t length,
			uint64_t *ret)
{
	char *end;

	if (field == CASE_MACHINE) {
		*ret = machine_find(s, length);
		return *ret < machines_count;
	}
	if (field == CASE_KIND) {
		for (*ret = 0; *ret < SIGFRAME_KINDS; ++*ret) {
			if (word_is(s, length, sigframe_shapes[*ret].name))
				return true;
		}
		return false;
	}
	*ret = strtoull(s, &end, 0);
	return length && end == s + length;
}

bool case_parse(const char *line,
		void (*base)(void *arg, uint64_t machine, uint64_t kind,
			     struct oracle_case *ret),
		void *arg, struct oracle_case *ret, const char **bad_ret)
{
	struct oracle_case given = { { 0 } };
	bool have[CASE_FIELDS] = { false };

	for (const char *word = line + strspn(line, " "); *word;) {
		size_t length = strcspn(word, " ,");
		size_t name = strcspn(word, "= ,");
		unsigned i;

		*bad_ret = word;
		for (i = 0; i < CASE_FIELDS; i++) {
			if (word_is(word, name, field_names[i]))
				break;
		}
		if (i == CASE_FIELDS || name == length ||
		    !parse_value(i, word + name + 1, length - name - 1,
				 &given.v[i]))
			return false;
		have[i] = true;
		word += length;
		word += strspn(word, " ,");
	}

	base(arg, given.v[CASE_MACHINE], given.v[CASE_KIND], ret);
	for (unsigned i = 0; i < CASE_FIELDS; i++) {
		if (have[i])
			ret->v[i] = given.v[i];
	}
	return true;
}
