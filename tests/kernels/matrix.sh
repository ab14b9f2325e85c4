#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# matrix.sh [TABLE] - all kernels under all CPUs; writes TABLE (docs/kernels.md)
#
# KERNELS and CPUS may name fewer of them, SEED the seed, COUNT the number of
# random frames of each kind. With BOCHS=1 also AVX-512 under Bochs.
set -eu

: "${srcdir:=.}" "${builddir:=.}"
# shellcheck source=tests/kernels/lib.sh
. "$srcdir/tests/kernels/lib.sh"
# shellcheck source=tests/kernels/bochs.sh
. "$srcdir/tests/kernels/bochs.sh"

table=${1:-}
kernels=${KERNELS:-$(awk -F'\t' '!/^#/ { print $1 }' \
	"$srcdir/tests/kernels/kernels.tsv")}
cpus=${CPUS:-Nehalem SandyBridge Haswell max max,-mpx}
seed=${SEED:-20260926}
count=${COUNT:-2000}
failed=0

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# Keep what one guest came to, and show it.
take_result() {
	if [ "$1" -ne 0 ]; then
		failed=1
	fi
	cat "$dir/result"
	grep -v '^#' "$dir/result" >>"$dir/rows"
}

prepare_guests "$dir" "$count" "$seed" || {
	echo "$guests_reason" >&2
	exit 77
}
: >"$dir/rows"
: >"$dir/missing"
for name in $kernels; do
	if ! need_kernel "$name"; then
		echo "$name: $kernel_reason" | tee -a "$dir/missing"
		continue
	fi
	for cpu in $cpus; do
		status=0
		run_guest "$name" "$cpu" "$dir" >"$dir/result" || status=$?
		take_result "$status"
	done
done
if [ -n "${BOCHS:-}" ]; then
	run_bochs "$dir" "$seed"
fi
if [ -n "$table" ]; then
	python3 "$srcdir/tests/kernels/table.py" "$seed" "$count" \
		"$dir/rows" "$dir/missing" >"$table.new"
	mv "$table.new" "$table"
fi
exit "$failed"
