#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# reports.sh - reports on made-up cores, against those that have been read
set -euo pipefail

. "${srcdir:?}/tests/golden/lib.sh"
make_scenes

# compare FILE STATUS ARGUMENTS
compare() {
	local got=0 difference

	report_of "$3" || got=$?
	difference=$(diff -u "$golden/$1" "$scratch/report" 2>&1) || true
	tap_none "$1: $3" "$(
		[ "$got" -eq "$2" ] || echo "exit status $got instead of $2"
		cat "$scratch/messages"
		printf '%s' "$difference"
	)"
}
for_each_report compare

# What is made twice is the same twice.
for scene in icelake edited; do
	"$makecores" scene "$scene" "$scratch/again"
	tap_none "$scene.core has the same bytes every time" \
		"$(cmp "$scratch/$scene.core" "$scratch/again" 2>&1)"
done

tap_done
