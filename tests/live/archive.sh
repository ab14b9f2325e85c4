#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# archive.sh - compressed cores, pipes, archives with checkpoints; good and bad
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

# Where temporary files are made, and nothing is to be left.
export TMPDIR=$scratch/tmp
mkdir -m 700 "$TMPDIR"

# The same amount of memory has more holes in it after having been unpacked.
anonymous() {
	sed -E '/^ *"memory(_searched)?":/d
		s/^( *"name": )"[^"]*(core|packed|checkpoint|input|bomb)[^"]*"/\1"FILE"/
		s/^( *"source": )"(criu|archive)"/\1"CHECKPOINT"/' "$1"
}

# same NAME REFERENCE OUT - of two reports that `inspect` has made
same() {
	tap_none "$1" "$(
		[ "$status" -eq "$wanted" ] || said "$3"
		[ ! -s "$scratch/$3.err" ] || head "$scratch/$3.err"
		diff <(anonymous "$scratch/$2") <(anonymous "$scratch/$3") |
			head -n 20)"
}

# refused NAME OUT WORDS - the last `inspect OUT`, with one line that says so
refused() {
	tap_none "$1" "$(
		[ "$status" -eq 2 ] || said "$2"
		# in JSON only that it was
		[ ! -s "$scratch/$2" ] ||
			{ grep -q '"errors": \[$' "$scratch/$2" &&
				! grep '"threads": \[' "$scratch/$2"; } ||
			head "$scratch/$2"
		one_line "$scratch/$2.err"
		for word in $3; do
			grep -qE -- "$word" "$scratch/$2.err" ||
				echo "no '$word': $(cat "$scratch/$2.err")"
		done)"
}

# run_in OUT COMMAND... - `inspect` by a shell, for what is given to it
run_in() {
	local out=$1
	shift

	status=0
	"$@" >"$scratch/$out" 2>"$scratch/$out.err" || status=$?
}

# Programs that compress, as commands that read and write a stream.
packers=()
for packer in 'gzip' 'zstd' 'xz' 'lz4' 'bzip2' 'lzip' 'xz --format=lzma' \
	'lz4 -l' 'zstd --no-check' 'xz --check=none'; do
	if command -v "${packer%% *}" >/dev/null; then
		packers+=("$packer")
	else
		tap_skip "compressed with $packer" "there is no ${packer%% *}"
	fi
done

echo text | gzip >"$scratch/text"
inspect without "$scratch/text"
if grep -q 'built without' "$scratch/without.err"; then
	tap_skip_all "built without libarchive"
fi

must_start threads "$targets/frames" one-pause
gcore_of threads "$scratch/core" ||
	tap_skip_all "gdb does not write a core here"
stop threads
cd "$scratch"
inspect plain --json -x --raw core
wanted=$status
if [ "$status" -gt 1 ] || [ ! -s plain ]; then
	said plain | tap_fail "the core itself can be examined"
	tap_done
fi

for packer in "${packers[@]}"; do
	# shellcheck disable=SC2086 # a command and its options
	$packer -c <core >packed
	inspect unpacked --json -x --raw packed
	same "compressed with $packer" plain unpacked
done

# What stands at the end of a name tells nothing.
gzip -c core >core.zst
cp core core.gz
mkdir core.xz
gzip -c core.zst | gzip -c >core.bz2
for name in core.zst core.gz core.bz2; do
	inspect unpacked --json -x --raw "$name"
	same "a wrong name, $name" plain unpacked
done
rm -r core.gz core.xz core.bz2

# From where it may come. core.zst is compressed with gzip.
run_in piped "$tool" --json -x --raw - < <(cat core)
same "a core from a pipe" plain piped
run_in piped "$tool" --json -x --raw - < <(cat core.zst)
same "a compressed core from a pipe" plain piped
grep -q '"name": "standard input"' piped ||
	tap_fail "a pipe is called standard input" <piped
run_in piped "$tool" --json -x --raw - <core
same "a core as standard input" plain piped
run_in piped "$tool" --json -x --raw - <core.zst
same "a compressed core as standard input" plain piped
printf 'sixteen bytes...' | cat - core >behind
run_in piped sh -c 'dd bs=16 count=1 of=taken status=none; exec "$@"' sh \
	"$tool" --json -x --raw - <behind
