#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# compare.sh - what was changed in a process, and nothing else, differs
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# compares NAME STATUS INPUT... - with that exit status, in text, JSON and none
compares() {
	local name=$1 want=$2
	shift 2

	inspect compared.json --compare --json "$@"
	tap_none "$name: exit status $want" \
		"$([ "$status" -eq "$want" ] || said compared.json)"
	tap_none "$name: as text, and quietly, too" "$(
		inspect compared.none --compare --quiet "$@"
		[ "$status" -eq "$want" ] || said compared.none
		[ ! -s "$scratch/compared.none" ] || echo "there is a report"
		inspect compared.text --compare "$@"
		[ "$status" -eq "$want" ] || said compared.text
	)"
}

# changed NAME [--swapped] - the last comparison shows what was changed
changed() {
	local name=$1
	shift

	tap_none "$name: just what was changed, from what to what" \
		"$(check compare.py check "$scratch/compared.json" \
			"$scratch/changes" "$@" | head -n 30)"
}

# change NAME - its frames, every other one
change() {
	local said

	said=$(check compare.py change "${pid[$1]}" "$scratch/$1.truth" \
		"$scratch/changes")
	sed -n 's/^%/#/p' <<<"$said"
	tap_none "$1: is changed" "$(sed '/^%/d' <<<"$said")"
}

# whole NAME COMMAND... - before and after, in all the forms there are
whole() {
	local name=$1 old=$scratch/$1.before.gcore new=$scratch/$1.after.gcore
	local small=$scratch/$1.before.export process
	shift

	must_start "$name" "$@"
	process=${pid[$name]}
	compares "$name, twice" 0 -p "$process" -p "$process"
	inspect export -q "--export=$small" -p "$process"
	compares "$name, exported, and the process" 0 "$small" -p "$process"
	if gcore_of "$name" "$old"; then
		compares "$name, core and process" 0 "$old" -p "$process"
		compares "$name, core and export" 0 "$old" "$small"
		compares "$name, core and core" 0 "$old" "$old"
	else
		tap_skip "$name: unchanged, against a core" \
			"gdb does not write one here"
		old=$small
	fi

	change "$name"
	compares "$name, changed" 1 "$old" -p "$process"
	changed "$name, changed"
	compares "$name, the other way round" 1 -p "$process" "$old"
	changed "$name, the other way round" --swapped
	compares "$name, exported, and changed" 1 "$small" -p "$process"
	changed "$name, exported, and changed"
	if gcore_of "$name" "$new"; then
		compares "$name, two cores" 1 "$old" "$new"
		changed "$name, two cores"
		compares "$name, the changed core and the process" 0 "$new" \
			-p "$process"
	else
		tap_skip "$name: changed, in a core" \
			"gdb does not write one here"
	fi
	stop "$name"
}

whole nested "$targets/frames" deep-alternate avx avx512 two one-read
if [ -x "$targets/ia32" ]; then
	whole ia32 "$targets/ia32"
else
	tap_skip "32-bit code" "32-bit programs cannot be built here"
fi

# What one has and the other has not.
must_start three "$targets/frames" three
must_start two "$targets/frames" two
compares "two processes" 1 -p "${pid[three]}" -p "${pid[two]}"
tap_none "two processes: all frames are gone, or added" \
	"$(check compare.py counts "$scratch/compared.json" gone=3 added=2)"
tap_none "two processes: the text says so" "$(
	grep -c '^frame at 0x.* is gone$' "$scratch/compared.text" |
		grep -vx 3 || true
	grep -c '^frame at 0x.* was added$' "$scratch/compared.text" |
		grep -vx 2 || true
)"
inspect compared.json --compare -j -T "${pid[two]}" -T "${pid[three]}" \
	-p "${pid[three]}" -p "${pid[two]}"
tap_none "with --tid only those threads" \
	"$(check compare.py counts "$scratch/compared.json")"
stop three
stop two

# A process with a child, and the child alone: all of a tree, or just those.
sh -c 'sleep 1000 & echo $!; wait' >"$scratch/child" &
parent=$!
until [ -s "$scratch/child" ]; do
	sleep 0.02
done
child=$(cat "$scratch/child")
inspect whole.text --compare --tree -p "$parent" -p "$child"
tap_none "of two trees what only one has differs" "$(
	[ "$status" -eq 1 ] || said whole.text
	grep -qx "process $parent (.*) is gone" "$scratch/whole.text" ||
		cat "$scratch/whole.text")"
kill "$parent" "$child"

# Cores of other machines: their memory is all there, or not.
for name in icelake missing; do
	"$builddir/tests/golden/makecores" scene "$name" "$scratch/$name.core"
done
inspect export -q "--export=$scratch/icelake.small" "$scratch/icelake.core"
compares "another machine's core and its export" 0 "$scratch/icelake.core" \
	"$scratch/icelake.small"
compares "memory that is missing, and itself" 3 "$scratch/missing.core" \
	"$scratch/missing.core"
tap_none "memory that is missing: the text names what" "$(
	grep -q '^  not known: .*pkru' "$scratch/compared.text" ||
		cat "$scratch/compared.text")"

# A checkpoint of three processes whose frames are at the same addresses.
dir=$scratch/images
mkdir "$dir"
if tar -xJf "$srcdir/tests/data/criu/tree.tar.xz" -C "$dir" 2>/dev/null; then
	dir=$dir/checkpoint
	inspect tree --compare --json "$dir" "$dir"
else
	status=2
	echo "tar does not unpack it" >"$scratch/tree.err"
fi
if [ "$status" -eq 2 ]; then
	tap_skip "checkpoints" "$(head -n 1 "$scratch/tree.err")"
else
	compares "a checkpoint and itself" 0 "$dir" "$dir"
	tap_none "a checkpoint: all processes, by their ids" \
		"$(check compare.py counts "$scratch/compared.json" same=9)"
	inspect ambiguous --compare "$dir" "$scratch/icelake.core"
	tap_none "which of them is which has to be told" "$(
		[ "$status" -eq 2 ] || said ambiguous
		one_line "$scratch/ambiguous.err"
		grep -q -e '--tid' "$scratch/ambiguous.err" || said ambiguous
	)"
fi

# Trouble is one line.
tap_none "an input that is not there" "$(
	inspect trouble --compare "$scratch/icelake.core" "$scratch/none"
	[ "$status" -eq 2 ] || said trouble
	[ ! -s "$scratch/trouble" ] || echo "there is a report"
	one_line "$scratch/trouble.err"
)"

tap_done
