#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# mixed.sh - frames of all kinds in code of both kinds, in one process
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# Nothing is known of the code that was interrupted, nor of the handlers: the
# frames are found by their bytes, and that is what the report has to say.
doubt='found by their bytes alone'

# looked_at TITLE NAME ARGUMENT... - hold a report to the truth of NAME
looked_at() {
	local title=$1 name=$2 out
	shift 2

	inspect "$name" --json "$@"
	out=$(check hiding.py "$scratch/$name.truth" "$scratch/$name" \
		"$status" found "$doubt")
	tap_none "$title" "$(sed '/^%/d' <<<"$out" | head -n 20)"
}

# core_of NAME PROGRAM SCENARIO - sets `core` to one that its thread has dumped
core_of() {
	local dir=$scratch/$1.dump

	mkdir "$dir"
	# shellcheck disable=SC2016 # for the shell that is started
	start "$1" bash -c 'cd "$1" && ulimit -c unlimited && { "$2" "$3"; exit 0
		}' bash "$dir" "$2" "$3" 2>/dev/null || return 1
	stop "$1"
	core=$(find "$dir" -type f)
	[ -n "$core" ] && [ -s "$core" ]
}

# mixed BITS PROGRAM - a program of BITS bits, in every scenario
mixed() {
	local bits=$1 program=$2 scenario name stop reason
	local title core all

	mapfile -t all < <("$program" -l)
	reason=$(no_kernel_core)
	for scenario in "${all[@]}"; do
		name=$bits-$scenario
		title="$bits-bit process, ${scenario%-*}-bit code,"
		title+=" ${scenario#*-} handler"
		if ! start "$name" "$program" "$scenario"; then
			tap_skip "$title" \
				"$(head -n 1 "$scratch/$name.err")"
			continue
		fi
		for stop in auto all none; do
			looked_at "$title, --stop=$stop" "$name" \
				--stop="$stop" -p "${pid[$name]}"
		done
		stop "$name"
		if [ -n "$reason" ]; then
			tap_skip "$title, its core" "$reason"
		elif core_of "$name.core" "$program" "$scenario"; then
			looked_at "$title, its core" "$name.core" "$core"
		else
			tap_skip "$title, its core" \
				"the kernel has not written one"
		fi
	done
}

if [ -x "$targets/mixed32" ] && "$targets/mixed32" -l >/dev/null 2>&1; then
	mixed 64 "$targets/mixed"
	mixed 32 "$targets/mixed32"
else
	tap_skip "code of both kinds" "32-bit programs do not run here"
fi

tap_done