same "a core behind what somebody else has read" plain piped
rm behind
mkfifo fifo.core
{ sleep 0.3; cat core.zst; } >fifo.core &
inspect piped --json -x --raw fifo.core
wait $!
same "a compressed core from a named pipe" plain piped
rm fifo.core
# shellcheck disable=SC2016 # for the shell that is started
run_in piped bash -c 'exec 3< <(cat core); exec "$1" --json -x --raw /dev/fd/3' \
	bash "$tool"
sed -i 's,"/dev/fd/3","core",' piped
same "a core by the name of a descriptor" plain piped
if [ "$(stat -c %s core)" -gt 200000 ]; then
	inspect limited --max-size=100K core
	tap_none "the limit is not for what is read directly" "$(
		[ "$status" -le 1 ] || said limited)"
fi

# What cannot be examined.
run_in bad "$tool" - </dev/null
refused "nothing on standard input" bad 'standard.input empty'
run_in bad "$tool" - <&-
refused "no standard input" bad 'standard.input cannot.read'
run_in bad "$tool" - <"$scratch"
refused "a directory as standard input" bad 'standard.input directory'
run_in bad timeout 60 "$tool" - </dev/zero
refused "zeros without end" bad 'standard.input not.a.core'
run_in bad "$tool" - < <(printf '\177ELF')
refused "four bytes of ELF from a pipe" bad 'standard.input truncated|not'
python3 -B "$live/on_terminal.py" timeout 60 "$tool" - >bad.terminal 2>&1
tap_none "a terminal is not waited for" "$(
	grep -q 'standard input is a terminal' bad.terminal ||
		cat bad.terminal)"
: >nil
gzip -c nil >packed
inspect bad packed
refused "nothing, compressed" bad 'packed gzip nothing'
inspect bad text
refused "a text, compressed" bad 'text gzip no.core'
gzip -c "$tool" >packed
inspect bad packed
refused "a program, compressed" bad 'packed not.a.core'
cp core packed
for _ in 1 2 3 4; do
	gzip -1 -c packed >outer
	mv outer packed
done
inspect bad packed
refused "compressed four times" bad 'packed again'
printf 'BZh, it said, and that was all.\n' >packed
inspect bad packed
refused "a text that begins like bzip2" bad 'packed bzip2'
head -c 100000 /dev/urandom | gzip >packed
inspect bad packed
refused "noise, compressed" bad 'packed gzip no.core'

# Damage: whatever it is, the report never is another one.
for packer in "${packers[@]}"; do
	case $packer in
	*lzma | *-l | *none | *no-check) continue ;;	# have no checksum
	esac
	$packer -c <core >packed
	inspect whole --json -x --raw packed
	findings=$(check archive.py "$tool" packed "$wanted" whole)
	tap_none "damaged, $packer" "$(sed '/^%/d' <<<"$findings")"
	sed -n 's/^%/#/p' <<<"$findings"
done
# Without a checksum at least the end has to be there.
for packer in "${packers[@]}"; do
	case $packer in
	*lzma | *-l | *none | *no-check) ;;
	*) continue ;;
	esac
	# shellcheck disable=SC2086 # a command and its options
	$packer -c <core >packed
	truncate -s 20000 packed
	inspect bad packed
	refused "cut off, $packer" bad 'packed damaged data'
done

# Limits: of the user, of the file system, of the shell.
gzip -c core >packed
inspect bad --max-size=100K packed
refused "more than --max-size" bad 'packed 100.KiB max-size'
run_in bad "$tool" --max-size=100K - < <(cat core)
refused "more than --max-size from a pipe" bad 'standard.input 100.KiB'
inspect unpacked --json -x --raw --max-size="$(stat -c %s core)" packed
same "no more than --max-size" plain unpacked
{ cat core; head -c 300M /dev/zero; } | gzip -1 >bomb
inspect unpacked --json -x --raw --max-size=1G bomb
same "a bomb of zeros, which take no room" plain unpacked
inspect bad --max-size=64M bomb
refused "a bomb of zeros" bad 'bomb 64.MiB'
# headers of xz, which ask for a window of a GiB
printf '\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46' >window
printf '\x02\x00\x21\x01\x24\x00\x00\x00\x5e\x1f\xc7\xf9' >>window
head -c 64 /dev/zero >>window
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}allocator_may_return_null=1 \
	inspect bad window
