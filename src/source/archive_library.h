/* SPDX-License-Identifier: GPL-3.0-or-later */
/* archive_library.h - libarchive, loaded when there is something to unpack */
#ifndef SIGFRAME_SOURCE_ARCHIVE_LIBRARY_H
#define SIGFRAME_SOURCE_ARCHIVE_LIBRARY_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

/* The functions of it that are in use. */
#define ARCHIVE_FUNCTIONS(EACH)                                                \
	EACH(archive_entry_filetype)                                           \
	EACH(archive_entry_hardlink)                                           \
	EACH(archive_entry_pathname)                                           \
	EACH(archive_entry_pathname_utf8)                                      \
	EACH(archive_entry_size)                                               \
	EACH(archive_entry_symlink)                                            \
	EACH(archive_error_string)                                             \
	EACH(archive_filter_count)                                             \
	EACH(archive_read_data)                                                \
	EACH(archive_read_data_block)                                          \
	EACH(archive_read_free)                                                \
	EACH(archive_read_new)                                                 \
	EACH(archive_read_next_header)                                         \
	EACH(archive_read_open2)                                               \
	EACH(archive_read_support_filter_bzip2)                                \
	EACH(archive_read_support_filter_lz4)                                  \
	EACH(archive_read_support_filter_lzip)                                 \
	EACH(archive_read_support_filter_lzma)                                 \
	EACH(archive_read_support_filter_xz)                                   \
	EACH(archive_read_support_filter_zstd)                                 \
	EACH(archive_read_support_format_raw)                                  \
	EACH(archive_read_support_format_tar)                                  \
	EACH(archive_set_error)                                                \
	EACH(archive_version_string)

/* Pointers to them, under their own names. */
#define ARCHIVE_POINTER(name) __typeof__(name) *name;
struct archive_library {
	ARCHIVE_FUNCTIONS(ARCHIVE_POINTER)
};
#undef ARCHIVE_POINTER

/*
 * The library, which is loaded at the first call: it brings others, which take
 * a third of the time of a start. ERROR_UNSUPPORTED if that fails. In a static
 * program it is there (archive_linked.c).
 */
struct error *archive_library(const struct archive_library **ret) MUST_USE;

#endif
