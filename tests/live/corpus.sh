#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# corpus.sh - programs by every toolchain, interrupted, against what they saw
#
# $CORPUS_ROUNDS: how often each program is interrupted; $CORPUS_SEED: which
# threads, when, and how; $CORPUS_ONLY: names of rows, instead of all.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

seed=${CORPUS_SEED:-20260926}
rounds=${CORPUS_ROUNDS:-6}
sources=$live/corpus
preload=$scratch/witness.so
declare -A total=()

# C programs: a name, a compiler, and flags. +strip and +no-eh-frame say what
# is taken from the program when it has been built. Code that does not tell how
# to unwind it leaves little else than blocked signals to know frames by, and
# +masked says that none has SA_NODEFER.
c_rows='
glibc               gcc       -O2 -g
glibc-static        gcc       -O2 -static
glibc-static-pie    gcc       -O2 -static-pie
glibc-stripped      gcc       -O2 +strip
glibc-O0            gcc       -O0
glibc-O3            gcc       -O3 -fomit-frame-pointer
no-tables           gcc       -O2 -fno-asynchronous-unwind-tables +masked
no-tables-pointers  gcc       -O2 -fno-asynchronous-unwind-tables -fno-omit-frame-pointer
no-eh-frame         gcc       -O2 -static +no-eh-frame +strip +masked
ia32                gcc       -m32 -O2 -g
ia32-static         gcc       -m32 -O2 -static
ia32-O0             gcc       -m32 -O0
ia32-O3             gcc       -m32 -O3 -fomit-frame-pointer
clang               clang     -O2
musl                musl-gcc  -O2 +masked
musl-static         musl-gcc  -O2 -static +masked
'

# Other languages: a name, a function below, and its arguments.
other_rows='
go                  go_pure
go-stripped         go_pure   -ldflags=-s\ -w
go-preempted        go_preempted
go-cgo              go_cgo
rust                rust      -O
rust-debug          rust      -C debug-assertions=on
rust-no-tables      rust      -O -C panic=abort -C force-unwind-tables=no
java                java_run
java-interpreted    java_run  -Xint
node                node_run
python              python_run
perl                perl_run
'

wanted() {
	[ -z "${CORPUS_ONLY-}" ] || [[ " $CORPUS_ONLY " == *" $1 "* ]]
}

# need NAME COMMAND... - skip the row if one of the commands is not there
need() {
	local name=$1 command
	shift

	for command; do
		if ! command -v "$command" >/dev/null; then
			tap_skip "$name" "no $command here"
			return 1
		fi
	done
}

# made NAME COMMAND... - build a program, or skip the row
made() {
	local name=$1
	shift

	if ! "$@" >"$scratch/build.log" 2>&1; then
		sed 's/^/# /' "$scratch/build.log" | head -n 20
		tap_skip "$name" "cannot be built here, see above"
		return 1
	fi
}

# observe NAME [OPTION]... -- COMMAND... - all that is to be said of a program
observe() {
	local name=$1 options=() start=$SECONDS out word number
	local -A count=()
	shift

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	mkdir "$scratch/row"
	out=$(check corpus.py --seed="$seed" --rounds="$rounds" \
		"${options[@]}" "$tool" "$scratch/row" "$@")
	rm -rf "$scratch/row"
	while read -r word number; do
		count[$word]=$number
		total[$word]=$((${total[$word]-0} + number))
	done < <(sed -n 's/^% //p' <<<"$out")

	tap_none "$name: no frame is missed" "$(
		sed -n '/^recall: /p' <<<"$out" | head -n 20
		[ "${count[true]-0}" -gt 0 ] || echo 'there was none')"
	tap_none "$name: no frame is invented, before, during and after" \
		"$(sed -n '/^precision: /p' <<<"$out" | head -n 20)"
	tap_none "$name: all are intact" \
		"$(sed -n '/^verdict: /p' <<<"$out" | head -n 20)"
	tap_none "$name: the program goes on as if nothing had been" \
		"$(grep -vE '^(recall|precision|verdict|core|%|-)' \
			<<<"$out" | head -n 20)"
	if [ "${count[cores]-0}" -gt 0 ] || grep -q '^core: ' <<<"$out"; then
		tap_none "$name: the same in a core" \
			"$(sed -n '/^core: /p' <<<"$out" | head -n 20)"
	fi
	echo "# $name: recall ${count[right]-0} of ${count[true]-0}," \
		"precision ${count[right]-0} of ${count[found]-0}," \
		"incomplete ${count[incomplete]-0} of ${count[threads]-0}" \
		"threads, the runtime's own frames ${count[own]-0}," \
		"$((SECONDS - start)) s"
	sed -n 's/^- /#   incomplete: /p' <<<"$out"
}

