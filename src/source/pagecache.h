/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagecache.h - pages of memory that does not change, read only once */
#ifndef SIGFRAME_SOURCE_PAGECACHE_H
#define SIGFRAME_SOURCE_PAGECACHE_H

#include "source/snapshot.h"

/*
 * Who unwinds a stack reads it word by word: a system call each, were it not
 * for this. Holds the pages that were used last, whatever the file's size.
 */
struct pagecache;

/* NULL if there is no memory. */
struct pagecache *pagecache_create(void);
void pagecache_destroy(struct pagecache *p);

/* As ops->read, which it uses; large pieces are not worth keeping. */
size_t pagecache_read(struct pagecache *p, const struct snapshot *s,
		      uint64_t addr, void *buf, size_t size);

#endif