refused "a window of a GiB" bad 'window xz allocate.memory'
run_in bad bash -c 'ulimit -f 100; exec "$@"' bash "$tool" packed
refused "files may not be large" bad 'packed temporary.file too.large'
room=$scratch/room
mkdir "$room"
# shellcheck disable=SC2016 # for the shell that is started
if unshare -m true 2>/dev/null; then
	run_in bad unshare -m sh -c 'mount -t tmpfs -o size=64k none "$1" ||
		exit 99
		export TMPDIR="$1"; shift; exec "$@"' sh "$room" "$tool" packed
	if [ "$status" -eq 99 ]; then
		tap_skip "a disk that is full" "cannot mount one"
	else
		refused "a disk that is full" bad 'packed temporary room space'
	fi
	# the bomb's data, but not its zeros
	run_in unpacked unshare -m sh -c '
		mount -t tmpfs -o size="$2" none "$1" || exit 99
		export TMPDIR="$1"; shift 2; exec "$@"' sh "$room" \
		"$(($(stat -c %s core) + 1000000))" \
		"$tool" --json -x --raw bomb
	if [ "$status" -eq 99 ]; then
		tap_skip "a bomb on a small disk" "cannot mount one"
	else
		same "a bomb on a small disk" plain unpacked
	fi
else
	tap_skip "a disk that is full" "cannot mount one"
fi
run_in unpacked env TMPDIR="$scratch/nowhere" "$tool" --json -x --raw packed
same "a directory for temporary files that is not there" plain unpacked

