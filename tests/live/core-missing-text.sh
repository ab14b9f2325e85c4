#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# core-missing-text.sh - cores whose programs and libraries are not there
#
# Cores leave out what is in files. Without those files the code that calls
# sigreturn cannot be looked at, and that must never be taken for a pass.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# What the report makes of the frames: their outcomes, and if all is found.
verdicts() {
	python3 -c '
import json, sys
report = json.load(open(sys.argv[1]))
frames = [f for t in report["inputs"][0]["threads"] for f in t["frames"]]
outcomes = sorted({v["outcome"] for f in frames for v in f["verdicts"]})
print(len(frames), *outcomes)' "$1" 2>&1 || true
}

# judged NAME STATUS FRAMES OUTCOME WORDS ARGUMENT...
#
# FRAMES is their number, "-" if it does not matter. WORDS, regular
# expressions separated by blanks, have to be in the text of the report.
judged() {
	local name=$1 want=$2 frames=$3 outcome=$4 words=$5 word have
	shift 5

	inspect json --json "$@"
	have=$(verdicts "$scratch/json")
	tap_none "$name" "$(
		[ "$status" -eq "$want" ] || said json
		[ "${have#* }" = "$outcome" ] || echo "outcomes: $have"
		[ "$frames" = - ] || [ "${have%% *}" = "$frames" ] ||
			echo "frames: $have"
		inspect text "$@"
		for word in $words; do
			grep -qE -- "$word" "$scratch/text" ||
				echo "does not say '$word'"
		done
		[ "$status" -eq "$want" ] || said text)"
}

# sysroot_for NAME DIR - copies of all files that a target has mapped
sysroot_for() {
	local file

	sed -n 's|^[^/]* \(/.*\)$|\1|p' "/proc/${pid[$1]}/maps" | sort -u |
		while read -r file; do
			[ -f "$file" ] || continue
			mkdir -p "$2${file%/*}"
			cp "$file" "$2$file"
		done
}

# Change the build-id of an ELF file, and nothing else.
change_build_id() {
	python3 - "$1" <<'END'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
# the header of an ELF note with a SHA-1 of the owner GNU
note = data.find(b'\4\0\0\0\x14\0\0\0\3\0\0\0GNU\0')
if note < 0:
    sys.exit('no build-id')
data[note + 16] ^= 1
open(sys.argv[1], 'wb').write(data)
END
}

# with_core KIND CORE - the tests, for a core of `place`/restorer
with_core() {
	local kind=$1 core=$2

	install -m 755 "$scratch/saved" "$place/restorer"
	judged "$kind: with its files it is intact" 0 1 intact \
		'own_restorer' "$core"

	rm "$place/restorer"
	judged "$kind: without its program it is unknown" 3 1 unknown \
		"$place/restorer restorer-missing" "$core"
	judged "$kind: the same without unwinding" 3 1 unknown \
		"$place/restorer restorer-missing" --unwind=none "$core"
	judged "$kind: told where the program is, it is intact" 0 1 intact \
		'own_restorer' -e "$scratch/saved" "$core"
	judged "$kind: another program is not taken" 3 1 unknown \
		'live/targets/frames build-id' -e "$targets/frames" "$core"
	judged "$kind: nor a script" 3 1 unknown 'frames.sh' \
		-e "$live/frames.sh" "$core"

	cp "$scratch/saved" "$scratch/changed"
	change_build_id "$scratch/changed"
	judged "$kind: one with another build-id is not taken" 3 1 unknown \
		"$scratch/changed build-id" -e "$scratch/changed" "$core"
	install -m 755 "$scratch/changed" "$place/restorer"
	judged "$kind: nor if it is where the program was" 3 1 unknown \
		"$place/restorer build-id" "$core"

	judged "$kind: with all files below a sysroot it is intact" 0 1 \
		intact 'own_restorer' --sysroot="$scratch/root" "$core"
	mkdir -p "$scratch/void"
	judged "$kind: with an empty sysroot it is unknown" 3 1 unknown \
		"$scratch/void$place/restorer restorer-missing" \
		--sysroot="$scratch/void" "$core"
	judged "$kind: a program does not need the sysroot" 0 - intact \
		'own_restorer' --sysroot="$scratch/root" \
		-e "$scratch/saved" "$core"
}

place=$scratch/place
mkdir "$place"
cp "$targets/restorer" "$scratch/saved"
cp "$targets/restorer" "$place/restorer"
change_build_id "$scratch/saved" 2>"$scratch/err" ||
	tap_skip_all "this linker does not write build-ids"
cp "$targets/restorer" "$scratch/saved"

must_start restorer "$place/restorer"
sysroot_for restorer "$scratch/root"
if gcore_of restorer "$scratch/core"; then
	with_core "gdb's core" "$scratch/core"
else
	tap_skip "gdb's core" "gdb does not write one here"
fi
stop restorer
install -m 755 "$scratch/saved" "$place/restorer"
reason=$(no_kernel_core)
if [ -z "$reason" ] && kernel_core_of QUIT live "$scratch/dump" \
	"$place/restorer"; then
	with_core "the kernel's core" "$core"
else
	tap_skip "the kernel's core" "${reason:-it has not written one}"
fi

# The restorer of a C library, in a library.
must_start frames "$targets/frames" -d one-pause alternate-in-main \
	main-in-alternate returned
sysroot_for frames "$scratch/frames-root"
if gcore_of frames "$scratch/frames.core"; then
	stop frames
	judged "C library: with its files it is intact" 0 5 intact \
		__restore_rt "$scratch/frames.core"
	judged "C library: with a sysroot it is intact" 0 5 intact \
		__restore_rt --sysroot="$scratch/frames-root" \
		"$scratch/frames.core"
	judged "C library: all frames are found without it" 3 5 unknown \
		'void/.*libc restorer-missing' --sysroot="$scratch/void" \
		"$scratch/frames.core"
else
	tap_skip "the restorer of a C library" "gdb writes no core here"
fi

tap_done
