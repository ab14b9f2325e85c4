/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.c - what the kernel versions do with a frame's extended state */
#include "kernel/rules.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

const struct rules rules_table[RULES_COUNT] = {
	[RULES_R1] = {
		.id = "R1", .name = "copy-fallback",
		.kernels = "5.2 to 5.13, with 5.4.y and 5.10.y",
		.flags = RULES_SIZES | RULES_SIZE_LIMIT |
			 RULES_COPY_FALLBACK | RULES_MISALIGNED_FX |
			 RULES_UNREADABLE_FX,
		.prefault = RULES_PREFAULT_NONE,
	},
	[RULES_R2] = {
		.id = "R2", .name = "legacy-size",
		.kernels = "5.14 to 6.7; to 5.15.149, 6.1.78, 6.6.17, 6.7.5",
		.flags = RULES_SIZES | RULES_SIZE_LIMIT |
			 RULES_RFBM_FROM_XCR0,
		.prefault = RULES_PREFAULT_XSTATE_SIZE,
	},
	[RULES_R3] = {
		.id = "R3", .name = "prefault-user-size",
		.kernels = "6.8 to 6.14; from 5.15.150, 6.1.79, 6.6.18, 6.7.6",
		.flags = RULES_SIZES | RULES_SIZE_LIMIT,
		.prefault = RULES_PREFAULT_USER_SIZE,
	},
	[RULES_R4] = {
		.id = "R4", .name = "strict-magic2",
		.kernels = "6.15 to 6.17, to 6.18.34, 6.19, to 7.0.11",
		.flags = RULES_MAGIC2_AT_USER_SIZE,
		.prefault = RULES_PREFAULT_USER_SIZE,
	},
	[RULES_R5] = {
		.id = "R5", .name = "reverted",
		.kernels = "from 6.18.35, from 7.0.12, 7.1 and later",
		.flags = RULES_SIZES | RULES_SIZE_LIMIT,
		.prefault = RULES_PREFAULT_USER_SIZE,
	},
	[RULES_R6] = {
		.id = "R6", .name = "portable-tip",
		.kernels = "queued on 2026-09-26, expected in 7.4",
		.flags = RULES_SIZES | RULES_SIZE_LIMIT |
			 RULES_EXTENDED_COVERS_MAGIC2 |
			 RULES_SIZE_COVERS_FEATURES,
		.prefault = RULES_PREFAULT_NEEDED,
	},
	[RULES_R7] = {
		.id = "R7", .name = "portable-v3",
		.kernels = "series of 2026-06-15 as posted, never merged",
		.flags = RULES_SIZES | RULES_EXTENDED_COVERS_MAGIC2 |
			 RULES_SIZE_COVERS_FEATURES,
		.prefault = RULES_PREFAULT_NEEDED,
	},
};

const struct rules_change rules_changes[] = {
	{ "R1", "2019-04-03", "5.2",
	  "restore from user memory, fall back to a copy on any fault",
	  "1d731e731c4c" },
	{ "R2", "2021-06-23", "5.14",
	  "no fallback; unreadable software bytes are fatal",
	  "1258a8c89604 9ba589f9cdbd fcb3635f5018" },
	{ "R3", "2024-01-29", "6.8 6.7.6 6.6.18 6.1.79 5.15.150",
	  "on a page fault, make the task's whole size readable",
	  "d877550eaf2d (CVE-2024-26603)" },
	{ "R4", "2024-12-10", "6.15",
	  "look for MAGIC2 behind the task's size, ignore the frame's",
	  "dc8aa31a7ac2" },
	{ "R5", "2026-05-26", "7.1 7.0.12 6.18.35",
	  "that taken back", "44eeff9bc467" },
	{ "R6", "2026-09-26", "7.4 expected",
	  "never read past the frame; prefault what is needed only",
	  "3d69596c684b..391cac638edd, queued in tip x86/fpu" },
	{ "R7", "2026-06-15", "none",
	  "as R6, and larger frames are admitted",
	  "version 3 of that series as posted" },
};

const unsigned rules_changes_count = ARRAY_SIZE(rules_changes);

#define R(n) RULES_BIT(RULES_R##n)

/*
 * From this release of its branch on, these rules hold until the next row.
 * Rows of a branch are in order; a branch without a row of its own follows
 * the last row with a lower number and patch 0.
 *   R1  1d731e731c4c            R2  1258a8c89604, 9ba589f9cdbd, fcb3635f5018
 *   R3  d877550eaf2d            R4  dc8aa31a7ac2
 *   R5  44eeff9bc467 (reverts dc8aa31a7ac2)
 *   R6  3d69596c684b..391cac638edd
 */
static const struct boundary {
	unsigned major, minor, patch;
	rules_mask rules;
} boundaries[] = {
	{ 5, 2, 0, R(1) },
	{ 5, 14, 0, R(2) },
	{ 5, 15, 0, R(2) },
	{ 5, 15, 150, R(3) },
	{ 5, 16, 0, R(2) },
	{ 6, 1, 0, R(2) },
	{ 6, 1, 79, R(3) },
	{ 6, 2, 0, R(2) },
	{ 6, 6, 0, R(2) },
	{ 6, 6, 18, R(3) },
	{ 6, 7, 0, R(2) },
	{ 6, 7, 6, R(3) },
	{ 6, 8, 0, R(3) },
	{ 6, 15, 0, R(4) },
	{ 6, 18, 0, R(4) },
	{ 6, 18, 35, R(5) },
	{ 6, 19, 0, R(4) },
	{ 7, 0, 0, R(4) },
	{ 7, 0, 12, R(5) },
	{ 7, 1, 0, R(5) },
	/* the queue had not been merged when this was written */
	{ 7, 4, 0, R(5) | R(6) },
};

