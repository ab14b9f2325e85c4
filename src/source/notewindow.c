/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notewindow.c - the notes of a core file, a part at a time */
#include "source/notewindow.h"

#include <stdlib.h>

#define WINDOW_SIZE (64 * 1024)
#define HEAD_SIZE (ELFFILE_NOTE_NAME + 24)

void notewindow_deinit(struct notewindow *w)
{
	free(w->data);
	w->data = NULL;
	w->size = w->room = 0;
}

struct error *notewindow_get(struct notewindow *w, uint64_t off, size_t size,
			     struct bytes *ret)
{
	if (off < w->off || off - w->off > w->size ||
	    size > w->size - (off - w->off)) {
		uint64_t left = w->file_size - off;
		size_t want = size > WINDOW_SIZE ? size : WINDOW_SIZE;

		if (want > left)
			want = left;
		if (want > w->room) {
			notewindow_deinit(w);
			w->data = malloc(want);
			if (!w->data)
				return &error_no_memory;
			w->room = want;
		}
		w->size = 0;
		if (elffile_read(w->fd, off, w->data, want) != want)
			return error_new(ERROR_BAD_INPUT,
					 "the notes cannot be read");
		w->off = off;
		w->size = want;
	}
	*ret = (struct bytes){ w->data + (off - w->off), size, off };
	return NULL;
}

struct error *notewindow_head(struct notewindow *w, uint64_t off, uint64_t end,
			      struct bytes *ret, struct elffile_note *note_ret,
			      bool *fits_ret)
{
	uint64_t left = end - off;
	struct error *err = notewindow_get(
		w, off, left < HEAD_SIZE ? left : HEAD_SIZE, ret);

	*fits_ret = !err &&
		    elffile_note_decode(*ret, 0, NOTEWINDOW_ALIGN, note_ret) &&
		    note_ret->desc_off <= left &&
		    note_ret->desc_size <= left - note_ret->desc_off;
	return err;
}
