#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# stress.sh - many threads in nested handlers, looked at all the time
#
# SEED is what the threads do; they are looked at SAMPLES times, or for
# LIMIT seconds.
set -euo pipefail

# shellcheck source=tests/live/lib.sh
. "${srcdir:?}/tests/live/lib.sh"
need_python
need_ptrace

THREADS=200
EVERY=25
seed=${SEED:-20260926}
samples=${SAMPLES:-500}
seconds=${LIMIT:-150}
echo "# SEED=$seed, $THREADS threads, $samples samples"

must_start stress "$targets/stress" "$scratch/table" "$seed" "$THREADS"
out=$(check stress.py "$tool" "${pid[stress]}" "$scratch/table" "$samples" \
	"$EVERY" "$seconds")
stop stress
read -r -a counts <<<"$(sed -n 's/^% //p' <<<"$out")"
tap_none "no look finds what there is not, or twice, or in disorder" "$(
	sed '/^[%#]/d' <<<"$out" | head -n 30
	[ "${counts[0]:-0}" -ge $((samples / 20)) ] ||
		echo "looks: ${counts[0]:-0}")"
grep '^#' <<<"$out" || true
echo "# ${counts[1]:-0} frames in ${counts[0]:-0} looks while they ran;" \
	"${counts[2]:-0} times a thread was incomplete"
tap_none "all is found that there is while they stand still" "$(
	[ "${counts[4]:-0}" -gt 100 ] || echo "frames: ${counts[4]:-0}"
	[ "${counts[5]:-0}" -eq "${counts[4]:-0}" ] || echo "recall"
	[ "${counts[6]:-0}" -eq "${counts[4]:-0}" ] || echo "precision")"
echo "# recall ${counts[5]:-0} of ${counts[4]:-0}, precision" \
	"${counts[5]:-0} of ${counts[6]:-0}, in ${counts[3]:-0} looks"
sent=$(sed -n 's/^sent //p' "$scratch/stress.truth")
tap_none "no signal is lost" "$(
	[ "$ended" -eq 0 ] || echo "the target ended with $ended"
	[ "${sent:-0}" -gt 1000 ] || echo "sent: ${sent:-?}"
	grep -qx "handled $sent" "$scratch/stress.truth" ||
		cat "$scratch/stress.truth")"
echo "# $sent signals"
tap_done
