# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # lib.sh sets these
# bochs.sh - guests under Bochs, for CPUs with AVX-512; to be sourced
#
# Version 3.0 is the one that works: Debian 12 has an older one, which aborts,
# and later ones stop in the kernel's clock code. Needs lib.sh.

bochs_suite=trixie
bochs_packages="bochs bochs-term bochsbios vgabios isolinux syslinux-common
	genisoimage"
# Kernel of kernels.tsv, model, and number of random frames of each kind: what
# comes up. Tiger Lake has protection keys, and Bochs itself ends when a random
# PKRU locks everybody out.
bochs_guests='6.1:corei7_skylake_x:300 7.3:corei7_skylake_x:300
	6.12:tigerlake:0 6.18-first:tigerlake:0 7.0:tigerlake:0 7.3:tigerlake:0'

# Have Bochs in the cache, or fail and set $bochs_reason.
need_bochs() {
	bochs_root=$cache/bochs
	bochs_reason=
	# shellcheck disable=SC2086 # a list of words
	if [ ! -e "$bochs_root/complete" ] &&
		! unpack_packages "$bochs_root" "$bochs_suite" $bochs_packages
	then
		bochs_reason="no packages of Bochs 3.0 to be had"
		return 1
	fi
	if ! run_unpacked "$bochs_root" usr/bin/genisoimage --version \
		>/dev/null 2>&1
	then
		bochs_reason="the unpacked programs of $bochs_suite do not run"
		return 1
	fi
}

# A CD in $1 with the kernel and the initial file system, and a bochsrc for
# CPU $2 that writes the console to $3.
prepare_bochs() {
	local iso=$1/iso root=$bochs_root

	rm -rf "$iso"
	mkdir -p "$iso/isolinux"
	cp "$root/usr/lib/ISOLINUX/isolinux.bin" \
		"$root/usr/lib/syslinux/modules/bios/ldlinux.c32" "$iso/isolinux"
	cp "$kernel" "$iso/vmlinuz"
	gzip -1c "$initrd" >"$iso/initrd"
	cat >"$iso/isolinux/isolinux.cfg" <<-END
		DEFAULT guest
		PROMPT 0
		LABEL guest
		KERNEL /vmlinuz
		APPEND initrd=/initrd $guest_append
	END
	run_unpacked "$root" usr/bin/genisoimage -quiet -o "$1/guest.iso" \
		-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot \
		-boot-load-size 4 -boot-info-table "$iso"
	cat >"$1/bochsrc" <<-END
		config_interface: textconfig
		display_library: rfb, options="timeout=0"
		memory: guest=512, host=512
		romimage: file=$root/usr/share/bochs/BIOS-bochs-latest
		vgaromimage: file=$root/usr/share/bochs/VGABIOS-lgpl-latest
		cpu: model=$2, count=1, ips=100000000, \
			reset_on_triple_fault=0, ignore_bad_msrs=1
		clock: sync=none
		ata0-master: type=cdrom, path=$1/guest.iso, status=inserted
		boot: cdrom
		com1: enabled=1, mode=file, dev=$3
		log: $1/bochs.log
		panic: action=fatal
		error: action=ignore
		info: action=ignore
		debug: action=ignore
	END
}

# All of these, into $1/rows and $1/missing.
run_bochs() {
	local guest name model count console status lib loader

	if ! need_bochs; then
		echo "Bochs: $bochs_reason" | tee -a "$1/missing"
		return 0
	fi
	lib=$bochs_root/usr/lib/x86_64-linux-gnu
	loader=$(unpacked_loader "$bochs_root")
	export LTDL_LIBRARY_PATH=$lib/bochs/plugins
	export BXSHARE=$bochs_root/usr/share/bochs
	for guest in $bochs_guests; do
		IFS=: read -r name model count <<<"$guest"
		prepare_guests "$1" "$count" "$2" 300
		if ! need_kernel "$name"; then
			echo "$name: $kernel_reason" | tee -a "$1/missing"
			continue
		fi
		console=$1/console-$name-$model
		prepare_bochs "$1" "$model" "$console"
		status=0
		python3 "$srcdir/tests/kernels/guest.py" --name "$name" \
			--package "$kernel_package" --rules "$kernel_rules" \
			--console "$console" --deadline 600 \
			--groups "$((count ? 3 : 2))" \
			--powers-off-with 1 --command "nice -n 10 $loader \
				$bochs_root/usr/bin/bochs-bin -q -f $1/bochsrc" \
			"$kernel" "Bochs $model" >"$1/result" || status=$?
		take_result "$status"
	done
}