/* What a vendor does to the number in front of its suffix. */
enum vendor_habit {
	VENDOR_FIXED_PATCH,	/* always .0: any patch of the branch */
	VENDOR_BACKPORTS,	/* any later rules may have been brought in */
};

static const struct vendor {
	const char *mark;
	enum vendor_habit habit;
} vendors[] = {
	{ ".el", VENDOR_BACKPORTS },		/* Red Hat and rebuilds */
	{ "-default", VENDOR_BACKPORTS },	/* SUSE */
	{ "-generic", VENDOR_FIXED_PATCH },	/* Ubuntu */
	{ "-lowlatency", VENDOR_FIXED_PATCH },
	{ "-aws", VENDOR_FIXED_PATCH },
	{ "-azure", VENDOR_FIXED_PATCH },
	{ "-gcp", VENDOR_FIXED_PATCH },
	{ "-oracle", VENDOR_FIXED_PATCH },
};

struct release {
	unsigned major, minor, patch;
	bool candidate;		/* -rcN: something between two releases */
	const char *suffix;	/* what follows the numbers */
};

/* Decimal number at *s, advanced behind it; false if there is none. */
static bool parse_number(const char **s, unsigned *ret)
{
	unsigned value = 0;

	if (**s < '0' || **s > '9')
		return false;
	for (; **s >= '0' && **s <= '9'; (*s)++) {
		if (value > 99999)
			return false;
		value = value * 10 + (unsigned)(**s - '0');
	}
	*ret = value;
	return true;
}

static bool parse_release(const char *s, struct release *ret)
{
	struct release r = { 0 };

	if (!parse_number(&s, &r.major) || *s++ != '.' ||
	    !parse_number(&s, &r.minor))
		return false;
	if (*s == '.') {
		s++;
		if (!parse_number(&s, &r.patch))
			return false;
	}
	if (*s && !strchr("-.+_~ ", *s))
		return false;
	r.suffix = s;
	/* 6.15-rc1, Debian's 6.15~rc1, Fedora's 6.15.0-0.rc1.18 */
	r.candidate = !strncmp(s, "-rc", 3) || !strncmp(s, "~rc", 3) ||
		      !strncmp(s, "-0.rc", 5);
	*ret = r;
	return true;
}

/* Negative, 0 or positive as a is before, at or after b. */
static int compare(const struct boundary *a, unsigned major, unsigned minor,
		   unsigned patch)
{
	if (a->major != major)
		return a->major < major ? -1 : 1;
	if (a->minor != minor)
		return a->minor < minor ? -1 : 1;
	return (a->patch > patch) - (a->patch < patch);
}

/* The rules of exactly this release; 0 before the first row. */
static rules_mask rules_at(unsigned major, unsigned minor, unsigned patch)
{
	rules_mask found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		const struct boundary *b = &boundaries[i];
		bool own_branch = b->major == major && b->minor == minor;

		if (compare(b, major, minor, patch) > 0)
			break;
		if (own_branch || b->patch == 0)
			found = b->rules;
	}
	return found;
}

/* The rules of every patch release of a branch. */
static rules_mask rules_of_branch(unsigned major, unsigned minor)
{
	rules_mask found = rules_at(major, minor, 0);

	for (size_t i = 0; i < ARRAY_SIZE(boundaries); i++) {
		const struct boundary *b = &boundaries[i];

		if (b->major == major && b->minor == minor)
			found |= b->rules;
	}
	return found;
}

/* These rules and all that came after them in released kernels. */
static rules_mask with_later(rules_mask rules)
{
	rules_mask later = 0;

	for (unsigned i = 0; i <= RULES_R5; i++)
		if (later || (rules & RULES_BIT(i)))
			later |= RULES_BIT(i);
	return rules | later;
}

rules_mask rules_of_release(const char *release)
{
	struct release r;

	if (!parse_release(release, &r))
		return 0;

	rules_mask branch = rules_of_branch(r.major, r.minor);

	for (size_t i = 0; i < ARRAY_SIZE(vendors); i++) {
		if (!strstr(r.suffix, vendors[i].mark))
			continue;
		return vendors[i].habit == VENDOR_BACKPORTS
			       ? with_later(branch)
			       : branch;
	}
	/* 6.1.0-18-amd64: some distributions never count the patch level */
	if (r.patch == 0 && r.suffix[0] == '-' && !r.candidate)
		return branch;
	if (r.candidate && r.minor > 0)
		return rules_at(r.major, r.minor, 0) |
		       rules_of_branch(r.major, r.minor - 1);
	if (r.candidate)	/* the branch before X.0 has another major */
		return with_later(branch);
	return rules_at(r.major, r.minor, r.patch);
}

rules_mask rules_of_uname(const char *release, const char *version)
{
	static const char mark[] = "Debian ";
	const char *debian = strstr(version, mark);
	rules_mask exact = 0;

	if (debian)
		exact = rules_of_release(debian + strlen(mark));
	return exact ? exact : rules_of_release(release);
}

rules_mask rules_by_name(const char *name)
{
	for (unsigned i = 0; i < RULES_COUNT; i++)
		if (!strcasecmp(name, rules_table[i].id) ||
		    !strcasecmp(name, rules_table[i].name))
			return RULES_BIT(i);
	return 0;
}
