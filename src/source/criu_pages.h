/* SPDX-License-Identifier: GPL-3.0-or-later */
/* criu_pages.h - the pages of a process that are in CRIU's images */
#ifndef SIGFRAME_SOURCE_CRIU_PAGES_H
#define SIGFRAME_SOURCE_CRIU_PAGES_H

#include "source/imagefiles.h"

/*
 * pagemap-PID.img says which pages are in pages-N.img, and which are in the
 * images of an earlier dump, in the directory `parent`, and so on.
 */
struct criu_pages;

enum criu_page {
	CRIU_PAGE_NONE,		/* none was dumped: zero, or as in its file */
	CRIU_PAGE_DATA,		/* it is in the images */
	CRIU_PAGE_MISSING,	/* it should be there, or was left for later */
};

/*
 * ERROR_BAD_INPUT for what is malformed: runs of pages that overlap or do not
 * fit into the address space, parents that lead in a circle. What is not there
 * (a parent, pages) is noted in `s`, and so are pages for a place that is not
 * among its mappings, if it has any, or for none: what is in no run is MISSING
 * then. `files` has to outlive the result.
 */
struct error *criu_pages_open(const struct image_files *files, pid_t pid,
			      struct snapshot *s,
			      struct criu_pages **ret) MUST_USE;
void criu_pages_close(struct criu_pages *p);

/*
 * What is at `addr`, and for how many of the `size` bytes from there on, at
 * least 1, it is the same: the result. `buf` is filled where it is DATA.
 */
size_t criu_pages_read(const struct criu_pages *p, uint64_t addr, void *buf,
		       size_t size, enum criu_page *what_ret);

/*
 * The first address in [from, to) that has a page which is not NONE, and where
 * such pages end, in *end_ret; `to` if there is none.
 */
uint64_t criu_pages_next(const struct criu_pages *p, uint64_t from,
			 uint64_t to, uint64_t *end_ret);

#endif
