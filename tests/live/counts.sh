#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# counts.sh - how often the tool does what takes long, or disturbs
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace
workload=$builddir/bench/workload
threads=${SIGFRAME_COUNTS_THREADS:-1000}

# Does strace show what a tool does that itself traces?
can_count() {
	[ -n "$(type -P strace)" ] &&
		strace -f -e trace=getpid -o "$scratch/log" true 2>/dev/null
}

# traced CALLS ARGUMENT... - run the tool; its calls go to $scratch/log
traced() {
	local calls=$1
	shift

	status=0
	strace -f -qq -e signal=none -e "trace=$calls" -o "$scratch/log" \
		"$tool" --color=never "$@" >"$scratch/text" \
		2>"$scratch/text.err" || status=$?
}

# How many lines of the log have it.
times() {
	grep -c -- "$1" "$scratch/log" || true
}

# at_most COUNT WHAT - lines of the log; in words if there are more
at_most() {
	local count
	count=$(times "$2")

	[ "$count" -le "$1" ] || echo "$2: $count times, not $1"
}

# frames WHERE - of the end of the report
frames_in() {
	tail -n 1 "$scratch/$1" |
		sed -n 's/.*[^0-9]\([0-9]\{1,\}\) frames\{0,1\}.*/\1/p'
}

# Every frame of a thousand threads, and none twice.
must_start busy "$workload" -n "$threads"
true=$(sed -n 's/^frames //p' "$scratch/busy.truth")
for stop in auto all; do
	inspect text --color=never --stop="$stop" -p "${pid[busy]}"
	tap_none "all of $true frames are found once, --stop=$stop" "$(
		[ "$status" -eq 0 ] || said text
		[ "$(frames_in text)" = "$true" ] || tail -n 1 "$scratch/text"
		sed -n 's/^  frame at \(0x[0-9a-f]*\) .*/\1/p' \
			"$scratch/text" | sort | uniq -d | sed 's/^/twice: /')"
done

if ! can_count; then
	stop busy
	tap_skip "calls are counted" "strace is not here, or may not trace"
	tap_done
fi

# What a thousand threads have in common is looked at once.
traced openat,ptrace,ioctl,pread64 --stop=all -p "${pid[busy]}"
tap_none "no more than a thread takes, --stop=all" "$(
	[ "$(frames_in text)" = "$true" ] || tail -n 1 "$scratch/text"
	at_most 4 'map_files/'
	# the main thread is one, too
	at_most $((threads + 1)) PTRACE_SEIZE
	at_most $((threads + 1)) PTRACE_INTERRUPT
	at_most $((3 * (threads + 1))) PTRACE_GETREGSET
	# again of those that do not stop at once
	at_most $((2 * threads)) 'task/[0-9]*/stat"'
	at_most 100 'ioctl('
	at_most $((5 * threads)) 'pread64(')"
stop busy

# Who waits and has nothing on its stacks is never stopped, be it on a stack of
# its own or not.
must_start idle "$workload" -i -n 100
traced ptrace -p "${pid[idle]}"
tap_none "threads without a candidate are not stopped" "$(
	[ "$status" -eq 0 ] || said text
	[ "$(frames_in text)" = 0 ] || tail -n 1 "$scratch/text"
	at_most 0 PTRACE_SEIZE)"
traced pread64 -p "${pid[idle]}"
some=$(times 'pread64(')
traced pread64 --unwind=all -p "${pid[idle]}"
tap_none "nor unwound, unless that is asked for" "$(
	[ "$status" -eq 0 ] || said text
	[ "$(frames_in text)" = 0 ] || tail -n 1 "$scratch/text"
	[ "$(times 'pread64(')" -ge $((some + 50)) ] ||
		echo "$(times 'pread64(') reads, and $some without")"
traced ptrace --dormant=none -p "${pid[idle]}"
tap_none "unless nothing else tells about their other stacks" "$(
	[ "$(frames_in text)" = 0 ] || tail -n 1 "$scratch/text"
	at_most 26 PTRACE_SEIZE)"

# The kernel here is tried once, where it matters. The child of a trial has no
# signal to tell of its end.
traced clone -t host -t haswell -p "${pid[idle]}"
tap_none "the kernel is tried once" "$(
	[ "$status" -eq 0 ] || said text
	[ "$(times 'clone(child_stack=NULL, flags=0)')" -eq 1 ] ||
		cat "$scratch/log")"
traced clone -t haswell@6.1.170 -p "${pid[idle]}"
tap_none "and not at all if another one is asked for" "$(
	[ "$status" -eq 0 ] || said text
	at_most 0 'flags=0)')"
stop idle

# A core is read in pages, not word by word.
reason=$(no_kernel_core)
if [ -n "$reason" ] || ! kernel_core_of QUIT busy "$scratch/dump" "$workload" \
	-n "$threads"; then
	tap_skip "a core is read in pages" \
		"${reason:-the kernel has not written one}"
	tap_done
fi
traced pread64,openat "$core"
tap_none "a core is read in pages" "$(
	[ "$(frames_in text)" = "$true" ] || tail -n 1 "$scratch/text"
	at_most 1 '/workload".*O_NONBLOCK'
	at_most $((15 * threads)) 'pread64(')"

tap_done
