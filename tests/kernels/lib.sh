# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # results are for those who source this
# lib.sh - kernels of other Debian releases in guests; to be sourced

# shellcheck source=tests/tools/packages.sh
. "${srcdir:?}/tests/tools/packages.sh"

guest_append="console=ttyS0,115200 quiet loglevel=3 panic=-1 nokaslr mitigations=off"

# Kernel packages there are: release, package and version, oldest first.
kernel_packages() {
	apt_here apt-cache dumpavail 2>/dev/null | awk '
		$1 == "Package:" { name = $2 }
		$1 == "Version:" { version = $2 }
		$1 == "Size:" { size = $2 }
		$0 == "" {
			# small ones are only names for other packages
			if (name ~ /^linux-(image|binary)-[0-9].*cloud-amd64/ &&
			    name !~ /-dbg/ && size > 1000000 &&
			    version !~ /~rc/) {
				release = version
				sub(/[-~+].*/, "", release)
				print release, name, version
			}
		}' | sort -V
}

# Is release VERSION neither before FROM nor behind TO?
is_between() {
	[ "$(printf '%s\n' "$2" "$1" "$3" | sort -V | sed -n 2p)" = "$1" ]
}

# The row NAME of kernels.tsv.
kernel_row() {
	awk -F'\t' -v name="$1" '$1 == name' "${srcdir:?}/tests/kernels/kernels.tsv"
}

# Have the kernel NAME of kernels.tsv in the cache; sets $kernel (its file),
# $kernel_rules and $kernel_package, or $kernel_reason and fails.
need_kernel() {
	local name from to take suites release package version tries=0 deb
	local dir=$cache/kernels/$1

	IFS=$'\t' read -r name from to take kernel_rules suites < <(kernel_row "$1")
	kernel=$dir/vmlinuz
	kernel_reason=
	if [ -s "$kernel" ]; then
		kernel_package=$(cat "$dir/package")
		return 0
	fi
	# shellcheck disable=SC2086 # a list of words
	if ! need_suites ${suites//,/ }; then
		kernel_reason="no package lists of ${suites//,/ } to be had"
		return 1
	fi
	mkdir -p "$dir"
	while read -r release package version; do
		is_between "$release" "$from" "$to" || continue
		[ "$tries" -lt 4 ] || break
		tries=$((tries + 1))
		deb=$dir/package.deb
		rm -f "$deb"
		download "$package" "$version" "$deb" || continue
		dpkg-deb --fsys-tarfile "$deb" |
			tar -xO --wildcards '*/vmlinuz*' >"$kernel.new" 2>/dev/null
		rm -f "$deb"
		[ -s "$kernel.new" ] || continue
		kernel_package="$package $version"
		echo "$kernel_package" >"$dir/package"
		mv "$kernel.new" "$kernel"
		return 0
	done < <(kernel_packages |
		if [ "$take" = newest ]; then tac; else cat; fi)
	kernel_reason="no package of $name ($from to $to) to be had"
	return 1
}

# Have what guests need in $1: the initial file system with the oracle and a
# plan to try COUNT random frames of each kind, by SEED. Sets $initrd, or
# $guests_reason and fails.
prepare_guests() {
	local programs=${builddir:?}/tests/kernels arguments="--count=$2 --seed=$3"

	guests_reason=
	initrd=$1/initrd
	if ! command -v qemu-system-x86_64 >/dev/null; then
		guests_reason="no qemu-system-x86_64 here"
	elif ! command -v dpkg-deb >/dev/null; then
		guests_reason="no dpkg-deb here"
	elif [ ! -x "$programs/guest-oracle" ]; then
		guests_reason="no static programs (sanitizers? no static libraries?)"
	fi
	[ -z "$guests_reason" ] || return 1
	cat >"$1/plan" <<-END
		describe 20 >/tmp/host /sigframe-inspect --describe-host
		show 20 /sigframe-inspect --describe-host
		probe 60 /oracle-probe
		oracle ${4:-100} /oracle --emulated --target=/tmp/host $arguments
	END
	python3 "$srcdir/tests/kernels/initramfs.py" "$initrd" \
		init="$programs/guest-init" \
		sigframe-inspect="$programs/guest-inspect" \
		oracle="$programs/guest-oracle" \
		oracle-child="$programs/guest-child" \
		oracle-probe="$programs/guest-probe" \
		plan="$1/plan"
}

# Boot kernel NAME (need_kernel() has found it) with a CPU; what guest.py says.
run_guest() {
	local console=$3/console-$1-$2

	python3 "$srcdir/tests/kernels/guest.py" --name "$1" \
		--package "$kernel_package" --rules "$kernel_rules" \
		--initrd "$initrd" --append "$guest_append" --console "$console" \
		--deadline "${GUEST_DEADLINE:-120}" "$kernel" "$2"
}
