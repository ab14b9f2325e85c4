#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# restore.sh - what criu restore is said to do with a checkpoint, and does
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
# shellcheck source=tests/tools/criu.sh
. "$srcdir/tests/tools/criu.sh"
need_python
need_feature criu

# Real dumps, elsewhere: live registers by the images themselves.
seen=0
for archive in "$srcdir"/tests/data/criu/*.tar.xz; do
	name=${archive##*/}
	name=${name%.tar.xz}
	mkdir "$scratch/$name"
	tar -xJf "$archive" -C "$scratch/$name"
	images=$(dirname "$(find "$scratch/$name" -name pstree.img |
		awk '{ print length, $0 }' | sort -n | head -n 1 |
		cut -d' ' -f2-)")
	inspect "$name.json" --json -t haswell@7.2.13 -t nehalem@7.2.13 \
		-t icelake-server@6.18.5 "$images"
	tap_none "$name: live registers, on three machines" \
		"$([ "$status" -eq 1 ] || said "$name.json"
		check restore.py "$scratch/$name.json" "$images")"
	seen=$((seen + 1))
done
tap_none "there are dumps" "$([ "$seen" -gt 0 ] || echo none)"

printf 'damaged' >"$scratch/ia32/checkpoint/cpuinfo.img"
inspect damaged -t haswell@7.2.13 "$scratch/ia32/checkpoint"
tap_none "what cannot be read of the CPU is no use, and said to be" "$(
	[ "$status" -eq 1 ] || said damaged
	grep -q '^note: cpuinfo.img: ' "$scratch/damaged" ||
		grep cpuinfo "$scratch/damaged")"

# One of a process of ours, here.
if [ "$(id -u)" -ne 0 ]; then
	tap_skip "a real criu" "criu needs root"
	tap_done
fi
if ! need_criu; then
	tap_skip "a real criu" "$criu_reason"
	tap_done
fi

images=$scratch/images
mkdir "$images"
# not a child of this shell, nor is what criu makes of it
sleeper=$(setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo "$!")
trap 'kill -KILL "$sleeper" 2>/dev/null || true; finish' EXIT
until grep -qx sleep "/proc/$sleeper/comm" &&
	grep -q '^State:.*S' "/proc/$sleeper/status"; do
	sleep 0.02
done

# Its pid has to be free before it can be restored.
reaped() {
	local n

	kill -KILL "$sleeper" 2>/dev/null || true
	for ((n = 0; n < 1500; n++)); do
		[ -e "/proc/$sleeper" ] || return 0
		sleep 0.02
	done
	tap_skip "a real criu" "nobody reaps processes without a parent here"
	tap_done
}

if ! run_criu dump "$images" -t "$sleeper"; then
	tap_skip "a real criu" "dump: $(criu_failure dump "$images")"
	tap_done
fi
reaped

# told REPORT KEY... - keys of the only input's only target
told() {
	python3 -c '
import json, sys
with open(sys.argv[1]) as file:
    here, = json.load(file)["inputs"][0]["criu"]
for key in sys.argv[2:]:
    value = here[key]
    print([v["id"] for v in value] if key in ("reasons", "cpu_cap")
          else value)' "$@"
}

# Does the process still live a moment after it was let go?
survives() {
	local n

	for ((n = 0; n < 50; n++)); do
		! gone "$sleeper" || return 1
		sleep 0.02
	done
}

# restored [OPTION...] - by criu; then it is ended again; sets `alive`
restored() {
	run_criu restore "$images" -d "$@" || return 1
	alive=yes
	[ "$#" -gt 0 ] || survives || alive=no
	reaped
}

inspect plain --json "$images"
tap_none "as it is: restored, and said to be" "$(
	[ "$status" -eq 0 ] || said plain
	diff <(told "$scratch/plain" refused outcome reasons cpu_cap) - <<'EOF'
False
intact
[]
['criu-cap-no-cpuinfo']
EOF
	if restored; then
		[ "$alive" = yes ] || echo "it has died"
	else
		criu_failure restore "$images"
	fi)"
tap_none "and refused with --cpu-cap, for want of cpuinfo.img" "$(
	! restored --cpu-cap=fpu || echo "it was restored")"

"${criu_command[@]}" cpuinfo dump -D "$images" >/dev/null 2>&1 || true
inspect known --json "$images"
tap_none "with cpuinfo.img it is accepted" "$(
	[ -e "$images/cpuinfo.img" ] || echo "criu has not written it"
	diff <(told "$scratch/known" refused cpu_cap) - <<'EOF'
False
[]
EOF
	restored --cpu-cap=cpu || criu_failure restore "$images")"

python3 -B "$live/restore.py" --size "$images/cpuinfo.img"
inspect size --json "$images"
tap_none "with another size only --cpu-cap refuses it" "$(
	[ "$status" -eq 0 ] || said size
	diff <(told "$scratch/size" refused outcome cpu_cap) - <<'EOF'
False
intact
['criu-cap-xsave-size']
EOF
	! restored --cpu-cap=fpu || echo "fpu: restored"
	grep -q 'xsave size mismatch' "$images/restore.log" ||
		criu_failure restore "$images"
	restored || criu_failure restore "$images")"
rm "$images/cpuinfo.img"

python3 -B "$live/restore.py" --mxcsr "$images/core-$sleeper.img"
inspect killed --json "$images"
tap_none "with MXCSR that no CPU has: criu succeeds, the thread dies" "$(
	[ "$status" -eq 1 ] || said killed
	diff <(told "$scratch/killed" refused outcome reasons) - <<'EOF'
False
fatal
['criu-frame-refused']
EOF
	if restored; then
		[ "$alive" = no ] || echo "it lives"
	else
		criu_failure restore "$images"
	fi)"
inspect killed.txt "$images"
tap_none "and the text says so in front" "$(
	head -n 2 "$scratch/killed.txt" | grep -qx "on this machine, criu will \
restore this and report success; thread $sleeper then is killed as it goes on" ||
		head -n 3 "$scratch/killed.txt")"
tap_done
