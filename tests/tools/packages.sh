# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # results are for those who source this
# packages.sh - packages of other Debian releases, fetched but not installed
#
# To be sourced. Nothing is installed: an own list of sources with its own
# package lists, from the mirror that this machine already uses. Programs are
# unpacked with the libraries of their own release, and started through their
# loader.

cache=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/sigframe-inspect
cache=${SIGFRAME_CACHE:-$cache}
lists_age=1440	# minutes until package lists are fetched again

# What apt tells of its sources with label LABEL: field FIELD, the first one's.
apt_source() {
	# shellcheck disable=SC2016 # apt expands it
	apt-get indextargets --format '$(LABEL)|$('"$2"')' \
		'Created-By: Packages' 2>/dev/null |
		awk -F'|' -v label="$1" '$1 == label && $2 { print $2; exit }'
}

# Run a program of apt's with our sources.
apt_here() {
	APT_CONFIG=$cache/apt/config "$@"
}

# Have package lists of the SUITES. Fails where there is no Debian mirror.
# Tests that run at once take turns, as they do in unpack_packages().
need_suites() {
	local lock status=0

	mkdir -p "$cache/apt" && exec {lock}>"$cache/apt/turn" || return 1
	flock "$lock"
	fetch_lists "$@" || status=$?
	exec {lock}>&-
	return "$status"
}

fetch_lists() {
	local suite base main security key stale=

	command -v apt-get >/dev/null || return 1
	main=$(apt_source Debian REPO_URI)
	[ -n "$main" ] || return 1
	main=${main%/}
	security=$(apt_source Debian-Security REPO_URI)
	security=${security:-$main-security/}
	security=${security%/}
	# the keys of all releases; apt has some of them anyway
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	[ -r "$key" ] || key=

	mkdir -p "$cache/apt/suites" "$cache/apt/lists/partial" \
		"$cache/apt/cache/archives/partial" || return 1
	: >>"$cache/apt/status"
	cat >"$cache/apt/config" <<-END
		Dir::Etc::sourcelist "$cache/apt/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$cache/apt/lists";
		Dir::Cache "$cache/apt/cache";
		Dir::State::status "$cache/apt/status";
		Acquire::Languages "none";
		APT::Architecture "amd64";
		APT::Architectures "amd64";
		APT::Sandbox::User "";
	END
	for suite; do
		[ -e "$cache/apt/suites/$suite" ] ||
			touch -d @0 "$cache/apt/suites/$suite"
		[ -n "$(find "$cache/apt/suites" -name "$suite" \
			-mmin -"$lists_age")" ] || stale=yes
	done
	for suite in "$cache"/apt/suites/*; do
		suite=${suite##*/}
		base=$main
		[ "${suite%-security}" = "$suite" ] || base=$security
		echo "deb ${key:+[signed-by=$key] }$base $suite main"
	done >"$cache/apt/sources.list"
	[ -n "$stale" ] || return 0
	# it succeeds whatever could not be fetched
	apt_here apt-get -qq -o Acquire::http::Timeout=20 \
		-o Acquire::Retries=1 update >"$cache/apt/log" 2>&1 || return 1
	for suite; do
		have_list "$suite" || return 1
	done
	for suite in "$cache"/apt/suites/*; do
		have_list "${suite##*/}" && touch "$suite"
	done
	return 0
}

# Is there a package list of SUITE, fetched at some time?
have_list() {
	compgen -G "$cache/apt/lists/*_dists_${1}_main_*Packages*" >/dev/null
}

# Download package NAME in VERSION and put it into FILE.
download() {
	local dir

	dir=$(mktemp -d "$cache/download.XXXXXX") || return 1
	if (cd "$dir" && apt_here apt-get -qq -o Acquire::Retries=1 \
		download "$1=$2" >>"$cache/apt/log" 2>&1)
	then
		mv "$dir"/*.deb "$3"
	fi
	rm -rf "$dir"
	[ -s "$3" ]
}

# Unpack PACKAGES of SUITE, and what they depend on, into the folder ROOT.
# Fails if they are not to be had; they are tried where nothing is unpacked yet.
unpack_packages() {
	local root=$1 suite=$2 lock status=0
	shift 2

	need_suites "$suite" || return 1
	exec {lock}>"$cache/apt/turn"
	flock "$lock"
	[ -e "$root/complete" ] || unpack_afresh "$root" "$suite" "$@" || status=$?
	exec {lock}>&-
	return "$status"
}

unpack_afresh() {
	local root=$1 suite=$2 archives=$cache/apt/cache/archives deb
	shift 2

	rm -rf "$root"
	rm -f "$archives"/*.deb
	mkdir -p "$root" || return 1
	apt_here apt-get -qq -y -t "$suite" --no-install-recommends \
		--download-only install "$@" >>"$cache/apt/log" 2>&1 || return 1
	for deb in "$archives"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$root" --no-same-owner 2>>"$cache/apt/log" ||
			true	# devices and the like
	done
	rm -f "$archives"/*.deb
	: >"$root/complete"
}

# The command that starts programs unpacked in ROOT: the loader and the
# libraries beside them.
unpacked_loader() {
	echo "$1/usr/lib64/ld-linux-x86-64.so.2 --library-path" \
		"$1/usr/lib/x86_64-linux-gnu"
}

# Run PROGRAM, a path below ROOT.
run_unpacked() {
	local root=$1 program=$2
	shift 2

	# shellcheck disable=SC2046 # several words
	$(unpacked_loader "$root") "$root/$program" "$@"
}
