#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# check.sh - build and run all tests
set -euo pipefail

# shellcheck source=tests/tools/prepare.sh
. "$(dirname "$0")/prepare.sh"

test_packages="libcmocka-dev gcc-multilib gdb strace xz-utils mandoc
	shellcheck codespell cppcheck clang-tidy clang-format
	bash-completion zsh fish python3 python3-jsonschema
	musl-tools golang-go qemu-system-x86 liblzma-dev libbz2-dev zstd lz4 bzip2 lzip"

# shellcheck disable=SC2086 # lists of words
need_packages $build_packages $test_packages

# Results of tests that are gone must not count.
if [ -d "$build" ]; then
	find "$build" -name '*.trs' -delete
fi
build all
make -k check VERBOSE=1
