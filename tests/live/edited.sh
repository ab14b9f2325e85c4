#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# edited.sh - a handler has edited its own frame: what would become of it?
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# judged NAME EDIT TARGET ARGUMENT... - what is said of an edited frame
judged() {
	local name=$1 edit=$2 target=$3 wrong
	shift 3

	inspect json --json "$@"
	wrong=$(check edited.py "$edit" "$scratch/$target.truth" \
		"$scratch/json" "$status")
	case $wrong in
	'skip '*) tap_skip "$name" "${wrong#skip }" ;;
	*) tap_none "$name" "$wrong" ;;
	esac
}

mapfile -t edits < <("$targets/edited" -l)
for edit in "${edits[@]}"; do
	if ! start edited "$targets/edited" "$edit"; then
		[ "${status_of[edited]}" -ne 77 ] ||
			tap_skip_all "frames have no XSAVE image here"
		must_start edited "$targets/edited" "$edit"
	fi
	judged "$edit" "$edit" edited -p "${pid[edited]}"
	# Nothing tells of these but the return address.
	case $edit in
	wiped*)
		for stop in all none; do
			judged "$edit, --stop=$stop" "$edit" edited \
				--stop="$stop" -p "${pid[edited]}"
		done
		;;
	esac
	case $edit in
	# gdb writes such memory as if it could be read
	fpstate-guarded)
		if gcore_of edited "$scratch/core"; then
			inspect guarded "$scratch/core"
			tap_none "$edit, in gdb's core: nobody knows" \
				"$([ "$status" -eq 3 ] || echo "status $status")"
		else
			tap_skip "$edit, in gdb's core" "it writes none here"
		fi
		;;
	nothing | magic1 | pretcode-data)
		if gcore_of edited "$scratch/core"; then
			judged "$edit, in gdb's core" "$edit" edited \
				"$scratch/core"
		else
			tap_skip "$edit, in gdb's core" "it writes none here"
		fi
		;;
	esac
	stop edited
done

# Only the kernel's cores tell what was not mapped.
reason=$(no_kernel_core)
for edit in nothing fpstate-unmapped fpstate-guarded fpstate-write-only \
	rip-unmapped magic2; do
	if [ -z "$reason" ] && kernel_core_of QUIT live "$scratch/dump.$edit" \
		"$targets/edited" "$edit"; then
		judged "$edit, in the kernel's core" "$edit" "cored$cored" \
			"$core"
	else
		tap_skip "$edit, in the kernel's core" \
			"${reason:-it has not written one}"
	fi
done

tap_done
