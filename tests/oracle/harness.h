/* SPDX-License-Identifier: GPL-3.0-or-later */
/* harness.h - keeps a child at hand that performs sigreturns */
#ifndef ORACLE_HARNESS_H
#define ORACLE_HARNESS_H

#include <sys/types.h>

#include "base/error.h"
#include "child.h"

struct harness {
	const char *program;	/* path of the child's executable */
	pid_t pid;		/* 0: none */
	int control;
	int memory;
	struct child_shared *shared;
	uint8_t *pages[CHILD_PAGES];	/* the arena, as it lies in the memfd */
	uint64_t xfeatures;
	bool xsave;
	int patience_ms;	/* how long to wait for an answer */
	unsigned long started;	/* children, for statistics */
};

/* How a request ended. */
enum harness_end {
	HARNESS_ANSWERED,	/* shared->result is valid */
	HARNESS_KILLED,		/* the child died of *signo_ret */
	HARNESS_HUNG,		/* no answer in time; the child was killed */
};

/*
 * Prepare, without starting a child. `program` is borrowed. `xfeatures` are
 * the components the child may load and save; 0 without XSAVE.
 */
struct error *harness_init(struct harness *h, const char *program,
			   uint64_t xfeatures) MUST_USE;
void harness_deinit(struct harness *h);

/* Let the next request be done by a new child. */
void harness_forget(struct harness *h);

/* Have a child running, so that shared->clean is valid. */
struct error *harness_start(struct harness *h) MUST_USE;

/* Do shared->request, in a new child if there is none. */
struct error *harness_run(struct harness *h, enum harness_end *ret,
			  int *signo_ret) MUST_USE;

#endif
