#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# commands.sh - the commands that README and the man pages show can be run
#
# They are run as they stand there, in a folder that has the files they speak
# of. Programs of others (podman, ssh, ...) are stand-ins that hand over such a
# file, or run here what was to be run elsewhere. What they print is tested
# elsewhere: here no command may be wrong (status 2), or not be there.
set -euo pipefail
export LC_ALL=C

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace
need_feature criu
need_feature archive
command -v mandoc >/dev/null || tap_skip_all "no mandoc here"

srcdir=$(cd "$srcdir" && pwd)
must_start frames "$targets/frames" one-pause
process=${pid[frames]}
place=$scratch/place
mkdir -p "$place/bin" "$place/images" "$place/fleet"
ln -s "$srcdir/examples" "$place/examples"
ln -s "$tool" "$place/bin/sigframe-inspect"
"$builddir/tests/golden/makecores" scene icelake "$place/core"
cp "$place/core" "$place/worker.core"
cp "$place/core" "$place/before.core"
cp "$place/core" "$place/after.core"
tar -xJf "$srcdir/tests/data/criu/three-threads.tar.xz" -C "$place/images" \
	--strip-components=1
tar -cf "$place/web.tar.zst" -C "$place/images" .
"$tool" --describe-host >"$place/host.cpu"
cp "$place/host.cpu" "$place/fleet/one.cpu"
"$tool" -q --export="$place/small.core" -p "$process" || true
echo here >"$place/fleet.list"

# stand_in NAME COMMAND - a program that does that instead
stand_in() {
	printf '#!/bin/sh\n%s\n' "$2" >"$place/bin/$1"
	chmod +x "$place/bin/$1"
}
stand_in coredumpctl 'cat core'
stand_in podman :
stand_in scp :
stand_in ssh 'shift; exec "$@"'
stand_in sleep :
command -v jq >/dev/null || stand_in jq 'cat >/dev/null'

# A command begins with one of these.
mine='^(sigframe-inspect|coredumpctl|podman|scp|ssh|sleep|examples/|for |if )'

# try NAME LEAST - run the commands on stdin: of what is indented by at least
# LEAST columns, each up to where a shell takes it for whole
try() {
	local name=$1 least=$2 line command='' count=0 findings='' blanks

	while IFS= read -r line; do
		blanks=${line%%[! ]*}
		line=${line#"$blanks"}
		line=${line#'$ '}
		if [ -z "$command" ] && { [ ${#blanks} -lt "$least" ] ||
			! [[ $line =~ $mine ]]; }
		then
			continue
		fi
		command+=$line$'\n'
		if [[ $line == *\\ ]] || ! bash -n <<<"$command" 2>/dev/null
		then
			continue
		fi
		# files of systems that are not this one
		if ! [[ $command =~ /srv/|/var/lib/ ]]; then
			count=$((count + 1))
			findings+=$(run "$command")
		fi
		command=
	done
	findings+=$command
	[ "$count" -ge 2 ] || findings+="only $count commands were found"
	tap_none "$name: $count commands can be run" "$findings"
}

# The status of a pipeline is that of its last part: what the program itself
# has to complain about stands on standard error.
run() {
	local command=${1//PID/$process}

	command=${command//4242/$process}
	if ! (
		cd "$place" && PATH=$place/bin:$PATH pid=$process \
			timeout 60 bash -c "$command" </dev/null
	) >"$scratch/out" 2>"$scratch/err"; then
		:
	fi
	if [ -s "$scratch/err" ]; then
		printf '%s%s\n' "$command" "$(cat "$scratch/err")"
	fi
}

try README 4 <"$srcdir/README"
for page in sigframe-inspect.1 sigframe-inspect-json.5; do
	try "$page" 6 < <(mandoc -T ascii -O width=100 "$srcdir/man/$page" |
		sed 's/.\x08//g' | sed -n '/^EXAMPLES/,/^SEE ALSO/p')
done

tap_done
