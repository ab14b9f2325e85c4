#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# doubts.sh - what is in doubt is said to be, and nothing else
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace

# looked NAME STATUS STOP - what is wrong with a look
looked() {
	inspect "$1" --stop="$3" -p "${pid[$1]}"
	[ "$status" -eq "$2" ] || { said "$1"; cat "$scratch/$1"; }
}

for name in busy clone ended; do
	must_start "$name" "$targets/doubts" "$name"
	for stop in auto all; do
		tap_none "$name, --stop=$stop: nothing is in doubt" \
			"$(looked "$name" 0 "$stop")"
	done
	stop "$name"
done

# Only its registers tell where the handler was called: it has to be stopped.
must_start pointer "$targets/doubts" pointer
inspect pointer --json -p "${pid[pointer]}"
tap_none "a frame that registers lead to is found, by a stop" "$(
	[ "$status" -eq 0 ] || said pointer
	for text in '"frames": 1,' '"stopped": true' '"unwound"'; do
		grep -q "$text" "$scratch/pointer" || echo "no $text"
	done)"
stop pointer

must_start left "$targets/doubts" left
for stop in auto all; do
	tap_none "left, --stop=$stop: a frame may be elsewhere" \
		"$(looked left 3 "$stop")"
done
stop left

# Who writes may not have run since the last look.
must_start torn "$targets/doubts" torn
for ((n = 0; n < 100; n++)); do
	wrong=$(looked torn 3 auto)
	[ -n "$wrong" ] || break
done
tap_none "a frame that another process writes to is in doubt" "$wrong"
stop torn

tap_done
