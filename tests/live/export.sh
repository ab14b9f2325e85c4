#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# export.sh - an exported core tells what its original told
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# Rules and layouts of all sorts.
judges=(-t host -t haswell@6.1.170 -t EPYC-Genoa@7.3.4
	-t Icelake-Server@6.18.5 -t "SapphireRapids,+amx@5.10.200")

# round_trip NAME ARGUMENT... - export what ARGUMENTs name, and compare
round_trip() {
	local name=$1 file=$scratch/$1.export before differences
	shift

	inspect "$name.before" --json -x --raw "${judges[@]}" \
		"--export=$file" "$@"
	before=$status
	if [ ! -s "$file" ]; then
		said "$name.before" | tap_fail "$name: is exported"
		return
	fi
	inspect "$name.after" --json -x --raw "${judges[@]}" "$file"
	differences=$(check core_equal.py "$scratch/$name.before" \
		"$scratch/$name.after" --export)
	[ "$before" -eq "$status" ] ||
		differences+=$'\n'"exit status $before, then $status"
	tap_none "$name: the same report, $(stat -c %s "$file") bytes" \
		"$(sed '/^%/d' <<<"$differences" | head -n 30)"
	sed -n 's/^%/#/p' <<<"$differences"
}

# Once more: an export of an export is the same file.
again() {
	local file=$scratch/$1.export

	inspect "$1.again" -q "--export=$scratch/again" "$file"
	tap_none "$1: exported again it is the same file but for what it came from" \
		"$(cmp <(sed 's/source="[a-z]*"//' <"$file") \
			<(sed 's/source="[a-z]*"//' <"$scratch/again") 2>&1 |
			grep -v 'differ: .*line' || true)"
}

# opens NAME THREADS - other tools take the file for a core
opens() {
	local file=$scratch/$1.export said

	tap_none "$1: readelf has nothing to complain of" \
		"$(readelf -aW "$file" 2>&1 >/dev/null | head -n 5)"
	if command -v eu-readelf >/dev/null; then
		tap_none "$1: nor has eu-readelf" \
			"$(eu-readelf -a "$file" 2>&1 >/dev/null | head -n 5)"
	else
		tap_skip "$1: nor has eu-readelf" "there is none"
	fi
	if ! command -v gdb >/dev/null; then
		tap_skip "$1: gdb finds the threads" "there is no gdb"
		return
	fi
	said=$(gdb -nx -batch -ex 'info threads' -c "$file" 2>&1 || true)
	if [ "$(grep -c 'LWP [0-9]' <<<"$said")" -ge "$2" ]; then
		tap_pass "$1: gdb finds the threads"
	else
		tap_fail "$1: gdb finds the threads" <<<"$said"
	fi
}

# threads_of NAME - how many the report had
threads_of() {
	python3 -c 'import json, sys
print(sum(len(i["threads"]) for i in json.load(sys.stdin)["inputs"]))' \
		<"$scratch/$1.before"
}

live_half() {
	local name=$1
	shift

	must_start "$name" "$@"
	round_trip "$name" -p "${pid[$name]}"
	stop "$name"
}

live_half threads "$targets/frames"
opens threads "$(threads_of threads)"
again threads
live_half restorer "$targets/restorer"
for edit in magic1 bv-unsupported fpstate-unmapped pretcode-data; do
	live_half "edited-$edit" "$targets/edited" "$edit"
done
if [ -x "$targets/ia32" ]; then
	live_half ia32 "$targets/ia32"
	opens ia32 "$(threads_of ia32)"
else
	tap_skip "32-bit code" "32-bit programs cannot be built here"
fi
for way in guard heap nested left; do
	live_half "dormant-$way" "$targets/dormant" "$way"
done

# Cores of other machines, and of those who died of it.
for scene in icelake genoa sapphire nested edited missing x32; do
	"$builddir/tests/golden/makecores" scene "$scene" \
		"$scratch/$scene.core"
	round_trip "$scene" "$scratch/$scene.core"
done
opens sapphire "$(threads_of sapphire)"

