#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# status.sh - exit statuses, streams, and bytes that others choose
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace
cd "$scratch"

# exits STATUS NAME ARGUMENT... - without a message, unless it is 2
exits() {
	local want=$1 name=$2
	shift 2

	inspect out "$@"
	tap_none "$name: exit status $want" "$(
		[ "$status" -eq "$want" ] || said out
		[ "$want" -eq 2 ] || cat out.err)"
	inspect out -q "$@"
	tap_none "$name: the same with -q, in silence" "$(
		[ "$status" -eq "$want" ] || said out
		head out
		[ "$want" -eq 2 ] || cat out.err)"
}

must_start plain "$targets/odd" plain
must_start good "$targets/frames" one-pause
must_start running "$targets/odd" running
exits 0 "no frame" -p "${pid[plain]}"
exits 0 "a good frame" -p "${pid[good]}"
exits 0 "a good frame and none" -p "${pid[good]}" -p "${pid[plain]}"
exits 3 "a thread that may not be stopped" --stop=none -p "${pid[running]}"
exits 0 "the same that may be" -p "${pid[running]}"
exits 2 "no such process" -p 4194305
exits 2 "no such process, and a good frame" -p 4194305 -p "${pid[good]}"
exits 2 "no such option" --no-such-option
exits 2 "nothing to examine" --strict
if start bad "$targets/edited" mxcsr; then
	exits 1 "a fatal frame" -p "${pid[bad]}"
	exits 1 "a fatal frame and a good one" \
		-p "${pid[bad]}" -p "${pid[good]}"
	exits 1 "a fatal frame and one unknown" --stop=none \
		-p "${pid[running]}" -p "${pid[bad]}"
	exits 2 "a fatal frame and no such process" \
		-p "${pid[bad]}" -p 4194305
	must_start hazard "$targets/edited" trap-flag
	exits 0 "a hazard" -p "${pid[hazard]}"
	exits 1 "a hazard, --strict" --strict -p "${pid[hazard]}"
	exits 0 "no hazard, --strict" --strict -p "${pid[good]}"
	stop bad
	stop hazard
else
	tap_skip "bad frames" "frames have no XSAVE image here"
fi

# A report that does not reach its reader.
# lost NAME - what the shell's own redirection has made of `status` and err
lost() {
	tap_none "$1: status 2 and one line" "$(
		[ "$status" -eq 2 ] || echo "exit status $status"
		one_line err)"
}

for format in --json --json=lines --color=never; do
	status=0
	"$tool" "$format" -p "${pid[good]}" >&- 2>err || status=$?
	lost "$format, stdout closed"
	if [ -c /dev/full ]; then
		status=0
		"$tool" "$format" -p "${pid[good]}" >/dev/full 2>err ||
			status=$?
		lost "$format, stdout full"
	fi
done
status=0
"$tool" --explain >&- 2>err || status=$?
lost "--explain, stdout closed"
status=0
"$tool" --version >&- 2>err || status=$?
lost "--version, stdout closed"
status=0
"$tool" -q -p "${pid[good]}" >&- 2>err || status=$?
tap_none "-q does not need stdout" "$(
	[ "$status" -eq 0 ] || echo "exit status $status"
	cat err)"
status=0
"$tool" -q -p "${pid[good]}" <&- >&- 2>&- || status=$?
tap_none "-q needs no stream at all" \
	"$([ "$status" -eq 0 ] || echo "exit status $status")"
status=0
"$tool" -p 4194305 2>&- >out || status=$?
tap_none "without stderr, the status still tells" \
	"$([ "$status" -eq 2 ] && [ ! -s out ] || echo "status $status")"

# Color. A terminal is what a script does not have, so Python makes one.
# colored NAME yes|no - is the report in `out`, with escape sequences?
colored() {
	local escapes=no

	! grep -q "$(printf '\033')" out || escapes=yes
	tap_none "$1" "$(
		[ "$escapes" = "$2" ] || echo "escape sequences: $escapes"
		grep -q 'signal' out || echo "there is no report")"
}

on_terminal() {
	check on_terminal.py "$tool" "$@" -p "${pid[good]}" >out
}

inspect out -p "${pid[good]}"
colored "no color without a terminal" no
inspect out --color=always -p "${pid[good]}"
colored "color if asked for" yes
NO_COLOR=1 inspect out --color=always -p "${pid[good]}"
colored "NO_COLOR does not outdo --color=always" yes
inspect out --color=always --json -p "${pid[good]}"
colored "no color in JSON" no
unset NO_COLOR
on_terminal
colored "color on a terminal" yes
NO_COLOR='' on_terminal
colored "an empty NO_COLOR means nothing" yes
NO_COLOR=1 on_terminal
colored "NO_COLOR on a terminal" no
on_terminal --color=never
colored "--color=never on a terminal" no

# Names that try to be more than names: of the thread, and of the program.
hostile=$scratch/$(printf 'x\033]0;title\a\n"\\\377\302\233y')
cp "$targets/odd" "$hostile"
must_start named "$hostile" named
for arguments in '' '-x --raw' '--stop=none' '--unwind=none'; do
	# shellcheck disable=SC2086 # a list of words
	inspect text $arguments --color=never -p "${pid[named]}"
	tap_none "hostile names are escaped in text, with '$arguments'" "$(
		[ "$status" -ne 2 ] || said text
		check hostile.py text thread "$scratch/text")"
	# shellcheck disable=SC2086 # a list of words
	inspect json $arguments --json -p "${pid[named]}"
	tap_none "hostile names are valid JSON, with '$arguments'" "$(
		[ "$status" -ne 2 ] || said json
		check hostile.py json thread "$scratch/json")"
done
inspect lines --json=lines -p "${pid[named]}"
tap_none "--json=lines is one line" "$(
	[ "$(wc -l <lines)" -eq 1 ] || echo "$(wc -l <lines) lines"
	check hostile.py json thread "$scratch/lines")"
if gcore_of named "$scratch/named.core"; then
	inspect text --color=never "$scratch/named.core"
	tap_none "hostile names in a core are escaped in text" "$(
		[ "$status" -ne 2 ] || said text
		check hostile.py text program "$scratch/text")"
	inspect json --json "$scratch/named.core"
	tap_none "hostile names in a core are valid JSON" "$(
		[ "$status" -ne 2 ] || said json
		check hostile.py json program "$scratch/json")"
else
	tap_skip "hostile names in a core" "gdb writes none here"
fi

tap_done
