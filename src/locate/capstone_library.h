/* SPDX-License-Identifier: GPL-3.0-or-later */
/* capstone_library.h - capstone, loaded when there is code to look at */
#ifndef SIGFRAME_LOCATE_CAPSTONE_LIBRARY_H
#define SIGFRAME_LOCATE_CAPSTONE_LIBRARY_H

/* It has an enum x86_reg of its own. */
#define x86_reg capstone_x86_reg
#include <capstone/capstone.h>
#undef x86_reg

#include "base/error.h"

/* The functions of it that are in use. */
#define CAPSTONE_FUNCTIONS(EACH)                                               \
	EACH(cs_close)                                                         \
	EACH(cs_disasm_iter)                                                   \
	EACH(cs_free)                                                          \
	EACH(cs_malloc)                                                        \
	EACH(cs_open)                                                          \
	EACH(cs_option)                                                        \
	EACH(cs_strerror)                                                      \
	EACH(cs_version)

/* Pointers to them, under their own names. */
#define CAPSTONE_POINTER(name) __typeof__(name) *name;
struct capstone_library {
	CAPSTONE_FUNCTIONS(CAPSTONE_POINTER)
};
#undef CAPSTONE_POINTER

/*
 * The library, which is loaded at the first call: its tables for all kinds of
 * CPUs take as long as the rest of a start. ERROR_UNSUPPORTED if that fails. In
 * a static program it is there (capstone_linked.c).
 */
struct error *capstone_library(const struct capstone_library **ret) MUST_USE;

#endif
