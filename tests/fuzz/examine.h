/* SPDX-License-Identifier: GPL-3.0-or-later */
/* examine.h - what the program does with a snapshot, for fuzz targets */
#ifndef SIGFRAME_TESTS_FUZZ_EXAMINE_H
#define SIGFRAME_TESTS_FUZZ_EXAMINE_H

#include "report/report.h"
#include "source/core.h"

/* Of cores: files are looked for where there are none. */
extern const struct core_options examine_options;

/* The core in these bytes. */
struct error *examine_core(const uint8_t *data, size_t size,
			   struct snapshot **ret) MUST_USE;

/* Locate all frames, memory that no thread uses included. */
struct error *examine_locate(const struct snapshot *s,
			     struct located **ret) MUST_USE;

/*
 * Locate all frames, judge them for a few targets, find out what threads died
 * of, as the program does. Takes the snapshot, also when it fails. What holds
 * for every report holds, or it is the end. *ret is for report_destroy().
 */
struct error *examine(struct snapshot *s, struct report **ret) MUST_USE;

#endif
