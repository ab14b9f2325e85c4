/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notewindow.h - the notes of a core file, a part at a time */
#ifndef SIGFRAME_SOURCE_NOTEWINDOW_H
#define SIGFRAME_SOURCE_NOTEWINDOW_H

#include "source/elffile.h"

/* Notes of cores are aligned to this, of whichever class they are. */
#define NOTEWINDOW_ALIGN 4

/*
 * Memory does not depend on how many notes there are. All but the first two
 * is zero at first.
 */
struct notewindow {
	int fd;			/* of the core; borrowed */
	uint64_t file_size;
	uint8_t *data;		/* [off, off + size) of the file */
	uint64_t off;
	size_t size;
	size_t room;
};

/* Frees its memory; it may be used again. */
void notewindow_deinit(struct notewindow *w);

/*
 * Bytes [off, off + size) of the file, which must lie before its end. Valid
 * until the next call. ERROR_BAD_INPUT if they cannot be read.
 */
struct error *notewindow_get(struct notewindow *w, uint64_t off, size_t size,
			     struct bytes *ret) MUST_USE;

/*
 * The first bytes of the note at `off`, enough for any name that is known, and
 * its header if it is whole. *fits_ret: it is, and all of the note lies before
 * `end`, which must be above `off` and within the file. Otherwise as above.
 */
struct error *notewindow_head(struct notewindow *w, uint64_t off, uint64_t end,
			      struct bytes *ret, struct elffile_note *note_ret,
			      bool *fits_ret) MUST_USE;

#endif
