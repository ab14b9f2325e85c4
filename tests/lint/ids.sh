#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# ids.sh - the names that others rely on are good, unique and documented
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"

man=$srcdir/man/sigframe-inspect.1
tool=${builddir:?}/sigframe-inspect

# The ids in the rows of a table in src/kernel.
in_source() {
	grep -ohE '\.id = "[^"]*"' "$srcdir/src/kernel/$1" | cut -d'"' -f2
}

# The entries of a section of the man page.
in_man() {
	awk -v "section=.Sh $1" '
		/^\.Sh/ { here = $0 == section }
		here && $1 == ".It" && $2 == "Cm" { print $3 }' "$man"
}

# both NAME A B - report the lines that only one of two sets has
both() {
	tap_none "$1" "$(diff <(sort <<<"$2") <(sort <<<"$3") |
		grep '^[<>]' || true)"
}

checks=$(in_source checks.c)
hazards=$(in_source hazards.c)
criu=$(in_source criu.c)
all=$(printf '%s\n%s\n%s' "$checks" "$hazards" "$criu")

tap_none "every id is kebab-case" \
	"$(grep -vE '^[a-z][a-z0-9]*(-[a-z0-9]+)*$' <<<"$all" || true)"
tap_none "no id is used twice" "$(sort <<<"$all" | uniq -d)"
both "the man page has every check" "$checks" "$(in_man CHECKS)"
both "the man page has every hazard" "$hazards" "$(in_man HAZARDS)"
both "the man page has every reason for a restore" "$criu" \
	"$(in_man 'CRIU RESTORE')"
both "--explain lists them all" "$all" \
	"$("$tool" --explain | sed -n 's/^ *\([a-z][a-z0-9-]*\)  .*/\1/p')"

tap_none "--explain=ID says something about each" "$(for id in $all; do
	text=$("$tool" --explain="$id") || echo "$id: status $?"
	[ "$(wc -w <<<"$text")" -ge 8 ] || echo "$id: little is said: $text"
done)"

status=0
message=$("$tool" --explain=no-such-id 2>&1 >/dev/null) || status=$?
tap_none "an id that does not exist is refused" \
	"$([ "$status" -eq 2 ] || echo "status $status"
	grep -q no-such-id <<<"$message" || echo "it says: $message")"

# Keys of the JSON: all in the sources, all in the lists of their man page.
keys=$({
	grep -rohE '(\.key = |TO_JSON\()"[a-z0-9_]+"' "$srcdir/src/report"
	grep -ohE '\[DESCRIBED_[A-Z_0-9]+\] = "[a-z0-9_]+"' \
		"$srcdir/src/describe/description.c"
} | cut -d'"' -f2 | sort -u)
keys_in_man=$(awk '
	/^\.Sh/ { here = /^\.Sh KEYS/ }
	here {
		for (i = 1; i < NF; i++)
			if ($i ~ /^\.?Cm$/)
				print $(i + 1)
	}' "$srcdir/man/sigframe-inspect-json.5" | sort -u)
both "its man page has every JSON key" "$keys" "$keys_in_man"

tap_done
