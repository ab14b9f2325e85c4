#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# check-fleet.sh - which machines would bring the frames of one input back?
#
#	check-fleet.sh INPUT TARGET...
#
# INPUT is what sigframe-inspect --export wrote, a core file or a checkpoint; a
# TARGET is a description file (of --describe-host there) or CPU@KERNEL. Prints
# a line for each, the verdict and the target. The exit status is the worst:
#
# 0	every target: every frame is intact
# 3	of some not all is known
# 1	some would lose registers or kill a thread
# 2	some could not be judged at all
#
# SIGFRAME_INSPECT is the program (sigframe-inspect).
set -eu

if [ $# -lt 2 ]; then
	echo "usage: check-fleet.sh INPUT TARGET..." >&2
	exit 2
fi
input=$1
shift
worst=0

for target; do
	status=0
	"${SIGFRAME_INSPECT:-sigframe-inspect}" --quiet --target "$target" \
		-- "$input" </dev/null || status=$?
	case $status in
	0) verdict=intact ;;
	1) verdict=broken ;;
	3) verdict=unknown ;;
	*)
		verdict=error
		status=2
		;;
	esac
	printf '%-8s %s\n' "$verdict" "$target"
	case $worst$status in
	?2 | [03]1 | 03) worst=$status ;;
	esac
done
exit "$worst"
