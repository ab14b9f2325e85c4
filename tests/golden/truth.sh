#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# truth.sh - what real kernels did with frames, against the program's reports
set -euo pipefail

. "${srcdir:?}/tests/golden/lib.sh"
need_python
run_python truth.py "$scratch"
