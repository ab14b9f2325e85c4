#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# malicious.sh - processes that fight who looks at them
# shellcheck disable=SC2317 # functions are called by their names
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

malicious=$targets/malicious
schema=$srcdir/schema/sigframe-inspect-1.schema.json
has_schema=$([ -n "$(check schema.py available)" ] || echo yes)
LOOKS=${LOOKS:-3}
cd "$scratch"

# Is the process as it was: not stopped, not traced?
undisturbed() {
	sed -n -E 's/^(State:.[Tt].*|TracerPid:.*[1-9].*)$/it is left: \1/p' \
		"/proc/$1/status"
}

# one_look STATUSES ARGUMENT... - prints what is wrong with a report, as text
# and as JSON
one_look() {
	local want=$1 form
	shift

	for form in text json; do
		local how=(-x --color=never)

		[ "$form" = text ] || how=(-x --json)
		status=0
		timeout -k 1 20 "${as[@]}" "$tool" "${how[@]}" "$@" \
			>"$form" 2>"$form.err" || status=$?
		[[ " $want " = *" $status "* ]] || {
			echo "$form: status $status, not one of $want"
			tail -n 3 "$form.err"
		}
		grep -v '^sigframe-inspect: ' "$form.err" | head -n 3 || true
		check hostile.py "$form" any "$scratch/$form" | head -n 5
	done
}
as=()

# brief_look STATUSES ARGUMENT... - prints what is wrong with the end of a run
brief_look() {
	local want=$1
	shift

	status=0
	timeout -k 1 20 "${as[@]}" "$tool" -q "$@" 2>brief.err || status=$?
	[[ " $want " = *" $status "* ]] || {
		echo "status $status, not one of $want"
		tail -n 3 brief.err
	}
}

# fight NAME STATUSES TARGET... - a target, looked at in every way
fight() {
	local name=$1 want=$2 findings='' n way
	shift 2

	if ! start malicious "${as[@]}" "$@"; then
		tap_skip "$name" "$(cat malicious.err)"
		return 0
	fi
	victim=$(sed -n 's/^process //p' malicious.truth)
	for way in auto all none; do
		for ((n = 0; n < LOOKS; n++)); do
			findings+=$(brief_look "$want" "--stop=$way" -p "$victim")
		done
		findings+=$(one_look "$want" "--stop=$way" -p "$victim")
		findings+=$(undisturbed "$victim")
	done
	if [ -n "$has_schema" ]; then
		findings+=$(check schema.py valid "$schema" json)
	fi
	tap_none "$name" "$findings"
	# what the caller wants to know of the last of them
	"${then[@]}"
	stop malicious
	tap_none "$name: it goes on" "$(
		[ "$ended" -eq 0 ] || echo "it ended with $ended")"
}
then=(:)

# At no moment it is good, and its parts are.
# never_good - no report says otherwise, in any way to look
never_good() {
	tap_none "a report is never good" "$(
		python3 - "$tool" "$victim" "$((4 * LOOKS))" <<-'END'
			import json, subprocess, sys
			tool, pid, count = sys.argv[1:]
			for n in range(3 * int(count)):
			    how = ('auto', 'all', 'none')[n % 3]
			    run = subprocess.run([tool, '-j', f'--stop={how}', '-p', pid],
			                         stdout=subprocess.PIPE, check=False)
			    for i in json.loads(run.stdout)['inputs']:
			        for t in i['threads']:
			            for f in t['frames']:
			                v = f['verdicts'][0]['outcome']
			                if v == 'intact' and t['complete']:
			                    print(f'{how}: intact')
		END
		)"
}
then=(never_good)
fight "a frame that its own thread changes" '1 3' "$malicious" flip self
fight "a frame that another thread changes" '1 3' "$malicious" flip thread
fight "a frame that another process changes" '1 3' "$malicious" flip process
then=(:)
fight "stack pointers and neighbours that change" '0 3' "$malicious" stack
fight "words that are no addresses" '0 3' "$malicious" words
fight "65000 mappings" '0 3' "$malicious" maps

mkdir names files jail
chmod 755 .
chmod 777 names files
# in_folder FOLDER COMMAND... - run it there
in_folder() {
	cd "$1"
	shift
	exec "$@"
}
export -f in_folder
fight "hostile names" '0 3' bash -c 'in_folder "$@"' bash names "$malicious" names
fight "hostile files" '0 3' bash -c 'in_folder "$@"' bash files "$malicious" files
tap_none "hostile files are still what they were" "$(
	[ "$(find files -type p -o -type l -o -type d | wc -l)" -ge 7 ] ||
		ls -la files)"

# Without the right to /proc/PID/map_files, files are known by their names.
if [ "$(id -u)" -ne 0 ]; then
	tap_skip "hostile files, as nobody" "only root can be someone else"
elif ! setpriv --reuid=65534 --regid=65534 --clear-groups \
	"$tool" --version >/dev/null 2>&1; then
	tap_skip "hostile files, as nobody" "nobody cannot run the tool here"
else
	mkdir nobody
	chmod 777 nobody
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	fight "hostile files, as nobody" '0 3' bash -c 'in_folder "$@"' bash \
		nobody "$malicious" files
	as=()
fi

# Another root, where the names that it knows are something else.
mkdir -p jail/lib/x86_64-linux-gnu jail/lib64 jail/usr/lib
for lib in libc.so.6 libpthread.so.0 ld-linux-x86-64.so.2; do
	mkfifo "jail/lib/x86_64-linux-gnu/$lib"
	ln -s /dev/zero "jail/usr/lib/$lib"
	ln -s "$lib" "jail/lib64/$lib"
done
# nothing_of_it - is opened
nothing_of_it() {
	if command -v strace >/dev/null && strace -o log true 2>why; then
		ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=open,openat,openat2 \
			-e signal=none -o log "$tool" -p "$victim" >out 2>&1 || true
		tap_none "nothing of it is opened" "$(
			[ -s log ] || echo "nothing is traced"
			grep -E "$scratch/jail|/proc/[0-9]+/(root|cwd)" log)"
	else
		tap_skip "nothing of it is opened" "no strace that works"
	fi
}
then=(nothing_of_it)
fight "another root" '0 3' "$malicious" jail "$scratch/jail"
then=(:)

# The program itself is no longer what /proc/PID/exe says.
for what in fifo loop nothing; do
	cp "$malicious" program
	must_start program ./program words
	rm program
	case $what in
	fifo) mkfifo program ;;
	loop) ln -s program program ;;
	esac
	tap_none "a program of which $what is left" \
		"$(one_look '0 3' -p "${pid[program]}")"
	stop program
	rm -f program
done

tap_done
