#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# include-order.sh - who may include what
set -euo pipefail

. "${srcdir:?}/tests/tools/tap.sh"

cd "$srcdir/src"

# One line per #include: FILE FOLDER FORM HEADER; FORM is < or a quote, FOLDER
# is "top" for options and main.
# shellcheck disable=SC2016 # these are fields of awk
includes=$(find . -name '*.[ch]' | sed 's|^\./||' | sort | xargs awk '
	/^[ \t]*#[ \t]*include/ {
		folder = FILENAME
		if (!sub("/.*", "", folder))
			folder = "top"
		form = match($0, /</) ? "<" : "\""
		match($0, /[<"][^>"]*/)
		print FILENAME, folder, form,
			substr($0, RSTART + 1, RLENGTH - 1)
	}')

tap_none "a folder includes only those before it" "$(awk '
	BEGIN {
		n = split("base x86 kernel source describe locate " \
			"export rehearse report top", folders)
		for (i = 1; i <= n; i++)
			rank[folders[i]] = i
	}
	!($2 in rank) { print $1 ": the folder " $2 " has no place in the order" }
	$3 == "\"" && $4 != "config.h" {
		target = $4
		if (!sub("/.*", "", target))
			target = "top"
		if (!(target in rank) || rank[target] > rank[$2])
			print $1 ": " $4
	}' <<<"$includes")"

tap_none "no .c file is included" "$(awk '$4 ~ /\.c$/' <<<"$includes")"

tap_none "each foreign header stays in its home" "$(awk '
	# The first row whose expression matches decides.
	function home(expression, folders) {
		pattern[++rows] = expression
		homes[rows] = " " folders " "
	}
	BEGIN {
		home("^elfutils/|^dwarf\\.h$", "locate")
		home("^(lib|g)?elf\\.h$", "source locate export")
		home("^capstone", "locate")
		home("^archive|^zlib", "source")
		home("^json", "describe report")
		home("^(sys|linux|asm)/ptrace", "source")
		home("^linux/(seccomp|filter|audit)\\.h$", "source locate rehearse")
		home("^argp\\.h$", "top")
		# SSE2 is part of x86-64 and computes only
		home("^emmintrin\\.h$", "x86")
		home("^cpuid\\.h$|intrin\\.h$", "describe")
	}
	$3 == "<" {
		for (i = 1; i <= rows; i++) {
			if ($4 !~ pattern[i])
				continue
			if (!index(homes[i], " " $2 " "))
				print $1 ": " $4 " belongs in" homes[i]
			break
		}
	}' <<<"$includes")"

pure='emmintrin|endian|limits|stdbool|stddef|stdint|string|strings'
tap_none "pure code sees no I/O, no allocation, no configuration" "$(awk '
	$2 == "x86" || $2 == "kernel"' <<<"$includes" |
	grep -Ev " (< ($pure)\.h|\" (base|x86|kernel)/.*)\$" || true)"

tap_done
