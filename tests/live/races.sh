#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# races.sh - processes that change under the look: it ends, and says what it saw
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

LOOKS=20
# Seconds. What is expected is one, but machines can be busy.
LIMIT=20

# look WORDS ARGUMENT... - once; sets `status`, adds to `findings`
#
# WORDS are the exit statuses that may be. Of what fails there has to be a line.
look() {
	local words=$1 start=${EPOCHREALTIME/./} took
	shift

	status=0
	timeout -k 1 "$LIMIT" "$tool" --json "$@" >"$scratch/report" \
		2>"$scratch/report.err" || status=$?
	took=$(((${EPOCHREALTIME/./} - start) / 1000))
	[ "$took" -le "$longest" ] || longest=$took
	statuses[status]=$((${statuses[status]-0} + 1))
	[[ " $words " == *" $status "* ]] ||
		findings+=$(said report)$'\n'
	[ "$status" -ne 2 ] || findings+=$(one_line "$scratch/report.err")
	if [ "$status" -ne 2 ] && [ -s "$scratch/report.err" ]; then
		findings+="it says $(cat "$scratch/report.err")"$'\n'
	fi
}

begin() {
	findings=
	longest=0
	statuses=()
}

# verdict NAME - of the looks since begin
verdict() {
	tap_none "$1" "$(head -n 20 <<<"$findings" | grep . || true)"
	echo "# the longest took $longest ms; exit statuses:" \
		"$(for status in "${!statuses[@]}"; do
			echo -n " $status (${statuses[$status]})"
		done)"
}

traced() {
	grep -h '^TracerPid:[[:blank:]]*[^0[:blank:]]' \
		"/proc/$1/task"/*/status 2>/dev/null || true
}

# race MODE NAME WORDS [OPTION...]
race() {
	local mode=$1 name=$2 words=$3 stop n
	shift 3

	must_start "$mode" "$targets/races" "$mode"
	for stop in auto all none; do
		begin
		for ((n = 0; n < LOOKS; n++)); do
			look "$words" --stop="$stop" "$@" -p "${pid[$mode]}"
		done
		findings+=$(traced "${pid[$mode]}")
		verdict "$name, --stop=$stop"
	done
	stop "$mode"
	tap_none "$name: it goes on" "$(
		[ "$ended" -eq 0 ] || echo "it ended with $ended")"
}

# What cannot be told is unknown; one that is gone is an error.
race exec "a process that starts one program after another" '0 2 3'
race threads "a process whose threads come and go" '0 3'
race children "a tree whose processes come and go" '0 3' --tree
race vfork "a thread that waits in vfork()" '0 3'

# frames PID COUNT - does the report have these?
frames() {
	python3 - "$scratch/report" "$1" "$2" <<-'END'
		import json, sys
		name, pid, count = sys.argv[1:]
		report = json.load(open(name, errors='replace'))
		for i in report['inputs']:
		    found = sum(len(t['frames']) for t in i['threads'])
		    if i['pid'] != int(pid) or found != int(count):
		        print(f'process {i["pid"]}: {found} frames')
	END
}

# A process that another one holds is looked at as it is.
if start stopped "$targets/races" stopped; then
	begin
	held=$(sed -n 's/^pid //p' "$scratch/stopped.truth")
	for stop in auto all none; do
		look '0 3' --stop="$stop" -p "$held"
		findings+=$(frames "$held" 1)
	done
	grep -q '^State:.*t ' "/proc/$held/status" ||
		findings+="it is no longer stopped"
	verdict "a process that its tracer has stopped"
	stop stopped
else
	tap_skip "a process that its tracer has stopped" \
		"$(cat "$scratch/stopped.err")"
fi

# Frozen threads do not stop, and are not waited for.
freezer=/sys/fs/cgroup/freezer/sigframe-$$
if mkdir "$freezer" 2>"$scratch/freezer"; then
	must_start frozen "$targets/frames" one-pause plain-spin
	echo "${pid[frozen]}" >"$freezer/cgroup.procs"
	echo FROZEN >"$freezer/freezer.state"
	until grep -q FROZEN "$freezer/freezer.state"; do sleep 0.02; done
	begin
	for stop in auto all none; do
		look 0 --stop="$stop" -p "${pid[frozen]}"
		findings+=$(frames "${pid[frozen]}" 1)
	done
	echo THAWED >"$freezer/freezer.state"
	findings+=$(traced "${pid[frozen]}")
	verdict "a process that is frozen"
	stop frozen
	rmdir "$freezer"
else
	tap_skip "a process that is frozen" "$(cat "$scratch/freezer")"
fi

# The tool's own tracer: were it stopped, nobody could go on. It stops the tool
# at each system call and runs in between, so that there is a reason to.
begin
status=0
if command -v strace >/dev/null &&
	strace -o /dev/null true 2>"$scratch/strace"; then
	# a leak sanitizer would want to trace, too
	# shellcheck disable=SC2016 # for the shell that is started
	ASAN_OPTIONS=detect_leaks=0 timeout -k 1 "$LIMIT" strace -f -o /dev/null \
		sh -c '"$0" --stop=all -p "$(sed -n "s/^TracerPid:[[:blank:]]*//p" \
		/proc/self/status)"' "$tool" >"$scratch/report" \
		2>"$scratch/report.err" || status=$?
	case $status in
	0 | 3) ;;
	*) findings+=$(said report) ;;
	esac
	verdict "a process that traces the tool"
else
	tap_skip "a process that traces the tool" "no strace that works"
fi

# A number that one process has after the other: what is said is of one.
if start reuse "$targets/races" reuse; then
	begin
	number=$(sed -n 's/^pid //p' "$scratch/reuse.truth")
	for ((n = 0; n < 5 * LOOKS; n++)); do
		look '0 2 3' -p "$number"
		[ "$status" -ne 2 ] || continue
		findings+=$(python3 - "$scratch/report" <<-'END'
			import json, sys
			report = json.load(open(sys.argv[1]))
			for i in report['inputs']:
			    found = sum(len(t['frames']) for t in i['threads'])
			    want = {'with': 1, 'without': 0}.get(i['command'])
			    if want is not None and found != want:
			        print(f'{i["command"]}: {found} frames')
		END
		)
	done
	verdict "a number that is used again"
	stop reuse
else
	tap_skip "a number that is used again" "$(cat "$scratch/reuse.err")"
fi

# A process in namespaces of its own, seen from outside and from inside.
if unshare -Urpf --mount-proc true 2>"$scratch/unshare"; then
	must_start inside unshare -Urpf --mount-proc \
		"$targets/frames" one-pause
	begin
	look 0 --tree -p "${pid[inside]}"
	[ "$(grep -c '"signal": {' "$scratch/report")" -eq 1 ] ||
		findings+="not one frame"
	verdict "a process in another PID and user namespace"
	stop inside
	# what /proc shows then is not what system calls mean by a number
	status=0
	unshare -Urpf "$tool" -p $$ >"$scratch/report" \
		2>"$scratch/report.err" || status=$?
	tap_none "the /proc of another PID namespace is refused" "$(
		[ "$status" -eq 2 ] || said report
		grep -q 'PID namespace' "$scratch/report.err" || said report)"
else
	tap_skip "other namespaces" "$(head -n 1 "$scratch/unshare")"
fi

tap_done
