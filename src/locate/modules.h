/* SPDX-License-Identifier: GPL-3.0-or-later */
/* modules.h - the ELF files that a process has mapped */
#ifndef SIGFRAME_LOCATE_MODULES_H
#define SIGFRAME_LOCATE_MODULES_H

#include "locate/cfi.h"
#include "locate/locate.h"
#include "locate/reader.h"

/*
 * All executable ELF files of one snapshot. Files are opened when something in
 * them is first asked for, and read by another process, see reader.h; what
 * cannot be opened (the vDSO, deleted files) is put together from the
 * snapshot's memory. Separate debug information is looked for by build-id on
 * this machine. Answers are remembered.
 */
struct modules;

/* The snapshot has to outlive the modules. */
struct error *modules_create(const struct snapshot *s,
			     const struct reader_options *options,
			     struct modules **ret) MUST_USE;
void modules_destroy(struct modules *m);

/*
 * How to get from the code at `pc` to its caller. False if nothing is known of
 * it. What the row refers to is the modules'.
 */
bool modules_row(struct modules *m, uint64_t pc, struct cfi_row *ret);

/* Where the function that `pc` is in starts, by symbols; false: not known. */
bool modules_function(struct modules *m, uint64_t pc, uint64_t *start_ret);

/*
 * What is known of the code at `pc`, without the instruction. The strings
 * are the caller's, see code_place_deinit(). Lines of source are known if the
 * file itself has debug information, not if that is kept apart.
 */
void modules_place(struct modules *m, uint64_t pc, struct code_place *ret);

void code_place_deinit(struct code_place *p);

/*
 * Which code is not known because reading its file failed: libdw died, or took
 * too long. A sentence with foreign names, or NULL; the modules'.
 */
const char *modules_unread(const struct modules *m);

#endif
