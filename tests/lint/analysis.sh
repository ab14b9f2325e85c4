#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# analysis.sh - clang-tidy, cppcheck and clang-format find nothing
#
# Their versions differ in what they find, so only those of Debian 12 are
# asked. What they look for stands in .clang-tidy, cppcheck.txt and format.py.
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"

# What this build is made of: parts that were left out do not compile.
mapfile -t files < <(cd "${builddir:?}" && find src -name '*.o' |
	sed 's|[^/]*-\([^/]*\)$|\1|; s|o$|c|' | sort -u |
	while read -r file; do
		[ ! -e "$srcdir/$file" ] || echo "$file"
	done)
[ ${#files[@]} -ge 100 ] || tap_skip_all "nothing is built here"
defines=(-D_GNU_SOURCE -DHAVE_CONFIG_H -I"$builddir" -Isrc -I"$builddir/src")
cd "$srcdir"

# The program NAME if it is of VERSION, NAME-VERSION otherwise, or nothing.
of_version() {
	local program

	for program in "$1" "$1-$2"; do
		if "$program" --version 2>/dev/null |
			grep -qE "(version | )$2\\."
		then
			echo "$program"
			return
		fi
	done
}

clang_tidy=$(of_version clang-tidy 14)
if [ -n "$clang_tidy" ]; then
	tap_none "clang-tidy finds nothing" "$(printf '%s\n' "${files[@]}" |
		xargs -P "$(nproc)" -n 8 sh -c '
			tidy=$1 flags=$2
			shift 2
			"$tidy" --quiet "$@" -- -std=gnu11 $flags' \
			sh "$clang_tidy" "${defines[*]}" 2>/dev/null ||
		echo "xargs: $?")"
else
	tap_skip "clang-tidy finds nothing" "no clang-tidy 14 here"
fi

if [ -n "$(of_version cppcheck 2)" ] &&
	[ "$(cppcheck --version)" = "Cppcheck 2.10" ]
then
	tap_none "cppcheck finds nothing" "$(cppcheck --quiet -j "$(nproc)" \
		--enable=warning,performance,portability --std=c11 \
		--suppressions-list=tests/lint/cppcheck.txt \
		--template='{file}:{line}: {message} [{id}]' \
		"${defines[@]}" "${files[@]}" 2>&1 || true)"
else
	tap_skip "cppcheck finds nothing" "no cppcheck 2.10 here"
fi

clang_format=$(of_version clang-format 14)
if [ -n "$clang_format" ] && command -v python3 >/dev/null; then
	mapfile -t all < <(find src tests bench -name '*.[ch]' | sort)
	tap_none "clang-format would move nothing that it understands" \
		"$(python3 tests/lint/format.py "$clang_format" "${all[@]}" 2>&1)"
else
	tap_skip "clang-format would move nothing" \
		"no clang-format 14 or no python3 here"
fi

tap_done
