#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# registers.sh - cores whose registers are damaged promise nothing
#
# REGISTERS=25 is how often each way is taken; REGISTERS_SEED=N takes other
# values.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python

rounds=${REGISTERS:-2}
seed=${REGISTERS_SEED:-1}
scenarios=(plain-futex one-pause two alternate alternate-in-main
	main-in-alternate returned-one jumped-one)

# Stacks are as large as the limit says, and a core has all of them.
# shellcheck disable=SC2016 # for the shell that is started
small=(bash -c 'ulimit -S -s 256 && exec "$@"' bash)

# damaged NAME CORE TRUTH
damaged() {
	local findings

	findings=$(check registers.py "$tool" "$scratch" "$rounds" "$seed" \
		"$2" "$3")
	# what was counted is no finding
	sed -n 's/^%/#/p' <<<"$findings"
	tap_none "$1: no frame is missing from what is called intact" \
		"$(sed '/^%/d' <<<"$findings" | head -n 20)"
}

reason=$(no_kernel_core)
# kernel NAME COMMAND... - the same with a core that the kernel writes
kernel() {
	local name=$1
	shift

	if [ -z "$reason" ] && kernel_core_of QUIT before "$scratch/$name" \
		"${small[@]}" "$@"; then
		damaged "$name" "$core" "$scratch/cored$cored.truth"
		rm -f "$core"
	else
		tap_skip "$name" "${reason:-the kernel has not written one}"
	fi
}

kernel "threads, the kernel's core" "$targets/frames" "${scenarios[@]}"
kernel "the main thread, the kernel's core" "$targets/edited" nothing
if start gdb "${small[@]}" "$targets/frames" "${scenarios[@]}" &&
	gcore_of gdb "$scratch/core"; then
	damaged "threads, gdb's core" "$scratch/core" "$scratch/gdb.truth"
else
	tap_skip "threads, gdb's core" "gdb does not write one here"
fi

tap_done
