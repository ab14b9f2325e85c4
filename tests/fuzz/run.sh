#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh SRCDIR OUT SECONDS TARGET... - fuzz each target for so many seconds
#
# OUT has the programs. What they learn is kept in OUT/corpus for the next run,
# inputs that show a fault in OUT/findings. Prints a table; its last column is
# what was found. Ends with 1 if anything was.
set -euo pipefail

srcdir=$1
out=$2
seconds=$3
shift 3

# shellcheck source=tests/fuzz/corpora.sh
. "$srcdir/tests/fuzz/corpora.sh"

# Findings, too: an input that takes so many seconds of CPU time, and one
# allocation of so many MiB.
slow=1

# malloc_max TARGET
malloc_max() {
	case $1 in
	# the window of a decompressor
	archive) echo 300 ;;
	*) echo 64 ;;
	esac
}

# stat NAME LOG - a number of libFuzzer's final statistics, 0 if it has none
stat() {
	sed -n "s/^stat::$1: *//p" "$2" | tail -n 1 | grep . || echo 0
}

# cpu LOG COMMAND... - seconds of CPU time that it takes; LOG has what it says
cpu() {
	local TIMEFORMAT='%U %S' log=$1
	shift

	{ time "$@" >"$log" 2>&1 || true; } 2>&1 | awk '{ print $1 + $2 }'
}

# is_slow PROGRAM INPUT - does it take too much CPU time, however busy it is here?
is_slow() {
	awk -v empty="$(cpu /dev/null "$1" -runs=0)" \
		-v with="$(cpu /dev/null "$1" "$2")" -v max="$slow" \
		'BEGIN { exit !(with - empty > max) }'
}

# Inputs that libFuzzer calls slow were perhaps only waiting.
drop_waiting() {
	local input

	for input in "$findings/$1"-slow-unit-* "$findings/$1"-timeout-*; do
		[ -e "$input" ] || continue
		is_slow "$out/fuzz_$1" "$input" || rm "$input"
	done
}

# what has no room is an error, as it is without the sanitizer
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1

findings=$out/findings
mkdir -p "$findings"
found=0
line='%-9s %12s %8s %7s %9s %9s %8s\n'
# shellcheck disable=SC2059
printf "$line" target executions 'CPU s' corpus KiB coverage findings
for target; do
	log=$out/$target.log
	corpus=$out/corpus/$target
	mkdir -p "$corpus"
	mapfile -t known < <(corpora "$target")
	used=$(cpu "$log" "$out/fuzz_$target" -max_total_time="$seconds" \
		-max_len=65536 -timeout=20 -report_slow_units="$slow" \
		-rss_limit_mb=512 -malloc_limit_mb="$(malloc_max "$target")" \
		-print_final_stats=1 -artifact_prefix="$findings/$target-" \
		-close_fd_mask=1 \
		"$corpus" "${known[@]}")
	drop_waiting "$target"
	count=$(find "$findings" -name "$target-*" | wc -l)
	found=$((found + count))
	# shellcheck disable=SC2059
	printf "$line" "$target" "$(stat number_of_executed_units "$log")" \
		"$used" "$(find "$corpus" -type f | wc -l)" \
		"$(du -sk "$corpus" | cut -f 1)" \
		"$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -c 6-)" \
		"$count"
done
if [ "$found" -gt 0 ]; then
	echo "what was found is in $findings; run a program of $out with one" \
		"of these files to see it"
	exit 1
fi
