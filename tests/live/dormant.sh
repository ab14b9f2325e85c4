#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# dormant.sh - frames on stacks without a thread, and those that are over
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

found=0 true=0 total=0 taken=0 left=0

# judge NAME TRUTH REPORT WHAT - hold a report to what the process has said
judge() {
	local out counts wanted=0

	[[ $1 != *-spoilt ]] || wanted=1
	out=$(check dormant.py "$scratch/$2" "$scratch/$3" "$status" "$wanted")
	tap_none "$1: the truth of $4" "$(sed '/^%/d' <<<"$out" | head -n 20)"
	read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$out" | tr -d ,)"
	((found += ${counts[0]:-0}, true += ${counts[1]:-0},
		total += ${counts[2]:-0}, taken += ${counts[3]:-0},
		left += ${counts[4]:-0})) || true
}

# look PROGRAM SCENARIO - at the process, and at its cores
look() {
	local program=$1 name=${1##*/}-$2 scenario=$2 reason

	must_start "$name" "$program" "$scenario"
	inspect "$name.live" --json -p "${pid[$name]}"
	judge "$name" "$name.truth" "$name.live" "the process"
	if gcore_of "$name" "$scratch/$name.gcore"; then
		inspect "$name.core" --json "$scratch/$name.gcore"
		judge "$name" "$name.truth" "$name.core" "gdb's core"
		rm -f "$scratch/$name.gcore"
	else
		tap_skip "$name: the truth of gdb's core" \
			"gdb does not write one here"
	fi
	stop "$name"

	reason=$(no_kernel_core)
	if [ -z "$reason" ] && kernel_core_of QUIT "$name.live" \
		"$scratch/dump.$name" "$program" "$scenario"; then
		inspect "$name.core" --json "$core"
		judge "$name" "cored$cored.truth" "$name.core" \
			"the kernel's core"
		rm -rf "$scratch/dump.$name"
	else
		tap_skip "$name: the truth of the kernel's core" \
			"${reason:-the kernel has not written one}"
	fi
}

for program in "$targets/dormant" "$targets/dormant32"; do
	if ! [ -x "$program" ]; then
		tap_skip "32-bit coroutines" \
			"32-bit programs cannot be built here"
		continue
	fi
	for scenario in $("$program" -l); do
		look "$program" "$scenario"
	done
done
echo "# dormant: recall $found of $true, precision $found of $total;" \
	"left over and taken for more: $taken of $left"

# What is not asked for is not done, and what is left out is said.
must_start guard "$targets/dormant" guard
inspect none --json=lines --dormant=none -p "${pid[guard]}"
tap_none "--dormant=none looks at nothing" "$(
	[ "$status" -eq 0 ] || said none
	for part in '"dormant":[ ]*\[ *\]' '"memory": *0' \
		'"memory_searched": *0' '"returned_frames": *0'; do
		grep -q "$part" "$scratch/none" || echo "not $part"
	done)"
inspect text -p "${pid[guard]}"
tap_none "the text tells of the stack and who would resume it" "$(
	grep -q 'no signal frame but 1 dormant; ' "$scratch/text" ||
		head -n 1 "$scratch/text"
	grep -qE '^parked stack, resumed at go\+0x[0-9a-f]+ \(swapcontext' \
		"$scratch/text" || grep -n parked "$scratch/text" ||
		echo "no parked stack")"
stop guard

must_start large "$targets/dormant" large
inspect part -p "${pid[large]}"
tap_none "a note says that not all was searched" "$(
	grep -qE '^note: 64 MiB of [0-9]+ MiB of memory ' "$scratch/part" ||
		cat "$scratch/part"
	[ "$status" -eq 0 ] || said part)"
inspect whole --dormant=all --json -p "${pid[large]}"
judge large large.truth whole "--dormant=all"
stop large

tap_done
