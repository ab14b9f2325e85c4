# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# lib.sh - what the golden tests share; to be sourced
#
# Makes $scratch, a directory that goes away at the end.

# shellcheck source=tests/tools/tap.sh
. "${srcdir:?}/tests/tools/tap.sh"
export LC_ALL=C

golden=$srcdir/tests/golden
makecores=${builddir:?}/tests/golden/makecores
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

need_python() {
	python3 -c 'import json, lzma' 2>/dev/null ||
		tap_skip_all "no python3 with lzma here"
}

# run_python FILE ARGUMENT... - it prints the results
run_python() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$golden/$1" "${@:2}"
}

# What a case of reports.tsv prints: STATUS is left in $status. Neither the
# version of the program nor the machine may show.
report_of() {
	(
		cd "$scratch" || exit 99
		local status=0

		# shellcheck disable=SC2086 # a list of words
		"$builddir/sigframe-inspect" $1 >report 2>messages || status=$?
		sed -i 's/^\(  "version": *\)"[^"]*"/\1"VERSION"/' report
		if [ -s messages ]; then
			cat messages
			exit 99
		fi
		exit "$status"
	)
}

# The scenes of which reports.tsv speaks.
make_scenes() {
	local scene

	for scene in icelake genoa sapphire nested edited missing x32; do
		"$makecores" scene "$scene" "$scratch/$scene.core"
	done
}

# for_each_report COMMAND - call it with the file, status and arguments
for_each_report() {
	local file status arguments

	while IFS=$'\t' read -r file status arguments; do
		case $file in
		'#'* | '') ;;
		*) "$1" "$file" "$status" "$arguments" ;;
		esac
	done <"$golden/reports.tsv"
}
