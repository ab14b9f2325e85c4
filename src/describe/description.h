/* SPDX-License-Identifier: GPL-3.0-or-later */
/* description.h - a CPU and kernel as somebody described them */
#ifndef SIGFRAME_DESCRIBE_DESCRIPTION_H
#define SIGFRAME_DESCRIBE_DESCRIPTION_H

#include "base/error.h"
#include "base/lines.h"
#include "kernel/rules.h"
#include "x86/cpu.h"
#include "x86/isa.h"

/* Where a field comes from. What was assumed the report has to say. */
enum origin {
	ORIGIN_NONE,	/* not known */
	ORIGIN_GIVEN,	/* read as such */
	ORIGIN_DERIVED,	/* follows from what was given */
	ORIGIN_ASSUMED,	/* likely, but nothing says so */
};

/* "none", "given", "derived", "assumed" */
extern const char *const origin_names[];

enum description_field {
	DESCRIBED_XFEATURES,
	DESCRIBED_LAYOUT,
	DESCRIBED_MXCSR_MASK,
	DESCRIBED_XSAVEC,
	DESCRIBED_USER_LIMIT,
	DESCRIBED_ISA,
	DESCRIBED_RULES,
	DESCRIBED_MINSIGSTKSZ,
	DESCRIBED_ABIS,		/* ia32 and x32 */
	DESCRIBED_FIELDS,
};

/* "xfeatures", "layout", ... as in the description file and the report */
extern const char *const description_field_names[DESCRIBED_FIELDS];

struct description {
	char *name;		/* to show: the model's, the brand, the file */
	struct cpu_model cpu;	/* cpu.name is `name` */
	struct isa_set isa;
	char *kernel;		/* release, or NULL */
	rules_mask rules;	/* 0: not known */
	uint64_t minsigstksz;	/* AT_MINSIGSTKSZ; 0: not known */
	enum tri ia32;		/* runs 32-bit programs */
	enum tri x32;
	enum xstate_family vendor;	/* as description_complete() was told */
	bool uses_amx;		/* the task will have asked for AMX and used it */
	enum origin origin[DESCRIBED_FIELDS];
	char *assumed[DESCRIBED_FIELDS];	/* sentences, or NULL */
};

/* A description that knows nothing, of that name; NULL: no memory. */
struct description *description_create(const char *name);
void description_destroy(struct description *d);

/*
 * May this be a release of Linux, as uname -r prints it? It begins with a digit
 * and is one word of ASCII; there is room for 64 bytes in struct new_utsname.
 */
bool description_is_release(struct span s);

/* Give the ABIs as they were tried; unknown ones stay so. */
void description_set_abis(struct description *d, enum tri ia32, enum tri x32);

/* Replace the name (copied). False if there is no memory. */
bool description_rename(struct description *d, const char *name);

/*
 * Fill in, from what is known, what is not: components from extensions or the
 * other way round, the layout from the vendor family, the MXCSR mask, the
 * address limit (origin DERIVED or ASSUMED), AT_MINSIGSTKSZ by the formula.
 * `vendor` says whose layout to assume where none is given; UNKNOWN: none.
 * May be called again when something has changed; what was given stays.
 * ERROR_BAD_INPUT if the description contradicts itself: components without
 * the place they need, overlapping ones, MPX together with APX, AVX-512
 * without AVX, sizes that are not the architecture's.
 */
struct error *description_complete(struct description *d,
				   enum xstate_family vendor) MUST_USE;

/*
 * Say that a field was assumed, and why, in a sentence for the report:
 * "layout intel, by the model's vendor; a hypervisor may pass on another".
 * Without memory only the origin is noted.
 */
void description_assume(struct description *d, enum description_field field,
			const char *fmt, ...) PRINTF(3, 4);

#endif
