/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mapfiles.h - the files that a dumped process had mapped */
#ifndef SIGFRAME_SOURCE_MAPFILES_H
#define SIGFRAME_SOURCE_MAPFILES_H

#include "source/elffile.h"
#include "source/snapshot.h"

/* A part of a file that was mapped, as an entry of NT_FILE. */
struct mapped_range {
	uint64_t start;		/* [start, end) */
	uint64_t end;
	uint64_t offset;	/* bytes into the file */
	const char *path;	/* foreign */
	unsigned prot;		/* of the memory in it; 0: not known */
	uint64_t file_size;	/* bytes; 0: not known */
	const struct elffile_id *build_id;	/* NULL: not known */
};

struct mapfiles;

struct mapfiles_setup {
	/* All of these outlive the result. */
	const char *what;	/* "the core": who remembers them */
	const char *sysroot;	/* in front of their names, or NULL */
	const char *replacement;	/* a file instead of `executable` */
	const char *executable;	/* the path that it replaces, or NULL */
	/* By address, never overlapping. */
	struct mapped_range *ranges;
	size_t ranges_count;
	struct elffile_image memory;	/* what has been dumped; base 0 */
	struct snapshot *snapshot;	/* gets a note for each unusable file */
};

/* An error if the sysroot or the replacement is not there. */
struct error *mapfiles_create(const struct mapfiles_setup *setup,
			      struct mapfiles **ret) MUST_USE;
void mapfiles_destroy(struct mapfiles *f);

/*
 * The file that was mapped as `path`, open for reading and verified: its
 * build-id is the one in the dumped memory, or that was noted beside it, or
 * neither has any and the program headers agree. Where there is nothing to
 * compare with, an ELF file is taken only if the replacement or the sysroot
 * says where, and it is as large as what was mapped; with a note. What was
 * found is remembered. The descriptor is borrowed and good until the next
 * call.
 */
struct error *mapfiles_get(struct mapfiles *f, const char *path,
			   int *fd_ret) MUST_USE;

/*
 * The PROT_ bits with which the file mapped as `path` wants to be at `addr`;
 * false if it cannot be had or does not say.
 */
bool mapfiles_prot(struct mapfiles *f, const char *path, uint64_t addr,
		   unsigned *ret);

#endif
