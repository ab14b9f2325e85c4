/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text_writer.h - a report as text for people */
#ifndef SIGFRAME_REPORT_TEXT_WRITER_H
#define SIGFRAME_REPORT_TEXT_WRITER_H

#include <stdio.h>

#include "report/emitter.h"

/*
 * Writes to `out` as it goes. `width` is the columns to fill with grids and
 * tables; with `wrap` other lines are broken there, too, which is for people
 * at a terminal and not for grep. Foreign strings are escaped. NULL if there
 * is no memory.
 */
struct emitter *text_writer_create(FILE *out, bool color, unsigned width,
				   bool wrap);

#endif
