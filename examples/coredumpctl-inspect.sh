#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# coredumpctl-inspect.sh - inspect the newest core that systemd has of a program
#
#	coredumpctl-inspect.sh MATCH... [-- OPTION...]
#
# MATCH is what coredumpctl knows: a program's name or path, a PID, FIELD=VALUE.
# OPTIONs are for sigframe-inspect, --sysroot or --json for example. The core
# goes through a pipe. The exit status is that of sigframe-inspect, or 2 if
# there is no core, or not all of it came.
#
# SIGFRAME_INSPECT is the program (sigframe-inspect).
set -euo pipefail

matches=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	matches+=("$1")
	shift
done
[ $# -eq 0 ] || shift
if [ "${#matches[@]}" -eq 0 ]; then
	echo "usage: coredumpctl-inspect.sh MATCH... [-- OPTION...]" >&2
	exit 2
fi

# coredumpctl also tells about the core there
said=$(mktemp)
trap 'rm -f "$said"' EXIT

set +e
coredumpctl dump "${matches[@]}" 2>"$said" |
	"${SIGFRAME_INSPECT:-sigframe-inspect}" "$@" -
statuses=("${PIPESTATUS[@]}")
set -e

# one that a signal ends (SIGPIPE) because its reader has seen enough is no
# failure; of half a core only what is bad is sure
case ${statuses[0]},${statuses[1]} in
0,* | 141,[!2] | *,1) ;;
*)
	cat "$said" >&2
	exit 2
	;;
esac
exit "${statuses[1]}"
