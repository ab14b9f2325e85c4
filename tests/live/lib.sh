# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# lib.sh - start processes to look at, and the tool; to be sourced
#
# Whatever is started ends when the test does: targets end when the other end
# of their standard input is closed, and only this shell holds that.

# shellcheck source=tests/tools/tap.sh
. "${srcdir:?}/tests/tools/tap.sh"

export LC_ALL=C
live=$srcdir/tests/live
targets=${builddir:?}/tests/live/targets
tool=$builddir/sigframe-inspect
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sigframe-live.XXXXXX")
names=()		# of targets, with leash[NAME] and pid[NAME]
declare -A leash pid

# Leave nothing behind, however the test ends.
finish() {
	local name

	for name in "${names[@]}"; do
		stop "$name"
	done
	rm -rf "$scratch"
}
trap finish EXIT

# Run COMMAND..., which must not hold the targets' standard inputs open.
unleashed() {
	local fd

	for fd in "${leash[@]}"; do
		exec {fd}>&-
	done
	exec "$@"
}

# start NAME COMMAND... - start a target, known as NAME from now on
#
# Its pid, as it says, is then in pid[NAME], what it has printed in
# $scratch/NAME.truth. Fails if it ends instead of getting ready.
start() {
	local name=$1 truth=$scratch/$1.truth fifo=$scratch/$1.in
	local fd
	shift

	rm -f "$fifo"
	mkfifo "$fifo"
	: >"$truth"
	exec {fd}<>"$fifo"
	leash[$name]=$fd
	(unleashed "$@") <"$fifo" >"$truth" 2>"$scratch/$name.err" &
	pid[$name]=$!
	names+=("$name")
	until grep -qx READY "$truth"; do
		! gone "${pid[$name]}" || break
		sleep 0.02
	done
	if ! grep -qx READY "$truth"; then
		status_of[$name]=0
		wait "${pid[$name]}" || status_of[$name]=$?
		return 1
	fi
	status_of[$name]=
}
declare -A status_of	# of those that ended at once

# stop NAME - end a target, and wait until it has; sets `ended` to its status
# shellcheck disable=SC2034 # for others
stop() {
	local name=$1 fd=${leash[$1]-} n

	ended=0
	[ -n "$fd" ] || return 0
	exec {fd}>&-
	unset "leash[$name]"
	[ -z "${status_of[$name]-}" ] || return 0
	kill -CONT "${pid[$name]}" 2>/dev/null || true
	for ((n = 0; n < 500; n++)); do
		! gone "${pid[$name]}" || break
		sleep 0.02
	done
	# one that does not listen any more
	[ "$n" -lt 500 ] || kill -KILL "${pid[$name]}" 2>/dev/null || true
	wait "${pid[$name]}" 2>/dev/null || ended=$?
}

# must_start NAME COMMAND... - or there is nothing to test
must_start() {
	start "$@" && return
	tap_fail "the target $1 starts" <"$scratch/$1.err"
	tap_done
}

# Has a process exited? Its main thread alone may have, too.
gone() {
	local tasks=("/proc/$1/task"/*)

	[ "${#tasks[@]}" -le 1 ] &&
		! grep -q '^State:[[:blank:]]*[^ZX[:blank:]]' "/proc/$1/status" \
			2>/dev/null
}

# inspect OUT ARGUMENT... - run the tool; sets `status`
#
# Its report goes to $scratch/OUT, its messages to $scratch/OUT.err.
inspect() {
	local out=$1
	shift

	status=0
	"$tool" "$@" >"$scratch/$out" 2>"$scratch/$out.err" || status=$?
}

# What the tool said, for people who look for what went wrong.
said() {
	echo "exit status $status; it says:"
	head -n 20 "$scratch/$1.err"
}

# one_line FILE - it has one, which is the tool's
one_line() {
	if [ "$(wc -l <"$1")" -ne 1 ] || ! grep -q '^sigframe-inspect: .' "$1"
	then
		echo "not one line that begins with the program's name:"
		head -n 20 "$1"
	fi
}

# check SCRIPT ARGUMENT... - one of the Python scripts here
check() {
	local script=$1
	shift

	python3 -B "$live/$script" "$@" 2>&1 || echo "$script: status $?"
}

need_python() {
	python3 -c 'import json' 2>/dev/null ||
		tap_skip_all "no python3 to read JSON with"
}

# Was FEATURE, criu or archive, built in?
has_feature() {
	"$tool" --version | grep -q "^features:.* +$1\b"
}

need_feature() {
	has_feature "$1" || tap_skip_all "built without $1"
}

# Skip all unless a process can be traced here; the tool is not asked.
need_ptrace() {
	must_start probe "$targets/odd" plain
	if ! start tracing "$targets/odd" traced "${pid[probe]}"; then
		stop probe
		tap_skip_all "cannot trace: $(head -n 1 "$scratch/tracing.err")"
	fi
	stop tracing
	stop probe
}

# gcore_of NAME FILE - a core of a target by gdb; fails if there is none
gcore_of() {
	command -v gdb >/dev/null || return 1
	gdb -nx -batch -p "${pid[$1]}" -ex "gcore $2" \
		>"$scratch/gdb.out" 2>&1 </dev/null || true
	[ -s "$2" ]
}

# Why the kernel would not write a core file here; nothing if it would.
no_kernel_core() {
	local pattern

	pattern=$(cat /proc/sys/kernel/core_pattern)
	case $pattern in
	'' | '|'* | */* | @*)
		echo "the kernel's core_pattern is '$pattern'"
		;;
	*)
		[ "$(ulimit -H -c)" = unlimited ] ||
			echo "the size of cores is limited"
		;;
	esac
}

# kernel_core_of SIGNAL REPORT DIR COMMAND... - a core of a target by the kernel
#
# Starts the target, looks at it (with -x and --raw, see inspect), and kills it
# in DIR, where there is nothing else; `core` names the file then. What dumps
# is a child of what is started, so that this shell says nothing of it.
kernel_core_of() {
	local signal=$1 report=$2 dir=$3 n=cored.$1
	shift 3

	n=cored$((++cored))
	mkdir -p "$dir"
	# shellcheck disable=SC2016 # for the shell that is started
	start "$n" bash -c 'cd "$1" && ulimit -c unlimited && shift && {
		"$@"; exit 0; }' bash "$dir" "$@" 2>/dev/null || return 1
	dumping=$(sed -n 's/^process //p' "$scratch/$n.truth")
	inspect "$report" --json -x --raw -p "$dumping"
	kill "-$signal" "$dumping"
	stop "$n"
	core=$(find "$dir" -type f)
	[ -n "$core" ] && [ -s "$core" ]
}
cored=0
