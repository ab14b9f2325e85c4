#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# errors.sh - what cannot be examined gets one line that says why
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace

NOBODY=65534
runner=()		# what runs the tool

# refused NAME WORDS ARGUMENT... - one line on stderr, which has all the words
#
# WORDS are extended regular expressions, separated by blanks.
refused() {
	local name=$1 words=$2 word findings=
	shift 2

	status=0
	timeout 60 "${runner[@]}" "${use:-$tool}" "$@" >"$scratch/out" \
		2>"$scratch/err" </dev/null || status=$?
	[ "$status" -eq 2 ] || findings+="exit status $status"$'\n'
	[ ! -s "$scratch/out" ] || findings+="it prints a report"$'\n'
	[ "$(tr -d '\n -~' <"$scratch/err" | wc -c)" -eq 0 ] ||
		findings+="not only printable ASCII"$'\n'
	word=$(one_line "$scratch/err")
	[ -z "$word" ] || findings+=$word$'\n'
	for word in $words; do
		grep -qE -- "$word" "$scratch/err" ||
			findings+="does not say '$word'"$'\n'
	done
	[ -z "$findings" ] || findings+=$(cat "$scratch/err")
	tap_none "$name" "$findings"
	[ -n "$findings" ] || sed 's/^/# /' "$scratch/err"
}

# A pid that is not in use: above all there can be.
refused "a process that does not exist" 'no.process 4194305' -p 4194305

must_start frames "$targets/frames" one-pause
tid=$(sed -n 's/^thread \([0-9]*\) .*/\1/p' "$scratch/frames.truth")
refused "a thread instead of a process" \
	"$tid thread ${pid[frames]}" -p "$tid"
refused "a thread that the process does not have" \
	"${pid[frames]} thread" -T 4194305 -p "${pid[frames]}"

must_start zombie "$targets/odd" zombie
zombie=$(sed -n 's/^zombie //p' "$scratch/zombie.truth")
refused "a zombie" "$zombie zombie" -p "$zombie"

# PF_KTHREAD; in a container there are none
if flags=$(sed 's/.*) //' /proc/2/stat 2>/dev/null | cut -d' ' -f7) &&
	[ $((flags & 0x200000)) -ne 0 ]; then
	refused "a kernel thread" '2 kernel.thread' -p 2
else
	tap_skip "a kernel thread" "process 2 is none here"
fi

# What can be seen without stopping a thread is told all the same: a thread
# that runs is not known, and the report says who is in the way.
must_start busy "$targets/frames" one-pause one-spin
mapfile -t tids < <(ls "/proc/${pid[busy]}/task")
if start tracer "$targets/odd" traced "${tids[@]}"; then
	for stop in auto all; do
		inspect traced --stop="$stop" -p "${pid[busy]}"
		tap_none "a process that is traced, --stop=$stop" "$(
			[ "$status" -eq 3 ] || echo "exit status $status"
			grep -q "traced by process ${pid[tracer]} (odd)" \
				"$scratch/traced" || said traced
			grep -q '^  frame at' "$scratch/traced" ||
				echo "the frame of the one that waits lacks")"
	done
	stop tracer
else
	tap_skip "a process that is traced" "$(cat "$scratch/tracer.err")"
fi
stop busy

# Users: root's processes are not for others, and some not for their owner.
chmod 711 "$scratch"
mkdir -m 755 "$scratch/bin"
install -m 755 "$tool" "$targets/odd" "$scratch/bin"
use=$scratch/bin/sigframe-inspect
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null &&
	nobody=(setpriv --reuid="$NOBODY" --regid="$NOBODY" --clear-groups) &&
	"${nobody[@]}" "$use" --version >/dev/null 2>&1; then
	runner=("${nobody[@]}")
	refused "a process of another user" "${pid[frames]} frames" \
		-p "${pid[frames]}"
	must_start undumpable "${nobody[@]}" "$scratch/bin/odd" undumpable
	refused "an undumpable process of one's own" \
		"${pid[undumpable]} odd dumpable" -p "${pid[undumpable]}"
	install -m 600 "$targets/odd" "$scratch/private"
	refused "a file of another user" 'private [Pp]ermission' \
		"$scratch/private"
	runner=()
