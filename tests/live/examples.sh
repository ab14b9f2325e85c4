#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# examples.sh - the scripts in examples/ do what they say
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
# shellcheck source=tests/tools/criu.sh
. "$srcdir/tests/tools/criu.sh"
need_python
need_ptrace

examples=$srcdir/examples
bin=$scratch/bin
mkdir "$bin"
ln -s "$tool" "$bin/sigframe-inspect"
PATH=$bin:$PATH

# A program that answers as it is told, and notes what it was asked.
export FAKE=$scratch/fake
cat >"$scratch/fake-inspect" <<'END'
#!/bin/sh
printf '%s\n' "$*" >>"$FAKE.asked"
[ ! -e "$FAKE.stdin" ] || cat >"$FAKE.read"
echo '{"fake": true}'
exit "$(cat "$FAKE.status")"
END
chmod +x "$scratch/fake-inspect"

# answers STATUS - the fake one does from now on
answers() {
	echo "$1" >"$FAKE.status"
	rm -f "$FAKE.asked" "$FAKE.read"
}

# example OUT SCRIPT ARGUMENT... - run one; sets `status`
example() {
	local out=$1 script=$examples/$2
	shift 2

	status=0
	"$script" "$@" >"$scratch/$out" 2>"$scratch/$out.err" || status=$?
}

# ends NAME STATUS OUT - with that status, and no message unless it is not 0
ends() {
	tap_none "$1" "$(
		[ "$status" -eq "$2" ] || said "$3"
		[ "$status" -eq 0 ] || [ -s "$scratch/$3.err" ] ||
			echo "it does not say why"
	)"
}

# The action script, asked by CRIU.

images=$scratch/images
mkdir "$images"
export CRTOOLS_IMAGE_DIR=$images SIGFRAME_INSPECT=$scratch/fake-inspect

# What the tool says, and whether doubts are allowed: whether it is restored.
while read -r says doubt want; do
	answers "$says"
	CRTOOLS_SCRIPT_ACTION=pre-restore SIGFRAME_DOUBT=$doubt \
		example action criu-action-script.sh
	ends "pre-restore: $says, in doubt $doubt: $want" "$want" action
	tap_none "pre-restore: $says, in doubt $doubt: of these images" \
		"$(grep -vx -e "--quiet $images" "$FAKE.asked" || true)"
done <<-END
	0 refuse 0
	0 allow 0
	1 refuse 1
	1 allow 1
	2 refuse 1
	2 allow 0
	3 refuse 1
	3 allow 0
	139 refuse 1
END
(cd "$scratch" && mkdir -- -h)
status=0
(cd "$scratch" && unset SIGFRAME_INSPECT && CRTOOLS_IMAGE_DIR=-h \
	CRTOOLS_SCRIPT_ACTION=pre-restore \
	"$examples/criu-action-script.sh" >action 2>action.err) || status=$?
ends "pre-restore: a name is no option" 1 action
answers 3
CRTOOLS_SCRIPT_ACTION=pre-restore example action criu-action-script.sh
ends "pre-restore: doubt is refused unless told otherwise" 1 action
for doubt in refuse allow; do
	CRTOOLS_SCRIPT_ACTION=pre-restore SIGFRAME_DOUBT=$doubt \
		SIGFRAME_INSPECT=$scratch/none \
		example action criu-action-script.sh
	ends "pre-restore: no tool, in doubt $doubt" \
		"$([ $doubt = allow ] && echo 0 || echo 1)" action
done

