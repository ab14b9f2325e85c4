/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pagemap.h - which pages of a process have ever been written to */
#ifndef SIGFRAME_SOURCE_PAGEMAP_H
#define SIGFRAME_SOURCE_PAGEMAP_H

#include <stdbool.h>
#include <stdint.h>

enum { PAGEMAP_RUNS = 512 };

/*
 * A process may have reserved terabytes and touched little. What is not there
 * reads as zeros, or as the file that is mapped. The answers are remembered in
 * the order of addresses that they are asked for.
 */
struct pagemap {
	int fd;			/* of /proc/PID/pagemap; -1: all is there */
	bool no_scan;		/* the kernel lacks PAGEMAP_SCAN (Linux 6.7) */
	uint64_t pages_left;	/* to look up one by one */
	/* what was asked for last, [from, to), and the pages in it */
	uint64_t from;
	uint64_t to;
	unsigned count;
	struct pagemap_run {
		uint64_t start;
		uint64_t end;
	} runs[PAGEMAP_RUNS];
};

/* Takes `fd`. */
void pagemap_init(struct pagemap *p, int fd);
void pagemap_deinit(struct pagemap *p);

/*
 * The first address in [from, to) that has a page of its own, in memory or
 * swapped out, and where such pages end, in *end_ret; `to` if none has. Where
 * the kernel does not tell, there may be one. Page zero-filled and shared, or
 * still the file's, do not count. What lies between `to` and `ahead` is likely
 * to be asked for next.
 */
uint64_t pagemap_next(struct pagemap *p, uint64_t from, uint64_t to,
		      uint64_t ahead, uint64_t *end_ret);

#endif
