#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# replay.sh - fuzz targets hold on all inputs that fuzzing has brought together
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"
# shellcheck source=tests/fuzz/corpora.sh
. "$srcdir/tests/fuzz/corpora.sh"

out=${builddir:?}/tests/fuzz/replay
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sigframe-replay.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# This is no part of the make that runs the tests.
build() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "$builddir" fuzz-replay
}
log=$scratch/build.log
if ! build >"$log" 2>&1; then
	if grep -q 'cannot find .*san\|-fsanitize' "$log"; then
		tap_skip_all "the compiler has no sanitizers here"
	fi
	tap_fail "the targets can be built" <"$log"
	tap_done
fi

# No input makes the program allocate more than 64 MiB at once.
export ASAN_OPTIONS=max_allocation_size_mb=64:allocator_may_return_null=0

# Leaks are looked for by means of ptrace(), which some containers forbid.
mkdir "$scratch/empty"
if ! "$out/fuzz_procfs" "$scratch/empty" >/dev/null 2>&1; then
	ASAN_OPTIONS+=:detect_leaks=0
fi

for program in "$out"/fuzz_*; do
	target=${program##*/fuzz_}
	log=$scratch/$target.log
	mapfile -t known < <(corpora "$target")
	if inputs=$("$program" "${known[@]}" 2>"$log") &&
		[ "$inputs" -gt 0 ]
	then
		tap_pass "$target: $inputs inputs"
	else
		{
			grep "^$srcdir" "$log" | tail -n 1
			grep -v "^$srcdir" "$log" | head -n 40
		} | tap_fail "$target"
	fi
done
tap_done
