#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# points.sh - wherever a thread is, just the frames that wait are found
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

EVERY=40	# steps, away from interesting places
LOOKS=100	# at the least

# walked NAME COMMAND... - look at a process instruction by instruction
walked() {
	local name=$1 out counts
	shift

	out=$(check points.py "$tool" "$targets/stepper" "$EVERY" "$@")
	read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$out")"
	if [ "${counts[0]:-0}" -lt "$LOOKS" ]; then
		out+=$'\n'"${counts[0]:-0} looks are too few"
	fi
	tap_none "$name: live until its sigreturn is done, gone after" \
		"$(sed '/^%/d; /^$/d' <<<"$out" | head -n 30)"
	echo "# ${counts[0]:-0} looks, ${counts[1]:-0} of them in handlers," \
		"${counts[2]:-0} in sigreturn"
}

walked "shared C library, functions bound when called" "$targets/points"
walked "static program" "$targets/points-static"
if [ -x "$targets/points32" ] && "$targets/points32" exit 2>/dev/null; then
	walked "32-bit program" "$targets/points32"
else
	tap_skip "32-bit program" "32-bit programs do not run here"
fi

tap_done
