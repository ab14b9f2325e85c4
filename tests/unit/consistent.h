/* SPDX-License-Identifier: GPL-3.0-or-later */
/* consistent.h - what holds for every verdict, whatever the frame and target */
#ifndef SIGFRAME_TESTS_UNIT_CONSISTENT_H
#define SIGFRAME_TESTS_UNIT_CONSISTENT_H

#include "kernel/predict.h"

/*
 * The first thing in which `v`, the verdict on `f` under the one set of rules
 * that `t` has, contradicts itself; NULL: nothing.
 */
const char *consistent_objection(const struct frame_facts *f,
				 const struct target *t,
				 const struct verdict *v);

/*
 * The verdict under several sets of rules, t->rules, put together from those
 * under each: all is possible that is under one of them. `under` is left out.
 */
struct verdict consistent_merged(const struct frame_facts *f,
				 const struct target *t);

/* The same verdict, `under` aside. */
bool consistent_same(const struct verdict *a, const struct verdict *b);

#endif