# Of one that died of its sigreturn the guilty frame goes along.
reason=$(no_kernel_core)
for edit in mxcsr fpstate-unmapped; do
	mkdir "$scratch/dead"
	# shellcheck disable=SC2016 # for the shell that is started
	bash -c 'cd "$1" && ulimit -c unlimited && shift && { "$@"; exit 0; }' \
		bash "$scratch/dead" "$targets/died" "$edit" </dev/null \
		>/dev/null 2>&1 || true
	core=$(find "$scratch/dead" -type f -size +0)
	if [ -n "$core" ]; then
		round_trip "died-$edit" "$core"
		tap_none "died-$edit: both know why" "$(
			grep -L '"kind": "frame-refused"' \
				"$scratch/died-$edit.before" \
				"$scratch/died-$edit.after")"
	else
		tap_skip "died-$edit" "${reason:-the kernel wrote no core}"
	fi
	rm -r "$scratch/dead"
done

# What is not whole is not trusted.
file=$scratch/threads.export
size=$(stat -c %s "$file")
findings=
for part in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	head -c $((size * part / 16)) "$file" >"$scratch/cut"
	inspect cut.out "$scratch/cut"
	[ "$status" -ne 0 ] || findings+="$part of 16: exit status 0"$'\n'
	[ "$status" -lt 128 ] || findings+="$part of 16: $status"$'\n'
done
tap_none "a truncated one is never intact" "$findings"

sed 's/sigframe-inspect-frames 1/sigframe-inspect-frames 2/' <"$file" \
	>"$scratch/newer"
inspect newer.out "$scratch/newer"
tap_none "a newer format is refused, with one line" \
	"$([ "$status" -eq 2 ] || said newer.out; one_line "$scratch/newer.out.err")"
# spoiled NAME EDIT STATUS - an export that was intact and is damaged
spoiled() {
	sed "$2" <"$scratch/nested.export" >"$scratch/spoiled"
	inspect damaged "$scratch/spoiled"
	tap_none "$1 is noticed" "$(
		! cmp -s "$scratch/nested.export" "$scratch/spoiled" ||
			echo "the edit changes nothing"
		[ "$status" -eq "$3" ] || said damaged
	)"
}
spoiled "a lost frame" 's/^frame address=/frxme address=/' 3
spoiled "the end of a text" 's/^frame address=/fra\x00e address=/' 2
spoiled "a lost list of frames" 's/\x03\x00FS/\x09\x00FS/' 2
spoiled "a lost list of mappings" 's/\x02\x00FS/\x09\x00FS/' 2
spoiled "a frame of another thread" \
	's/^\(thread .*\) frames=[0-9]/\1 frames=9/' 3
spoiled "a lost thread" 's/ threads=[0-9]/ threads=9/' 3
sed 's/frame address=0x/frame address=0y/' <"$file" >"$scratch/odd"
inspect odd.out "$scratch/odd"
tap_none "nonsense is refused, with one line" \
	"$([ "$status" -eq 2 ] || said odd.out; one_line "$scratch/odd.out.err")"

# The file appears whole or not at all, and for its owner only.
mkdir "$scratch/locked"
must_start plain "$targets/restorer"
findings=$(
	inspect export -q "--export=$scratch/none/at/all" -p "${pid[plain]}"
	[ "$status" -eq 2 ] || said export
	one_line "$scratch/export.err"
	echo old >"$scratch/locked/kept"
	inspect export -q "--export=$scratch/locked/kept" -p "${pid[plain]}"
	[ "$status" -eq 0 ] || said export
	stat -c %a "$scratch/locked/kept" | grep -vx 600 || true
	# what is no file stays what it is
	mkfifo "$scratch/pipe"
	ln -s nowhere "$scratch/link"
	for special in pipe link locked; do
		before=$(stat -c %F "$scratch/$special")
		inspect export -q "--export=$scratch/$special" \
			-p "${pid[plain]}"
		[ "$status" -eq 2 ] || said export
		one_line "$scratch/export.err"
		[ "$(stat -c %F "$scratch/$special")" = "$before" ] ||
			echo "the $special was replaced"
	done
	(
		ulimit -f 4
		trap '' XFSZ
		inspect export -q "--export=$scratch/locked/kept" \
			-p "${pid[plain]}"
		[ "$status" -eq 2 ] || said export
		one_line "$scratch/export.err"
	)
	# neither cut short nor gone, and nothing beside it
	inspect kept -q "$scratch/locked/kept"
	[ "$status" -eq 0 ] || said kept
	find "$scratch/locked" -type f ! -name kept
)
tap_none "files are replaced whole or not at all" "$findings"
stop plain

tap_done
