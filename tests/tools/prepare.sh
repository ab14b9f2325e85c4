# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# prepare.sh - what demo.sh and check.sh share; to be sourced, from anywhere

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=$top/build

# What building takes on Debian 12.
# shellcheck disable=SC2034 # for those who source this
build_packages="autoconf automake pkg-config gcc make libc6-dev libelf-dev
	libdw-dev libcapstone-dev libjson-c-dev libprotobuf-c-dev
	protobuf-c-compiler libarchive-dev zlib1g-dev"

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

is_installed() {
	local status

	status=$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) &&
		[ "$status" = installed ]
}

# Install those of the packages that are missing. Needs no network if none is.
need_packages() {
	local package missing=()

	if ! command -v dpkg-query >/dev/null; then
		echo "no dpkg here: you have to provide the likes of: $*"
		return
	fi
	for package; do
		is_installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "installing ${missing[*]}"
	if ! as_root apt-get -qq update ||
		! as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install \
			--no-install-recommends -y "${missing[@]}" >/dev/null
	then
		die "cannot install ${missing[*]}"
	fi
}

# Configure ./build afresh and build the make targets given.
build() {
	[ -x "$top/configure" ] || (cd "$top" && autoreconf -fi)
	mkdir -p "$build"
	cd "$build" || die "cannot enter $build"
	"$top/configure" --quiet --enable-silent-rules
	make -j"$(nproc)" "$@"
}
