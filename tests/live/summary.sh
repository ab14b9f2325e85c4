#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# summary.sh - --summary has a line for each input, and the same exit status
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace

cd "$scratch"
for scene in icelake genoa nested missing edited; do
	"$builddir/tests/golden/makecores" scene "$scene" "$scene.core"
done

# What is above the columns, and each line of an input.
heading='^outcome {6}pid {2}threads {2}frames {2}input'
line='^(-|intact|lossy|garbled|fatal|unknown) +[0-9]+ +[0-9]+ +[0-9]+ {2}[^ ]'

# sums NAME INPUTS ARGUMENT... - as many lines; the exit status is that of -q
sums() {
	local name=$1 inputs=$2 want
	shift 2

	inspect quiet -q "$@"
	want=$status
	inspect lines -s "$@"
	tap_none "$name" "$(
		[ "$status" -eq "$want" ] || said lines
		head -n 1 lines | grep -qE "$heading" || head -n 1 lines
		[ "$(sed '1d; /^$/,$d' lines | grep -cE "$line")" \
			-eq "$inputs" ] || cat lines
		[ "$(sed '1d; /^$/,$d' lines | wc -l)" -eq "$inputs" ] ||
			echo "other lines are between"
		cmp quiet.err lines.err)"
}

# has NAME EXPRESSION - a line does
has() {
	tap_none "$1" "$(grep -qE "$2" lines || cat lines)"
}

sums "a core that is good" 1 -t haswell@6.1.170 nested.core
has "its line" '^intact +4300 +1 +2  nested\.core \(nested\)$'
has "the target is named above" 'input, on haswell@6\.1\.170$'
sums "several cores, one file that is none" 3 -t haswell@6.1.170 nested.core \
	icelake.core /dev/null genoa.core
has "why a frame is bad" \
	'^lossy .* genoa\.core \(worker\): xstate-size-over-target, hazard '
has "what failed is counted" '^inputs that failed: 1$'
sums "several targets" 1 -t haswell@6.1.170 -t Icelake-Server@7.3.4 icelake.core
has "only the one that matters is named" \
	': lossy on haswell@6\.1\.170 \([a-z, -]*\)$'
sums "many reasons" 1 -t EPYC-Genoa@7.3.4 edited.core
has "are cut short" ', [a-z0-9-]* and [0-9]+ more$'
sums "what is unknown" 1 -t EPYC-Milan@7.3.4 missing.core
has "says that there may be more" '; 3 threads may have more frames$'
sums "a hazard, --strict" 1 --strict -t SapphireRapids@7.3.4 genoa.core

must_start frames "$targets/frames" two one-pause
must_start idle sh -c 'echo READY; cat'
sums "processes" 2 -p "${pid[frames]}" -p "${pid[idle]}"
has "one with frames" "^intact +${pid[frames]} +3 +3  frames\$"
has "one without" "^- +${pid[idle]} +1 +0  [a-z]+\$"
inspect lines -s --all
tap_none "all processes" "$(
	grep -qE "^intact +${pid[frames]} +3 +3  frames\$" lines || cat lines
	! grep -q "^- " lines || cat lines
	sed '1d; /^$/,$d' lines | grep -vE "$line" || true
	tail -n 3 lines | grep -q ' process' || tail -n 3 lines)"
stop idle

# On a terminal nothing is wider; Python's has 80 columns, or none at all.
check on_terminal.py "$tool" -s --color=never -t haswell@6.1.170 \
	-t EPYC-Genoa@7.3.4 edited.core icelake.core missing.core |
	tr -d '\r' >lines
tap_none "a terminal's lines fit" "$(grep -E '^.{81}' lines || true
	[ "$(grep -cE "$line" lines)" -eq 3 ] || cat lines)"
check on_terminal.py "$tool" -s -p "${pid[frames]}" >lines
tap_none "outcomes have their color" \
	"$(grep -q $'^\033\\[32mintact\033\\[0m ' lines || cat lines)"
stop frames

hostile=$scratch/$(printf 'x\033]0;t\a\n\302\2332')
cp nested.core "$hostile"
inspect lines -s "$hostile"
tap_none "names are escaped" "$(
	grep -qF 'x\x1b]0;t\x07\x0a' lines || said lines
	[ "$(sed '1d; /^$/,$d' lines | wc -l)" -eq 1 ] || cat lines
	tr -d '\n -~' <lines | od -c | grep -v '^0000000$' || true)"

dump=$srcdir/tests/data/criu/tree.tar.xz
inspect probe -q "$dump"
if grep -q 'built without' probe.err; then
	tap_skip "a checkpoint" "$(cat probe.err)"
else
	inspect json -j -t haswell@7.2.13 "$dump"
	sums "a checkpoint" "$(grep -c '"source": "archive"' json)" \
		-t haswell@7.2.13 "$dump"
	has "what criu does counts" 'tree\.tar\.xz \([a-z0-9]*\): criu-'
fi

tap_done
