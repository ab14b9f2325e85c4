#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# docs.sh - the pages in docs/ say what the program says, and lead somewhere
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"

tool=${builddir:?}/sigframe-inspect
rules=$srcdir/docs/kernel-rules.md

# same NAME A B - both are the same lines
same() {
	tap_none "$1" "$(diff <(sort <<<"$2") <(sort <<<"$3") |
		sed -n 's/^< /only the program: /p; s/^> /only the page: /p')"
}

# Rows of the page's tables whose first cell matches, one "A | B | C" a line.
rows() {
	sed -n "s/^| \\($1\\) |/\\1 |/p" "$rows_of" | sed 's/`//g; s/ *|$//'
}
rows_of=$rules

same "kernel-rules.md has the sets of rules" \
	"$("$tool" --list-kernels | awk '
		!NF { changes = 1 }
		!changes && $1 ~ /^R/ {
			id = $1; name = $2
			sub(/^ *R[0-9]+ +[^ ]+ +/, "")
			set[id] = id " | " name " | " $0
		}
		changes && $1 ~ /^R/ { id = $1; date = $2; line = 0 }
		changes && id && ++line == 3 {
			sub(/^ +/, "")
			print set[id] " | " date " | " $0
		}')" "$(rows 'R[0-9]')"

# What --explain=ID says: the id, the outcome, the source.
said=$(for id in $("$tool" --explain |
	sed -n 's/^ *\([a-z][a-z0-9-]*\)  .*/\1/p'); do
	"$tool" --explain="$id" | awk '
		NR == 1 {
			id = $1
			kind = $0
			sub(/^[^(]*\(/, "", kind)
			sub(/\)$/, "", kind)
			sub(/^check, |^hazard$|^criu restore,? /, "", kind)
		}
		/^  Source: / { here = 1; sub(/^  Source: /, "") }
		here { sub(/^ +/, ""); source = source (source ? " " : "") $0 }
		END {
			print id (kind ? " | " kind : "") " | " \
				(source ? source : "-")
		}'
done)
same "kernel-rules.md has every check, with outcome and source" "$said" \
	"$(rows '`[a-z][a-z0-9-]*-[a-z0-9-]*`')"

cd "$srcdir"
tap_none "links lead to files that are there" "$(for page in docs/*.md; do
	grep -oE '\]\([^)#]*' "$page" | sed 's/^](//' | while read -r link; do
		[ -e "docs/$link" ] || echo "$page: $link"
	done
done)"

# `src/...`, docs/... and tests/... that a page speaks of, if not there then
# made by the build.
folders='src|docs|tests|bench|examples|schema'
tap_none "files that the pages speak of are there" "$(
	for page in README HACKING.md docs/*.md; do
		grep -oE "(^|[ \`(])($folders)/[A-Za-z0-9_./-]+" "$page" |
			sed 's/^[ `(]//; s/[.,]$//' | sort -u |
			while read -r file; do
				case $file in
				*[A-Z]* | */libfuzzer*) ;;
				*) [ -e "$file" ] || grep -qF "$file" Makefile.am ||
					echo "$page: $file" ;;
				esac
			done
	done)"

tap_none "every page is referred to" "$(for page in docs/*.md; do
	grep -qF "${page#docs/}" README HACKING.md || echo "$page"
done)"

tap_done
