/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.h - what the kernel versions do with a frame's extended state */
#ifndef SIGFRAME_KERNEL_RULES_H
#define SIGFRAME_KERNEL_RULES_H

#include <stdbool.h>
#include <stdint.h>

/* Ways in which the kernels differ; see check_xstate_in_sigframe() and
 * fpu__restore_sig() in arch/x86/kernel/fpu/signal.c. */
enum rules_flags {
	/* xstate_size and extended_size are compared with each other */
	RULES_SIZES = 1 << 0,
	/* an image larger than the task's own is restored as FXSAVE */
	RULES_SIZE_LIMIT = 1 << 1,
	/* MAGIC2 is looked for behind the task's size, not the frame's */
	RULES_MAGIC2_AT_USER_SIZE = 1 << 2,
	/* extended_size has to cover MAGIC2 */
	RULES_EXTENDED_COVERS_MAGIC2 = 1 << 3,
	/* xstate_size has to cover what xfeatures claims, or SIGSEGV */
	RULES_SIZE_COVERS_FEATURES = 1 << 4,
	/* faults fall back to a copy through a kernel buffer */
	RULES_COPY_FALLBACK = 1 << 5,
	/* an image that is not 64-byte aligned is restored as FXSAVE */
	RULES_MISALIGNED_FX = 1 << 6,
	/* unreadable software bytes mean FXSAVE, not SIGSEGV */
	RULES_UNREADABLE_FX = 1 << 7,
	/* XRSTOR is asked for what XCR0 allows, not what the task has */
	RULES_RFBM_FROM_XCR0 = 1 << 8,
};

/* How far the kernel makes pages readable when XRSTOR meets a page fault. */
enum rules_prefault {
	RULES_PREFAULT_NONE,		/* falls back to copying instead */
	RULES_PREFAULT_XSTATE_SIZE,	/* the frame's S; loops beyond it */
	RULES_PREFAULT_USER_SIZE,	/* the task's U */
	RULES_PREFAULT_NEEDED,		/* S, or what xfeatures needs of it */
};

/* One row per set of rules that some kernel follows. */
struct rules {
	const char *id;		/* "R5" */
	const char *name;	/* "reverted" */
	const char *kernels;	/* for people */
	unsigned flags;		/* enum rules_flags */
	enum rules_prefault prefault;
};

enum rules_index {
	RULES_R1, RULES_R2, RULES_R3, RULES_R4, RULES_R5, RULES_R6, RULES_R7,
	RULES_COUNT,
};

extern const struct rules rules_table[RULES_COUNT];

/* How the sets came about, for people; one row per change. */
struct rules_change {
	const char *rules;	/* the set that it begins */
	const char *date;	/* of the commit, or when it was posted */
	const char *releases;	/* the first with it, of each branch */
	const char *what;
	const char *commits;
};

extern const struct rules_change rules_changes[];
extern const unsigned rules_changes_count;

/* Several sets of rules: bit n stands for rules_table[n]. */
typedef uint32_t rules_mask;
#define RULES_BIT(n) (UINT32_C(1) << (n))

/*
 * The rules a release follows, "6.1.78" or as uname -r prints it: one bit, or
 * several where the release alone cannot tell (a vendor's kernel may have
 * backports, an end-of-life branch a fix nobody recorded); 0 if it is not a
 * release, or one from before 5.2. Sources: the commits in rules.c.
 */
rules_mask rules_of_release(const char *release);

/*
 * The same for a running kernel, uname -r and -v: Debian up to 12 counts the
 * patch level in the version only ("Debian 6.1.76-1"), and there it is right.
 */
rules_mask rules_of_uname(const char *release, const char *version);

/* The set of that id or name, ignoring case; 0 if there is none. */
rules_mask rules_by_name(const char *name);

#endif
