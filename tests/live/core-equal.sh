#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# core-equal.sh - a process and its own core get the same report
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# same NAME CORE KIND - compare the live report with that of a core
same() {
	local name=$1 file=$2 kind=$3 differences

	inspect "$name.core" --json -x --raw "$file"
	if [ "$status" -ne "$live_status" ]; then
		said "$name.core" |
			tap_fail "$name: the same exit status for $kind"
	else
		tap_pass "$name: the same exit status for $kind"
	fi
	differences=$(check core_equal.py "$scratch/$name.live" \
		"$scratch/$name.core")
	tap_none "$name: the same report for $kind" \
		"$(sed '/^%/d' <<<"$differences" | head -n 30)"
	sed -n 's/^%/#/p' <<<"$differences"
}

# compare NAME COMMAND... - a target, and its cores by gdb and by the kernel
compare() {
	local name=$1 reason
	shift

	must_start "$name" "$@"
	inspect "$name.live" --json -x --raw -p "${pid[$name]}"
	live_status=$status
	if gcore_of "$name" "$scratch/$name.gcore"; then
		same "$name" "$scratch/$name.gcore" "gdb's core"
	else
		tap_skip "$name: the same report for gdb's core" \
			"gdb does not write one here"
	fi
	stop "$name"

	reason=$(no_kernel_core)
	if [ -z "$reason" ]; then
		kernel_core_half "$name" "$@"
	else
		tap_skip "$name: the same report for the kernel's core" \
			"$reason"
	fi
}

# The process that dumps is looked at right before.
kernel_core_half() {
	local name=$1 signal
	shift

	for signal in SEGV QUIT; do
		if ! kernel_core_of "$signal" "$name.live" \
			"$scratch/dump.$name.$signal" "$@"; then
			tap_skip "$name: the same report for the kernel's core" \
				"the kernel has not written one"
			return
		fi
		live_status=$status
		same "$name" "$core" "the kernel's core after SIG$signal"
	done
}

compare threads "$targets/frames"
compare restorer "$targets/restorer"
compare edited "$targets/edited" magic1
if [ -x "$targets/ia32" ]; then
	compare ia32 "$targets/ia32"
else
	tap_skip "32-bit code" "32-bit programs cannot be built here"
fi

tap_done
