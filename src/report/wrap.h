/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wrap.h - breaks lines that are too long for a terminal */
#ifndef SIGFRAME_REPORT_WRAP_H
#define SIGFRAME_REPORT_WRAP_H

#include "base/text.h"

/*
 * Append a line of `size` bytes, which may have colors (CSI ... m) in it, so
 * that none of its parts takes more than `width` columns if it has blanks to
 * break at. What follows a label and two blanks goes on below itself, other
 * lines two columns further in. There is no newline at the end.
 */
void wrap_line(struct text *t, const char *line, size_t size, unsigned width);

/*
 * Bytes of `text`, without colors, that fit into `room` columns, broken at a
 * blank; a word that is too long stays whole.
 */
size_t wrap_fitting(const char *text, size_t room);

#endif