c_row() {
	local name=$1 compiler=$2 flag flags=() strip=() cores=() options=()
	shift 2

	need "$name" "$compiler" || return 0
	for flag; do
		case $flag in
		+strip) strip+=(--strip-all) ;;
		+no-eh-frame) strip+=(-R .eh_frame -R .eh_frame_hdr) ;;
		+masked) options+=(--outside=psbt12 --inside=psbt12uv) ;;
		*) flags+=("$flag") ;;
		esac
	done
	made "$name" "$compiler" -std=gnu11 -D_GNU_SOURCE "${flags[@]}" \
		"$sources/native.c" "$sources/witness.c" -o "$scratch/$name" \
		-lm -lpthread || return 0
	if [ ${#strip[@]} -gt 0 ]; then
		made "$name" objcopy "${strip[@]}" "$scratch/$name" || return 0
	fi
	if ! : | "$scratch/$name" spin >/dev/null 2>&1; then
		tap_skip "$name" "such programs do not run here"
		return 0
	fi
	! command -v gdb >/dev/null || cores=(--core)
	observe "$name" "${cores[@]}" "${options[@]}" -- "$scratch/$name"
	rm -f "$scratch/$name"
}

# go_build NAME FOLDER PROGRAM [ARGUMENT]...
go_build() {
	local name=$1 folder=$2 program=$3
	shift 3

	need "$name" go || return 1
	rm -rf "$scratch/go-source"
	cp -r "$sources/$folder" "$scratch/go-source"
	chmod -R u+w "$scratch/go-source"
	if [ "$folder" = gocgo ]; then
		cp "$sources"/witness.[ch] "$scratch/go-source"
	fi
	# shellcheck disable=SC2016 # for the shell that is started
	made "$name" env GO111MODULE=off GOFLAGS= HOME="$scratch" \
		GOCACHE="${GOCACHE:-$scratch/go-cache}" \
		bash -c 'cd "$1" && shift && go build -o "$@" .' bash \
		"$scratch/go-source" "$program" "$@"
}

# Signals that the runtime sends itself are switched off; it takes a nil
# pointer for a SIGSEGV.
go_pure() {
	local name=$1
	shift

	go_build "$name" gopure "$scratch/$name" "$@" || return 0
	GODEBUG=asyncpreemptoff=1 observe "$name" --own=11 --outside=ps2 \
		--inside= -- "$scratch/$name"
}

# SIGURG interrupts goroutines, SIGUSR1 goes through os/signal.
go_preempted() {
	local entry

	go_build "$1" gopure "$scratch/$1" || return 0
	entry=$(nm "$scratch/$1" |
		awk '$3 ~ /^runtime\.sigtramp(\.abi0)?$/ { print "0x" $1 }')
	need "$1" gdb || return 0
	observe "$1" --own=10,23 --outside=ps2 --inside= --entry="$entry" \
		-- "$scratch/$1" -notify
}

go_cgo() {
	go_build "$1" gocgo "$scratch/$1" || return 0
	GODEBUG=asyncpreemptoff=1 observe "$1" --signals=st2 --outside=st2 \
		--inside=st2 --levels=1 -- "$scratch/$1"
}

rust() {
	local name=$1
	shift

	need "$name" rustc gcc || return 0
	made "$name" gcc -O2 -D_GNU_SOURCE -c "$sources/witness.c" \
		-o "$scratch/witness.o" || return 0
	made "$name" rustc --edition 2021 "$@" \
		-C link-arg="$scratch/witness.o" "$sources/load.rs" \
		-o "$scratch/$name" || return 0
	observe "$name" -- "$scratch/$name"
}

java_run() {
	local name=$1 home
	shift

	need "$name" java javac || return 0
	home=$(dirname "$(dirname "$(readlink -f "$(command -v java)")")")
	if [ ! -e "$home/lib/libjsig.so" ]; then
		tap_skip "$name" "no libjsig.so here"
		return 0
	fi
	made "$name" javac -d "$scratch" "$sources/Load.java" || return 0
	# SIGFPE goes through the virtual machine's handler; SIGSEGV and
	# SIGUSR2 are its own
	PRELOAD=$home/lib/libjsig.so observe "$name" --signals=psbt1fA \
		--outside=psbt1f --inside=pst1f --own=11,12 -- java "$@" \
		-Xmx64m -XX:+UseSerialGC -cp "$scratch" Load "$preload"
}

# node uses SIGUSR1 itself
node_run() {
	need "$1" node || return 0
	PRELOAD=$preload observe "$1" --signals=psbt2uA --outside=psbt2 \
		--inside=psbt2u -- node "$sources/load.js"
}

python_run() {
	PRELOAD=$preload observe "$1" -- "$(python3 -c \
		'import sys; print(sys.executable)')" -B "$sources/load.py"
}

perl_run() {
	need "$1" perl || return 0
	PRELOAD=$preload observe "$1" -- perl "$sources/load.pl"
}

echo "# seed $seed, $rounds rounds"
if ! gcc -O2 -g -fPIC -shared -DWITNESS_LIBRARY -D_GNU_SOURCE \
	"$sources/witness.c" -o "$preload" 2>"$scratch/build.log"; then
	tap_skip_all "gcc does not build what is needed"
fi
while read -r name compiler flags; do
	if [ -n "$name" ] && wanted "$name"; then
		read -ra words <<<"$flags"
		c_row "$name" "$compiler" "${words[@]}"
	fi
done <<<"$c_rows"
while IFS= read -r row; do
	# shellcheck disable=SC2162 # a backslash keeps words together
	read -a words <<<"$row"
	if [ ${#words[@]} -gt 0 ] && wanted "${words[0]}"; then
		"${words[1]}" "${words[0]}" "${words[@]:2}"
	fi
done <<<"$other_rows"

echo "# in all: recall ${total[right]-0} of ${total[true]-0}," \
	"precision ${total[right]-0} of ${total[found]-0}," \
	"incomplete ${total[incomplete]-0} of ${total[threads]-0} threads," \
	"${total[looks]-0} looks, $SECONDS s; seed $seed"
tap_done