for says in 0 1 3; do
	answers $says
	rm -f "$images"/*
	ln -s "$scratch/elsewhere" "$images/sigframe-inspect.json"
	CRTOOLS_SCRIPT_ACTION=post-dump SIGFRAME_TARGETS="haswell a.cpu" \
		example action criu-action-script.sh
	tap_none "post-dump: $says is written down" "$(
		[ "$status" -eq 0 ] || said action
		grep -qx '{"fake": true}' "$images/sigframe-inspect.json" ||
			echo "there is no verdict"
		grep -vx -e \
			"--json --target haswell --target a.cpu $images" \
			"$FAKE.asked"
		find "$images" -type f ! -name sigframe-inspect.json
		[ ! -e "$scratch/elsewhere" ] || echo "a link is followed"
	)"
done
answers 2
rm -f "$images"/*
echo old >"$images/sigframe-inspect.json"
CRTOOLS_SCRIPT_ACTION=post-dump example action criu-action-script.sh
tap_none "post-dump: without a verdict the dump goes on, and no file is left" \
	"$([ "$status" -eq 0 ] || said action; find "$images" -type f)"
CRTOOLS_IMAGE_DIR=$scratch/none CRTOOLS_SCRIPT_ACTION=post-dump \
	example action criu-action-script.sh
ends "post-dump: nor does it end where nothing can be written" 0 action

answers 1
for action in pre-dump post-restore network-lock setup-namespaces post-resume \
	''; do
	CRTOOLS_SCRIPT_ACTION=$action example action criu-action-script.sh
	tap_none "${action:-no action}: is let pass" "$(
		[ "$status" -eq 0 ] || said action
		[ ! -e "$FAKE.asked" ] || echo "the tool is asked"
	)"
done
unset SIGFRAME_INSPECT

# The real one, on what a real CRIU has dumped: as it says itself.
for name in tree ia32 lazy; do
	dir=$scratch/dumped/$name
	mkdir -p "$dir"
	tar -xJf "$srcdir/tests/data/criu/$name.tar.xz" -C "$dir" 2>/dev/null ||
		true
	dir=$dir/checkpoint
	inspect real -q "$dir"
	if [ "$status" -eq 2 ]; then
		tap_skip "$name: the script on a real dump" \
			"$(head -n 1 "$scratch/real.err")"
		continue
	fi
	want=$((status != 0))
	CRTOOLS_IMAGE_DIR=$dir CRTOOLS_SCRIPT_ACTION=pre-restore \
		example action criu-action-script.sh
	ends "$name: pre-restore on a real dump" $want action
	CRTOOLS_IMAGE_DIR=$dir CRTOOLS_SCRIPT_ACTION=post-dump \
		SIGFRAME_TARGETS="host haswell@6.1.170" \
		example action criu-action-script.sh
	tap_none "$name: post-dump on a real dump" "$(
		[ "$status" -eq 0 ] || said action
		python3 -c 'import json, sys
report = json.load(sys.stdin)
assert len(report["targets"]) == 2 and report["inputs"]' \
			<"$dir/sigframe-inspect.json" 2>&1
	)"
done

# And by a CRIU: the verdict is there, and a restore that is refused is none.
by_criu() {
	local dir=$scratch/cycle process restored

	mkdir "$dir"
	(unleashed setsid "$targets/checkpoint" "$dir/truth" one) \
		</dev/null >/dev/null 2>&1 &
	process=$!
	disown $process	# that it is killed is nothing to be told
	until grep -qsx READY "$dir"/truth.*; do
		if gone $process; then
			tap_skip "criu: asks the script" "no target here"
			return
		fi
		sleep 0.02
	done
	mkdir "$dir/images"
	if ! run_criu dump "$dir/images" -t $process --cpu-cap \
		--action-script "$examples/criu-action-script.sh"; then
		kill -KILL $process
		tap_skip "criu: asks the script" \
			"cannot dump: $(criu_failure dump "$dir/images")"
		return
	fi
	while [ -e /proc/$process ]; do
		sleep 0.02
	done
	if has_feature criu; then
		tap_none "criu dump: the verdict is beside the images" \
			"$(python3 -m json.tool 2>&1 >/dev/null \
				"$dir/images/sigframe-inspect.json")"
	else
		tap_skip "criu dump: the verdict is beside the images" \
			"built without criu"
	fi
	answers 1
	status=0
	SIGFRAME_INSPECT=$scratch/fake-inspect run_criu restore "$dir/images" \
		-d --restore-sibling --action-script \
		"$examples/criu-action-script.sh" || status=$?
	tap_none "criu restore: is refused" "$(
		[ "$status" -ne 0 ] || echo "it succeeds"
		gone $process || echo "the process is there"
		[ -e "$FAKE.asked" ] || criu_failure restore "$dir/images"
	)"
	status=0
	run_criu restore "$dir/images" -d --restore-sibling --action-script \
		"$examples/criu-action-script.sh" || status=$?
	restored=$status
	inspect again -q "$dir/images"
	tap_none "criu restore: is done if all comes back, else not" \
		"$([ $((restored != 0)) -eq $((status != 0)) ] ||
			criu_failure restore "$dir/images")"
	if [ "$restored" -eq 0 ]; then
		inspect compared --compare --json "$dir/images" -p $process
		tap_none "criu restore: has brought back all there was" "$(
			[ "$status" -eq 0 ] || said compared
			check compare.py counts "$scratch/compared" same=1
		)"
	fi
	kill -KILL $process 2>/dev/null || true
}

if need_criu && [ -x "$targets/checkpoint" ]; then
	by_criu
else
	tap_skip "criu: asks the script" "${criu_reason:-no target for it}"
fi

# The fleet.

# It answers each target by its name.
cat >"$scratch/fake-each" <<'END'
#!/bin/sh
printf '%s\n' "$*" >>"$FAKE.asked"
exit "${3%.*}"
END
chmod +x "$scratch/fake-each"
while read -r says want; do
	read -ra each <<<"${says//,/ }"
	rm -f "$FAKE.asked"
	SIGFRAME_INSPECT=$scratch/fake-each example lines check-fleet.sh in \
		"${each[@]/%/.x}"
	tap_none "fleet: of $says the worst is $want" "$(
		[ "$status" -eq "$want" ] || said lines
		diff <(printf -- '--quiet --target %s.x -- in\n' "${each[@]}") \
			"$FAKE.asked"
		diff <(for one in "${each[@]}"; do
			case $one in
			0) echo "intact $one.x" ;;
			1) echo "broken $one.x" ;;
			3) echo "unknown $one.x" ;;
			*) echo "error $one.x" ;;
			esac
		done) <(tr -s ' ' <"$scratch/lines")
	)"
done <<-END
	0 0
	0,0 0
	0,3 3
	3,0 3
	3,1 1
	1,3,0 1
	2,1,3 2
	1,2 2
	0,139,0 2
END
example lines check-fleet.sh -h haswell
tap_none "fleet: a name is no option" \
	"$([ "$status" -eq 2 ] || said lines)"
example lines check-fleet.sh only-an-input
ends "fleet: without a target there is help" 2 lines

# A real export, as the tool says of each target alone.
must_start one "$targets/frames" one-pause avx
inspect exported -q "--export=$scratch/frames.core" -p "${pid[one]}"
fleet=$scratch/fleet
mkdir "$fleet"
"$tool" --describe-host >"$fleet/host.cpu"
verdicts=(intact broken error unknown)
wanted=()
judges=("$fleet/host.cpu" haswell@6.1.170 no-such-cpu)
for target in "${judges[@]}"; do
	inspect alone -q -t "$target" "$scratch/frames.core"
	wanted+=("${verdicts[status]} $target")
done
example lines check-fleet.sh "$scratch/frames.core" "${judges[@]}"
tap_none "fleet: a real export" "$(
	[ "$status" -eq 2 ] || said lines
	diff <(printf '%s\n' "${wanted[@]}") <(tr -s ' ' <"$scratch/lines")
)"
tap_none "fleet: this machine, by its description, is fine" \
	"$([ "${wanted[0]}" = "intact $fleet/host.cpu" ] || echo "${wanted[0]}")"

# The newest core that systemd has; it is another program that says so.

cat >"$bin/coredumpctl" <<'END'
#!/bin/sh
printf '%s\n' "$*" >"$FAKE.coredumpctl"
echo "           PID: 7 (frames)" >&2
[ -e "$FAKE.core" ] || { echo "No match found." >&2; exit 1; }
cat "$FAKE.core"
END
chmod +x "$bin/coredumpctl"
example newest coredumpctl-inspect.sh frames COREDUMP_UID=0
tap_none "coredumpctl: no core is trouble, and is told of" "$(
	[ "$status" -eq 2 ] || said newest
	grep -q 'No match found' "$scratch/newest.err" || said newest
)"
cp "$scratch/frames.core" "$FAKE.core"
inspect direct -q "$scratch/frames.core"
direct=$status
example newest coredumpctl-inspect.sh frames COREDUMP_UID=0 -- --json=lines
tap_none "coredumpctl: the core gets the report that it gets as a file" "$(
	[ "$status" -eq "$direct" ] || said newest
	[ ! -s "$scratch/newest.err" ] || said newest
	grep -vx 'dump frames COREDUMP_UID=0' "$FAKE.coredumpctl"
	python3 -c 'import json, sys
summary = json.load(sys.stdin)["summary"]
assert summary["frames"] > 0, summary' <"$scratch/newest" 2>&1
)"
# It gives half of the core, and fails.
sed -i '$s/.*/head -c 5000 "$FAKE.core"; exit 1/' "$bin/coredumpctl"
while read -r says want; do
	answers "$says"
	SIGFRAME_INSPECT=$scratch/fake-inspect \
		example newest coredumpctl-inspect.sh 7
	tap_none "coredumpctl: half a core and exit status $says" "$(
		[ "$status" -eq "$want" ] || said newest)"
