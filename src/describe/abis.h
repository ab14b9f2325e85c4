/* SPDX-License-Identifier: GPL-3.0-or-later */
/* abis.h - which ABIs of other programs the kernel has, by a call of each */
#ifndef SIGFRAME_DESCRIBE_ABIS_H
#define SIGFRAME_DESCRIBE_ABIS_H

#include "base/bytes.h"
#include "describe/trial.h"

/* A call each of 32-bit programs and of x32. */
#define ABIS_ROWS 2

/* Have them made with a stack pointer of `sp`; nothing is put there. */
void abis_ask(struct trial_row rows[ABIS_ROWS], uint64_t sp);

/* UNKNOWN if something, like a filter, stood in the way. */
void abis_judge(const struct trial_row rows[ABIS_ROWS], enum tri *ia32_ret,
		enum tri *x32_ret);

#endif
