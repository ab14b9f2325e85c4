/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libraries.h - what code and its unwind information are read with */
#ifndef SIGFRAME_LOCATE_LIBRARIES_H
#define SIGFRAME_LOCATE_LIBRARIES_H

#include "base/text.h"

/*
 * Append them with the versions in use: "elfutils 0.188, capstone 4.0". Loads
 * what has not been needed so far.
 */
void libraries_add(struct text *t);

#endif
