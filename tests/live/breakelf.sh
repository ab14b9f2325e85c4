#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# breakelf.sh - ELF files with random damage, as a core's process had mapped
#
# BREAKELF=3000 is how often each file is damaged; BREAKELF_SEED=N does it in
# other ways.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_ptrace
need_python

count=${BREAKELF:-100}
seed=${BREAKELF_SEED:-1}

cd "$scratch"
must_start target "$targets/frames" plain-futex one-pause two alternate
gcore_of target core || tap_skip_all "gdb writes no core here"
mkdir root
while read -r file; do
	mkdir -p "root${file%/*}"
	cp "$file" "root$file"
done < <(awk '$6 ~ "^/" { print $6 }' "/proc/${pid[target]}/maps" | sort -u)
program=$(readlink "/proc/${pid[target]}/exe")
stop target

# damaged NAME FILE
damaged() {
	local findings

	findings=$(check breakelf.py "$tool" core root "${2#/}" "$count" "$seed")
	# what was counted is no finding
	sed -n 's/^%/#/p' <<<"$findings"
	tap_none "$1, damaged" "$(sed '/^%/d' <<<"$findings")"
}

damaged "a program" "$program"
libc=$(cd root && find . -name 'libc.so.*' -o -name 'libc-*.so' | head -n 1)
if [ -n "$libc" ]; then
	damaged "its C library" "${libc#.}"
else
	tap_skip "its C library, damaged" "it is none of its own"
fi
if objcopy --compress-debug-sections=zlib "root$program" packed 2>why; then
	mv packed "root$program"
	damaged "compressed debug information" "$program"
else
	tap_skip "compressed debug information, damaged" "$(head -n 1 why)"
fi

tap_done
