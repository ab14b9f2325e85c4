/* SPDX-License-Identifier: GPL-3.0-or-later */
/* elfcore.h - puts an ELF core together */
#ifndef SIGFRAME_EXPORT_ELFCORE_H
#define SIGFRAME_EXPORT_ELFCORE_H

#include "base/text.h"
#include "source/coreforms.h"
#include "source/snapshot.h"

/*
 * Notes and pieces of memory, in the order in which they are added. Functions
 * that add cannot fail visibly: elfcore_build() says so if memory ran out.
 */
struct elfcore {
	unsigned word;		/* bytes of an address: 4 or 8 */
	uint16_t machine;	/* EM_X86_64 or EM_386 */
	struct text notes;
	struct elfcore_piece *pieces;
	size_t pieces_count;
	bool bad;
};

/* Bytes of a process's memory; the data is borrowed until the core is built. */
struct elfcore_piece {
	struct bytes bytes;
	unsigned prot;
};

void elfcore_init(struct elfcore *e, unsigned word, uint16_t machine);
void elfcore_deinit(struct elfcore *e);

void elfcore_add_note(struct elfcore *e, const char *owner, uint32_t type,
		      const void *data, size_t size);
/* NT_PRSTATUS: 0 for registers that are not known. */
void elfcore_add_status(struct elfcore *e, const struct thread *t);
/* NT_PRPSINFO. */
void elfcore_add_process(struct elfcore *e, pid_t pid, const char *command);
/* Entries of NT_AUXV in pairs; AT_NULL is added. */
void elfcore_add_auxv(struct elfcore *e, const uint64_t (*pairs)[2],
		      size_t count);
/* NT_FILE, of those mappings that are files'. */
void elfcore_add_files(struct elfcore *e, const struct snapshot *s);
/* NT_X86_XSAVE_LAYOUT. */
void elfcore_add_layout(struct elfcore *e, const struct xstate_layout *l);

/* Pieces have to be added by address and must not overlap. */
void elfcore_add_piece(struct elfcore *e, struct bytes bytes, unsigned prot);

/* The whole core, appended to `t`. */
struct error *elfcore_build(const struct elfcore *e, struct text *t) MUST_USE;

#endif
