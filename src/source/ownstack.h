/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ownstack.h - is a thread on the stack that it was created with? */
#ifndef SIGFRAME_SOURCE_OWNSTACK_H
#define SIGFRAME_SOURCE_OWNSTACK_H

#include "source/snapshot.h"

/* Copy up to `size` bytes at `addr`; returns how many, from the start. */
typedef size_t ownstack_read_fn(const struct snapshot *s, uint64_t addr,
				void *buf, size_t size);

/* snapshot_read() as such a function. */
size_t ownstack_read(const struct snapshot *s, uint64_t addr, void *buf,
		     size_t size);

/*
 * Is the stack that `sp` is on known to be thread `tid`'s own? That of the
 * main thread is, by its name or by what the kernel has put there. Of other
 * threads C libraries keep the descriptor at the top, which has its own
 * address and the thread's id in it (glibc sysdeps/x86_64/nptl/tls.h and
 * nptl/descr.h, musl src/internal/pthread_impl.h). A thread elsewhere may
 * have left a signal handler's stack for this one.
 */
bool ownstack_holds(const struct snapshot *s, ownstack_read_fn *read,
		    pid_t tid, uint64_t sp);

#endif
