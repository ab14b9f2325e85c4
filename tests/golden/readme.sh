#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# readme.sh - what README shows is what the program prints
set -euo pipefail

. "${srcdir:?}/tests/golden/lib.sh"
need_python

# What is in the four columns in front of the picture is README's own.
shown=$(awk '
	/^    \$ sigframe-inspect .* worker\.core$/ { here = 1; next }
	here && /^  a  / { exit }
	here { print substr($0, 5) }' "$srcdir/README" | sed -e '$d')
command=$(sed -n 's/^    \$ sigframe-inspect \(.* worker\.core\)$/\1/p' \
	"$srcdir/README")

"$makecores" scene icelake "$scratch/worker.core"
printed=$(cd "$scratch" && python3 -B "$srcdir/tests/live/on_terminal.py" \
	sh -c "stty cols 76; exec '$builddir/sigframe-inspect' --color=never \
	$command" | tr -d '\r')
tap_none "README shows what is printed" \
	"$([ -n "$command" ] || echo "no command"
	diff <(cat <<<"$shown") <(cat <<<"$printed"))"

# Each letter in front of the picture is explained below it, and no other.
tap_none "README explains the picture" "$(diff \
	<(sed -n 's/^(\([a-z]\)).*/\1/p' "$srcdir/README") \
	<(sed -n 's/^  \([a-z]\)  [a-z].*/\1/p' "$srcdir/README"))"
tap_done
