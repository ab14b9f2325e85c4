#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# calls.sh - what blocked system calls notice of a look, and that it is told
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace

# Names of named pipes go where everything goes in the end.
export TMPDIR=$scratch

# look STOP - look at the target `calls` ten times
look() {
	local n

	for ((n = 0; n < 10; n++)); do
		inspect calls.json --json --stop="$1" -p "${pid[calls]}"
		[ "$status" -eq 0 ] || said calls.json
	done
}

# How many calls there were, and those that this kernel does not have.
account() {
	echo "# $(sed -n 's/^blocked //p' "$scratch/calls.truth") of" \
		"$(grep -c '^call ' "$scratch/calls.truth") calls"
	sed -n 's/^skipped/# not to be had here:/p' "$scratch/calls.truth"
}

# Threads that wait are not touched, and notice nothing; neither do those that
# do so in a handler.
# unnoticed TITLE STOP OPTION...
unnoticed() {
	local title=$1 stop=$2
	shift 2

	must_start calls "$targets/calls" "$@"
	findings=$(look "$stop"
		! grep -q '"stopped": true' "$scratch/calls.json" ||
			echo "a thread was stopped")
	stop calls
	tap_none "--stop=$stop: $title is disturbed" "$(
		grep . <<<"$findings" || true
		grep '^early' "$scratch/calls.truth" || true
		grep -q '^blocked' "$scratch/calls.truth" || echo "no answer")"
	account
}

unnoticed "no call without a frame" auto
unnoticed "no call without a frame" none
unnoticed "no call in a handler" auto -f

# Deadlines are kept, too.
must_start calls "$targets/calls" -d 2
findings=$(until grep -q '^blocked' "$scratch/calls.truth" ||
	gone "${pid[calls]}"; do
	inspect calls.json --json -p "${pid[calls]}"
	# at the end, threads exit meanwhile
	case $status in
	0 | 2 | 3) ;;
	*) said calls.json ;;
	esac
done)
stop calls
tap_none "no deadline is missed" "$(
	grep . <<<"$findings" || true
	grep -E '^(early|late)' "$scratch/calls.truth" || true
	grep -q '^blocked' "$scratch/calls.truth" || echo "no answer")"
account
sed -n 's/^overslept/# milliseconds late at most:/p' "$scratch/calls.truth"

# A stop ends some calls early: those that the manual page has.
# disturbs NAME STOP OPTION...
disturbs() {
	local name=$1 stop=$2
	shift 2

	must_start calls "$targets/calls" "$@"
	findings=$(look "$stop")
	stop calls
	sed -n 's/^call [0-9]* \(.*\) .* fragile/\1/p' \
		"$scratch/calls.truth" | sort >"$scratch/told"
	sed -n 's/^early \(.*\) .*/\1/p' "$scratch/calls.truth" |
		sort >"$scratch/seen"
	tap_none "$name: only those calls end early that may" "$(
		grep . <<<"$findings" || true
		grep '^early' "$scratch/calls.truth" | grep -v ' 4$' |
			sed 's/$/ is not EINTR/' || true
		comm -13 "$scratch/told" "$scratch/seen" |
			sed 's/^/unexpectedly: /')"
	tap_none "$name: some do" "$(
		[ -s "$scratch/seen" ] || cat "$scratch/calls.truth")"
	echo "# EINTR from" "$(tr '\n' ' ' <"$scratch/seen")"
	comm -23 "$scratch/told" "$scratch/seen" | sed 's/^/# not from /'
}

disturbs "--stop=all" all
disturbs "--stop=all, calls made in a signal handler" all -f

# Timeouts make calls on sockets fragile, and these are all listed alike.
tap_none "the manual page lists the same calls" "$(diff \
	<(sed -n 's/^call .* \(.*\) fragile/\1/p' "$scratch/calls.truth" |
		sort -u) \
	<(awk '/^\.Sh/ { here = /EFFECT ON THE PROCESS/ }
		here && /^\.(El|It)/ { item = /It/; next }
		item && /^\.(Xr|Fn) / { print $2 }' \
		"$srcdir/man/sigframe-inspect.1" | sort -u) |
	sed -n 's/^</only seen here: /p; s/^>/only in the page: /p')"

tap_done
