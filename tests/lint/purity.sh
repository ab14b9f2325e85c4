#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# purity.sh - src/x86 and src/kernel refer to nothing but mem*() and str*()
set -euo pipefail

. "${srcdir:?}/tests/tools/tap.sh"

lib=${builddir:?}/libpure.a

# Names are `NAME TYPE ...`; members' headings and blank lines have one field.
defined=$("$NM" -P --defined-only "$lib" | awk 'NF > 1 { print $1 }')
undefined=$("$NM" -P --undefined-only "$lib" | awk 'NF > 1 { print $1 }')

# What compilers add by themselves (clang makes bcmp() of some memcmp()), with
# sanitizers, and when hardening.
compiler='bcmp|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__(asan|ubsan)_.*'
allowed="(mem|str)[a-z]+|__(mem|str)[a-z]+_chk|$compiler"
# These allocate, keep state, or ask for the locale.
refused='strn?dup|strtok(_r)?|strerror(_r|_l)?|strsignal|strcoll|strxfrm'

# foreign REGEX - undefined symbols that are nobody's, matching -x or not
foreign() {
	comm -13 <(sort -u <<<"$defined") <(sort -u <<<"$undefined") |
		grep -Ex "$@" || true
}

tap_none "libpure.a refers to nothing but mem*() and str*()" \
	"$(foreign -v "$allowed")"
tap_none "and to none of these that allocate or keep state" \
	"$(foreign "$refused")"
if [ -n "$defined" ]; then
	tap_pass "libpure.a defines something"
else
	tap_fail "libpure.a defines something" <<<"$lib is empty"
fi
tap_done
