#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# completions.sh - the completions work in the shells they are for
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"
. "${srcdir:?}/tests/tools/offers.sh"

PATH=${builddir:?}:$PATH

declare -A files=(
	[bash]=sigframe-inspect.bash
	[zsh]=_sigframe-inspect
	[fish]=sigframe-inspect.fish
)

# A directory with one known file and folder, for file names.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/folder"
touch "$dir/file"
cd "$dir"

ids=$(sigframe-inspect --explain |
	sed -n 's/^ *\([a-z][a-z0-9-]*\)  .*/\1/p' | sort)
one_id=$(head -n 1 <<<"$ids")
cpus=$(sigframe-inspect --list-cpus | sed -n 's/^\([^ ]*\) .*0x.*/\1/p')
kernels=$(sigframe-inspect --list-kernels |
	sed -n '/^$/q; s/^  *\([^ ]*\)  *\([^ ]*\) .*/\1\n\2/p')

# What is typed, and what has to be offered: exactly these words, or with a +
# in front at least these. %ids stands for the ids of checks and hazards, %one
# for one of them, %pid for a process that exists, %cpus and %kernels for what
# targets are made of.
cases=(
	'--stop=|all auto none'
	'--stop |all auto none'
	'--stop=n|none'
	'--dormant=|all auto none'
	'--color=|always auto never'
	'-p 1 --json=|lines pretty'
	'--rehearse=|absent present'
	'--explain=|%ids'
	'--explain=%one|%one'
	'-p |+%pid'
	'--pid=|+%pid'
	'-p %pid -T |+%pid'
	'fi|file'
	'-e fi|file'
	'-t |+host file %cpus'
	'--target=|+host file %cpus'
	'-t fi|file'
	'-t EPYC-G|EPYC-Genoa'
	'--target=epyc-g|EPYC-Genoa'
	'-t haswell@|host %kernels'
	'-t host,layout=intel@R7|R7'
	'--target=host,layout=intel@stri|strict-magic2'
	'-t EPYC-Genoa,l|amd intel'
	'-t EPYC-Genoa,layout=a|amd'
	'--target=host,-pku,-a|-amx -apx -avx -avx512'
	'--sysroot=|folder'
	'--sysroot=nothing|'
	'--criu=|folder'
	'--export fi|file'
	'--compare fi|file'
)

fill_in() {
	local text=${1//%ids/$ids}

	text=${text//%cpus/$cpus}
	text=${text//%kernels/$kernels}
	text=${text//%one/$one_id}
	echo "${text//%pid/$$}"
}

# What SHELL offers for a line, in a form that all of them share: only the
# value, only a file's last part, only a target's kernel or last flag.
values() {
	offers "$1" "sigframe-inspect $2" |
		sed 's/^--[a-z-]*=//; s|/$||; s|.*[/@,]||; s/^layout=//' |
		grep . | sort -u
}

# try SHELL LINE WANTED
try() {
	local got wanted

	got=$(values "$1" "$(fill_in "$2")" || true)
	wanted=$(fill_in "${3#+}" | tr ' ' '\n' | sort)
	if [[ $3 == +* ]]; then
		tap_none "$1: $2" "$(comm -13 <(cat <<<"$got") \
			<(cat <<<"$wanted") | sed 's/^/not offered: /')"
	else
		tap_none "$1: $2" "$(diff <(cat <<<"$got") \
			<(cat <<<"$wanted") | sed -n \
			's/^</offered:/p; s/^>/not offered:/p')"
	fi
}

for shell in bash zsh fish; do
	if ! reason=$(offers_need $shell 2>&1); then
		tap_skip "$shell" "$reason"
		continue
	fi
	tap_none "$shell: the file parses" \
		"$($shell -n "$srcdir/completions/${files[$shell]}" 2>&1)"
	for case in "${cases[@]}"; do
		try $shell "${case%%|*}" "${case#*|}"
	done
done

# What is offered is explained, where the shell shows that.
if reason=$(offers_need fish 2>&1); then
	tap_none "fish: ids, models, rules and options have descriptions" "$(
		for line in --explain= '-t E' '-t host@R' --; do
			fish --no-config -c 'source $argv[1]
				complete -C "sigframe-inspect $argv[2]"' \
				"$srcdir/completions/${files[fish]}" "$line" |
				awk -F'\t' -v "line=$line" '
					$2 == "" { print "not explained: " $0 }
					END { if (NR < 5) print "few for " line }'
		done)"
else
	tap_skip "fish: descriptions" "$reason"
fi

tap_done
