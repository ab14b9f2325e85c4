#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# demo.sh - build, then look at a process that waits inside a signal handler
set -euo pipefail

# shellcheck source=tests/tools/prepare.sh
. "$(dirname "$0")/prepare.sh"

# shellcheck disable=SC2086 # a list of words
need_packages $build_packages
build sigframe-inspect tests/live/targets/demo

# The target prints "demo PID" when it is in its handler and ends with its stdin.
coproc target { exec ./tests/live/targets/demo; }
target_pid=${target_PID:?}
target_stdin=${target[1]}
read -r _ pid <&"${target[0]}" || die "the demo target did not start"

echo
echo "\$ sigframe-inspect -p $pid"
status=0
./sigframe-inspect -p "$pid" || status=$?

exec {target_stdin}>&-
wait "$target_pid" || die "the demo target did not end well"
exit "$status"
