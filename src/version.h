/* SPDX-License-Identifier: GPL-3.0-or-later */
/* version.h - what --version prints */
#ifndef SIGFRAME_VERSION_H
#define SIGFRAME_VERSION_H

#include "base/text.h"

/*
 * Append the version, what was built in ("+criu", or "-criu" if it was not),
 * the libraries that are in use, each with the version it has now, and the
 * licence.
 */
void version_add(struct text *t);

#endif
