/* SPDX-License-Identifier: GPL-3.0-or-later */
/* json_check.h - is it JSON, and safe to print? */
#ifndef SIGFRAME_TESTS_FUZZ_JSON_CHECK_H
#define SIGFRAME_TESTS_FUZZ_JSON_CHECK_H

#include <stddef.h>

/*
 * What is wrong with these bytes, which should be one JSON value (RFC 8259) of
 * valid UTF-8 with nothing but white space around; NULL: nothing. *at_ret is
 * the offset of it.
 */
const char *json_check(const char *json, size_t size, size_t *at_ret);

/*
 * The same for a report in text: lines of valid UTF-8, without control
 * characters.
 */
const char *json_check_text(const char *text, size_t size, size_t *at_ret);

#endif
