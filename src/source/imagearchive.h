/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imagearchive.h - the files of a checkpoint in a tar archive */
#ifndef SIGFRAME_SOURCE_IMAGEARCHIVE_H
#define SIGFRAME_SOURCE_IMAGEARCHIVE_H

#include "source/imagefiles.h"
#include "source/stream.h"

/*
 * The one checkpoint in the archive, SOURCE_ARCHIVE: its directory is the one
 * that has pstree.img, at any depth. What Podman, CRI-O and containerd export
 * has it as "checkpoint"; of several the one called so is meant, and those that
 * it has as its "parent" are a part of it. Only images are kept, in one
 * temporary file of up to `max` bytes. Names that lead upwards are passed over,
 * so are links, but for symbolic ones called "parent" that stay inside, and
 * archives in the archive. Of members of one name the last counts, also if it
 * is one of those links.
 *
 * `tar` stays the caller's and is read to its end. ERROR_BAD_INPUT if it is
 * damaged, or has no checkpoint or several; ERROR_UNSUPPORTED if the program
 * was built without libarchive.
 */
struct error *image_files_of_archive(struct stream *tar, uint64_t max,
				     struct image_files **ret) MUST_USE;

#endif
