/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules.h - the ELF files that a process has mapped */
#ifndef SIGFRAME_LOCATE_MODULES_H
#define SIGFRAME_LOCATE_MODULES_H

#include <elfutils/libdwfl.h>

#include "locate/locate.h"

/*
 * All executable ELF files of one snapshot, for libdw. Files are opened when
 * something in them is first asked for; what cannot be opened (the vDSO,
 * deleted files) is put together from the snapshot's memory.
 */
struct modules;

/* The snapshot has to outlive the modules. */
struct error *modules_create(const struct snapshot *s,
			     struct modules **ret) MUST_USE;
void modules_destroy(struct modules *m);

/* Owned by `m`. */
Dwfl *modules_dwfl(struct modules *m);

/*
 * What is known of the code at `pc`, without the instruction. The strings
 * are the caller's, see code_place_deinit(). Lines of source are known if the
 * file itself has debug information, not if that is kept apart. Answers are
 * remembered, because libdw looks through the whole symbol table each time.
 */
void modules_place(struct modules *m, uint64_t pc, struct code_place *ret);

void code_place_deinit(struct code_place *p);

#endif
