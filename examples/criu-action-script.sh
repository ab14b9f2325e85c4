#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# criu-action-script.sh - let CRIU ask sigframe-inspect before it restores
#
#	criu dump ... --action-script criu-action-script.sh
#	criu restore ... --action-script criu-action-script.sh
#
# pre-restore	refuse the restore, with exit status 1, if this machine would
#		not bring back every register, of signal frames or of threads
# post-dump	leave the verdict beside the images, as sigframe-inspect.json;
#		the dump goes on whatever it is
# others	nothing
#
# What can be set in the environment:
#
# SIGFRAME_INSPECT	the program (sigframe-inspect)
# SIGFRAME_DOUBT	"refuse" (the default) or "allow" a restore of which
#			nothing bad is known, but not enough: evidence is
#			missing, the program is, or it cannot read the images
# SIGFRAME_TARGETS	words, each a TARGET for post-dump to judge for (host)
set -eu

tool=${SIGFRAME_INSPECT:-sigframe-inspect}
images=${CRTOOLS_IMAGE_DIR:-.}
case $images in -*) images=./$images ;; esac

say() {
	printf 'criu-action-script: %s\n' "$*" >&2
}

doubtful() {
	case ${SIGFRAME_DOUBT:-refuse} in
	allow)
		say "$*; restoring all the same"
		exit 0
		;;
	*)
		say "$*; not restored (SIGFRAME_DOUBT=allow would)"
		exit 1
		;;
	esac
}

pre_restore() {
	status=0
	"$tool" --quiet "$images" || status=$?
	case $status in
	0) ;;
	1)
		say "$images: registers would be lost here; not restored"
		exit 1
		;;
	3) doubtful "$images: not all is known" ;;
	126 | 127) doubtful "$tool: cannot be run" ;;
	*) doubtful "$images: $tool failed, exit status $status" ;;
	esac
}

# The file is there whole or not at all, and never that of an earlier dump.
post_dump() {
	set -f --
	for target in ${SIGFRAME_TARGETS:-host}; do
		set -- "$@" --target "$target"
	done
	status=0
	rm -f "$images/sigframe-inspect.json" || return
	report=$(mktemp "$images/sigframe-inspect.XXXXXX") || return
	"$tool" --json "$@" "$images" >"$report" || status=$?
	case $status in
	0 | 1 | 3) mv "$report" "$images/sigframe-inspect.json" ;;
	*)
		rm -f "$report"
		say "$images: no verdict, exit status $status"
		;;
	esac
}

case ${CRTOOLS_SCRIPT_ACTION:-} in
pre-restore) pre_restore ;;
post-dump) post_dump || say "$images: no verdict was written" ;;
esac
