#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# update.sh - write the golden reports anew; read what has changed before you
# commit it
#
# Run in the build directory after `make check` has built everything:
#     srcdir=.. builddir=. ../tests/golden/update.sh
set -euo pipefail

srcdir=$(cd "${srcdir:?}" && pwd)
builddir=$(cd "${builddir:?}" && pwd)

. "$srcdir/tests/golden/lib.sh"
make_scenes

# write FILE STATUS ARGUMENTS
write() {
	local got=0

	report_of "$3" || got=$?
	if [ "$got" -ne "$2" ]; then
		echo "$1: exit status $got instead of $2, not written" >&2
		return
	fi
	cmp -s "$scratch/report" "$golden/$1" || echo "changed: $1"
	cp "$scratch/report" "$golden/$1"
}
for_each_report write
