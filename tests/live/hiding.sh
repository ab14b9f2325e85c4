#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# hiding.sh - signal frames where one would not look for them
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# expect SCENARIO WHICH - sets `exact` and `doubt`, see hiding.py
#
# WHICH threads are stopped or unwound. What unwinding goes by is in registers
# that only a stopped thread tells, so with none anything may be in doubt.
expect() {
	exact=yes doubt=
	case $1:$2 in
	# Then nobody can tell that there has been a frame.
	unmapped:none)
		exact=gone
		;;
	# The frame is not there any more, or nobody can read it; but something
	# was there, and the handler will not return.
	unmapped:* | moved:* | hidden-frame:*)
		exact=no
		doubt='unwinding (leaves the stack|stops) at'
		;;
	hidden-image:*)
		exact=no
		doubt='^magic2-unreadable|^xstate-unreadable|unwinding stops'
		;;
	# Code that says nothing of how it has left a stack.
	bare-*)
		exact=maybe
		doubt="may not be the thread's own|unwinding stops"
		;;
	# All but the return address is; what was outside of it is left to bytes.
	wiped-inner:* | wiped-both:* | wiped*:none)
		exact=maybe
		doubt="^(rip|cs|fpstate)-|unwinding (stops|leaves)"
		doubt+="|thread's own"
		;;
	wiped*)
		exact=found
		doubt='^(rip|cs|fpstate)-|unwinding stops'
		;;
	# A parent that waits for its child cannot be stopped.
	vfork*)
		exact=found
		doubt='found by their bytes alone'
		;;
	*:none)
		exact=maybe
		doubt="unwinding stops at .*(bytes alone|too large"
		doubt+="|thread's own|not be frames|address of a handler)"
		;;
	esac
}

# held NAME TITLE [FINDING] - is what was said of one as `exact` and `doubt` say?
held() {
	local out

	out=$(check hiding.py "$scratch/$1.truth" "$scratch/$1" "$status" \
		"$exact" "$doubt")
	tap_none "$2" "$(sed '/^%/d' <<<"$out" | head -n 20)${3:-}"
	add_counts "$out"
}

# hide BITS PROGRAM SCENARIO - look at one in every way
hide() {
	local bits=$1 program=$2 scenario=$3
	local name=$bits-$scenario which arguments also exact doubt

	must_start "$name" "$program" "$scenario"
	if grep -q '^skipped' "$scratch/$name.truth"; then
		tap_skip "$scenario, $bits bits" \
			"$(sed -n 's/^skipped //p' "$scratch/$name.truth")"
		stop "$name"
		return
	fi
	also=$(sed -n 's/^also //p' "$scratch/$name.truth")
	arguments=(-p "${pid[$name]}" ${also:+-p "$also"})
	for which in --stop=auto --stop=all --stop=none --unwind=none; do
		expect "$scenario" "${which#*=}"
		[ "$exact" != gone ] || continue
		inspect "$name" --json "$which" "${arguments[@]}"
		held "$name" "$scenario, $bits bits, $which, exact: $exact"
	done
	# gdb's core does not tell guard pages from others
	case $scenario in
	bare-above | third-above)
		expect "$scenario" none
		if gcore_of "$name" "$scratch/$name.core"; then
			inspect "$name" --json "$scratch/$name.core"
			held "$name" "$scenario, $bits bits, gdb's core"
			rm -f "$scratch/$name.core"
		else
			tap_skip "$scenario, $bits bits, gdb's core" \
				"it writes none here"
		fi
		;;
	esac
	stop "$name"
}

found=0 true=0 total=0
add_counts() {
	local counts

	read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$1")"
	((found += ${counts[0]:-0}, true += ${counts[1]:-0},
		total += ${counts[2]:-0})) || true
}

mapfile -t all < <("$targets/hiding" -l)
for scenario in "${all[@]}"; do
	hide 64 "$targets/hiding" "$scenario"
done
if [ -x "$targets/hiding32" ] && "$targets/hiding32" -l >/dev/null 2>&1; then
	for scenario in "${all[@]}"; do
		hide 32 "$targets/hiding32" "$scenario"
	done
else
	tap_skip "frames of 32-bit code" "32-bit programs do not run here"
fi
# All kinds in a stopped process, which has to stay so.
is_stopped() {
	grep -q '^State:[[:blank:]]*T' "/proc/${pid[stopped]}/status"
}

must_start stopped "$targets/frames"
kill -STOP "${pid[stopped]}"
until is_stopped; do
	sleep 0.02
done
for stop in auto all none; do
	expect stopped "$stop"
	inspect stopped --json --stop="$stop" -p "${pid[stopped]}"
	held stopped "a stopped process, --stop=$stop, exact: $exact" \
		"$(is_stopped || echo "it goes on")"
done
stop stopped

echo "# recall $found of $true, precision $found of $total"

tap_done
