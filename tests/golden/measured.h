/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measured.h - frames as they were given to real kernels */
#ifndef SIGFRAME_TESTS_GOLDEN_MEASURED_H
#define SIGFRAME_TESTS_GOLDEN_MEASURED_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Write a core with a thread for each line of `cases`: TID ARCH IMAGE and
 * words of a placement (tests/data/truth/README), with blanks between them;
 * ARCH is "x86-64" or "ia32", IMAGE hexadecimal. Each thread is about to call
 * sigreturn. False if it cannot be written, errno says why. A line that makes
 * no sense ends the program.
 */
bool measured_write(FILE *cases, const char *path);

#endif
