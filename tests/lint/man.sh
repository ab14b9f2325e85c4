#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# man.sh - the man page is clean and has all sections
set -euo pipefail

. "${srcdir:?}/tests/tools/tap.sh"

command -v mandoc >/dev/null || tap_skip_all "no mandoc here"

man=$srcdir/man/sigframe-inspect.1

# Whether other manuals are installed here says nothing about this one.
tap_none "mandoc finds nothing" \
	"$(mandoc -T lint -W style "$man" 2>/dev/null |
		grep -v 'referenced manual not found' || true)"

tap_none "every section is there" "$(for section in NAME SYNOPSIS DESCRIPTION \
	OPTIONS OUTCOMES CHECKS HAZARDS OUTPUT 'EXIT STATUS' ENVIRONMENT \
	EXAMPLES 'SEE ALSO' LIMITS SECURITY; do
	grep -qx "\.Sh $section" "$man" || echo "no $section"
done)"

tap_none "no line of the page is over 80 columns" \
	"$(mandoc -T utf8 -O width=80 "$man" | sed 's/.\x08//g' |
		LC_ALL=C.UTF-8 grep -E '^.{81}' || true)"

tap_done
