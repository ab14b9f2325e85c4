#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# criu-restore.sh - processes that a real CRIU dumps and restores
#
# What a process says of its frames and what is reported of it, of its
# checkpoint, and of what is restored have to be the same; and what comes of it
# when its handlers return is what was predicted.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
# shellcheck source=tests/tools/criu.sh
. "$srcdir/tests/tools/criu.sh"
need_python
need_ptrace
need_feature criu
need_criu || tap_skip_all "$criu_reason"

target=	# the process that is looked at, and the parent of its like
root=	# the same while it is there

# Wait until nothing is left of processes, whose pids are needed again.
vanish() {
	local process n=0

	for process; do
		while [ -e "/proc/$process" ]; do
			((++n < 500)) || return 1
			sleep 0.02
		done
	done
}

# End what is left of it.
end_tree() {
	local process children

	[ -n "$root" ] || return 0
	children=$(cat "/proc/$root/task/$root/children" 2>/dev/null || true)
	for process in "$root" $children; do
		kill -KILL "$process" 2>/dev/null || true
	done
	# shellcheck disable=SC2086 # several words
	vanish "$root" $children || true
	root=
}
trap 'end_tree; finish' EXIT

# launch NAME COUNT PROGRAM OPTIONS SCENARIO... - a target of COUNT processes,
# without files, in a session of its own; what they say is in NAME/truth.PID
launch() {
	local dir=$scratch/$1 count=$2 program=$targets/$3 options=$4 n
	shift 4

	mkdir "$dir" "$dir/images"
	# shellcheck disable=SC2086 # several words
	(unleashed setsid "$program" $options "$dir/truth" "$@") \
		</dev/null >/dev/null 2>&1 &
	target=$!
	root=$target
	for ((n = 0; n < 500; n++)); do
		[ "$(cat "$dir"/truth.* 2>/dev/null | grep -cx READY)" \
			-lt "$count" ] || {
			# so that the shell does not tell of its end
			disown "$root"
			return 0
		}
		! gone "$root" || break
		sleep 0.02
	done
	status=0
	wait "$root" || status=$?
	root=
	[ "$status" -ne 77 ] || tap_skip_all "this CPU has no XSAVE"
	return 1
}

# dump NAME OPTION... - until all of it is gone
dump() {
	local dir=$scratch/$1
	shift

	run_criu dump "$dir/images" -t "$root" "$@" || return 1
	root=
	processes=$(find "$dir" -name 'truth.*' | sed 's/.*\.//')
	# shellcheck disable=SC2086 # several words
	vanish $processes
}

# restore DIR OPTION... - as a child of this shell, which waits for it
restore() {
	local images=$1
	shift

	run_criu restore "$images" -d --restore-sibling "$@" || return 1
	root=$target
}

# Let the handlers return, if they live.
release() {
	kill -TERM "$root" 2>/dev/null || true
	# shellcheck disable=SC2086 # several words
	vanish $processes && root=
}

# failed TITLE ACTION DIR
failed() {
	local reason

	reason=$(criu_failure "$2" "$3")
	case $reason in
	*fork*'File exists'*)
		tap_skip "$1" "somebody else has got its process id"
		;;
	*)
		tap_fail "$1: criu $2" <<<"$reason"
		;;
	esac
	end_tree
}

# Can it be done here at all?
try() {
	local images=$scratch/try/images processes=

	launch try 2 checkpoint '-c 1' plain || tap_skip_all "the target ends"
	dump try || tap_skip_all "cannot dump: $(criu_failure dump "$images")"
	restore "$images" ||
		tap_skip_all "cannot restore: $(criu_failure restore "$images")"
	release || tap_skip_all "what is restored does not end"
}
try

# cycle NAME TITLE COUNT PROGRAM OPTIONS SCENARIO... - all of it
#
# With $stopped set the last process is stopped meanwhile.
cycle() {
	local name=$1 title=$2 count=$3 last processes
	local dir=$scratch/$1 images=$scratch/$1/images
	shift 2

	if ! launch "$name" "$@"; then
		tap_fail "$title: the target starts" <<<"status $status"
		return
	fi
	last=$(find "$dir" -name 'truth.*' | sed 's/.*\.//' | sort -n | tail -n 1)
	[ -z "${stopped-}" ] || kill -STOP "$last"
	inspect "$name/live" --json -x --tree -p "$root"
	if ! dump "$name" --cpu-cap; then
		failed "$title" dump "$images"
		return
	fi
	inspect "$name/dumped" --json -x "$images"
	tap_none "$title: the checkpoint is inspected" "$(
		[ "$status" -eq 0 ] || said "$name/dumped")"
	if ! restore "$images"; then
		failed "$title" restore "$images"
		return
	fi
	inspect "$name/restored" --json -x --tree -p "$root"
	if [ "$count" -eq 1 ]; then
		inspect "$name/compared" --compare "$images" -p "$root"
		tap_none "$title: --compare finds no difference" "$(
			[ "$status" -eq 0 ] || {
				said "$name/compared"
				cat "$scratch/$name/compared"
			})"
	fi
	[ -z "${stopped-}" ] || kill -CONT "$last"
	release || tap_fail "$title: it ends" <<<"it does not"
	end_tree
	tap_none "$title: all say the same, and all comes back" \
		"$(check criu_restore.py same "$dir" "$count")"
}

