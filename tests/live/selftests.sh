#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# selftests.sh - the frames of the kernel's own x86 selftests
#
# They come from Debian's package of the kernel's source. That is fetched once;
# what is needed of it stays in $SIGFRAME_CACHE. SEED decides where the programs
# are looked at, GDB how often gdb is asked about each of them.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"

package=${SIGFRAME_LINUX_SOURCE:-linux-source-6.1}
cache=${SIGFRAME_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/sigframe-inspect}
sources=$cache/$package
seed=${SEED:-20260926}
gdb_looks=${GDB:-1}
tracer=$builddir/tests/live/selftests/tracer

# All but syscall_numbering, which tries every system call there is, for long,
# and handles no signal.
both=(check_initial_reg_state corrupt_xstate_header fsgsbase_restore ioperm
	iopl ldt_gdt mov_ss_trap ptrace_syscall sas sigaltstack sigreturn
	sigtrap_loop single_step_syscall syscall_arg_fault syscall_nt
	sysret_ss_attrs test_FCMOV test_FCOMI test_FISTTP test_mremap_vdso
	test_vsyscall)
only_64=(amx fsgsbase sysret_rip)
only_32=(entry_from_vm86 test_syscall_vdso unwind_vdso vdso_restorer)
# these trace their children themselves
declare -A tracing=([amx]=1 [fsgsbase]=1 [fsgsbase_restore]=1
	[ptrace_syscall]=1)
declare -A extra=(
	[check_initial_reg_state_32]='-static -Wl,-ereal_start'
	[check_initial_reg_state_64]='-static -Wl,-ereal_start'
	[ptrace_syscall_32]=raw_syscall_helper_32.S
	[sysret_ss_attrs_64]=thunks.S
	[test_syscall_vdso_32]=thunks_32.S)

cannot() {
	echo "# $*"
	exit 77
}

# Get the sources of the selftests, and what they include.
fetch() {
	local new command

	for command in apt-get dpkg-deb tar xz; do
		command -v "$command" >/dev/null ||
			cannot "no $command to get $package with"
	done
	mkdir -p "$cache" 2>/dev/null || cannot "cannot write to $cache"
	new=$scratch/source
	mkdir "$new"
	cd "$new"
	apt-get -q -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
		download "$package" >"$scratch/fetch.out" 2>&1 ||
		cannot "cannot fetch $package:" \
			"$(grep -m 1 '^E:' "$scratch/fetch.out" || true)"
	dpkg-deb --fsys-tarfile "$package"_*.deb |
		tar -xO "./usr/src/$package.tar.xz" | xz -dc -T0 |
		tar -x --strip-components=1 --wildcards \
			'*/tools/testing/selftests/x86/*' \
			'*/tools/testing/selftests/sigaltstack/*' \
			'*/tools/testing/selftests/kselftest*.h' \
			'*/arch/x86/include/asm/desc_defs.h'
	rm "$package"_*.deb
	# another test run may have been faster
	mv -T "$new" "$sources" 2>/dev/null || [ -d "$sources" ] ||
		cannot "cannot write to $cache"
	cd "$builddir"
}

# build NAME BITS
build() {
	local name=$1 bits=$2 binary=$1_$2 file=$1.c

	[ "$name" != sas ] || file=../sigaltstack/sas.c
	# shellcheck disable=SC2086 # several words each
	(cd "$sources/tools/testing/selftests/x86" &&
		${CC:-gcc} -m"$bits" -O2 -g -std=gnu99 -pthread -w -no-pie \
			-DCAN_BUILD_32 -DCAN_BUILD_64 -o "$scratch/$binary" \
			"$file" ${extra[$binary]-} -lrt -ldl -lm) \
			2>"$scratch/$binary.err" || rm -f "$scratch/$binary"
}

need_python
command -v "${CC:-gcc}" >/dev/null || cannot "no compiler for the selftests"
[ -d "$sources" ] || fetch
need_ptrace
command -v gdb >/dev/null || gdb_looks=0
echo "# SEED=$seed, $package, gdb is asked $gdb_looks times per program"

names=("${both[@]/%/_64}" "${only_64[@]/%/_64}")
names+=("${both[@]/%/_32}" "${only_32[@]/%/_32}")
programs=("${names[@]}")
names=()
for program in "${programs[@]}"; do
	build "${program%_*}" "${program##*_}" &
	[ "$(jobs -rp | wc -l)" -lt 2 ] || wait -n
done
wait

sums=(0 0 0 0 0 0 0 0 0 0)
idle=() unbuilt=() refused=0
for program in "${programs[@]}"; do
	if [ ! -x "$scratch/$program" ]; then
		unbuilt+=("$program")
		continue
	fi
	follow=(-f)
	[ -z "${tracing[${program%_*}]-}" ] || follow=()
	out=$(check selftests.py "$tool" "$tracer" "${follow[@]}" "$seed" \
		"$gdb_looks" "$scratch/$program")
	read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$out")"
	if [ "${counts[0]:-1}" -eq 0 ] && ! grep -qv '^[%#]' <<<"$out"; then
		idle+=("$program")
		continue
	fi
	tap_none "$program: reports agree with what its tracer saw" \
		"$(sed '/^[%#]/d' <<<"$out" | head -n 30)"
	grep '^#' <<<"$out" || true
	for i in "${!sums[@]}"; do
		((sums[i] += ${counts[i]:-0})) || true
	done
	[ "$program" != corrupt_xstate_header_64 ] || refused=${counts[7]:-0}
done
echo "# no signal is handled here in: ${idle[*]}"
[ ${#unbuilt[@]} -eq 0 ] || echo "# not built: ${unbuilt[*]}"

tap_none "a wrecked header is called fatal before the kernel refuses it" \
	"$([ "$refused" -gt 0 ] || echo "it was not")"
tap_none "there was enough to look at" "$(
	[ "${sums[0]}" -ge 200 ] || echo "${sums[0]} looks"
	[ "${sums[1]}" -ge 100 ] || echo "${sums[1]} frames"
	[ $((20 * sums[4])) -lt "${sums[1]}" ] || echo "${sums[4]} missed"
	[ "${sums[5]}" -ge 50 ] || echo "${sums[5]} outcomes foretold")"
echo "# ${sums[0]} looks: recall ${sums[2]} of ${sums[1]}," \
	"precision ${sums[2]} of ${sums[3]}; ${sums[4]} missed by reports" \
	"that say so"
echo "# ${sums[5]} outcomes foretold, ${sums[7]} of them fatal;" \
	"${sums[6]} left unknown; gdb agrees in ${sums[9]} of ${sums[8]} looks"
tap_done
