/* SPDX-License-Identifier: GPL-3.0-or-later */
/* checkpoint.h - the processes in a set of CRIU images as snapshots */
#ifndef SIGFRAME_SOURCE_CHECKPOINT_H
#define SIGFRAME_SOURCE_CHECKPOINT_H

#include "source/core.h"
#include "source/imagefiles.h"

struct checkpoint;

/*
 * Read who is in the images: pstree.img, files.img, cpuinfo.img if there is
 * one. Takes `files`, also when it fails. `name` is what messages and the
 * snapshots call the whole. What the options point to outlives the result.
 * ERROR_UNSUPPORTED if the program was built without support for the images.
 */
struct error *checkpoint_open(struct image_files *files, const char *name,
			      const struct core_options *options,
			      struct checkpoint **ret) MUST_USE;

/*
 * How many processes there are to look at. With `tids` those that have none of
 * them do not count.
 */
size_t checkpoint_count(const struct checkpoint *c);

/*
 * Process `i` < checkpoint_count(). Memory is read when it is needed. What is
 * wrong with one thread is its `problem`; damage that can be lived with is
 * noted, and files of the process are looked at when they are needed, so read
 * the notes last.
 */
struct error *checkpoint_snapshot(struct checkpoint *c, size_t i,
				  struct snapshot **ret) MUST_USE;

/* After its snapshots have been closed (snapshot_close()). NULL is fine. */
void checkpoint_destroy(struct checkpoint *c);

/* The version of protobuf-c in use; NULL if the program was built without. */
const char *checkpoint_library(void);

#endif
