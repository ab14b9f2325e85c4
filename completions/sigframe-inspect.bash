# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# sigframe-inspect.bash - completion for bash

# The ids of the checks and hazards, as `command` $1 lists them.
_sigframe_inspect_ids()
{
	"$1" --explain 2>/dev/null |
		sed -n 's/^ *\([a-z][a-z0-9-]*\)  .*/\1/p'
}

# The threads of the processes that the words before name, or of all.
_sigframe_inspect_tids()
{
	local i task pids=()

	for ((i = 1; i < ${#words[@]}; i++)); do
		case ${words[i - 1]}:${words[i]} in
		-p:[0-9]* | --pid:[0-9]*) pids+=("${words[i]}") ;;
		*:-p[0-9]*) pids+=("${words[i]#-p}") ;;
		*:--pid=[0-9]*) pids+=("${words[i]#--pid=}") ;;
		esac
	done
	[[ ${#pids[@]} -gt 0 ]] || pids=('[0-9]*')
	for i in "${pids[@]}"; do
		compgen -G "/proc/$i/task/[0-9]*"
	done | while read -r task; do
		echo "${task##*/}"
	done
}

# What may come before (cpus) and behind (kernels) the @ of a target, and behind
# a comma (flags).
_sigframe_inspect_targets()
{
	if [[ $2 == flags ]]; then
		printf '%s\n' layout={intel,amd} {+,-}{avx,mpx,avx512,pku,amx,apx}
		return
	fi
	echo host
	"$1" "--list-$2" 2>/dev/null | if [[ $2 == cpus ]]; then
		sed -n '2,$s/^\([^ ]*\)  *0x.*/\1/p'
	else
		sed -n '/^$/q; s/^  *\([^ ]*\)  *\([^ ]*\) .*/\1\n\2/p'
	fi
}

# Complete the value of --target, $cur; `command` is $1. Models go by any case.
_sigframe_inspect_target()
{
	local value before=

	if [[ $cur == *@* ]]; then
		before=${cur%@*}@
		set -- "$1" kernels
	elif [[ $cur == *,* ]]; then
		before=${cur%,*},
		set -- "$1" flags
	else
		_filedir
		set -- "$1" cpus
	fi
	while read -r value; do
		value=$before$value
		[[ ${value,,} != "${cur,,}"* ]] || COMPREPLY+=("$value")
	done < <(_sigframe_inspect_targets "$@")
	# readline's word begins behind the last =
	before=${cur%"${cur##*=}"}
	COMPREPLY=("${COMPREPLY[@]#"$before"}")
}

# The ids of the processes.
_sigframe_inspect_pids()
{
	local process

	compgen -G '/proc/[0-9]*' | while read -r process; do
		echo "${process##*/}"
	done
}

_sigframe_inspect()
{
	# shellcheck disable=SC2034 # _init_completion fills in cword
	local cur prev words cword split values

	_init_completion -s || return
	case $prev in
	-p | --pid) values=$(_sigframe_inspect_pids) ;;
	-T | --tid) values=$(_sigframe_inspect_tids) ;;
	--stop | --unwind | --dormant) values='auto all none' ;;
	--color) values='auto always never' ;;
	-e | --executable | --export)
		_filedir
		return
		;;
	--criu | --sysroot)
		_filedir -d
		return
		;;
	-t | --target)
		_sigframe_inspect_target "$1"
		return
		;;
	--max-size) values='1G 4G 16G 256G 1T' ;;
	--json | --explain | --rehearse)
		# Their value is optional, so only what follows a = is one.
		if [[ $split == true ]]; then
			case $prev in
			--json) values='pretty lines' ;;
			--rehearse) values='present absent' ;;
			*) values=$(_sigframe_inspect_ids "$1") ;;
			esac
		fi
		;;
	esac
	if [[ -n ${values+set} ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$values" -- "$cur")
		return
	fi
	if [[ $split == true ]]; then
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W '
			-p --pid= --tree --all --compare -T --tid= --stop= -e
			--executable= --criu= --sysroot= --max-size=
			--unwind= -t --target= -r --rehearse --rehearse= -x
			--registers --raw -j --json --json= -s --summary
			-q --quiet
			--color= --strict --export= --dormant= --list-cpus
			--list-kernels --describe-host --explain --explain=
			-V --version -? -h --help --usage
		' -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		return
	fi
	_filedir
} &&
	complete -F _sigframe_inspect sigframe-inspect
