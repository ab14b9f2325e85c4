#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# frames.sh - every signal frame is found, and nothing else
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

LOOKS=20

# What has to be the same each time: all of a report but the number of the
# system call, which is restart_syscall's once a stop has interrupted it, and
# the function that a thread is in, which a spinning one leaves and enters.
answer() {
	sed -e '/"syscall":/d' -e '/"function":/d' "$scratch/$1"
}

# looks NAME STOP - look at a target again and again, with all that it says
looks() {
	local name=$1 stop=$2 n
	local wrong='' found=0 true=0 total=0 counts out

	for ((n = 1; n <= LOOKS; n++)); do
		inspect "$name.$n" --json --stop="$stop" -p "${pid[$name]}"
		out=$(check frames.py "$scratch/$name.truth" \
			"$scratch/$name.$n" "$stop" "$status")
		wrong+=$(sed -n "/^%/!s/^/look $n: /p" <<<"$out")
		read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$out")"
		((found += ${counts[0]:-0}, true += ${counts[1]:-0},
			total += ${counts[2]:-0})) || true
	done
	tap_none "$name, --stop=$stop: all frames are found, and no other" \
		"$(head -n 30 <<<"$wrong")"
	echo "# recall $found of $true, precision $found of $total," \
		"in $LOOKS looks"

	wrong=
	for ((n = 2; n <= LOOKS && ${#wrong} == 0; n++)); do
		wrong=$(diff <(answer "$name.1") <(answer "$name.$n") |
			head -n 20) || true
	done
	tap_none "$name, --stop=$stop: $LOOKS looks give one answer" "$wrong"
}

# registers NAME - the values that the threads loaded are in the report
registers() {
	local name=$1 out compared

	inspect "$name.x" --json -x -p "${pid[$name]}"
	out=$(check vectors.py "$scratch/$name.truth" "$scratch/$name.x")
	compared=$(sed -n 's/^% //p' <<<"$out")
	if [ "${compared:-0}" -eq 0 ] && ! grep -q '^vector' \
		"$scratch/$name.truth"; then
		tap_skip "$name: register values" "the CPU has no AVX"
		return
	fi
	tap_none "$name: the vector registers hold what was loaded" \
		"$(sed '/^%/d' <<<"$out")"
	echo "# $compared registers compared"
}

must_start threads "$targets/frames"
for stop in auto all none; do
	looks threads "$stop"
done
registers threads

for stop in auto all; do
	inspect whole --json --unwind=all --stop="$stop" -p "${pid[threads]}"
	tap_none "threads, --unwind=all --stop=$stop: the same frames" "$(
		check frames.py "$scratch/threads.truth" "$scratch/whole" \
			"$stop" "$status" | sed '/^%/d' | head -n 30)"
done

# Bytes alone do not tell a frame that was returned from when it lies above
# the stack pointer; so nothing may be promised then, but nothing is missed.
inspect scanned --json --unwind=none -p "${pid[threads]}"
out=$(check frames.py "$scratch/threads.truth" "$scratch/scanned" bytes \
	"$status")
tap_none "threads, --unwind=none: no frame is missed, and nothing promised" "$(
	[ "$status" -eq 3 ] || said scanned
	sed '/^%/d; / is incomplete: /d; / has stale /d
		/^the exit status is 3$/d' <<<"$out" | head -n 30)"
echo "# recall and precision: $(sed -n 's/^% //p' <<<"$out")"
stop threads

# Hundreds of threads, so that their stacks are neighbours. Those that run
# would only make each other wait.
mapfile -t calm < <("$targets/frames" -l | grep -v spin)
LOOKS=5
must_start many "$targets/frames" -n 20 "${calm[@]}"
looks many auto
looks many all
stop many

LOOKS=20
must_start restorer "$targets/restorer"
looks restorer auto
stop restorer

if [ -x "$targets/ia32" ] && start ia32 "$targets/ia32"; then
	looks ia32 auto
	looks ia32 none
	stop ia32
	must_start ia32_spin "$targets/ia32" -s
	looks ia32_spin all
	stop ia32_spin
else
	tap_skip "frames of 32-bit code" "32-bit programs do not run here"
fi

tap_done
