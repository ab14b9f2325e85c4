# SPDX-License-Identifier: GPL-3.0-or-later
# lib.py - what the golden tests in Python share
"""Running the program, tables, and results in TAP."""

import json
import os
import subprocess
import sys

SRCDIR = os.environ["srcdir"]
BUILDDIR = os.environ["builddir"]
HERE = os.path.join(SRCDIR, "tests/golden")
MAKECORES = os.path.join(BUILDDIR, "tests/golden/makecores")
PROGRAM = os.path.join(BUILDDIR, "sigframe-inspect")


def table(name):
    """The rows of a file of tab-separated columns, as dictionaries."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        lines = [line.rstrip("\n") for line in file
                 if not line.startswith("#")]
    head = lines[0].split("\t")
    for line in lines[1:]:
        cells = line.split("\t")
        if len(cells) != len(head):
            sys.exit(f"{name}: {line}: not {len(head)} columns")
        yield dict(zip(head, cells))


def make_core(*args, cases=None):
    """Let makecores write a core; `cases` is its standard input."""
    subprocess.run([MAKECORES, *args], input=cases, text=True, check=True)


def inspect(core, *args, statuses):
    """The report on a core, whose exit status has to be one of these."""
    run = subprocess.run([PROGRAM, "--json=lines", *args, core],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False)
    if run.returncode not in statuses:
        sys.exit(f"exit status {run.returncode} from {' '.join(args)} {core}: "
                 + run.stderr.decode(errors="replace"))
    return json.loads(run.stdout)


class Tap:
    """Results, one a call."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def result(self, name, findings):
        """A test passed if there are no findings (strings)."""
        self.count += 1
        if findings:
            self.failed += 1
        print(f"{'not ok' if findings else 'ok'} {self.count} - {name}")
        for finding in findings:
            print(f"#   {finding}")
        sys.stdout.flush()

    def done(self):
        """The plan; ends the program."""
        print(f"1..{self.count}")
        sys.exit(self.failed > 0)
