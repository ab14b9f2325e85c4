#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# valgrind.sh - no memory error, no leak, on a process and on its core
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"

# Valgrind and the sanitizers exclude each other.
command -v valgrind >/dev/null || tap_skip_all "no valgrind here"
if "${NM:-nm}" "$tool" 2>/dev/null | grep __asan_init >/dev/null; then
	tap_skip_all "this is a build with sanitizers"
fi
need_ptrace
valgrind -q true >/dev/null 2>&1 || tap_skip_all "valgrind does not work here"

# clean NAME STATUSES ARGUMENT... - the exit status is one of those
#
# Valgrind's CPU has less than this one: good frames may be lossy there.
clean() {
	local name=$1 statuses=$2 status=0
	shift 2

	valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite,indirect,possible \
		--log-file="$scratch/log" \
		"$tool" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
	tap_none "$name" "$(
		[ "$status" -ne 99 ] || head -n 60 "$scratch/log"
		[[ " $statuses " == *" $status "* ]] || {
			echo "exit status $status"
			head "$scratch/err"
		})"
}

must_start threads "$targets/frames"
for stop in auto all none; do
	clean "a process, --stop=$stop" "0 1 3" --stop="$stop" -p "${pid[threads]}"
done
clean "a process, JSON" "0 1" --json -x --raw -p "${pid[threads]}"
clean "a process, without unwinding" "1 3" --unwind=none -x \
	-p "${pid[threads]}"
clean "a process that does not exist" 2 -p 4194305
clean "no such option" 2 --no-such-option
clean "all checks explained" 0 --explain
if gcore_of threads "$scratch/core"; then
	clean "its core" "0 1" -x --raw "$scratch/core"
	clean "its core, JSON" "0 1" --json -x --raw "$scratch/core"
	mkdir "$scratch/void"
	clean "its core without its files" "1 3" --sysroot="$scratch/void" \
		"$scratch/core"
	head -c "$(($(stat -c %s "$scratch/core") / 2))" "$scratch/core" \
		>"$scratch/half"
	clean "half of its core" "2 3" "$scratch/half"
else
	tap_skip "its core" "gdb writes none here"
fi

tap_done
