#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# deb.sh - the Debian package builds, is clean, and works when it is unpacked
set -euo pipefail

# shellcheck source=tests/packaging/lib.sh
. "${srcdir:?}/tests/packaging/lib.sh"

for tool in dpkg-buildpackage dh autoreconf; do
	command -v $tool >/dev/null || tap_skip_all "no $tool here"
done

cd "$source"
lacks=$(dpkg-checkbuilddeps 2>&1 || true)
[ -z "$lacks" ] || tap_skip_all "${lacks##*: }"
run "dpkg-buildpackage" dpkg-buildpackage -us -uc -b -j"$jobs" || tap_done
tap_none "the short tests were run" \
	"$(grep -q '^# PASS: *[1-9]' "$scratch/log" || tail "$scratch/log")"

cd "$scratch"
deb=sigframe-inspect_${version}_amd64.deb
dpkg-deb -x "$deb" root
same_files "it has what it should" "$(installed_below root)" "$(sort - \
	<(wanted_files) <<-END
		/usr/share/doc/sigframe-inspect/NEWS
		/usr/share/doc/sigframe-inspect/README
		/usr/share/doc/sigframe-inspect/changelog
		/usr/share/doc/sigframe-inspect/copyright
		/usr/share/doc/sigframe-inspect/kernel-rules.md
		/usr/share/doc/sigframe-inspect/kernels.md
		/usr/share/doc/sigframe-inspect/verification.md
	END
)"
tap_none "it depends on the libraries that it is linked with or loads" "$(
	depends=$(dpkg-deb -f "$deb" Depends)
	for library in libarchive13 libc6 libcapstone libdw1 libelf1 libjson-c \
		libprotobuf-c1; do
		[[ " $depends" == *" $library"* ]] || echo "not on $library"
	done)"
tap_none "the program works" "$(root/usr/bin/sigframe-inspect --version |
	grep -q '^features: +criu +archive -static$' || echo "it does not")"

if command -v lintian >/dev/null; then
	changes=sigframe-inspect_${version}_amd64.changes
	# lintian does not like to be root
	tap_none "lintian finds nothing" "$(TMPDIR=$scratch lintian --allow-root \
		--fail-on none --display-info --pedantic "$changes" 2>&1 |
		grep -v '^N:' || true)"
else
	tap_skip "lintian finds nothing" "no lintian here"
fi

# The package's own test, on the unpacked program.
mkdir "$scratch/adt"
cd "$source"
run "the installed test passes" env AUTOPKGTEST_TMP="$scratch/adt" \
	PATH="$scratch/root/usr/bin:$PATH" debian/tests/installed || true
tap_done
