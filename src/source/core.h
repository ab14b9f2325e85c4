/* SPDX-License-Identifier: GPL-3.0-or-later */
/* core.h - an ELF core file as a snapshot */
#ifndef SIGFRAME_SOURCE_CORE_H
#define SIGFRAME_SOURCE_CORE_H

#include "source/snapshot.h"

/* What is wanted of a core or a checkpoint, and where its files are. */
struct core_options {
	const char *executable;	/* instead of the one that it names */
	const char *sysroot;	/* in front of the names of files, or NULL */
	const pid_t *tids;	/* only these threads; none: all */
	size_t tids_count;
	bool whole_xstate;	/* keep all that threads have in registers */
	/*
	 * Keep the extended state only of threads that a signal killed, and of
	 * a few others, to tell what the CPU is like.
	 */
	bool few_xstates;
};

/*
 * Read the core file `path`: kernel's, gcore's or any other of an x86-64, x32
 * or i386 process. Only headers and notes are read; memory follows on demand.
 * Read-only pages that the core omits are read from the files that NT_FILE
 * names, or the options, if their build-id (or, lacking one, their program
 * headers in the core) agrees. Files are looked at when they are needed: what
 * is wrong with them is added to the snapshot's notes then, so read the notes
 * last. Damage is noted; if threads may be missing, a thread 0 says so as its
 * `problem`. The executable named by the options has to exist.
 */
struct error *core_open(const char *path, const struct core_options *options,
			struct snapshot **ret) MUST_USE;

/*
 * The same for a file that is open, which is taken, also when it fails. Holes
 * in it count as zeros. The snapshot and errors call it `name`.
 */
struct error *core_open_fd(int fd, const char *name,
			   const struct core_options *options,
			   struct snapshot **ret) MUST_USE;

#endif