else
	tap_skip "a process of another user" "not root"
	tap_skip "a file of another user" "not root"
	if [ "$(id -u)" -ne 0 ]; then
		must_start undumpable "$targets/odd" undumpable
		refused "an undumpable process of one's own" \
			"${pid[undumpable]} odd dumpable" \
			-p "${pid[undumpable]}"
	else
		tap_skip "an undumpable process" "no setpriv"
	fi
fi
use=

# Files that are no cores.
cd "$scratch"
refused "no such file" 'nothing-here No.such.file' nothing-here
refused "a directory" 'bin no.images.of.CRIU|built.without' bin
: >nil
refused "an empty file" 'nil is.empty' nil
printf 'Segmentation fault (core dumped)\n%1000s\n' '' >text
refused "a text file" 'text not.*(ELF|core)' text
refused "an executable" 'odd not.a.core|executable' "$targets/odd"
printf '\177ELF' >four
refused "four bytes of an ELF file" 'four not.*(ELF|core)|truncated' four
mkfifo fifo
refused "a named pipe that nobody writes to" 'fifo' fifo
refused "a device" '/dev/null' /dev/null
refused "a device without end" '/dev/zero' /dev/zero
hostile=$(printf 'a\nb\033[31m\377')
: >"$hostile"
refused "a name that is no text" 'is.empty' "$hostile"
cp "$targets/odd" "bin/$hostile"
must_start hostile "bin/$hostile" zombie
refused "a process whose name is no text" '\(a\\x0ab\\x1b\[31m\\xff\)' \
	-p "$(sed -n 's/^zombie //p' hostile.truth)"
refused "a name that is no text, and no file" 'No.such.file' "x$hostile"

# A core that something has been cut off from.
if gcore_of frames "$scratch/core"; then
	for size in 20 63; do
		head -c "$size" core >"core.$size"
		refused "the first $size bytes of a core" "core.$size" \
			"core.$size"
	done
	head -c 64 core >core.64
	refused "nothing but the header of a core" 'core.64' core.64
	# notes come last in gdb's cores
	head -c "$(($(stat -c %s core) / 2))" core >half
	status=0
	"$tool" half >out 2>err || status=$?
	tap_none "half a core is never good" "$(
		case $status in
		2) cat out && one_line err ;;
		3) grep -q 'truncated' out || echo "not called truncated" ;;
		*) echo "exit status $status" ;;
		esac)"
	cat core core >twice
	inspect twice.out twice
	inspect once.out core
	tap_none "what follows a core does not matter" \
		"$(diff <(sed 's/twice/core/' twice.out) once.out)"
	cp core other
	# e_machine, at 18: a core of another architecture
	printf '\267\000' | dd of=other bs=1 seek=18 conv=notrunc status=none
	refused "a core of another machine" 'other' other
	refused "an executable that is not there" 'nothing-here' \
		-e nothing-here core
	refused "a sysroot that is not there" 'nothing-here' \
		--sysroot=nothing-here core
	refused "a thread that the core does not have" 'core thread' \
		-T 4194305 core
else
	tap_skip "cores that are cut off" "gdb writes none here"
fi

# The main thread has exited, the others go on.
must_start headless "$targets/odd" headless
inspect headless.out -p "${pid[headless]}"
tap_none "a process without its main thread can be examined" "$(
	[ "$status" -eq 0 ] || said headless.out
	grep -q '1 signal frame; would return intact' headless.out ||
		echo "not one intact frame")"

# Good and bad ones together.
status=0
"$tool" --json -p "${pid[frames]}" -p 4194305 -p "$zombie" >out 2>err ||
	status=$?
tap_none "the good one of several is reported" "$(
	[ "$status" -eq 2 ] || echo "exit status $status"
	[ "$(wc -l <err)" -eq 2 ] || echo "not two lines of messages"
	grep -q 4194305 err || echo "no word of 4194305"
	grep -q zombie err || echo "no word of the zombie"
	[ "$(grep -c '"source": "process"' out)" -eq 1 ] ||
		echo "not one process in the report"
	grep -q "\"pid\": ${pid[frames]}," out || echo "not the good one")"

tap_done
