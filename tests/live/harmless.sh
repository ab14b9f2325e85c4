#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# harmless.sh - a process goes on as if nobody had looked at it
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# How often, and how many; a thorough run has 300 kills.
KILLS=${SIGFRAME_KILLS:-100}
SIGNALS=${SIGFRAME_SIGNALS:-20000}

# Threads of a process that are traced, or stopped though the process is not.
disturbed() {
	local task

	for task in "/proc/$1/task"/*; do
		awk -v task="${task##*/}" '
			/^State:/ { state = $2 }
			/^TracerPid:/ { tracer = $2 }
			END {
				if (tracer != 0 || state ~ /[Tt]/)
					print "thread", task, "state", state,
						"traced by", tracer
			}' "$task/status" 2>/dev/null || true
	done
}

# The same once what was woken up has had time to run.
still_disturbed() {
	local n found=

	for ((n = 0; n < 100; n++)); do
		found=$(disturbed "$1")
		[ -n "$found" ] || return 0
		sleep 0.05
	done
	echo "$found"
}

states() {
	sed -n 's/^State:[[:blank:]]*\(.\).*/\1/p' "/proc/$1/task"/*/status |
		sort | uniq -c | tr -s ' \n' ' '
}

# A stopped process stays stopped, and is examined all the same.
must_start stopped "$targets/frames" one-pause one-spin plain-pause
kill -STOP "${pid[stopped]}"
until [ "$(states "${pid[stopped]}")" = ' 4 T ' ]; do sleep 0.02; done
for stop in auto all none; do
	inspect stopped.json --json --stop="$stop" -p "${pid[stopped]}"
	tap_none "a stopped process stays stopped, --stop=$stop" "$(
		after=$(states "${pid[stopped]}")
		[ "$after" = ' 4 T ' ] || echo "its threads are:$after"
		grep -h '^TracerPid:[[:blank:]]*[^0[:blank:]]' \
			"/proc/${pid[stopped]}/task"/*/status || true)"
	# where it was stopped is where it stays
	out=$(check frames.py "$scratch/stopped.truth" \
		"$scratch/stopped.json" "$stop" "$status")
	tap_none "the frames of a stopped process are found, --stop=$stop" \
		"$(grep -vE '^%|: stopped is|is called complete|exit status is' \
			<<<"$out" || true)"
done
kill -CONT "${pid[stopped]}"
tap_none "and it goes on when it is told to" \
	"$(still_disturbed "${pid[stopped]}")"
stop stopped

# A running process keeps running.
must_start running "$targets/frames"
for stop in auto all none; do
	for n in 1 2 3 4 5; do
		inspect running.json --json --stop="$stop" -p "${pid[running]}"
	done
	tap_none "a running process keeps running, --stop=$stop" \
		"$(still_disturbed "${pid[running]}")"
done
stop running

# Whoever ends the tool does not harm the process, stopped or not.
mapfile -t calm < <("$targets/frames" -l | grep -v spin)
must_start many "$targets/frames" -n 20 "${calm[@]}"
for state in running stopped; do
	[ "$state" = running ] || kill -STOP "${pid[many]}"
	until [ "$state" = running ] ||
		[[ $(states "${pid[many]}") =~ ^\ [0-9]+\ T\ $ ]]; do
		sleep 0.02
	done
	out=$(check kills.py "$tool" "${pid[many]}" $((KILLS / 2)) \
		"$([ "$state" = running ] && echo SRD || echo T)")
	tap_none "the end of the tool leaves a $state process as it was" \
		"$(sed '/^%/d' <<<"$out")"
	sed -n 's/^%/#/p' <<<"$out"
done
kill -CONT "${pid[many]}"
tap_none "and it goes on when it is told to" \
	"$(still_disturbed "${pid[many]}")"
inspect many.json --json -p "${pid[many]}"
tap_none "and the same frames are there" "$(check frames.py \
	"$scratch/many.truth" "$scratch/many.json" auto "$status" |
	sed '/^%/d' | head -n 30)"
mkdir "$scratch/exports"
out=$(check exports.py "$tool" "${pid[many]}" $((KILLS / 5)) \
	"$scratch/exports")
tap_none "and no half-written file" "$(sed '/^%/d' <<<"$out")"
sed -n 's/^%/#/p' <<<"$out"
stop many

# All signals arrive, in order, while the tool looks again and again.
for stop in all auto; do
	must_start signals "$targets/signals" "$SIGNALS"
	looks=0
	findings=
	while ! grep -qx enough "$scratch/signals.truth" ||
		[ "$looks" -lt 100 ]; do
		inspect signals.json --json --stop="$stop" -p "${pid[signals]}"
		# caught at work, something may be unknown, but nothing is bad
		case $status in
		0 | 3) ;;
		*) findings+=$(said signals.json)$'\n' ;;
		esac
		looks=$((looks + 1))
		# one that waits for a signal that was lost
		[ "$looks" -lt 400 ] || break
	done
	stop signals
	sent=$(sed -n 's/^sent //p' "$scratch/signals.truth")
	tap_none "--stop=$stop: all signals arrive, in order" "$(
		head -n 20 <<<"$findings" | grep . || true
		[ "$ended" -eq 0 ] || echo "the target ended with $ended"
		[ "${sent:-0}" -ge "$SIGNALS" ] || echo "sent: ${sent:-?}"
		grep -qx "handled $sent" "$scratch/signals.truth" ||
			cat "$scratch/signals.truth"
		grep -x 'disorder [1-9].*' "$scratch/signals.truth" || true)"
	echo "# $sent signals during $looks looks"
done

tap_done
