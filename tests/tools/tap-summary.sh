#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tap-summary.sh BUILDDIR - count the results that `make check` left there
#
# Prints one line, "N passed, N failed, N skipped". Fails if a test failed or
# there are no results at all.
set -euo pipefail

dir=${1:?usage: tap-summary.sh BUILDDIR}
find "$dir" -name '*.trs' -exec cat {} + | awk '
	$1 == ":test-result:" { count[$2]++ }
	END {
		passed = count["PASS"] + count["XFAIL"]
		failed = count["FAIL"] + count["XPASS"] + count["ERROR"]
		printf "%d passed, %d failed, %d skipped\n",
			passed, failed, count["SKIP"]
		exit failed > 0 || passed == 0
	}'