all="plain one nested alternate deep"
# shellcheck disable=SC2086 # a list
{
	cycle threads "several threads" 1 checkpoint '' $all
	cycle pending "pending signals" 1 checkpoint -p $all
	cycle family "parent and children" 3 checkpoint '-c 2' one deep
	stopped=yes
	cycle halted "a stopped child" 2 checkpoint '-c 1 -p' one deep
	stopped=
	if [ ! -x "$targets/checkpoint32" ] ||
		! "${criu_command[@]}" check --feature compat_cr >/dev/null 2>&1
	then
		tap_skip "32-bit processes" "not possible here"
	else
		cycle old "32-bit threads" 1 checkpoint32 '' $all old mixed
		cycle old-family "32-bit family" 2 checkpoint32 '-c 1' mixed
	fi
}

# A machine described by the file that CRIU writes is this machine.
images=$scratch/threads/images
mkdir "$scratch/cpu"
tap_none "criu cpuinfo dump writes what a dump has" "$(
	run_criu cpuinfo "$scratch/cpu" dump 2>&1 || true
	cmp "$scratch/cpu/cpuinfo.img" "$images/cpuinfo.img" 2>&1)"
inspect described --json -t "$images/cpuinfo.img" -t host "$images"
tap_none "its cpuinfo.img as a target is this machine" "$(
	[ "$status" -eq 0 ] || said described
	check criu_restore.py target "$scratch/described")"

# Checkpoints that are changed: what was predicted is what the restored process
# finds, or dies of. WHAT is changed: a frame, or live registers.
edits() {
	local what=$1 program=$2 scenario=$3 edit judged processes truth
	local name=$1-$2-$3 kind="$1 of $2, $3"
	shift 3

	if ! launch "$name" 1 "$program" '' "$scenario" || ! dump "$name"
	then
		failed "$kind" dump "$scratch/$name/images"
		return
	fi
	truth=$scratch/$name/truth.$target
	cp "$truth" "$scratch/$name/said"
	for edit in $(check criu_restore.py edits "$what" "$@"); do
		images=$scratch/$name/$edit
		cp -a "$scratch/$name/images" "$images"
		cp "$scratch/$name/said" "$truth"
		check criu_restore.py edit "$what" "$images" \
			"$scratch/$name/said" "$edit" >"$scratch/edit"
		if grep -q '^skip' "$scratch/edit"; then
			tap_skip "$kind: $edit" \
				"$(sed 's/skip //' "$scratch/edit")"
			continue
		fi
		inspect report --json -x "$images"
		if ! restore "$images"; then
			failed "$kind: $edit" restore "$images"
			continue
		fi
		release || end_tree
		judged=$(check criu_restore.py outcome "$what" "$scratch/report" \
			"$truth" "$status")
		tap_none "$kind: $edit: $(sed -n 's/^% //p' <<<"$judged")" \
			"$(cat "$scratch/edit"; grep -v '^%' <<<"$judged")"
		rm -rf "$images"
	done
}
edits frame checkpoint one
edits frame checkpoint alternate nothing magic2 other-vendor cs
edits live checkpoint plain
if [ -x "$targets/checkpoint32" ]; then
	edits frame checkpoint32 one nothing magic2 avx-machine other-vendor \
		bv-unsupported mxcsr fpstate-null cs
	edits frame checkpoint32 old magic2 avx-machine other-vendor mxcsr
fi

# What is said of --cpu-cap is what it does.
capped() {
	local images option refused edit processes

	if ! launch capped 1 checkpoint '' plain ||
		! dump capped --cpu-cap
	then
		failed "--cpu-cap" dump "$scratch/capped/images"
		return
	fi
	for edit in $(check criu_restore.py edits cpu); do
		images=$scratch/capped/$edit
		cp -a "$scratch/capped/images" "$images"
		check criu_restore.py edit cpu "$images" - "$edit" \
			>"$scratch/edit"
		inspect report --json "$images"
		refused=
		for option in fpu cpu; do
			if restore "$images" "--cpu-cap=$option"; then
				end_tree
			elif criu_failure restore "$images" |
				grep -qF /x86/cpu.c
			then
				refused+=" $option"
			else
				failed "--cpu-cap: $edit" restore "$images"
			fi
		done
		# shellcheck disable=SC2086 # several words
		tap_none "--cpu-cap: $edit: refused by${refused:- none}" "$(
			cat "$scratch/edit"
			check criu_restore.py capped "$scratch/report" $refused)"
	done
}
capped

tap_done
