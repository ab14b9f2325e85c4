#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""table.py SEED COUNT ROWS MISSING - docs/kernels.md, from what guests said"""

import sys

INTRO = """\
Predictions held against real kernels
=====================================

Written by `make check-kernels` (tests/kernels/matrix.sh); not to be edited.

Each row is one boot of an unmodified Debian kernel (the "cloud" flavour) under
a CPU that QEMU or Bochs emulates. In it, tests/oracle builds frames, really
returns from them with (rt_)sigreturn in a child process, reads all registers
back, and compares what happened with what `sigframe-inspect` predicts,
component by component:

* edited frames: one thing of a native frame changed, some fifty of them;
* frames as other machines write them (FXSAVE only, SSE only, Haswell, Skylake
  with MPX, Skylake-X and Ice Lake with and without protection keys, Alder
  Lake, Zen 3, Zen 4 with and without them, Sapphire Rapids with and without
  AMX in use), each with ten sets of components in use, in three placements;
* {count} frames of each kind with random changes, seed {seed}
  (300 under Bochs, and none where it has protection keys: a random PKRU that
  locks everybody out ends the emulator itself);

each as x86-64, ia32 rt and ia32 frames, if the kernel runs 32-bit programs.
Every case is predicted twice: for `host@host`, and for the guest's own
`--describe-host` read back as a target ("read back": agree/disagree/undecided
where that came to other numbers). "Undecided": the prediction named several
outcomes, and it was one of them; more than 15 in 100 count as a failure.
"Disagree" also counts cases that never came back.

"Rules" is what the kernel has to follow by its release (src/kernel/rules.c),
"by trial" what the program found out by itself in "ms" milliseconds, emulated.
R2, R3 and R5 differ only in how they answer page faults, which is not tried.
Without XSAVE there is nothing to try.

"""

EMULATED = """\

What emulated CPUs do differently
---------------------------------

Found out with XRSTOR and FXRSTOR alone, without a kernel (tests/oracle/
emulator.c), and used for predictions under emulators only. That SSE made
initial keeps MXCSR, and that ZMM halves go with those of YMM, contradicts the
architecture: what these two reach is not compared.

"""

NOTES = """\

What else was learnt
--------------------

* 5.10 and its like (R1) copy a misaligned image whole over the thread's own
  state before they restore x87 and SSE from it, and do not look at its header.
  If that has bytes 8 to 23 set, the thread's registers become initial at the
  next task switch, and its next return by way of a copy is refused. The oracle
  counts such frames as undecided and goes on with a new thread.
* A thread whose PKRU was garbled so that it cannot reach its memory may get
  SIGSEGV (SI_KERNEL) on top of its next signal (seen with 7.3.4).
* No kernel with the R2 rules is among Debian's packages any more.
"""

COLUMNS = (
    ("kernel", "package"), ("CPU", "cpu"), ("XCR0", "xfeatures"),
    ("bytes", "user_size"), ("rules", "rules"), ("by trial", "probed"),
    ("ms", "probe_ms"), ("cases", "cases"), ("agree", "agree"),
    ("undecided", "undecided"), ("disagree", "disagree"),
    ("read back", "read_back"), ("result", "verdict"))
FIELDS = (
    "name", "package", "cpu", "xfeatures", "user_size", "rules", "probed",
    "probe_ms", "cases", "agree", "undecided", "disagree", "read_back",
    "seconds", "verdict", "emulated")


def read(path):
    """Lines of a file, without their ends."""
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def main():
    """Write it all."""
    seed, count, rows_path, missing_path = sys.argv[1:]
    rows = [dict(zip(FIELDS, line.split("\t"))) for line in read(rows_path)]
    print(INTRO.format(seed=seed, count=count), end="")
    print("| " + " | ".join(title for title, _ in COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for row in rows:
        row["package"] = row["package"].split()[-1]
        print("| " + " | ".join(row[field] for _, field in COLUMNS) + " |")

    def total(field):
        return sum(int(row[field]) for row in rows if row[field].isdigit())

    print(f"\n{len(rows)} boots, {total('cases')} cases: {total('agree')} "
          f"agree, {total('undecided')} undecided, {total('disagree')} "
          "disagree.")
    missing = read(missing_path)
    if missing:
        print("\nNot to be had:\n")
    for line in missing:
        print("*", line)
    print(EMULATED, end="")
    facts = {}
    for row in rows:
        facts.setdefault(row["emulated"], []).append(row["cpu"])
    for fact, cpus in facts.items():
        names = ", ".join(dict.fromkeys(cpus))
        print(f"* {names}:")
        for part in fact.split(", "):
            print("  -", part)
    print(NOTES, end="")


main()
