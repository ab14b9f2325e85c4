#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# subset.sh - predictions against what a few other kernels and CPUs really do
set -u

: "${srcdir:=.}" "${builddir:=.}"
# shellcheck source=tests/tools/tap.sh
. "$srcdir/tests/tools/tap.sh"
# shellcheck source=tests/kernels/lib.sh
. "$srcdir/tests/kernels/lib.sh"

kernels='6.1 6.18-first 7.3'
cpus='Haswell max,-mpx'
seed=${SEED:-20260926}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
prepare_guests "$dir" 1000 "$seed" || tap_skip_all "$guests_reason"
echo "# seed $seed, see docs/kernels.md"

for name in $kernels; do
	if ! need_kernel "$name"; then
		tap_skip "kernel $name" "$kernel_reason"
		continue
	fi
	for cpu in $cpus; do
		title="$kernel_package on $cpu follows $kernel_rules as predicted"
		if run_guest "$name" "$cpu" "$dir" >"$dir/result"; then
			tap_pass "$title"
			awk -F'\t' '{ print "# " $9 " cases, " $10 " agree, " \
				$11 " undecided, " $12 " disagree, " $14 " s" }' \
				"$dir/result"
		else
			tap_fail "$title" <"$dir/result"
		fi
	done
done
tap_done
