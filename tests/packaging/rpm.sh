#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# rpm.sh - the RPM package builds, and is clean
set -euo pipefail

# shellcheck source=tests/packaging/lib.sh
. "${srcdir:?}/tests/packaging/lib.sh"

command -v rpmspec >/dev/null || tap_skip_all "no rpmspec here"

spec=$source/packaging/sigframe-inspect.spec
top=$scratch/rpm
define=(--define "_topdir $top" --define "_sourcedir $(dirname "$tarball")")

run "the spec parses" rpmspec "${define[@]}" -P "$spec" || tap_done
tap_none "it builds one package" "$(
	have=$(rpmspec "${define[@]}" -q --qf '%{name} %{version}\n' "$spec" |
		grep -v debug)
	[ "$have" = "sigframe-inspect $version" ] || echo "$have")"
if command -v rpmlint >/dev/null; then
	# there is no place to download from, and BuildRoot is history
	tap_none "rpmlint finds nothing in the spec" "$(rpmlint "$spec" 2>&1 |
		grep -E ': [EW]: ' |
		grep -vE 'no-buildroot-tag|invalid-url Source0' || true)"
else
	tap_skip "rpmlint finds nothing in the spec" "no rpmlint here"
fi

if ! command -v rpmbuild >/dev/null; then
	tap_skip "rpmbuild" "no rpmbuild here"
	tap_done
fi
# the database of packages need not be that of this system
run "rpmbuild" rpmbuild "${define[@]}" --nodeps -tb "$tarball" || tap_done
tap_none "the short tests were run" \
	"$(grep -q '^# PASS: *[1-9]' "$scratch/log" || tail "$scratch/log")"
rpm=$(find "$top/RPMS" -name "sigframe-inspect-$version-*.rpm")
# Folders of documentation have the version in their names, or have not.
same_files "it has what it should" \
	"$(rpm -qp --qf '[%{FILEMODES:perms} %{FILENAMES}\n]' "$rpm" |
		sed -n "/\.build-id/d
			s|/sigframe-inspect-$version/|/sigframe-inspect/|
			s/\.gz$//; s/^-[^ ]* //p" | sort)" \
	"$(wanted_files site-functions | sort - <(cat <<-END
		/usr/share/doc/sigframe-inspect/NEWS
		/usr/share/doc/sigframe-inspect/README
		/usr/share/doc/sigframe-inspect/kernel-rules.md
		/usr/share/doc/sigframe-inspect/kernels.md
		/usr/share/doc/sigframe-inspect/verification.md
		/usr/share/licenses/sigframe-inspect/COPYING
	END
	))"
if command -v rpmlint >/dev/null; then
	# signatures are for who publishes it, and groups are history
	others='no-(signature|packager-tag|group-tag)|env-script-interpreter'
	tap_none "rpmlint finds no error in the package" "$(rpmlint "$rpm" 2>&1 |
		grep -E ': E: ' | grep -vE "$others" || true)"
fi
tap_done
