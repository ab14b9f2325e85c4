#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# dist.sh - what is in the tarball, and whether that is enough to make another
set -euo pipefail

# shellcheck source=tests/packaging/lib.sh
. "${srcdir:?}/tests/packaging/lib.sh"

# Everything of git but .gitignore; and only what git or autoreconf made.
if git -C "$srcdir" rev-parse --show-toplevel 2>/dev/null |
	grep -qxF "$(cd "$srcdir" && pwd -P)"
then
	made='aclocal\.m4|config\.h\.in|configure|Makefile\.in|build-aux/.*'
	same_files "the tarball has what is in git" \
		"$(cd "$source" && find . -type f | sed 's|^\./||' |
			grep -vxE "$made" | sort)" \
		"$(git -C "$srcdir" ls-files --cached --others \
			--exclude-standard | while IFS= read -r file; do
			[ ! -e "$srcdir/$file" ] || echo "$file"
		done | grep -vx '\.gitignore' | sort)"
else
	tap_skip "the tarball has what is in git" "no checkout here"
fi
tap_none "modes are kept" "$(cd "$source" && find . -type f \
	\( -perm /go+w -o ! -perm -a+r \) ! -path './build-aux/*')"

# Configured in another folder, from sources that cannot be written to.
chmod -R a-w "$source"
mkdir "$scratch/build"
cd "$scratch/build"
run "configure" "$source/configure" --quiet || tap_done
run "make distcheck-short" make -j"$jobs" distcheck-short || tap_done
tap_none "the tarball of a tarball has the same files" \
	"$(diff <(tar -tf "$tarball" | sort) \
		<(tar -tf "$package.tar.gz" | sort) | grep '^[<>]')"
tap_done
