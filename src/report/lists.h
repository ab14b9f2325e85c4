/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lists.h - the models and rules that targets may name */
#ifndef SIGFRAME_REPORT_LISTS_H
#define SIGFRAME_REPORT_LISTS_H

#include "base/text.h"

/* One line per built-in CPU model, under a heading. */
void lists_add_cpus(struct text *t);

/* One line per set of rules and per change of rules, with its commits. */
void lists_add_kernels(struct text *t);

#endif
