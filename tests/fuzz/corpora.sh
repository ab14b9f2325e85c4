# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# corpora.sh - which inputs are for which fuzz target; to be sourced

# corpora TARGET - the directories with its inputs, one a line
#
# Some take what others take, and do more with it.
corpora() {
	local name names=$1

	case $1 in
	export | report) names="$1 core" ;;
	esac
	for name in $names; do
		[ ! -d "${srcdir:?}/tests/fuzz/corpus/$name" ] ||
			echo "$srcdir/tests/fuzz/corpus/$name"
	done
}
