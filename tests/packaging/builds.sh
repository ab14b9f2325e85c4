#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# builds.sh - with and without optional parts, by two compilers, static
set -euo pipefail

# shellcheck source=tests/packaging/lib.sh
. "${srcdir:?}/tests/packaging/lib.sh"

# A checkpoint as an archive, as a folder, and what it says of its CPU.
archive=$source/tests/data/criu/avx-only.tar.xz
mkdir "$scratch/images"
tar -C "$scratch/images" -xf "$archive"
images=$scratch/images/avx-only
tar -C "$scratch/images" -xf "$source/tests/data/criu/ia32.tar.xz"
cpuinfo=$scratch/images/checkpoint/cpuinfo.img
tar -cf "$scratch/plain.tar" -C "$scratch/images" avx-only

# The same frames, however they are reached. Registers of AVX are lost.
reads() {
	local got=0

	"$tool" -t nehalem@6.1 "$1" >"$scratch/out" 2>&1 || got=$?
	if [ "$got" -ne 1 ] || ! grep -q '3 threads, 3 frames' "$scratch/out"; then
		echo "status $got of $1"
		tail -n 20 "$scratch/out"
	fi
}

# features NAME FEATURES - what an installed program can do, and what it says
# of the rest
features() {
	local have

	have=$("$tool" --version | sed -n 's/^features: //p')
	tap_none "$1: $2" "$([ "$have" = "$2" ] || echo "it says $have")"
	case $2 in
	*+criu*) tap_none "$1: reads images" "$(reads "$images")" ;;
	*)
		tap_none "$1: says that it cannot read images" "$(
			refuses 'built without support for CRIU images' \
				"$tool" "$images"
			refuses 'built without support for' "$tool" \
				-t "$cpuinfo" "$tool")"
		;;
	esac
	case $2 in
	*+criu\ +archive*)
		tap_none "$1: reads archives" "$(reads "$archive")"
		;;
	*+archive*)
		tap_none "$1: says that it cannot read images of an archive" \
			"$(refuses 'built without support for CRIU images' \
				"$tool" "$archive")"
		;;
	*)
		tap_none "$1: says that it cannot read archives" "$(
			refuses 'built without libarchive' "$tool" "$archive"
			refuses 'built without libarchive' "$tool" \
				"$scratch/plain.tar")"
		;;
	esac
}

# build NAME FEATURES OPTION... - configure, build, try, install; sets `tool`
build() {
	local name=$1 want=$2 dir=$scratch/build to=$scratch/installed
	shift 2

	rm -rf "$dir" "$to"
	mkdir "$dir"
	cd "$dir"
	run "$name: configure" "$source/configure" --quiet --enable-werror \
		--prefix=/usr "$@" &&
		run "$name: make" make -j"$jobs" &&
		run "$name: make check-short" make -j"$jobs" check-short &&
		run "$name: make install" make install DESTDIR="$to" || {
		tool=
		return
	}
	same_files "$name: installs what it should" \
		"$(installed_below "$to")" "$(wanted_files)"
	tool=$to/usr/bin/sigframe-inspect
	features "$name" "$want"
}

build all '+criu +archive -static'
build 'without criu' '-criu +archive -static' --without-criu
build 'without archive' '+criu -archive -static' --without-archive
build 'without both' '-criu -archive -static' --without-criu --without-archive
if command -v clang >/dev/null; then
	build clang '+criu +archive -static' CC=clang
else
	tap_skip clang 'no clang here'
fi

# Carried to where nothing else is. A root of its own takes a user namespace,
# or root.
alone() {
	unshare --user --map-root-user --root="$scratch/alone" "$@" ||
		chroot "$scratch/alone" "$@"
}
if (mkdir "$scratch/static" && cd "$scratch/static" &&
	"$source/configure" --quiet --enable-static-tool >"$scratch/log" 2>&1)
then
	build static '+criu +archive +static' --enable-static-tool
else
	tap_skip static "$(sed -n 's/^configure: error: //p' "$scratch/log" |
		head -n 1)"
	tap_done
fi
[ -n "$tool" ] || tap_done
mkdir "$scratch/alone"
cp "$tool" "$archive" "$scratch/alone"
tap_none "static: no interpreter, no libraries" \
	"$(readelf -Wld "$tool" | grep -E 'INTERP|NEEDED')"
if alone /sigframe-inspect --version >"$scratch/out" 2>&1; then
	tap_none "static: works where no other file is" "$(
		status=0
		alone /sigframe-inspect -t nehalem@6.1 \
			"/${archive##*/}" >"$scratch/out" 2>&1 || status=$?
		[ "$status" -eq 1 ] || tail "$scratch/out"
		grep -q '3 threads, 3 frames' "$scratch/out" || echo "not found")"
elif grep -qE 'unshare|chroot' "$scratch/out"; then
	tap_skip "static: works where no other file is" 'no other root here'
else
	tap_fail "static: works where no other file is" <"$scratch/out"
fi
tap_done
