#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# autopsy.sh - who died of a sigreturn is told why, and nobody else is
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python

reason=$(no_kernel_core)

# dies COMMAND... - run it to its death; sets `core`, if the kernel wrote one
#
# What it says is in $scratch/dead.truth, its exit status in `ended`.
dies() {
	rm -rf "$scratch/dead"
	mkdir "$scratch/dead"
	ended=0
	# shellcheck disable=SC2016 # for the shell that is started
	bash -c 'cd "$1" && ulimit -c unlimited && shift && {
		"$@"; exit "$?"; }' bash "$scratch/dead" "$@" \
		</dev/null >"$scratch/dead.truth" 2>/dev/null || ended=$?
	core=$(find "$scratch/dead" -type f -size +0)
}

# truth_of FILE - sets frame_kind, address and tid to what a target says
truth_of() {
	read -r frame_kind address < <(sed -n 's/^frame //p' "$1") || true
	tid=$(sed -n 's/^process //p' "$1")
}

# explained NAME CHECK HOW WHERE ARGUMENT... - the report on a death
explained() {
	local name=$1 what=$2 how=$3 where=$4
	shift 4

	inspect json --json "$@"
	tap_none "$name" "$(check autopsy.py died "$scratch/json" "$status" \
		"$what" "$how" "$frame_kind" "$address" "$tid" "$where")"
}

# in_gdb NAME CHECK HOW PROGRAM EDIT - the same in gdb's core of it
in_gdb() {
	local name=$1 what=$2 how=$3 program=$4 edit=$5

	if ! command -v gdb >/dev/null; then
		tap_skip "$name" "no gdb here"
		return
	fi
	gdb -nx -batch -ex 'handle SIGUSR1 nostop noprint pass' \
		-ex "run $edit </dev/null >$scratch/dead.truth" \
		-ex "gcore $scratch/gcore" "$program" \
		>"$scratch/gdb.out" 2>&1 </dev/null || true
	if [ ! -s "$scratch/gcore" ]; then
		tap_skip "$name" "gdb writes no core"
		return
	fi
	truth_of "$scratch/dead.truth"
	explained "$name" "$what" "$how" core "$scratch/gcore"
	rm "$scratch/gcore"
}

# death NAME EDIT CHECK HOW COMMAND... - by an edited frame, in the kernel's core
death() {
	local name=$1 what=$3 how=$4
	shift 4

	dies "$@"
	truth_of "$scratch/dead.truth"
	if [ "$what" = - ]; then
		tap_none "$name is restored" "$([ "$ended" -eq 0 ] ||
			echo "exit status $ended")"
	elif [ "$ended" -eq 0 ]; then
		# kernels before 5.14 correct some
		tap_skip "$name" "this kernel restores it"
	elif [ -z "$core" ]; then
		tap_skip "$name" "${reason:-the kernel has not written a core}"
	else
		explained "$name" "$what" "$how" core "$core"
	fi
}

# caught NAME EDIT CHECK HOW COMMAND... - its handler of SIGSEGV still runs
caught() {
	local name=$1 what=$3 how=$4
	shift 4

	if [ "$what" = - ]; then
		return
	fi
	if ! start live "$@" caught; then
		tap_skip "$name" "it ends instead"
		return
	fi
	truth_of "$scratch/live.truth"
	explained "$name" "$what" "$how" process -p "$tid"
	stop live
}

# deaths KIND PROGRAM WORD... - by each edit, on both stacks
deaths() {
	local kind=$1 program=$2 edit what how stack
	shift 2

	while read -r edit what how; do
		for stack in '' alternate; do
			death "$kind $edit${stack:+, $stack stack}" "$edit" \
				"$what" "$how" "$program" "$edit" "$@" $stack
			# a spoilt stack pointer leaves no room for a handler
			[ "$how$stack" != unreadablealternate ] || continue
			caught "$kind $edit${stack:+, $stack stack}, caught" \
				"$edit" "$what" "$how" "$program" "$edit" \
				"$@" $stack
		done
	done < <("$program" -l)
	for edit in mxcsr xcomp; do
		overwritten "$kind $edit, its frame overwritten" \
			"$program" "$edit" "$@" caught here
	done
}

# overwritten NAME COMMAND... - there is nothing left to look at
overwritten() {
	local name=$1
	shift

	must_start live "$@"
	truth_of "$scratch/live.truth"
	inspect json --json -p "$tid"
	tap_none "$name: that is only a hint" "$(check autopsy.py hint \
		"$scratch/json" "$status" "$tid")"
	stop live
}

# crashes KIND PROGRAM - other ways to die
crashes() {
	local kind=$1 program=$2 how stack name

	while read -r how; do
		for stack in '' alternate; do
			name="$kind $how${stack:+, $stack stack}"
			name="$name: not of a sigreturn"
			dies "$program" "$how" $stack
			if [ -z "$core" ]; then
				tap_skip "$name" "${reason:-no core}"
				continue
			fi
			inspect json --json "$core"
			tap_none "$name" "$(check autopsy.py none \
				"$scratch/json" "$status")"
		done
	done < <("$program" -l)
}

# What is restored in the first place, or the rest makes no sense.
dies "$targets/died" none
if [ "$ended" -eq 77 ]; then
	tap_skip_all "frames have no XSAVE image here"
fi
need_ptrace

deaths x86_64 "$targets/died"
for edit in mxcsr:mxcsr-reserved:refused ip-unmapped:rip-unmapped:fault \
	ss:ss-invalid:fault; do
	IFS=: read -r edit what how <<<"$edit"
	in_gdb "x86_64 $edit, gdb's core" "$what" "$how" \
		"$targets/died" "$edit"
done
crashes x86_64 "$targets/crashed"
if [ -x "$targets/died32" ]; then
	deaths ia32_rt "$targets/died32"
	deaths ia32 "$targets/died32" plain
	crashes ia32 "$targets/crashed32"
else
	tap_skip "32-bit code" "32-bit programs cannot be built here"
fi

# The first line says it, and names the signal.
dies "$targets/died" mxcsr
if [ -n "$core" ]; then
	truth_of "$scratch/dead.truth"
	inspect text "$core"
	tap_none "the first line of the report says it" "$(head -n 1 \
		"$scratch/text" | grep -qE "^thread $tid died of a sigreturn: \
its frame at $address was refused, mxcsr-reserved: .*0x11f80" ||
		head -n 2 "$scratch/text")"
	tap_none "the second one names the signal" "$(sed -n 2p \
		"$scratch/text" | grep -qF ', killed by SIGSEGV (SI_KERNEL)' ||
		head -n 2 "$scratch/text")"
else
	tap_skip "the first line of the report says it" \
		"${reason:-this kernel restores it}"
fi

tap_done