done <<-END
	0 2
	1 1
	2 2
	3 2
END
sed -i '$s/.*/cat "$FAKE.core"/' "$bin/coredumpctl"
for says in 0 1 2 3; do
	answers $says
	touch "$FAKE.stdin"
	SIGFRAME_INSPECT=$scratch/fake-inspect \
		example newest coredumpctl-inspect.sh 7 -- -q
	tap_none "coredumpctl: exit status $says is passed on" "$(
		[ "$status" -eq $says ] || said newest
		grep -vx -e '-q -' "$FAKE.asked"
		cmp "$FAKE.core" "$FAKE.read" 2>&1
	)"
	rm "$FAKE.stdin"
done
example newest coredumpctl-inspect.sh -- -q
ends "coredumpctl: without a match there is help" 2 newest

# The steps of the workflow, as a runner would take them.

work=$scratch/work
mkdir "$work" "$work/fleet" "$scratch/steps"
mapfile -t steps < <(check examples.py steps "$examples/ci-workflow.yml" \
	"$scratch/steps")
mapfile -t variables < <(check examples.py env "$examples/ci-workflow.yml")
cp "$fleet/host.cpu" "$work/fleet"
mkfifo "$scratch/worker.in"
exec {worker_in}<>"$scratch/worker.in"
mkdir "$work/build"
cat >"$work/build/worker" <<END
#!/bin/sh
exec "$targets/frames" one-pause avx <"$scratch/worker.in"
END
chmod +x "$work/build/worker"
tap_none "workflow: it has steps" \
	"$([ "${#steps[@]}" -ge 4 ] || printf '%s\n' "${steps[@]}")"

# step N - take it, with what the steps before have set; sets `status`
step() {
	local set=()

	[ ! -s "$work/env" ] || mapfile -t set <"$work/env"
	status=0
	(cd "$work" && exec {worker_in}>&- &&
		env "${variables[@]}" "${set[@]}" GITHUB_ENV="$work/env" \
			bash -e "$scratch/steps/$1.sh") >"$scratch/step" \
		2>"$scratch/step.err" </dev/null || status=$?
}

for n in "${!steps[@]}"; do
	step $((n + 1))
	tap_none "workflow: ${steps[n]}" "$([ "$status" -eq 0 ] || {
		said step
		cat "$scratch/step"
	})"
	case ${steps[n]} in
	Judge*) judge=$((n + 1)) ;;
	Stop*) process=$(sed -n 's/^PROGRAM_PID=//p' "$work/env") ;;
	esac
done
exec {worker_in}>&-
tap_none "workflow: it leaves its files, and no process" "$(
	for file in frames.core frames.json fleet/host.json; do
		[ -s "$work/$file" ] || echo "no $file"
	done
	for _ in {1..250}; do
		! gone "${process:?}" || exit 0
		sleep 0.02
	done
	echo "process $process is there"
)"
# A machine of which nothing is known cannot pass, nor can none.
echo nonsense >"$work/fleet/broken.cpu"
step "${judge:?}"
tap_none "workflow: a machine that cannot be judged fails the step" "$(
	[ "$status" -ne 0 ] || echo "it passes"
	grep -q '^::error::fleet/broken.cpu' "$scratch/step" || said step
	grep -qx 'fleet/host.cpu: intact' "$scratch/step" || said step
)"
rm "$work"/fleet/*
step "$judge"
tap_none "workflow: an empty fleet fails the step" \
	"$([ "$status" -ne 0 ] || cat "$scratch/step")"

tap_done
