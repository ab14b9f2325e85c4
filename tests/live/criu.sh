#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# criu.sh - checkpoints that are known, whole and damaged
#
# What is expected of the two of waiter.c follows from that program, and from
# what became of it when CRIU restored them under emulated CPUs and real
# kernels. No process is looked at, and no file of this machine.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_feature criu
command -v xz >/dev/null || tap_skip_all "no xz to unpack checkpoints with"

data=$srcdir/tests/data/criu
void=$scratch/void
mkdir "$void"
for dump in "$data"/*.tar.xz; do
	name=$(basename "$dump" .tar.xz)
	mkdir "$scratch/$name"
	tar -C "$scratch/$name" -xf "$dump"
done
one=$scratch/avx-only/avx-only
all=$scratch/three-threads/three-threads
xz -dc "$data/waiter.xz" >"$scratch/waiter"

# edited NAME EDIT... - a copy of the first one, changed; sets `copy`
edited() {
	copy=$scratch/edited
	rm -rf "$copy"
	cp -R "$1" "$copy"
	shift
	python3 -B "$srcdir/tests/tools/criu-edit.py" "$copy" "$@"
}

# look OUT ARGUMENT... - as JSON, without this machine's files
look() {
	local out=$1
	shift

	inspect "$out" --json -x --sysroot="$void" "$@"
}

# Of which the program is not there: only the stacks and sa_restorer are.
look report "$one"
tap_none "frames are found without any code" \
	"$(check criu.py waiter "$scratch/report" 32 9454 9456 9457)"
look report "$all"
tap_none "the same with AVX-512 registers" \
	"$(check criu.py waiter "$scratch/report" 64 9377 9379 9380)"
look report -e "$scratch/waiter" "$all"
tap_none "frames are the same with the program" \
	"$(check criu.py waiter "$scratch/report" 64 9377 9379 9380
	grep -q '"unwound"' "$scratch/report" || echo "not unwound"
	grep -q '"one_frame"' "$scratch/report" || echo "no symbol")"
mkdir -p "$scratch/root/srv/demo"
cp "$scratch/waiter" "$scratch/root/srv/demo/waiter"
inspect report --sysroot="$scratch/root" "$all"
tap_none "a sysroot has the program, too" \
	"$(grep -q 'one_frame+0x' "$scratch/report" || said report)"
inspect report --sysroot="$scratch/root" "$one"
tap_none "one with another build-id is not taken" \
	"$(grep -q 'not the file that was mapped.*the checkpoint has' \
		"$scratch/report" || cat "$scratch/report")"

# Zen 4 (2432 bytes, 0xe7), restored on machines with 0x7 and 832 bytes, and
# with 0x207 and 2696 bytes: what became of the YMM registers.
measured() {
	local target=$1 bv=$2 want=$3 have

	edited "$one" poke 9454 0x7feb8dc95a40 "$bv"
	look report -t "$target" "$copy"
	have=$(check criu.py outcome "$scratch/report" 9456)
	tap_none "XSTATE_BV $bv on $target: $want" \
		"$(case $have in
		$want*) ;;
		*) echo "$have" ;;
		esac)"
}
measured haswell@6.18.5 07 'lossy avx'
measured haswell@7.2.13 07 'lossy avx'
measured haswell@6.18.5 87 'lossy avx'
measured haswell@7.2.13 87 'lossy avx'
measured alderlake@6.18.5 07 'lossy avx'
measured alderlake@7.2.13 07 'intact'
measured alderlake@6.18.5 87 'lossy avx'
measured alderlake@7.2.13 87 'fatal'

# What others have dumped, of programs that say where their frames are.
for name in ia32 tree; do
	look report "$scratch/$name/checkpoint"
	tap_none "$name: its frames are those that it says it has" \
		"$(check criu.py frames "$scratch/report" "$data/$name.truth")"
done
look report --unwind=none "$scratch/chain/3"
tap_none "chain: frames that lie in three dumps" \
	"$(check criu.py frames "$scratch/report" "$data/chain.truth")"
inspect report -t alderlake@7.2.13 --sysroot="$void" "$scratch/lazy/checkpoint"
tap_none "lazy: stacks that are not there are named" \
	"$(grep -q 'stack from 0x7fb7beda5128 to .* could not be read' \
		"$scratch/report" || said report
	grep -q 'but not all could be examined' "$scratch/report" ||
		echo "no doubt")"
look report "$scratch/zombie/checkpoint"
tap_none "zombie: has no frames and is no error" \
	"$(have=$(check criu.py threads "$scratch/report")
	[ "$have" = "6841 - 0 all
6844 Z 0 all" ] || echo "$have"
	grep . "$scratch/report.err")"

# good NAME WANT EDIT... - the threads of an edited copy
good() {
	local name=$1 want=$2
	shift 2

	edited "$one" "$@"
	look report "$copy"
	tap_none "$name" \
		"$(have=$(check criu.py threads "$scratch/report" | tr '\n' ';')
		[ "$have" = "$want" ] || echo "$have"
		grep . "$scratch/report.err")"
}
same='9454 - 0 all;9456 - 1 all;9457 - 2 all;'
good "images of the first version" "$same" version1
good "each page in a run of its own" "$same" scatter 9454
good "no flags where a page is present" "$same" \
	page 9454 0x7feb8dc95000 no-flags
good "memory two directories up" "$same" levels 9454 2
good "two processes" "${same}100 - 0 all;101 - 1 all;102 - 2 all;" \
	fork 9454 100
good "a field that nobody knows" "$same" set core-9456.img 0 5.99 7
good "a stopped process" "9454 T 0 all;9456 - 1 all;9457 - 2 all;" \
	set core-9454.img 0 3.1 3
good "no actions: code that cannot be read is no restorer" \
	"9454 - 0 all;9456 - 1 unwinding stops at pc 0x433800, sp \
0x7feb8dc95650 (code that could not be read), frames beyond are found by \
their bytes alone;9457 - 2 unwinding stops at pc 0x433800, sp 0x7feb8cc93850 \
(code that could not be read), frames beyond are found by their bytes \
alone;" set core-9454.img 0 3.15 none
missing='9454 - 0 all;9456 - 0 the stack from 0x7feb8dc95650 to \
0x7feb8dc96000 could not be read;9457 - 2 all;'
missing=${missing//\\$'\n'/}
good "a stack page that was left for later" "$missing" \
	page 9454 0x7feb8dc95000 lazy
good "a thread of which the image is missing" \
	"9454 - 0 all;9456 - 0 core-9456.img: no such file;9457 - 2 all;" \
	set core-9456.img 0 1 1 remove core-9456.img
inspect report --sysroot="$void" -t alderlake@7.2.13 -T 9457 "$one"
tap_none "one thread of it, and nothing is said of the others" \
	"$(grep -q ': 1 thread, 2 signal frames' "$scratch/report" ||
		said report
	grep -q 'of the threads asked for is lost' "$scratch/report" ||
		said report)"

# noted NAME STATUS WORDS EDIT... - it is examined, and says so
noted() {
	local name=$1 want=$2 words=$3
	shift 3

	edited "$one" "$@"
	inspect report -t alderlake@7.2.13 --sysroot="$void" "$copy"
	tap_none "$name" "$([ "$status" -eq "$want" ] || said report
		grep -qE -- "$words" "$scratch/report" || cat "$scratch/report")"
}
noted "a parent that is not there" 3 \
	'memory is missing: parent/pagemap-9454.img: no such file' \
	page 9454 0x7feb8dc95000 parent
noted "no pages at all" 3 'memory is missing: pages-1.img: no such file' \
	remove pages-1.img
noted "too few pages" 3 \
	'memory is missing: pages-1.img is truncated, 40960 of 86016 bytes' \
	cut pages-1.img 40960
noted "pages of which nothing is said" 3 \
	'memory is missing: of pages-1.img 8192 of 86016 bytes are nobody' \
	drop pagemap-9454.img 8
noted "pages for where nothing is mapped" 3 \
	'memory is missing: there are pages for 0x7feb8c000000, where nothing' \
	set pagemap-9454.img 8 1 0x7feb8c000000
noted "no pagemap but its head" 3 'pages-1.img 86016 of 86016 bytes' \
	cut pagemap-9454.img 14
for damage in '13.1 none' '7 none' '13.2:0 none' '13.6:63 none' '10:5 none' \
	'13 none'; do
	# shellcheck disable=SC2086
	noted "extended registers that CRIU would not take: $damage" 3 \
		'criu-registers-unknown' set core-9456.img 0 2.3.$damage
done
for state in 0 3 6; do
	noted "a process of state $state without registers is not dead" 3 \
		'core-9454|its image has no registers' \
		set core-9454.img 0 2 none set core-9454.img 0 3.1 "$state"
done
noted "no files" 0 'files of the process are not known: files.img' \
	remove files.img
noted "a file without a type" 0 'files.img: a file without a type or id' \
	set files.img 1 1 none

# bad NAME WORDS EDIT... - it cannot be examined
bad() {
	local name=$1 words=$2
	shift 2

	edited "$one" "$@"
	inspect report --sysroot="$void" "$copy"
	tap_none "$name" "$([ "$status" -eq 2 ] || said report
		one_line "$scratch/report.err"
		grep -qE -- "$words" "$scratch/report.err" ||
			cat "$scratch/report.err")"
}
bad "a later version" 'version 3 of the images; this program knows 1 to 2' \
	set inventory.img 0 1 3
bad "a pre-dump" 'of a pre-dump' set inventory.img 0 1 0
bad "no inventory" 'no images of CRIU: there is no inventory.img' \
	remove inventory.img
bad "an image of another kind" 'pstree.img: not the image' \
	swap pstree.img files.img
bad "a truncated tree" 'pstree.img: the image is truncated at byte 30' \
	cut pstree.img 30
bad "half a magic number" 'pstree.img: the image is truncated' cut pstree.img 6
bad "no processes" 'pstree.img: no processes' drop pstree.img 0
bad "a thread twice" 'pstree.img: thread 9457 is there twice' \
	set pstree.img 0 5:1 9457
bad "a process twice" 'pstree.img: thread 9454 is there twice' \
	record pstree.img 0
bad "a process that is none of its threads" 'process 9454: it is not among' \
	set pstree.img 0 5:0 77
bad "a process 0" 'pstree.img: a process 0' set pstree.img 0 1 0
bad "a tree without images" 'process 55: core-55.img: no such file' \
	set pstree.img 0 5:0 55 set pstree.img 0 1 55
bad "of another machine" 'core-9454.img: of a machine .* AArch64' \
	set core-9454.img 0 1 3
bad "a record that makes no sense" 'core-9454.img: the record at byte 8' \
	set core-9454.img 0 3 7
bad "no mappings" 'mm-9454.img: no such file' remove mm-9454.img
bad "mappings over each other" 'mm-9454.img: a mapping from 0x401000 to' \
	set mm-9454.img 0 14:0.2 0x402000
bad "a mapping behind the end" 'mm-9454.img: a mapping from' \
	set mm-9454.img 0 14:2.3 0xffffffffffffffff
bad "pages without an address" 'pagemap-9454.img: pages without an address' \
	set pagemap-9454.img 1 1 none
bad "pages in no order" 'pagemap-9454.img: 1 pages at 0x401001' \
	set pagemap-9454.img 1 1 0x401001
bad "absurdly many pages" 'pagemap-9454.img: 4503599627370495 pages' \
	set pagemap-9454.img 1 5 0xfffffffffffff
bad "pages twice" 'pagemap-9454.img: pages at 0x.* are there twice' \
	record pagemap-9454.img 3
bad "a pagemap without a head" 'pagemap-9454.img: the image has no record' \
	cut pagemap-9454.img 8
bad "parents in a circle" 'more than 128 parents, or they lead in a circle' \
	page 9454 0x7feb8dc95000 parent circle
bad "none of the threads" 'pstree.img: a process -1' \
	set pstree.img 0 1 0xffffffff
inspect report -T 4 "$one"
tap_none "a thread that is not there" \
	"$([ "$status" -eq 2 ] || said report
	grep -q 'none of the threads asked for' "$scratch/report.err" ||
		cat "$scratch/report.err")"
inspect report "$void"
tap_none "a directory without images" \
	"$([ "$status" -eq 2 ] || said report
	grep -q "$void: no images of CRIU" "$scratch/report.err" ||
		cat "$scratch/report.err")"

# What is done with the frames of others is done with those of checkpoints.
look whole "$one"
inspect exporting --sysroot="$void" --export="$scratch/small" "$one"
look part "$scratch/small"
tap_none "an export says what the checkpoint says" \
	"$(check core_equal.py "$scratch/whole" "$scratch/part" --export |
		sed '/^%/d; /^inputs.0.criu/d')"
inspect report --sysroot="$void" --export="$scratch/none" \
	"$scratch/tree/checkpoint"
tap_none "only one process is exported" \
	"$([ "$status" -eq 2 ] && [ ! -e "$scratch/none" ] || said report)"
inspect report -r --sysroot="$void" --dormant=all "$one"
tap_none "a rehearsal is possible" \
	"$([ "$status" -ne 2 ] || said report
	grep -q 'rehearsed ' "$scratch/report" || cat "$scratch/report")"
inspect report --criu "$scratch/small"
tap_none "--criu is for directories" \
	"$([ "$status" -eq 2 ] || said report
	one_line "$scratch/report.err")"
inspect report --sysroot="$void" -t alderlake@7.2.13 --criu "$one"
tap_none "--criu takes one" "$([ "$status" -eq 0 ] || said report)"

tap_done
