# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# criu.sh - a CRIU that works on the running kernel; to be sourced
#
# Debian 12's does not start on kernels since 6.13, so that of a newer release
# is unpacked beside its libraries, unless the installed one works.

# shellcheck source=tests/tools/packages.sh
. "${srcdir:?}/tests/tools/packages.sh"

: "${criu_suites:=forky trixie}"

# Find a CRIU that can dump and restore here, or fail and set $criu_reason.
need_criu() {
	local suite root log

	criu_reason=
	if [ "$(id -u)" -ne 0 ]; then
		criu_reason="CRIU is for root"
		return 1
	fi
	log=$(mktemp) || return 1
	if command -v criu >/dev/null; then
		criu_command=(criu)
		! criu_works "$log" || return 0
	fi
	for suite in $criu_suites; do
		root=$cache/criu-$suite
		[ -e "$root/complete" ] ||
			unpack_packages "$root" "$suite" criu || continue
		# shellcheck disable=SC2207 # several words
		criu_command=($(unpacked_loader "$root") "$root/usr/sbin/criu")
		! criu_works "$log" || return 0
	done
	: "${criu_reason:=no package of CRIU to be had}"
	rm -f "$log"
	return 1
}

# Does it say that it works? Otherwise what it says is $criu_reason.
criu_works() {
	! "${criu_command[@]}" check >"$1" 2>&1 || {
		rm -f "$1"
		return 0
	}
	criu_reason="criu check: $(grep -m 1 '^Error' "$1" || tail -n 1 "$1")"
	return 1
}

# criu ACTION DIR OPTION... - its log goes to DIR/ACTION.log
run_criu() {
	local action=$1 dir=$2
	shift 2

	"${criu_command[@]}" "$action" -D "$dir" -o "$action.log" -v4 "$@" \
		>/dev/null 2>"$dir/$action.err"
}

# Why the last `criu ACTION DIR` failed.
criu_failure() {
	{
		grep -h Error "$2/$1.log" | grep -v RLIMIT_NOFILE
		cat "$2/$1.err"
	} 2>/dev/null | head -n 3 | tr '\n' ' '
}
