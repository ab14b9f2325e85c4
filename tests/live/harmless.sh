#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# harmless.sh - a process goes on as if nobody had looked at it
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

KILLS=50
SIGNALS=2000

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

# Whoever kills the tool does not harm the process.
mapfile -t calm < <("$targets/frames" -l | grep -v spin)
must_start many "$targets/frames" -n 20 "${calm[@]}"
out=$(check kills.py "$tool" "${pid[many]}" "$KILLS")
tap_none "kill -9 of the tool leaves nothing traced, $KILLS times" \
	"$(sed '/^%/d' <<<"$out")"
sed -n 's/^%/#/p' <<<"$out"
tap_none "and nothing stopped" "$(still_disturbed "${pid[many]}")"
inspect many.json --json -p "${pid[many]}"
tap_none "and the same frames are there" "$(check frames.py \
	"$scratch/many.truth" "$scratch/many.json" auto "$status" |
	sed '/^%/d' | head -n 30)"
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

# calls STOP - look at blocked calls; sets `early` to what was disturbed
calls() {
	local n found=

	must_start calls "$targets/calls"
	for ((n = 0; n < 10; n++)); do
		inspect calls.json --json --stop="$1" -p "${pid[calls]}"
		[ "$status" -eq 0 ] || found+=$(said calls.json)$'\n'
		if [ "$1" != all ] &&
			grep -q '"stopped": true' "$scratch/calls.json"; then
			found+="a thread was stopped"$'\n'
		fi
	done
	stop calls
	early=$found$(grep '^early' "$scratch/calls.truth" || true
		grep -q '^blocked' "$scratch/calls.truth" || echo "no answer")
}

for stop in auto none; do
	calls "$stop"
	count=$(grep -c '^call ' "$scratch/calls.truth")
	tap_none "--stop=$stop: no blocked call is disturbed" "$early"
	echo "# $(sed -n 's/^blocked //p' "$scratch/calls.truth") of $count"
	sed -n 's/^skipped/# not to be had here:/p' "$scratch/calls.truth"
done

# These calls do notice: else the tests before would prove nothing.
calls all
if grep -q '^early' <<<"$early"; then
	tap_pass "--stop=all does disturb some"
	echo "# $(grep -c '^early' <<<"$early") returned early"
else
	tap_fail "--stop=all does disturb some" <"$scratch/calls.truth"
fi

tap_done
