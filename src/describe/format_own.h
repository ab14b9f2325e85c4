/* SPDX-License-Identifier: GPL-3.0-or-later */
/* format_own.h - our own description files, sigframe-inspect-cpu(5) */
#ifndef SIGFRAME_DESCRIBE_FORMAT_OWN_H
#define SIGFRAME_DESCRIBE_FORMAT_OWN_H

#include "base/text.h"
#include "describe/description.h"

/*
 * Append the description as a file that reads back as the same: every field
 * that is known, and where it comes from if it was not given.
 */
void own_write(const struct description *d, struct text *t);

#endif
