/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text_writer.h - a report as text for people */
#ifndef SIGFRAME_REPORT_TEXT_WRITER_H
#define SIGFRAME_REPORT_TEXT_WRITER_H

#include <stdio.h>

#include "report/emitter.h"

/* Who reads it. */
struct text_manner {
	bool color;
	unsigned width;	/* columns to fill with grids and tables */
	bool wrap;	/* break other lines there, too: for people at a
			   terminal, not for grep */
};

/*
 * Writes to `out` as it goes. Foreign strings are escaped. NULL if there is no
 * memory.
 */
struct emitter *text_writer_create(FILE *out,
				   const struct text_manner *manner);

#endif
