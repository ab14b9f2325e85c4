#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# man.sh - the man pages are clean and have all sections
set -euo pipefail

. "${srcdir:?}/tests/tools/tap.sh"

command -v mandoc >/dev/null || tap_skip_all "no mandoc here"

man=$srcdir/man/sigframe-inspect.1
format=$srcdir/man/sigframe-inspect-cpu.5

for page in "$srcdir"/man/*.[15]; do
	# Whether other manuals are installed here says nothing about this one.
	tap_none "${page##*/}: mandoc finds nothing" \
		"$(mandoc -T lint -W style "$page" 2>/dev/null |
			grep -v 'referenced manual not found' || true)"
	tap_none "${page##*/}: no line is over 80 columns" \
		"$(mandoc -T utf8 -O width=80 "$page" | sed 's/.\x08//g' |
			LC_ALL=C.UTF-8 grep -E '^.{81}' || true)"
done

tap_none "every section is there" "$(for section in NAME SYNOPSIS DESCRIPTION \
	OPTIONS OUTCOMES CHECKS HAZARDS 'CRIU RESTORE' 'DORMANT FRAMES' \
	AUTOPSIES REHEARSAL OUTPUT EXPORT COMPARISON \
	'EXIT STATUS' ENVIRONMENT EXAMPLES 'SEE ALSO' LIMITS SECURITY; do
	grep -qx "\.Sh $section" "$man" || echo "no $section"
done)"

# Keys of description files: the rows of the table, and the entries of KEYS.
keys=$(sed -n 's/^\t{ "\([a-z_0-9]*\)", .*/\1/p' \
	"$srcdir/src/describe/own_keys.c" | sort)
documented=$(awk '
	/^\.Sh/ { here = /KEYS/ }
	here && $1 == ".It" && $2 == "Cm" && $3 !~ /^component/ { print $3 }
	' "$format" | sort)
tap_none "the page on descriptions has every key" \
	"$(diff <(cat <<<"$keys") <(cat <<<"$documented") | grep '^[<>]' ||
		true)"
if [ "$(wc -l <<<"$keys")" -ge 15 ]; then
	tap_pass "keys are found in the source"
else
	tap_fail "keys are found in the source" <<<"$keys"
fi

tap_done
