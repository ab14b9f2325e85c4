#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tap-run.sh COMMAND... - run a test that prints TAP, for the TAP driver
#
# The driver waits for ever, does not know exit status 77 ("cannot run here",
# the test has said why before), and counts an exit status that only repeats a
# "not ok" as one more failure. cmocka 1.1.5 says "not ok" of what it skips.
set -u

limit=${TEST_TIMEOUT:-600}

timeout -k 10 "$limit" "$@" | awk '
	/^not ok [0-9]+ # SKIP/ { sub(/^not /, "") }
	{ print; fflush() }
	/^not ok/ { failed = 1 }
	END { exit failed }'
status=("${PIPESTATUS[@]}")

case ${status[0]} in
77)
	echo '1..0 # SKIP cannot run here, see above'
	exit 0
	;;
124 | 137)
	echo "Bail out! killed after $limit seconds"
	exit 1
	;;
esac
# 126 and above: not found, or ended by a signal
if [ "${status[1]}" -eq 1 ] && [ "${status[0]}" -lt 126 ]; then
	exit 0
fi
exit "${status[0]}"
