#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# matrix.sh - what the frames of each CPU are worth on each other one
set -euo pipefail

. "${srcdir:?}/tests/golden/lib.sh"
need_python
run_python matrix.py "$scratch"
