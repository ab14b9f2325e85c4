/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cleanup.h - scope guards */
#ifndef SIGFRAME_BASE_CLEANUP_H
#define SIGFRAME_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* Run fn(&variable) when the variable goes out of scope. */
#define CLEANUP(fn) __attribute__((__cleanup__(fn)))

static inline void cleanup_free(void *variable)
{
	free(*(void **)variable);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* The guarded pointer must start as NULL or owned, the descriptor as -1. */
#define CLEANUP_FREE CLEANUP(cleanup_free)
#define CLEANUP_FD CLEANUP(cleanup_close)

/* The guarded pointer's value; the guard is left with NULL, nothing to do. */
#define TAKE_PTR(p)                                                            \
	({                                                                     \
		__auto_type taken_ = (p);                                      \
		(p) = NULL;                                                    \
		taken_;                                                        \
	})

/* The same for a descriptor, which is left as -1. */
#define TAKE_FD(fd)                                                            \
	({                                                                     \
		int taken_ = (fd);                                             \
		(fd) = -1;                                                     \
		taken_;                                                        \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
