/* SPDX-License-Identifier: GPL-3.0-or-later */
/* flags.h - a CPU by its vendor, name and flags, as Linux prints them */
#ifndef SIGFRAME_DESCRIBE_FLAGS_H
#define SIGFRAME_DESCRIBE_FLAGS_H

#include "base/lines.h"
#include "describe/description.h"

/* Texts of whoever fills it in; .text is NULL where there was none. */
struct cpu_flags {
	struct span vendor;	/* "GenuineIntel" */
	struct span name;	/* brand string */
	struct span flags;	/* blank-separated */
};

/*
 * What the flags of /proc/cpuinfo say; unknown ones are not for us. Linux
 * lists what programs can use, so what is missing is absent.
 * ERROR_BAD_INPUT without flags, or if they are not an x86-64 CPU's.
 */
struct error *flags_describe(const struct cpu_flags *f, struct description *d,
			     enum xstate_family *vendor_ret) MUST_USE;

#endif
