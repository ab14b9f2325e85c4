# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# tap.sh - report test results in TAP; to be sourced

tap_count=0
tap_failed=0

# The test NAME passed.
tap_pass() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s\n' "$tap_count" "$1"
}

# The test NAME failed; what stands on stdin says why.
tap_fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	printf 'not ok %d - %s\n' "$tap_count" "$1"
	sed 's/^/#   /'
}

# The test NAME cannot run here because of REASON.
tap_skip() {
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# The test NAME passed if there are no FINDINGS (a string of lines).
tap_none() {
	if [ -z "$2" ]; then
		tap_pass "$1"
	else
		tap_fail "$1" <<<"$2"
	fi
}

# None of it can run here because of REASON. Does not return.
tap_skip_all() {
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

# The plan, and the exit status. Does not return.
tap_done() {
	printf '1..%d\n' "$tap_count"
	exit $((tap_failed > 0))
}
