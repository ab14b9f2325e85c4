# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# offers.sh - ask the shells what they offer to complete; to be sourced
#
# Needs $srcdir, and sigframe-inspect in $PATH.

# Tell why completion in SHELL cannot be tried, and fail; or succeed.
offers_need() {
	if ! command -v "$1" >/dev/null; then
		echo "no $1 here"
		return 1
	fi
	if [ "$1" = bash ] && [ ! -r "$(offers_bash_completion)" ]; then
		echo "no bash-completion here"
		return 1
	fi
	if [ "$1" = zsh ] &&
		! zsh -f -c 'zmodload zsh/zpty && zpty inner true' 2>/dev/null
	then
		echo "no pseudo-terminals for zsh here"
		return 1
	fi
}

offers_bash_completion() {
	echo "${BASH_COMPLETION:-/usr/share/bash-completion/bash_completion}"
}

# What SHELL offers for the command line LINE, whose last word is unfinished:
# one word a line, sorted.
offers() {
	"offers_$1" "$2" | sed 's/ *$//' | LC_ALL=C sort -u
}

offers_bash() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	bash --norc -c '
		. "$1"
		. "$2"
		COMP_LINE=$3
		COMP_POINT=${#COMP_LINE}
		# readline makes words of its own of = and what follows
		read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
		[[ $COMP_LINE != *[\ =] ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		compopt() { :; }
		_sigframe_inspect sigframe-inspect \
			"${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$(offers_bash_completion)" \
		"${srcdir:?}/completions/sigframe-inspect.bash" "$1"
}

# zsh completes on a terminal only, so an inner one gets one. Its compadd also
# writes what it is about to offer to a file.
offers_zsh() {
	local out

	out=$(mktemp)
	# shellcheck disable=SC2016 # expanded by the inner shell
	zsh -f -c '
		zmodload zsh/zpty
		zpty inner "OUT=${(q)1} LINE=${(q)2} FPATH=${(q)3}:\$FPATH \
			TERM=dumb zsh -f -i"
		zpty -w inner "
			autoload -Uz compinit && compinit -D -u
			compadd() {
				local -a hits
				if [[ \${@[1,(i)(-|--)]} == *-[OAD]\ * ]]; then
					builtin compadd \"\$@\"
					return
				fi
				builtin compadd -O hits \"\$@\"
				print -rl -- \$hits >>\$OUT
				builtin compadd \"\$@\"
			}
			ask() {
				BUFFER=\$LINE
				CURSOR=\$#BUFFER
				zle complete
				print offers-end >>\$OUT
			}
			zle -C complete complete-word _main_complete
			zle -N ask
			bindkey ^X ask
			print rea\"\"dy"
		zpty -r inner seen "*ready*"
		zpty -w -n inner $'"'\\x18'"'
		for ((i = 0; i < 300; i++)); do
			grep -qsx offers-end $1 && break
			sleep 0.1
			zpty -r -t inner seen
		done
		zpty -d inner
	' zsh "$out" "$1" "$srcdir/completions" >/dev/null
	grep -vx -e offers-end -e '' "$out"
	rm -f "$out"
}

offers_fish() {
	# shellcheck disable=SC2016 # expanded by the inner shell
	XDG_CONFIG_HOME=/nonexistent fish --no-config -c '
		source $argv[1]
		complete -C $argv[2]
	' "$srcdir/completions/sigframe-inspect.fish" "$1" | cut -f1
}
