# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # results are for those who source this
# lib.sh - builds from the tarball; to be sourced
#
# Run by `make check-packaging`, which sets $tarball.

# shellcheck source=tests/tools/tap.sh
. "${srcdir:?}/tests/tools/tap.sh"

# Nothing here is part of the make, or of the build of a package, that runs it.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES TESTS CFLAGS CPPFLAGS LDFLAGS \
	DEB_BUILD_OPTIONS DESTDIR
export LC_ALL=C

jobs=$(nproc)
package=$(basename "${tarball:?}" .tar.gz)
version=${package##*-}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/sigframe-packaging.XXXXXX")
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT

tar -C "$scratch" -xf "$tarball"
source=$scratch/$package

# run NAME COMMAND... - a step that has to succeed, or what looks like a reason
# is shown; sets `status`, and leaves what was printed in $scratch/log
run() {
	local name=$1
	shift

	status=0
	"$@" >"$scratch/log" 2>&1 </dev/null || status=$?
	if [ "$status" -eq 0 ]; then
		tap_pass "$name"
	else
		tap_fail "$name: exit status $status" < <(
			grep -E '^(FAIL|ERROR|error)\b|(error|warning): ' \
				"$scratch/log" | head -n 20
			tail -n 10 "$scratch/log")
	fi
	return "$status"
}

# What `make install` puts below a folder, without that and without compression
# of manual pages.
installed_below() {
	(cd "$1" && find . ! -type d) | sed 's/^\.//; s/\.gz$//' | sort
}

# What has to be installed with the prefix /usr; zsh's folder is an argument.
wanted_files() {
	cat <<-END | sort
		/usr/bin/sigframe-inspect
		/usr/share/bash-completion/completions/sigframe-inspect.bash
		/usr/share/doc/sigframe-inspect/examples/check-fleet.sh
		/usr/share/doc/sigframe-inspect/examples/ci-workflow.yml
		/usr/share/doc/sigframe-inspect/examples/coredumpctl-inspect.sh
		/usr/share/doc/sigframe-inspect/examples/criu-action-script.sh
		/usr/share/fish/vendor_completions.d/sigframe-inspect.fish
		/usr/share/man/man1/sigframe-inspect.1
		/usr/share/man/man5/sigframe-inspect-cpu.5
		/usr/share/man/man5/sigframe-inspect-json.5
		/usr/share/sigframe-inspect/sigframe-inspect-1.schema.json
		/usr/share/zsh/${1:-vendor-completions}/_sigframe-inspect
	END
}

# same_files NAME HAVE WANTED
same_files() {
	tap_none "$1" "$(diff <(cat <<<"$2") <(cat <<<"$3") |
		sed -n 's/^< /not wanted: /p; s/^> /missing: /p')"
}

# refuses PATTERN COMMAND... - what it says, if that is not one line that
# matches, and exit status 2
refuses() {
	local pattern=$1 got=0
	shift

	"$@" >"$scratch/out" 2>&1 </dev/null || got=$?
	if [ "$got" -ne 2 ] || [ "$(wc -l <"$scratch/out")" -ne 1 ] ||
		! grep -q "^sigframe-inspect: .*$pattern" "$scratch/out"
	then
		echo "status $got of: $*"
		head -n 20 "$scratch/out"
	fi
}
