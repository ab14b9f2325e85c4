#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# packaging.sh - one version everywhere, and lists of files that agree
set -euo pipefail
export LC_ALL=C

. "${srcdir:?}/tests/tools/tap.sh"

spec=$srcdir/packaging/sigframe-inspect.spec
log=$srcdir/debian/changelog

# What the Makefile knows; this is no part of the make that runs the tests.
list() {
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		make -s -C "${builddir:?}" "list-$1"
}

version=$(sed -n 's/^AC_INIT(\[sigframe-inspect\], \[\(.*\)\])$/\1/p' \
	"$srcdir/configure.ac")

# same NAME VERSION - it is that of configure.ac
same() {
	tap_none "$1 is of version ${version:-unknown}" \
		"$([ -n "$version" ] && [ "$2" = "$version" ] ||
			echo "it says '$2'")"
}
same "the spec" "$(sed -n 's/^Version: *//p' "$spec")"
same "the last change of the spec" \
	"$(sed -n '/^%changelog/,$s/^\* .* - \(.*\)-[0-9]*$/\1/p' "$spec" |
		head -n 1)"
same "debian/changelog" "$(sed -n '1s/.*(\(.*\)).*/\1/p' "$log")"
same "NEWS" "$(sed -n '1s/ .*//p' "$srcdir/NEWS")"
same "the program" "$("$builddir/sigframe-inspect" --version |
	sed -n '1s/.* //p')"

# The newest entries of both are of one day.
day() {
	date -ud "$1" +%F
}
tap_none "the spec and debian/changelog have the same date" \
	"$(diff <(day "$(sed -n 's/^ -- .*>  //p' "$log" | head -n 1)") \
		<(day "$(sed '1,/^%changelog/d' "$spec" |
			sed -n 's/^\* //p' | head -n 1 | cut -d' ' -f1-4)") ||
			true)"

# Libraries with their least versions: "capstone 4.0.2", one a line.
wanted() {
	grep -o 'PKG_CHECK_MODULES(\[[A-Z_]*\], \[[^]]*' \
		"$srcdir/configure.ac" | sed 's/.*\[//; s/ >= / /' | sort
}
tap_none "the spec asks for the libraries of configure.ac" \
	"$(diff <(wanted) <(sed -n \
		's/^BuildRequires: *pkgconfig(\(.*\)) >= /\1 /p' "$spec" |
		sort) | grep '^[<>]' || true)"
tap_none "debian/control asks for them, too" \
	"$(wanted | sed 's/^\(lib\)*/lib/; s/ /-dev (>= /
		s/^libzlib-dev (>= /zlib1g-dev (>= 1:/' |
		while read -r package; do
			grep -qF " $package" "$srcdir/debian/control" ||
				echo "no $package"
		done)"

# What is loaded without being linked is only known by notes, "libx.so.1", one
# a line, and not needed by a static program.
loaded=$(readelf -p .note.dlopen "$builddir/sigframe-inspect" 2>/dev/null |
	sed -n 's/.*"soname":\["\([^"]*\)".*/\1/p')
case $("$builddir/sigframe-inspect" --version) in
*+static*) ;;
*)
	tap_none "notes tell of the libraries that are loaded" \
		"$(grep '^libcapstone\.so\.[0-9]*$' <<<"$loaded" >/dev/null ||
			echo "they tell of '$loaded'")"
	tap_none "the spec asks for them" "$(for library in $loaded; do
		# which of a library that has several may stand in a macro
		grep -q "^Requires: *${library%.*}\.\(${library##*.}\|%{.*}\)()" \
			"$spec" || echo "not for $library"
	done)"
	;;
esac
tap_none "debian/rules reads these notes" "$(
	grep -q 'readelf -p \.note\.dlopen' "$srcdir/debian/rules" &&
		grep -q '^Depends:.*\${loaded:Depends}' \
			"$srcdir/debian/control" || echo "it does not")"

installed=$(list installed)
tap_none "the spec has every file that is installed" "$(
	[ "$(wc -l <<<"$installed")" -ge 6 ] || echo "$installed"
	for file in $installed; do
		case $file in
		examples/*) name=/examples/ ;;
		*) name=/${file##*/} ;;
		esac
		sed -n '/^%files/,/^%changelog/p' "$spec" | grep -qF "$name" ||
			echo "not $file"
	done)"

# What is in git is distributed, and what is distributed is there and is not
# something that git ignores. Only where the sources are a checkout.
name="the tarball has what is in git"
if ! git -C "$srcdir" rev-parse --show-toplevel 2>/dev/null |
	grep -qxF "$(cd "$srcdir" && pwd -P)"
then
	tap_skip "$name" "no checkout here"
	tap_done
fi

# What is made by tools, and not in git.
made='aclocal\.m4|config\.h\.in|configure|Makefile\.in|build-aux/.*'
made="$made|src/.*\.pb-c\.[ch]"

# As git knows them: directories as the files in them.
in_git() {
	git -C "$srcdir" ls-files "$@" | while IFS= read -r file; do
		[ ! -e "$srcdir/$file" ] || echo "$file"
	done | sort
}
mapfile -t listed < <(list distributed | grep -vxE "$made" | sort -u)
distributed=$(in_git --cached --others --exclude-standard -- "${listed[@]}")
tap_none "$name" "$(comm -13 <(cat <<<"$distributed") \
	<(in_git | grep -vx '\.gitignore') | sed 's/^/not distributed: /')"
tap_none "git has what the tarball has" "$(for file in "${listed[@]}"; do
	[ -d "$srcdir/$file" ] || grep -qxF -- "$file" <<<"$distributed" ||
		echo "not in git: $file"
done)"
tap_done
