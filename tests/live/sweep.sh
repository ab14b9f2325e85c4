#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# sweep.sh - every process there is: in a PID namespace, where these are few
set -euo pipefail

if [ -z "${SIGFRAME_INSIDE-}" ]; then
	export SIGFRAME_INSIDE=yes
	for flags in -pf -Urpf; do
		if unshare "$flags" --mount-proc true 2>/dev/null; then
			exec unshare "$flags" --mount-proc \
				"$BASH" "${BASH_SOURCE[0]}"
		fi
	done
	echo "1..0 # SKIP no PID namespace of one's own"
	exit 0
fi

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

NOBODY=65534

# said_all NAME STATUS PATTERN... - of the sweep just made, in $scratch/out
#
# Each of the patterns is an extended regular expression that a line has to
# match, or behind a ! may not.
said_all() {
	local name=$1 want=$2 pattern
	shift 2

	tap_none "$name" "$(
		[ "$status" -eq "$want" ] || said out
		[ "$want" -eq 2 ] || cat "$scratch/out.err"
		for pattern; do
			if [ "${pattern#!}" != "$pattern" ]; then
				grep -E "${pattern#!}" "$scratch/out" || true
			elif ! grep -qE "$pattern" "$scratch/out"; then
				echo "no line has $pattern:"
				cat "$scratch/out"
			fi
		done)"
}

must_start plain "$targets/odd" plain
must_start framed "$targets/frames" one-pause
must_start zombie "$targets/odd" zombie
processes=("$$" "${pid[plain]}" "${pid[framed]}" "${pid[zombie]}")

inspect out --all
said_all "processes with frames have a line, others are counted" 0 \
	"^process ${pid[framed]} \(frames\): .* 1 signal frame; would return" \
	"!^process ${pid[plain]} " '!frame at' '!note:' \
	"^${#processes[@]} processes, .* 1 frame: 1 intact"
inspect out --all -x
said_all "frames are shown if asked for" 0 "^process ${pid[framed]} " \
	'frame at' "!^process ${pid[plain]} "
for form in pretty lines; do
	inspect out --all --json=$form
	tap_none "all of them are in JSON, $form" "$(
		[ "$status" -eq 0 ] || said out
		check sweep.py inputs "$scratch/out" "${processes[@]}")"
done
inspect out --all -q
said_all "the exit status alone" 0 '!.'
inspect out -p "${pid[framed]}" -p "${pid[plain]}" -p "${pid[framed]}" --json
tap_none "who is named twice is there once" "$(
	check sweep.py inputs "$scratch/out" "${pid[plain]}" "${pid[framed]}")"
inspect out --json --tree -p "$$" -p "${pid[zombie]}"
tap_none "also as a descendant" "$(
	check sweep.py inputs "$scratch/out" "${processes[@]}")"

# What is not as it should be.
must_start running "$targets/odd" running
inspect out --all --stop=none
said_all "something unknown is shown" 3 \
	"^process ${pid[running]} \(odd\): .*not all could be examined" \
	'there may be more frames'
stop running
if start bad "$targets/edited" mxcsr; then
	inspect out --all
	said_all "a bad frame is shown, a good one is not" 1 \
		"^process ${pid[bad]} " "^process ${pid[framed]} " \
		'mxcsr-reserved'
	tap_none "and nothing but that" "$(
		[ "$(grep -c 'frame at' "$scratch/out")" -eq 1 ] ||
			cat "$scratch/out")"
	stop bad
else
	tap_skip "a bad frame" "frames have no XSAVE image here"
fi
if [ -c /dev/full ]; then
	status=0
	"$tool" --all --json >/dev/full 2>"$scratch/out.err" || status=$?
	tap_none "a report that nobody gets is an error" "$(
		[ "$status" -eq 2 ] || echo "exit status $status"
		one_line "$scratch/out.err")"
fi

# Who may not look at others.
chmod 711 "$scratch"
mkdir -m 755 "$scratch/bin"
install -m 755 "$tool" "$targets/odd" "$scratch/bin"
nobody=(setpriv --reuid="$NOBODY" --regid="$NOBODY" --clear-groups)
if [ "$(id -u)" -eq 0 ] && "${nobody[@]}" "$scratch/bin/sigframe-inspect" \
	--version >/dev/null 2>&1; then
	tool_of_all=$tool
	printf '#!/bin/sh\nexec %s %s "$@"\n' "${nobody[*]}" \
		"$scratch/bin/sigframe-inspect" >"$scratch/as-nobody"
	chmod 755 "$scratch/as-nobody"
	tool=$scratch/as-nobody
	inspect out --all
	said_all "if none may be looked at there is no report" 2 '!.'
	tap_none "but a line" "$(one_line "$scratch/out.err")"
	must_start own "${nobody[@]}" "$scratch/bin/odd" plain
	inspect out --all
	said_all "those of others are counted, and no failure" 0 \
		'^1 process, ' '^processes that may not be looked at: [2-9]'
	stop own
	tool=$tool_of_all
else
	tap_skip "processes of another user" "not root, or no setpriv"
fi

# Each is forgotten when it has been told of.
many=()
for n in $(seq 20); do
	must_start "many$n" "$targets/frames" -n 4 one-pause two alternate
	many+=("${pid[many$n]}")
done
out=$(check sweep.py memory "$tool" "${many[@]}")
tap_none "many processes take no more memory than one" \
	"$(sed '/^%/d' <<<"$out")"
sed -n 's/^%/#/p' <<<"$out"
for n in $(seq 20); do
	stop "many$n"
done

# Threads that cannot be stopped are waited for, which takes a while.
for n in $(seq 14); do
	must_start "slow$n" "$targets/races" vfork
done
tap_none "progress is shown on a terminal, and taken away" \
	"$(check sweep.py progress "$tool" --all --stop=all)"
inspect out --all --stop=all
tap_none "and nowhere else" "$(cat "$scratch/out.err")"

tap_done
