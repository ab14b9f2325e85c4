#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# reader.sh - files that break libdw cost its help, and nothing else
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace
breaking=$builddir/tests/live/breaking

# A program like any other, but for a byte that nobody looks at.
cp "$targets/frames" "$scratch/marked"
printf X | dd of="$scratch/marked" bs=1 seek=15 conv=notrunc status=none
must_start marked "$scratch/marked"
must_start plain "$targets/frames"
note="note: libdw died reading $scratch/marked, its code is unknown"

# with PROGRAM OUT ARGUMENT... - as inspect
with() {
	local tool=$1
	shift

	inspect "$@"
}

# Where the frames of a report are.
frames_of() {
	sed -n 's/^  frame at \(0x[0-9a-f]*\) .*/\1/p' "$scratch/$1" | sort
}

inspect whole -p "${pid[marked]}"
with "$breaking" broken -p "${pid[marked]}"
tap_none "the mark does no harm to a libdw that works" "$(
	[ "$status" -ne 2 ] || said broken
	! grep -q "libdw" "$scratch/whole" || cat "$scratch/whole"
	[ -n "$(frames_of whole)" ] || echo "no frames")"
tap_none "a libdw that dies is told of, and what it leaves unknown" "$(
	[ "$status" -eq 3 ] || said broken
	grep -qxF "$note" "$scratch/broken" || cat "$scratch/broken"
	grep -q 'there may be more frames:' "$scratch/broken" ||
		echo "nothing is incomplete")"
tap_none "no frame is made up for it" "$(
	comm -13 <(frames_of whole) <(frames_of broken))"
tap_none "what may be one is told" "$(
	grep -q 'may or may not be frames$' "$scratch/broken" ||
		cat "$scratch/broken")"
with "$breaking" scanned --unwind=none -p "${pid[marked]}"
inspect bytes --unwind=none -p "${pid[marked]}"
tap_none "who looks at bytes alone finds as much" "$(
	[ -n "$(frames_of bytes)" ] || said bytes
	diff <(frames_of bytes) <(frames_of scanned))"

with "$breaking" both -p "${pid[marked]}" -p "${pid[plain]}"
inspect alone -p "${pid[plain]}"
tap_none "other processes are read as ever" "$(
	[ "$status" -ne 2 ] || said alone
	[ "$(grep -cxF "$note" "$scratch/both")" -eq 1 ] ||
		cat "$scratch/both"
	comm -13 <(frames_of both) <(frames_of alone))"

if gcore_of marked "$scratch/core"; then
	with "$breaking" dumped "$scratch/core"
	tap_none "the same of its core" "$(
		[ "$status" -eq 3 ] || said dumped
		grep -qxF "$note" "$scratch/dumped" || cat "$scratch/dumped")"
	# what is unknown is not the same
	with "$breaking" compared --compare "$scratch/core" "$scratch/core"
	tap_none "what could not be read is not compared" "$(
		[ "$status" -eq 3 ] || said compared)"
else
	tap_skip "the same of its core" "gdb writes none here"
	tap_skip "what could not be read is not compared" \
		"gdb writes no core here"
fi

if python3 -c 'import json' 2>"$scratch/python"; then
	with "$breaking" json --json -p "${pid[marked]}"
	tap_none "in JSON, too" "$(python3 - "$scratch/json" "${note#note: }" <<'END'
import json
import sys

report = json.load(open(sys.argv[1]))['inputs'][0]
if report['notes'] != [sys.argv[2]]:
    print('notes:', report['notes'])
if all(t['complete'] for t in report['threads']):
    print('every thread is complete')
END
	)"
else
	tap_skip "in JSON, too" "no python3 to read it with"
fi

# Who reads is left alone by a terminal's signals, and ends with the program.
cp "$targets/frames" "$scratch/endless"
printf L | dd of="$scratch/endless" bs=1 seek=15 conv=notrunc status=none
must_start endless "$scratch/endless" one-pause
reads=reads$$
cp "$breaking" "$scratch/$reads"

# Processes of the program, which is called $reads, that are at work.
readers() {
	grep -lsx "Name:.$reads" /proc/[0-9]*/status |
		xargs -r grep -ls '^State:.[RSD]' || true
}

# goes_by SIGNAL INPUT... - prints what is left if it is killed meanwhile
goes_by() {
	local signal=$1 n looks
	shift

	"$scratch/$reads" -q "$@" &
	looks=$!
	for ((n = 0; n < 500; n++)); do
		[ -z "$(readers | xargs -r grep -ls '^NoNewPrivs:.1')" ] || break
		sleep 0.02
	done
	[ "$n" -lt 500 ] || echo "nobody reads"
	kill "-$signal" "$looks"
	wait "$looks" || true
	for ((n = 0; n < 250; n++)); do
		[ -n "$(readers)" ] || break
		sleep 0.02
	done
	readers | xargs -r cat
	sed -n -E 's/^(State:.[Tt].*|TracerPid:.*[1-9].*)$/the target: \1/p' \
		"/proc/${pid[endless]}/status"
}
for signal in TERM KILL; do
	tap_none "nobody is left when SIG$signal ends it" "$(
		goes_by "$signal" -p "${pid[endless]}" 2>/dev/null)"
	tap_none "the same with several processes" "$(
		goes_by "$signal" -p "${pid[endless]}" -p "${pid[plain]}" \
			2>/dev/null)"
done

tap_done
