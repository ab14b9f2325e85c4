/* SPDX-License-Identifier: GPL-3.0-or-later */
/* models.h - CPU models known by name */
#ifndef SIGFRAME_DESCRIBE_MODELS_H
#define SIGFRAME_DESCRIBE_MODELS_H

#include "describe/description.h"

/* One row per model; names are QEMU's and libvirt's where they have one. */
struct cpu_row {
	const char *name;
	const char *aliases;		/* blank-separated, or NULL */
	const char *title;		/* "Intel Haswell, 2013" */
	enum xstate_family vendor;	/* INTEL also for Zhaoxin */
	uint64_t isa;			/* ISA_BIT()s; all others are absent */
	uint32_t mxcsr_mask;		/* 0: not known */
	const char *evidence;		/* "dumps", "QEMU", "unverified" */
};

extern const struct cpu_row cpu_rows[];
extern const unsigned cpu_rows_count;

/* By name or alias, ignoring case; NULL if there is none. */
const struct cpu_row *models_find(const char *name);

/* The name most like it, or NULL if none comes close. */
const char *models_suggest(const char *name);

#endif
