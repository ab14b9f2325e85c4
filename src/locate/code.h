/* SPDX-License-Identifier: GPL-3.0-or-later */
/* code.h - a few bytes of code, again and again from the same places */
#ifndef SIGFRAME_LOCATE_CODE_H
#define SIGFRAME_LOCATE_CODE_H

#include "source/snapshot.h"

/*
 * Thousands of threads wait in the same few functions. Pages of code that
 * were read once are kept, which spares as many system calls.
 */
struct code;

/* NULL if there is no memory. The snapshot has to outlive it. */
struct code *code_create(const struct snapshot *s);
void code_destroy(struct code *c);

/* As snapshot_read(), for at most CODE_READ_MAX bytes. */
enum { CODE_READ_MAX = 64 };
size_t code_read(struct code *c, uint64_t addr, void *buf, size_t size,
		 enum run_end *end_ret);

#endif
