#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# returns.sh - through code that nothing describes, and past what is left over
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# seen NAME CERTAINTY EVIDENCE COMMAND... - what is said of a target
seen() {
	local name=$1 certainty=$2 evidence=$3 process
	shift 3

	if ! start target "$@"; then
		[ "${status_of[target]}" -ne 77 ] ||
			tap_skip_all "code cannot be made up here"
		tap_fail "$name: the target starts" <"$scratch/target.err"
		return
	fi
	process=$(sed -n 's/^process //p' "$scratch/target.truth")
	inspect report --json -p "$process"
	# shellcheck disable=SC2086 # there may be none
	tap_none "$name" "$(check returns.py "$scratch/target.truth" \
		"$scratch/report" "$status" "$certainty" $evidence)"
	stop target
}

jit() {
	local name=$1 target=$2

	seen "$name: a handler that sets the frame pointer" certain \
		frame-pointers "$target" handler
	seen "$name: a function that does, between two signals" certain \
		frame-pointers "$target" between
	seen "$name: a handler without a frame of its own" doubtful \
		scanned "$target" leaf
}

jit "made-up code" "$targets/jit"
if [ -x "$targets/jit32" ] && "$targets/jit32" exit 2>/dev/null; then
	jit "made-up 32-bit code" "$targets/jit32"
else
	tap_skip "made-up 32-bit code" "32-bit programs do not run here"
fi

for mode in direct register memory room; do
	seen "left over, $mode" certain '' "$targets/leftover" "$mode"
done

tap_done
