/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagecache.h - memory that does not change, read only once */
#ifndef SIGFRAME_SOURCE_PAGECACHE_H
#define SIGFRAME_SOURCE_PAGECACHE_H

#include "source/snapshot.h"

/*
 * Who unwinds a stack reads it word by word: a system call each, were it not
 * for this. Holds the few pieces that were used last, whatever the file's size.
 */
struct pagecache;

/* NULL if there is no memory. */
struct pagecache *pagecache_create(void);
void pagecache_destroy(struct pagecache *p);

/* From the piece that was read from last, if it holds all of it. */
bool pagecache_again(const struct pagecache *p, uint64_t addr, void *buf,
		     size_t size);

/* As ops->read, which it uses. */
size_t pagecache_read(struct pagecache *p, const struct snapshot *s,
		      uint64_t addr, void *buf, size_t size);

#endif
