#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# schema.sh - what --json prints is what the schema says, all of it
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
reason=$(check schema.py available)
[ -z "$reason" ] || tap_skip_all "$reason"
need_ptrace

schema=$srcdir/schema/sigframe-inspect-1.schema.json
documents=()	# all there are
missing=()	# what could not be made here

# prints NAME STATUS ARGUMENT... - a document, or several, that are valid
prints() {
	local name=$1 want=$2 file=document${#documents[@]}
	shift 2

	inspect "$file" "$@"
	last=$scratch/$file
	documents+=("$last")
	tap_none "$name" "$([[ $status =~ ^($want)$ ]] || said "$file"
		check schema.py valid "$schema" "$last" | head -n 20)"
}

# lacks REASON - part of what could be printed
lacks() {
	missing+=("$1")
	tap_skip "what needs more" "$1"
}

tap_none "the golden reports are valid" \
	"$(check schema.py valid "$schema" "$srcdir"/tests/golden/*.json)"

# What is wrong is not valid.
for edit in 's/"format": 1/"format": 2/' 's/"summary"/"Summary"/' \
	's/"tid"/"Tid"/' 's/"lost_values"/"lost_valeus"/' \
	's/"0x00/"0x/' 's/"intact"/"inatct"/'; do
	sed "$edit" "$srcdir/tests/golden/icelake.json" >"$scratch/wrong"
	tap_none "$edit is not valid" "$(
		grep -q . <<<"$(check schema.py valid "$schema" \
			"$scratch/wrong")" || echo "it is")"
done

cd "$scratch"
for scene in icelake nested missing x32 edited; do
	"$builddir/tests/golden/makecores" scene "$scene" "$scene.core"
	prints "$scene.core" '0|1|3' -j -x --raw -t haswell@6.1.170 \
		-t EPYC-Milan@6.12.0-55.el10 "$scene.core"
done
# SIGCHLD and SIGSEGV come with other things than SIGUSR1 does.
for signal in 17 11; do
	cp icelake.core "$signal.core"
	tap_none "a core with signal $signal" \
		"$(check schema.py signal "$signal.core" "$signal" 1)"
	prints "signal $signal" '0|1|3' -j "$signal.core"
done

# Running processes, in every way to look.
must_start frames "$targets/frames" two alternate avx512-alternate one-spin
prints "a process" '0|3' -j -x -p "${pid[frames]}"
prints "a rehearsal" '0|3' -j -r -p "${pid[frames]}"
prints "rehearsals that end badly" '1' -j -r edited.core
prints "weak evidence" '0|3' -j --stop=none --unwind=none -p "${pid[frames]}"
prints "all processes" '0|1|3' -j --all
must_start dormant "$targets/dormant" "$("$targets/dormant" -l | head -n 1)"
prints "dormant frames" '0|3' -j -x -p "${pid[dormant]}"
stop dormant
if start died "$targets/died" mxcsr caught; then
	prints "an autopsy" 1 -j -p "${pid[died]}"
	stop died
	must_start died "$targets/died" mxcsr caught here
	prints "a hint" '0|1|3' -j -p "${pid[died]}"
	stop died
else
	lacks "frames have no XSAVE image here"
fi
for dump in three-threads tree; do
	file=$srcdir/tests/data/criu/$dump.tar.xz
	inspect probe -q "$file"
	if grep -q 'built without' probe.err; then
		lacks "$(cat probe.err)"
	else
		prints "checkpoint $dump" '1' -j -t haswell@7.2.13 \
			-t nehalem@7.2.13 -t icelake-server@6.18.5 "$file"
	fi
done

# Comparisons.
prints "nothing differs" 0 -j --compare nested.core nested.core
prints "a signal differs" 1 -j -x --compare icelake.core 11.core
prints "all differs" '1|3' -j --compare icelake.core missing.core
prints "no comparison" 2 --json=lines --compare icelake.core nothing

# What fails is told in the document, too, and on stderr as ever.
prints "nothing could be examined" 2 -j nothing "$schema" -p 4194305
tap_none "each failure has a line on stderr, too" \
	"$([ "$(grep -c '^sigframe-inspect: ' "$last.err")" -eq 3 ] ||
		cat "$last.err")"
prints "some could be examined" 2 -j nothing nested.core
inspect probe -j -t nothing@nothing nested.core
tap_none "a target that makes no sense: no document" \
	"$([ "$status" -eq 2 ] || said probe
	cat probe)"
inspect probe nothing
tap_none "text has nothing to say of what fails" "$(cat probe)"

# A document for each input, and with --all one for all of them.
prints "lines" 2 --json=lines -t haswell@6.1.170 nothing nested.core \
	-p "${pid[frames]}" icelake.core
# what becomes of this process there depends on this machine's CPU
tap_none "there is a line for each input, with its own summary" \
	"$(diff - <(check schema.py lines "$last" |
		sed "s/^\(${pid[frames]}\) [a-z]*/\1 -/") <<-END || true
		${pid[frames]} - 1 0
		!nothing unknown 0 1
		nested.core intact 1 0
		icelake.core lossy 1 0
	END
	)"
prints "lines of all processes" '0|1|3' --json=lines --all
tap_none "each process is alone there, and the last line sums up" "$(
	check schema.py lines "$last" >lines
	sed '$d' lines | grep -v '^[0-9]* [a-z]* 1 0$' || true
	tail -n 1 lines | grep -qx -- "- [a-z]* $(($(wc -l <lines) - 1)) 0" ||
		tail -n 1 lines)"
stop frames

if [ ${#missing[@]} -gt 0 ]; then
	tap_skip "every key of the schema is printed" "${missing[0]}"
else
	tap_none "every key of the schema is printed" \
		"$(check schema.py unseen "$schema" "${documents[@]}")"
fi

tap_done
