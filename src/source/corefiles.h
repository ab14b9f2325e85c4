/* SPDX-License-Identifier: GPL-3.0-or-later */
/* corefiles.h - the files that a core's process had mapped */
#ifndef SIGFRAME_SOURCE_COREFILES_H
#define SIGFRAME_SOURCE_COREFILES_H

#include "source/corenotes.h"

struct corefiles;

struct corefiles_setup {
	const struct core_options *options;
	/* All of these outlive the result. */
	struct core_range *ranges;	/* as corenotes.h keeps them */
	size_t ranges_count;
	const char *executable;	/* the path that an option replaces, or NULL */
	struct elffile_image memory;	/* what the core has dumped; base 0 */
	struct snapshot *snapshot;	/* gets a note for each unusable file */
};

/* An error if what the options name is not there. */
struct error *corefiles_create(const struct corefiles_setup *setup,
			       struct corefiles **ret) MUST_USE;
void corefiles_destroy(struct corefiles *f);

/*
 * The file that was mapped as `path`, open for reading and verified: its
 * build-id is the one in the dumped memory, or neither has any and the program
 * headers agree. Where the core has nothing to compare with, an ELF file is
 * taken only if --executable or --sysroot says where, and it is as large as
 * what was mapped; with a note. What was found is remembered. The descriptor
 * is borrowed and good until the next call.
 */
struct error *corefiles_get(struct corefiles *f, const char *path,
			    int *fd_ret) MUST_USE;

/*
 * The PROT_ bits with which the file mapped as `path` wants to be at `addr`;
 * false if it cannot be had or does not say.
 */
bool corefiles_prot(struct corefiles *f, const char *path, uint64_t addr,
		    unsigned *ret);

#endif
