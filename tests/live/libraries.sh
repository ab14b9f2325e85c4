#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# libraries.sh - libraries are loaded when they are needed, or are missed aloud
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace

! "$tool" --version | grep -q '^features:.* +static' ||
	tap_skip_all "a static program loads none"

# loaded OUT - names of the libraries that this `inspect OUT` had in the end
loaded() {
	grep -ho 'calling init: .*' "$scratch/$1.debug".* |
		sed 's|.*/||' | sort -u
}

# loads NAME WANTED UNWANTED ARGUMENT... - what is looked at without trouble
loads() {
	local name=$1 wanted=$2 unwanted=$3 library
	shift 3

	LD_DEBUG=files LD_DEBUG_OUTPUT=$scratch/out.debug inspect out "$@"
	tap_none "$name" "$(
		[ "$status" -eq 0 ] || said out
		loaded out | grep -q '^libc\.so' || echo "nothing is known"
		for library in $wanted; do
			loaded out | grep "^$library" >/dev/null ||
				echo "not loaded: $library"
		done
		for library in $unwanted; do
			loaded out | grep "^$library" || true
		done)"
	rm -f "$scratch/out.debug".*
}

must_start idle "$targets/odd" plain
must_start busy "$targets/frames" one-pause
inspect made --export="$scratch/core" -p "${pid[busy]}"
xz -k "$scratch/core" || true
gzip -k "$scratch/core"

loads "a process without a frame takes neither" '' 'libarchive libcapstone' \
	-p "${pid[idle]}"
loads "one with a frame takes the disassembler" libcapstone libarchive \
	-p "${pid[busy]}"
loads "what only prints takes neither" '' 'libarchive libcapstone' \
	--list-kernels
if has_feature archive && [ -e "$scratch/core.xz" ]; then
	loads "a compressed core takes libarchive" libarchive '' \
		"$scratch/core.xz"
	loads "with gzip zlib is enough" '' libarchive "$scratch/core.gz"
else
	tap_skip "a compressed core takes libarchive" "no archives, or no xz"
fi

# A file system of our own, in which something else lies over a library.
private=(unshare --mount)
"${private[@]}" true 2>/dev/null ||
	private=(unshare --user --map-root-user --mount)

# where LIBRARY - its file
where() {
	local file

	file=$(LD_DEBUG=files "$tool" --version 2>&1 >/dev/null |
		sed -n "s|.*calling init: \(/.*/$1\.so[^/]*\)\$|\1|p" |
		head -n 1)
	readlink -f "$file"
}

# without LIBRARY OTHER OUT ARGUMENT... - `inspect` with OTHER in its place
without() {
	local library out=$3 other=$2
	library=$(where "$1")
	shift 3

	status=0
	# shellcheck disable=SC2016 # for the shell that is started
	"${private[@]}" sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' \
		sh "$other" "$library" "$tool" "$@" >"$scratch/$out" \
		2>"$scratch/$out.err" || status=$?
}

# missed NAME WORDS - the last `without ... out` has said so, and nothing else
missed() {
	tap_none "$1" "$(
		[ "$status" -eq 2 ] || said out
		one_line "$scratch/out.err"
		grep -q -- "$2" "$scratch/out.err" ||
			echo "no '$2': $(cat "$scratch/out.err")"
		! grep -E 'intact|frame at' "$scratch/out")"
}

# works NAME - the last `without ... out` got along
works() {
	tap_none "$1" "$([ "$status" -eq 0 ] || said out)"
}

: >"$scratch/nothing"
if ! "${private[@]}" mount --bind "$scratch/nothing" "$scratch/core" \
	2>"$scratch/mount.err"
then
	tap_skip "without the libraries" "$(head -n 1 "$scratch/mount.err")"
	tap_done
fi

without libcapstone "$scratch/nothing" out -p "${pid[busy]}"
missed "without capstone a frame is not judged" \
	'libcapstone\.so\.[0-9]* cannot be loaded: .'
without libcapstone "$(where libz)" out -p "${pid[busy]}"
missed "nor with one that is none" 'libcapstone\.so\.[0-9]* has no cs_.*()'
without libcapstone "$scratch/nothing" out -p "${pid[idle]}"
works "who has no frame does not need it"
without libcapstone "$scratch/nothing" out --version
works "--version goes without"
tap_none "and says so" "$(grep -q 'capstone, which cannot be loaded' \
	"$scratch/out" || cat "$scratch/out")"

if has_feature archive && [ -e "$scratch/core.xz" ]; then
	without libarchive "$scratch/nothing" out "$scratch/core.xz"
	missed "without libarchive a compressed core is not read" \
		'core\.xz: libarchive\.so\.[0-9]* cannot be loaded: .'
	tar -C "$scratch" -cf "$scratch/core.tar" core
	without libarchive "$(where libz)" out "$scratch/core.tar"
	missed "nor an archive" \
		'core\.tar: libarchive\.so\.[0-9]* has no archive_.*()'
	without libarchive "$scratch/nothing" out "$scratch/core.gz"
	works "gzip does not need it"
	without libarchive "$scratch/nothing" out --version
	tap_none "--version says so" "$(
		grep -q 'libarchive, which cannot be loaded' "$scratch/out" ||
			cat "$scratch/out")"
else
	tap_skip "without libarchive" "no archives, or no xz"
fi
tap_done