# The temporary file is nobody else's, and gone when its owner is.
mkfifo slow
# what runs in the background ignores interrupts otherwise
env --default-signal=INT "$tool" slow >bad 2>&1 &
unpacking=$!
exec {slow}>slow
head -c 100000 core >&"$slow"
file=
for ((n = 0; n < 500 && ${#file} == 0; n++)); do
	sleep 0.02
	for fd in "/proc/$unpacking/fd"/*; do
		case $(readlink "$fd") in
		"$TMPDIR"/*deleted*) file=$fd ;;
		esac
	done
done
tap_none "the temporary file has no name, and is private" "$(
	if [ -z "$file" ]; then
		echo "there is none"
		cat bad
	else
		[ "$(stat -L -c %a%h "$file")" = 6000 ] ||
			stat -L "$file"
		# O_CLOEXEC
		flags=$(sed -n 's/^flags:[[:blank:]]*//p' \
			"/proc/$unpacking/fdinfo/${file##*/}")
		((8#$flags & 8#2000000)) || echo "flags $flags"
	fi)"
kill -INT "$unpacking"
exec {slow}>&-
status=0
wait "$unpacking" || status=$?
tap_none "an interrupt ends it" "$(
	[ "$status" -eq 130 ] || echo "status $status")"

# Checkpoints in archives: first those that are kept in such, which are
# compared with what they have in them.
made_by_hand=$(command -v xz >/dev/null && ls "$srcdir"/tests/data/criu/*.xz)
for archive in $made_by_hand; do
	case $archive in
	*.tar.xz) ;;
	*) continue ;;
	esac
	name=$(basename "$archive" .tar.xz)
	mkdir "x.$name"
	tar -xJf "$archive" -C "x.$name"
	directory=$(find "x.$name" -name pstree.img -printf '%h\n')
	if [ "$(wc -l <<<"$directory")" -ne 1 ]; then
		inspect bad "$archive"
		refused "several in an archive, $name" bad 'several'
		continue
	fi
	ln -s "$directory" "checkpoint.$name"
	inspect dir --json -x --raw "checkpoint.$name"
	wanted=$status
	cp "$archive" "checkpoint.$name.archive"
	if [ "$status" -eq 2 ]; then
		tap_skip "an archive, $name" "$(head -n 1 dir.err)"
		continue
	fi
	inspect unpacked --json -x --raw "checkpoint.$name.archive"
	same "an archive, $name" dir unpacked
done
if [ -d x.three-threads ]; then
	cp -r checkpoint.three-threads/. checkpoint
	inspect dir --json -x --raw checkpoint
else
	echo "no xz" >dir.err
	status=2
fi
if [ "$status" -eq 2 ]; then
	tap_skip "checkpoints in archives" "$(head -n 1 dir.err)"
	tap_none "no temporary file is left" "$(ls -A "$TMPDIR")"
	tap_done
fi
wanted=$status
mkdir -p deep/er
cp -r checkpoint deep/er/checkpoint
cp -r checkpoint images
for name in config.dump spec.dump network.status dump.log; do
	echo '{}' >$name
done
tar -cf rootfs-diff.tar "$srcdir/tests/tools" 2>/dev/null

# archived NAME OPTION... - what tar makes with those options
archived() {
	local name=$1
	shift

	tar -c "$@" >checkpoint.tar 2>tar.err || cat tar.err
	inspect unpacked --json -x --raw checkpoint.tar
	same "an archive, $name" dir unpacked
}

others="config.dump spec.dump network.status dump.log rootfs-diff.tar"
for format in gnu ustar v7 posix oldgnu; do
	archived "$format" --format=$format checkpoint
done
# shellcheck disable=SC2086 # a list of words
archived "as Podman writes it" $others checkpoint
# shellcheck disable=SC2086 # a list of words
archived "with the checkpoint first" ./checkpoint ./rootfs-diff.tar
archived "from the root on" -P "$scratch/checkpoint"
archived "with other directories in front" deep/er/checkpoint
archived "of the directory's contents" -C checkpoint .
archived "of a directory of another name" images
archived "with holes" -S checkpoint
# shellcheck disable=SC2086 # a list of words
tar -cf whole.tar $others checkpoint
for packer in "${packers[@]}"; do
	# shellcheck disable=SC2086 # a command and its options
	$packer -c <whole.tar >checkpoint.tar
	inspect unpacked --json -x --raw checkpoint.tar
	same "an archive compressed with $packer" dir unpacked
done
run_in unpacked "$tool" --json -x --raw - < <(cat checkpoint.tar)
sed -i 's/"standard input"/"checkpoint"/' unpacked
same "an archive from a pipe" dir unpacked

# made NAME - an archive that mktar.py makes
made() {
	python3 -B "$srcdir/tests/tools/mktar.py" "$1" checkpoint checkpoint.tar
	inspect unpacked --json -x --raw checkpoint.tar
}

for kind in absolute replaced twice crowd loop foreign holes; do
	made $kind
	same "an archive, $kind" dir unpacked
done
while read -r kind words; do
	made "$kind"
	refused "an archive, $kind" unpacked "checkpoint.tar $words"
done <<-'END'
	upwards no.pstree
	symlinks core-.*not.in.the.archive
	hardlinks no.pstree
	devices pagemap-.*not.in.the.archive
	spoilt not.the.image
	relinked core-.*not.in.the.archive
	rehardened no.pstree
	nested no.pstree
	several several
	huge damaged|large
	sparse max-size
	empty no.pstree
END

# Cut off and changed in all places; the end of a tar archive is only zeros.
gzip -c whole.tar >packed
inspect whole --json -x --raw packed
findings=$(check archive.py "$tool" packed "$wanted" whole)
tap_none "a damaged archive" "$(sed '/^%/d' <<<"$findings")"
sed -n 's/^%/#/p' <<<"$findings"
head -c "$(($(stat -c %s whole.tar) / 2))" whole.tar >half
inspect bad half
refused "half an archive" bad 'half truncated|damaged|no.pstree'
inspect bad --max-size=10K whole.tar
refused "an archive that is larger than --max-size" bad 'whole.tar 10.KiB'

tap_none "no temporary file is left" "$(ls -A "$TMPDIR")"

tap_done
