#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# style.sh - how the code reads, as far as a script can tell
set -euo pipefail
export LC_ALL=C.UTF-8

. "${srcdir:?}/tests/tools/tap.sh"

cd "$srcdir"

# Data and expected output look as they have to.
mapfile -t code < <(find src tests -name '*.[chS]' | sort)
mapfile -t scripts < <(find tests .ci completions debian examples \
	\( -name '*.sh' -o -name '*.bash' -o -path .ci/run \
	-o -path debian/tests/installed \) 2>/dev/null | sort)
others=(Makefile.am configure.ac completions/_sigframe-inspect
	completions/sigframe-inspect.fish debian/rules man/sigframe-inspect.1
	packaging/sigframe-inspect.spec)
mapfile -t python < <(find tests -name '*.py' | sort)
sources=("${code[@]}" "${scripts[@]}" "${python[@]}" "${others[@]}")

tap_none "every source names its licence" "$(for file in "${sources[@]}"; do
	head -n 3 "$file" |
		grep -q 'SPDX-License-Identifier: GPL-3.0-or-later' ||
		echo "$file: no SPDX line"
done)"

tap_none "every file says on top what it is for" \
	"$(for file in "${code[@]}" "${scripts[@]}" "${python[@]}"; do
		head -n 4 "$file" | grep -qF "${file##*/}" ||
			echo "$file: its name does not stand on top"
	done)"

tap_none "no line is over 90 columns" \
	"$(for file in "${sources[@]}"; do
		expand "$file" | grep -nE '^.{91}' | sed "s|^|$file:|"
	done || true)"

tap_none "no file is over 600 lines" \
	"$(wc -l "${code[@]}" "${scripts[@]}" "${python[@]}" |
		awk '$1 > 600 && $2 != "total" { print $2 ": " $1 " lines" }')"

# none NAME REGEX FILE... - no line of the files matches, comments aside
none() {
	local name=$1 expression=$2
	shift 2

	tap_none "$name" "$(grep -nE "$expression" /dev/null "$@" |
		grep -vE '^[^:]*:[0-9]*:[[:space:]]*/?\*' || true)"
}

# a function that returns one may have
none "structs have no typedefs" '\btypedef[[:space:]]+(struct|union|enum)\b[^(]*$' \
	"${code[@]}"
# options.c is the one that ends for --version
mapfile -t below_main < <(find src -mindepth 2 -name '*.[ch]')
none "nobody below main ends the process" \
	'\b(_?exit|abort|quick_exit|assert)[[:space:]]*\(' "${below_main[@]}"
tap_none "nothing is left open" "$(grep -nE '\b(TO''DO|FIX''ME|XX''X)\b' \
	"${sources[@]}" || true)"
tap_none "no blanks at line ends" "$(grep -nE '[[:blank:]]+$' \
	"${sources[@]}" README HACKING.md NEWS docs/*.md || true)"

if command -v shellcheck >/dev/null; then
	tap_none "shellcheck finds nothing" \
		"$(shellcheck -x -S warning "${scripts[@]}" 2>&1 || true)"
else
	tap_skip "shellcheck finds nothing" "no shellcheck here"
fi

if command -v codespell >/dev/null; then
	# words that are right here: registers, fields, Linux's own
	tap_none "codespell finds nothing" \
		"$(codespell -L 'sme,ot,te,nd,ede,fro' "${sources[@]}" README \
			HACKING.md NEWS docs/*.md man/* 2>&1 || true)"
else
	tap_skip "codespell finds nothing" "no codespell here"
fi

tap_done
