#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# rights.sh - no more rights than its user has, and no network
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
cd "$scratch"
"$builddir/tests/golden/makecores" scene nested nested.core

# A shared library would be preloaded by sanitizers: they refuse it themselves.
[ -z "${SIGFRAME_SANITIZED-}" ] || tap_skip_all "sanitizers need their runtime"

# as_nobody FILE ARGUMENT... - run it as a user without any right
as_nobody() {
	status=0
	python3 - "$@" >out 2>err <<-'END' || status=$?
		import os, sys
		os.setgroups([])
		os.setresgid(65534, 65534, 65534)
		os.setresuid(65534, 65534, 65534)
		os.execv(sys.argv[1], sys.argv[1:])
	END
}

if [ "$(id -u)" -ne 0 ]; then
	tap_skip "rights that a file gives" "only root can give them"
else
	chmod 755 .
	chmod 644 nested.core
	cp "$tool" plain
	cp "$tool" setuid
	cp "$tool" setgid
	cp "$tool" capable
	chmod 755 plain capable
	chmod 4755 setuid
	chmod 2755 setgid
	as_nobody "$scratch/plain" -t haswell@6.18.5 "$scratch/nested.core"
	if [ "$status" -ne 0 ]; then
		tap_skip "rights that a file gives" \
			"nobody cannot run it here: $(head -n 1 err)"
	else
		tap_pass "a user without any right can run it"
		# CAP_SYS_PTRACE, effective; struct vfs_cap_data
		files=(setuid setgid)
		if python3 -c 'import os, struct, sys
os.setxattr("capable", "security.capability",
            struct.pack("<5I", 0x02000001, 1 << 19, 0, 0, 0))' 2>why
		then
			files+=(capable)
		else
			tap_skip "file capabilities" "$(tail -n 1 why)"
		fi
		for file in "${files[@]}"; do
			if findmnt -no OPTIONS -T "$file" 2>/dev/null |
				grep -q nosuid; then
				tap_skip "$file" "not in force on this file system"
				continue
			fi
			for argument in --version --list-cpus nested.core; do
				as_nobody "$scratch/$file" "$argument"
				tap_none "$file, $argument: refused" "$(
					[ "$status" -eq 2 ] || echo "status $status"
					[ ! -s out ] || head -n 5 out
					one_line err
					grep -q 'refusing to run with rights' err ||
						cat err)"
			done
		done
		# who is root anyway gains nothing
		status=0
		./setuid -t haswell@6.18.5 nested.core >out 2>err || status=$?
		tap_none "a set-user-ID file of root's, run by root" \
			"$([ "$status" -eq 0 ] || cat err)"
	fi
fi

# Symbols could come over the network, names from a directory service.
if ! command -v strace >/dev/null ||
	! strace -f -e trace=network -o log true 2>/dev/null; then
	tap_skip "no sockets" "no strace that works"
else
	must_start frames "$targets/frames" two
	export DEBUGINFOD_URLS=http://127.0.0.1:9/ DEBUGINFOD_VERBOSE=1
	export DEBUGINFOD_CACHE_PATH=$scratch/debuginfod
	for arguments in "-x nested.core" "-x -p ${pid[frames]}" \
		"--describe-host" "-t host nested.core"; do
		# shellcheck disable=SC2086 # a list of words
		ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=network \
			-e signal=none -o log "$tool" $arguments >out 2>err || true
		tap_none "no sockets: ${arguments%% -p*}" "$(
			[ -s out ] || cat err
			# to the parent, from who reads ELF files
			grep -E 'socket|connect|sendto|bind' log |
				grep -Ev 'socketpair|sendto\(0, .*, NULL, 0|resumed' |
				head -n 5)"
	done
	tap_none "nothing was fetched" "$(ls debuginfod 2>/dev/null)"
	# else it may be a device by then
	cp "$targets/frames" program
	ASAN_OPTIONS=detect_leaks=0 strace -e trace=openat,openat2 -o log \
		"$tool" -e program -t haswell@6.1.170 nested.core \
		>out 2>err || true
	tap_none "what was looked at is opened, not what has its name" "$(
		grep -q '"program".*O_PATH' log || cat err
		grep '"program"' log | grep -v O_PATH)"
	stop frames
fi

tap_done
