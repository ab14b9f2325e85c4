/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gap.h - how long a thread did not get on, as it has noticed itself */
#ifndef SIGFRAME_BENCH_GAP_H
#define SIGFRAME_BENCH_GAP_H

#include <stdatomic.h>
#include <stdint.h>

/* In a file that the process that is looked at and the meter share. */
struct gap {
	atomic_uint asked;	/* the meter counts on to have it start anew */
	atomic_uint answered;	/* the process follows */
	_Atomic uint64_t longest;	/* nanoseconds since then */
};

#endif
