/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpuid_convert.h - rewrite a CPUID dump as other programs print it */
#ifndef SIGFRAME_TESTS_UNIT_CPUID_CONVERT_H
#define SIGFRAME_TESTS_UNIT_CPUID_CONVERT_H

#include "base/text.h"

/* Forms of a line; each program has its own. */
enum dump_form {
	DUMP_AIDA,	/* InstLatx64, AIDA64 */
	DUMP_R,		/* Debian's cpuid -r */
	DUMP_TYCHO,	/* tycho's cpuid */
	DUMP_FORMS,
};

/*
 * Append the first logical CPU of an InstLatx64 dump in that form. Lines
 * without a sub-leaf can only be said once elsewhere: the first is sub-leaf 0,
 * the others are left out.
 */
void cpuid_convert(const char *dump, enum dump_form form, struct text *ret);

/* Append the heading of another logical CPU and a leaf 1 that has nothing. */
void cpuid_convert_another(enum dump_form form, struct text *ret);

#endif
