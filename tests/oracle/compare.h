/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.h - holds a prediction against what happened */
#ifndef ORACLE_COMPARE_H
#define ORACLE_COMPARE_H

#include "harness.h"
#include "image.h"
#include "kernel/predict.h"

enum agreement {
	AGREES,
	UNDECIDED,	/* several outcomes were possible, it was one of them */
	DISAGREES,
	AGREEMENTS,
};

struct comparison {
	enum agreement agreement;
	struct verdict verdict;
	enum outcome observed;
	char why[200];		/* where it disagrees */
};

/*
 * A case that was laid out as `m` and performed by `h`, which ended so,
 * against what is predicted for `target`: this CPU and kernel in some words.
 * What happened is read by `host`, whatever the target says.
 */
void compare(const struct oracle_case *c, const struct oracle_memory *m,
	     const struct host *host, const struct target *target,
	     const struct harness *h, enum harness_end end, int signo,
	     struct comparison *ret);

#endif
