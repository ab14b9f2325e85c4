#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# options.sh - --help, the man page and the completions know the same options
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"
. "${srcdir:?}/tests/tools/offers.sh"

man=$srcdir/man/sigframe-inspect.1
PATH=${builddir:?}:$PATH

# All options the program has: -x and --word, one a line.
in_help=$(sigframe-inspect --help |
	sed -n 's/^ \{2,6\}\(-[^ ].*\)/\1/p' | sed 's/  .*//' |
	tr ',' '\n' | sed 's/[=[].*//; s/ //g' | sort -u)

# The options that OPTIONS in the man page has entries for.
in_man=$(awk '
	/^\.Sh/ { here = /OPTIONS/ }
	here && /^\.It/ {
		for (i = 2; i < NF; i++)
			if ($i ~ /^\.?Fl$/) {
				option = $(i + 1)
				sub(/^\\&/, "", option)
				print "-" option
			}
	}' "$man" | sort -u)

# differ NAME SET - compare with those of --help, both ways
differ() {
	tap_none "$1" "$(diff <(cat <<<"$in_help") <(cat <<<"$2") |
		sed -n 's/^< /only in --help: /p; s/^> /not in --help: /p')"
}

if [ "$(wc -l <<<"$in_help")" -ge 20 ]; then
	tap_pass "--help lists options"
else
	tap_fail "--help lists options" <<<"$in_help"
fi
differ "the man page has the options of --help" "$in_man"

for shell in bash zsh fish; do
	name="$shell completes the options of --help"
	if reason=$(offers_need $shell 2>&1); then
		differ "$name" "$(offers $shell 'sigframe-inspect -' |
			sed 's/=$//' | sort -u)"
	else
		tap_skip "$name" "$reason"
	fi
done

# mentioned NAME OPTIONS - every one has to be an option
mentioned() {
	tap_none "$1" "$(sort -u <<<"$2" | grep . |
		comm -23 - <(cat <<<"$in_help"))"
}

mentioned "the man page speaks of no other option" "$(awk '
	!/^\.\\"/ {
		for (i = 1; i < NF; i++)
			if ($i ~ /^\.?Fl$/) {
				option = $(i + 1)
				sub(/^\\&/, "", option)
				if (option ~ /^-/)
					print "-" option
				else	# several letters
					for (j = 1; j <= length(option); j++)
						print "-" substr(option, j, 1)
			}
	}' "$man")"
mentioned "README speaks of no other option" \
	"$(grep -oE -- '(^|[ (`])--[a-z][a-z-]+' "$srcdir/README" | tr -d ' (`')"

tap_done
