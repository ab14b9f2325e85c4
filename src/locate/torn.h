/* SPDX-License-Identifier: GPL-3.0-or-later */
/* torn.h - frames that somebody writes to while they are read */
#ifndef SIGFRAME_LOCATE_TORN_H
#define SIGFRAME_LOCATE_TORN_H

#include "locate/locate.h"

/*
 * A frame whose parts are of different moments may look good although it never
 * was. That can happen in memory that other processes share, and where a
 * thread runs that was not stopped. Are there signs of it in a frame of `t`?
 * What they are, in a sentence; NULL where there are none: the source was
 * stopped and nobody else wrote there meanwhile, or nothing in it changes.
 */
const char *torn_sign(const struct snapshot *s, const struct located_thread *t);

#endif
