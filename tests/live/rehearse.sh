#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# rehearse.sh - what comes of really returning from a frame, in a child
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

makecores=$builddir/tests/golden/makecores

# findings NAME TEXT - all lines but those with counts, which are shown
findings() {
	sed -n 's/^% /# /p' <<<"$2"
	tap_none "$1" "$(grep -v '^%' <<<"$2" || true)"
}

# Can it be done here at all?
"$makecores" scene nested "$scratch/nested.core"
inspect first --json -r "$scratch/nested.core"
reason=$(python3 -B -c 'import json, sys
r = json.load(open(sys.argv[1]))["inputs"][0]["threads"][0]["frames"][0]
r = r["rehearsal"]
print(r["reason"] if r["expected"] is None else "")' "$scratch/first")
[ -z "$reason" ] || tap_skip_all "not possible here: $reason"

# What the process finds when it returns itself is what was rehearsed.
compared() {
	local program=$1 kind=$2 edit=$3 name="$2, $3, as it really is" got

	if ! start edited "$targets/$program" "$kind" "$edit"; then
		[ "${status_of[edited]}" -ne 77 ] ||
			tap_skip_all "no AVX, or frames without it"
		must_start edited "$targets/$program" "$kind" "$edit"
	fi
	inspect json --json -r -p "${pid[edited]}"
	stop edited
	got=$(sed -n 's/^outcome //p' "$scratch/edited.truth")
	findings "$program: $name: ${got:-no answer}" \
		"$(check rehearse.py truth "$scratch/json" "$got")"
}

mapfile -t edits < <("$targets/rehearse" -l)
for edit in "${edits[@]}"; do
	compared rehearse rt "$edit"
done
if [ -x "$targets/rehearse32" ] && "$targets/rehearse32" -l >/dev/null 2>&1
then
	for edit in "${edits[@]}"; do
		compared rehearse32 rt "$edit"
		compared rehearse32 plain "$edit"
	done
else
	tap_skip "32-bit processes" "they do not run here"
fi

# Frames of other machines, on this one.
for scene in icelake genoa sapphire nested edited missing; do
	"$makecores" scene "$scene" "$scratch/$scene.core"
	for pages in present absent; do
		inspect json --json "--rehearse=$pages" "$scratch/$scene.core"
		findings "the core $scene, $pages pages" \
			"$(check rehearse.py report "$scratch/json")"
	done
done
for cpu in Haswell EPYC-Rome EPYC-Milan Skylake-Server SapphireRapids,+amx; do
	"$makecores" frames "$cpu" "$scratch/cpu.core" 0 3 7 0x207 0xe7 0x2e7 ||
		continue
	inspect json --json -r "$scratch/cpu.core"
	findings "frames of $cpu" \
		"$(check rehearse.py report "$scratch/json")"
done

# All frames of a process with many threads; and the text says so.
must_start threads "$targets/frames"
inspect json --json -r -p "${pid[threads]}"
findings "many threads" "$(check rehearse.py report "$scratch/json")"
inspect text -r -p "${pid[threads]}"
tap_none "the text says so of each frame" "$(
	frames=$(grep -c '^  frame at' "$scratch/text" || true)
	told=$(grep -c '^    rehearsed    intact, as predicted' "$scratch/text" ||
		true)
	[ "$frames" -gt 0 ] && [ "$frames" -eq "$told" ] ||
		echo "$frames frames, $told rehearsed")"
tap_none "without the option nothing is rehearsed" "$(
	inspect json --json -p "${pid[threads]}"
	grep -o '"rehearsal"\|"disagreements"' "$scratch/json" || true)"

findings "cores with changed bytes" \
	"$(check rehearse.py hostile "$tool" "$scratch/nested.core" 150)"
findings "nothing is left of a tool that is killed" \
	"$(check rehearse.py kills "$tool" "${pid[threads]}" 60)"

if command -v valgrind >/dev/null && valgrind -q true >/dev/null 2>&1 &&
	! "${NM:-nm}" "$tool" 2>/dev/null | grep __asan_init >/dev/null; then
	valgrind -q --log-file="$scratch/log" "$tool" -r \
		"$scratch/nested.core" >"$scratch/text" 2>&1 || true
	tap_none "valgrind is said to make it impossible" "$(
		grep -q '^    rehearsed    not possible: .*valgrind' \
			"$scratch/text" || grep rehearsed "$scratch/text" ||
			echo "nothing is said")"
else
	tap_skip "valgrind is said to make it impossible" "no valgrind here"
fi

tap_done
