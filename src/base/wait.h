/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wait.h - waiting for other processes, but not for ever */
#ifndef SIGFRAME_BASE_WAIT_H
#define SIGFRAME_BASE_WAIT_H

#include <stdbool.h>

/* By a clock that nobody sets; only differences mean something. */
long wait_milliseconds(void);

/*
 * Wait until all other ends of the pipe or socket `fd` are closed. False: not
 * in so many milliseconds.
 */
bool wait_closed(int fd, long milliseconds);

#endif
