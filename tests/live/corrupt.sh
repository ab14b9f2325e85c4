#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# corrupt.sh - core files and checkpoints with random damage
#
# CORRUPT_CORES=3000 CORRUPT_DIRS=1000 is the full run, which also measures;
# CORRUPT_SEED=N damages them in other ways.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python

cores=${CORRUPT_CORES:-150}
dirs=${CORRUPT_DIRS:-60}
seed=${CORRUPT_SEED:-1}
if [ -n "${CORRUPT_CORES-}" ]; then
	export CORRUPT_LIMITS=1
fi

# damaged NAME KIND COUNT TARGET BASE...
damaged() {
	local name=$1 kind=$2 count=$3 findings
	shift 3

	findings=$(check corrupt.py "$kind" "$tool" "$scratch" "$count" \
		"$seed" "$@")
	# what was counted is no finding
	sed -n 's/^%/#/p' <<<"$findings"
	tap_none "$name" "$(sed '/^%/d' <<<"$findings")"
}

cd "$scratch"
mkdir bases
bases=()
for scene in icelake sapphire genoa x32; do
	bases+=("bases/$scene")
	"$builddir/tests/golden/makecores" scene "$scene" "bases/$scene"
done
# each thread has a frame of 2696 bytes, too large for the target
"$builddir/tests/golden/makecores" frames Icelake-Server bases/threads \
	0xe7 0x2e7 0x27 0xe7
bases+=(bases/threads)
reason=$(no_kernel_core)
if [ -n "$reason" ]; then
	tap_skip "cores that the kernel wrote" "$reason"
else
	if kernel_core_of SEGV before kernel "$targets/frames" two alternate \
		one-pause; then
		mv "$core" bases/kernel
		bases+=(bases/kernel)
	fi
	if [ -x "$targets/ia32" ] &&
		kernel_core_of SEGV before kernel32 "$targets/ia32"; then
		mv "$core" bases/kernel32
		bases+=(bases/kernel32)
	fi
fi
if start gdb "$targets/frames" two alternate && gcore_of gdb bases/gdb; then
	bases+=(bases/gdb)
fi
# mended NAME BASE STATUS OFFSET:VALUE... - damage that once was taken wrongly;
# values are of 8 bytes
mended() {
	local name=$1 base=$2 want=$3
	shift 3

	python3 - "bases/$base" edited "$@" <<-'END'
		import sys
		source, target, *edits = sys.argv[1:]
		data = bytearray(open(source, 'rb').read())
		for edit in edits:
		    at, value = (int(n, 0) for n in edit.split(':'))
		    data[at:at + 8] = value.to_bytes(8, 'little')
		open(target, 'wb').write(data)
	END
	status=0
	timeout -k 1 20 "$tool" -t haswell@6.1.170 edited >report 2>&1 ||
		status=$?
	tap_none "$name: status $want" \
		"$([ "$status" -eq "$want" ] || { echo "$status:"; cat report; })"
}
# In genoa, the thread is in the restorer, whose code is in the segment at
# 0x78; its frame is at 0x7f00000073f8, its image at 0xa5c0 in the file.
mended "a spoilt frame, and no code to tell that it is one" genoa 3 \
	0x78:0 0x80:0 0x88:0 0x90:0 0x98:0 0xa0:0 0xa8:0 0xa790:1
# Of the threads of icelake, the second is on the alternate stack in the last
# segment; its frame is gone, and the handler returns to nowhere.
mended "a return address that leads nowhere" icelake 3 \
	0x25378:0x5545555548a1 0x25438:0 0x25460:0 0x25710:0
# The other stack lies over it.
mended "two segments for one stack" icelake 3 0x130:0x7f8000040000
# Its size is nothing that there could be.
mended "a stack without an end" genoa 1 0x110:0xffffffffffffffff
damaged "$cores damaged cores" core "$cores" haswell@6.1.170 "${bases[@]}"

if ! has_feature criu; then
	tap_skip "damaged checkpoints" "built without criu"
elif ! command -v xz >/dev/null; then
	tap_skip "damaged checkpoints" "no xz to unpack them with"
else
	dumps=()
	for dump in avx-only three-threads chain ia32 tree lazy; do
		mkdir "bases/$dump.dump"
		tar -C "bases/$dump.dump" -xf "$srcdir/tests/data/criu/$dump.tar.xz"
		# of a chain, the last one
		last=$(find "bases/$dump.dump" -mindepth 1 -maxdepth 1 | sort |
			tail -n 1)
		dumps+=("$last")
	done
	damaged "$dirs damaged checkpoints" images "$dirs" haswell@6.18.5 \
		"${dumps[@]}"
fi

tap_done
