# SPDX-License-Identifier: GPL-3.0-or-later
# truth.py - what real kernels did with frames, against the program's reports
"""Usage: truth.py SCRATCH-DIRECTORY

Every row of tests/data/truth that a core can express becomes a thread of a
core, every machine a description file, and the report is compared with what
the kernel did."""

import csv
import lzma
import os
import re
import sys

from lib import SRCDIR, Tap, inspect, make_core

csv.field_size_limit(1 << 20)

DATA = os.path.join(SRCDIR, "tests/data/truth")
CPUS = ("Haswell", "max,-mpx", "host")

# Placements that a core cannot express: whether pages are resident, and frames
# that nobody could find.
INEXPRESSIBLE = re.compile(
    r"\bplace=memfd\b|\bpageoff=|\bframe=(unmapped|cross|noncanon|kernel)\b")

# The measuring program's 32-bit code goes on in 64-bit mode, where it means
# something else and faults.
INCOMPARABLE = re.compile(r"\bcs=0x33\b")

KERNELS = {"tip-2026-09-26": "R6", "6.1-without-d877550eaf2d": "R2",
           "6.1": "R3"}    # Debian's newest of that branch

REGISTERS = {"x87": "x87", "sse": "sse", "avx": "avx", "k": "opmask",
             "zmmh": "zmm_hi256", "hi16": "hi16_zmm", "pkru": "pkru"}
NAMES = {2: "avx", 3: "bndregs", 4: "bndcsr", 5: "opmask", 6: "zmm_hi256",
         7: "hi16_zmm", 9: "pkru", 17: "xtilecfg", 18: "xtiledata"}


def rows(name):
    """A table of the measurements, as dictionaries."""
    path = os.path.join(DATA, name)
    opened = lzma.open if name.endswith(".xz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file, delimiter="\t",
                                  quoting=csv.QUOTE_NONE)


def description(machine):
    """The machine in the format of sigframe-inspect-cpu(5)."""
    lines = ["sigframe-inspect-cpu 1", f"name: {machine['machine']}",
             "xsave: yes", f"xfeatures: {machine['xcr0']}", "layout: unknown",
             f"mxcsr_mask: {machine['mxcsr_mask']}",
             f"xsavec: {'yes' if machine['xsavec'] == '1' else 'no'}",
             "user_limit: 0x7ffffffff000",
             f"user_size: {machine['user_size']}"]
    for part in machine["components"].split(";"):
        bit, _, place = part.partition(":")
        lines.append(f"component.{NAMES[int(bit)]}: {place}")
    return "\n".join(lines) + "\n"


class Observed:
    """What was found in the registers; the letters are the README's."""

    def __init__(self, row):
        self.fatal = row["class"] == "SIGSEGV"
        self.frame, self.initial, self.other = set(), set(), set()
        self.mxcsr = None
        self.rsp_changed = False
        if self.fatal:
            return
        text = row["registers"]
        self.rsp_changed = "cs=0x23" in text and "rsp=other" in text
        for word in text.replace("[", "").split():
            name, _, value = word.partition("=")
            letter = value[:1]
            if value.startswith("?(55555554)"):
                letter = "I"    # what Linux gives every new task
            if name == "mxcsr":
                self.mxcsr = letter
            if name not in REGISTERS:
                continue
            kind = (self.frame if letter in "FfGg" else
                    self.initial if letter in "Ii" else self.other)
            kind.add(REGISTERS[name])


def disagreement(frame, seen):
    """Why verdict and measurement contradict each other, or None."""
    verdict = frame["verdicts"][0]
    outcome = verdict["outcome"]
    loaded, garbled = set(verdict["loaded"]), set(verdict["garbled"])

    if seen.fatal:
        # a garbled PKRU locks the thread out of its own memory
        if "pkru" in garbled or "fatal" in verdict["possible"]:
            return None
        return "the thread was killed"
    if outcome == "fatal":
        return "the thread came back"
    if seen.frame - loaded - garbled:
        return f"{seen.frame - loaded - garbled} came back"
    if seen.initial & loaded:
        return f"{seen.initial & loaded} came back initial"
    if seen.other - garbled:
        return f"{seen.other - garbled} came back garbled"
    if seen.mxcsr and (
            (seen.mxcsr in "Ff" and verdict["mxcsr_loaded"] is False) or
            (seen.mxcsr in "Ii" and verdict["mxcsr_loaded"] is True)):
        return "MXCSR"
    if any(part["in_use"] is None for part in frame["components"]):
        return None
    in_use = {part["name"] for part in frame["components"] if part["in_use"]}
    intact = not in_use & (seen.initial | seen.other) and not seen.rsp_changed
    if (outcome == "unknown" and intact and seen.mxcsr not in ("I", "i") and
            "intact" not in verdict["possible"]):
        return "what happened is not among the possible"
    if not intact and outcome == "intact":
        return "intact, and something was lost"
    if (intact and outcome == "lossy" and seen.mxcsr not in ("I", "i") and
            int(frame["fpstate"], 16)):
        return "lossy, and nothing was lost"
    return None


class Machine:
    """One kernel on one CPU under one ABI, and what became of its rows."""

    def __init__(self, columns, scratch):
        self.name = columns["machine"]
        self.ia32 = columns["arch"] == "ia32"
        self.cpu = columns["cpu"]
        # a comma would begin a flag in the name of a target
        self.stem = os.path.join(scratch, re.sub("[/,]", "_", self.name))
        self.kernel = KERNELS.get(columns["kernel"], columns["kernel"])
        self.rows = []
        self.skipped = 0
        with open(self.stem + ".cpu", "w", encoding="utf-8") as file:
            file.write(description(columns))

    def add(self, row):
        """Take a row, if a core can express it."""
        placement = row["placement"]
        if (INEXPRESSIBLE.search(placement) or
                self.ia32 and INCOMPARABLE.search(placement)):
            self.skipped += 1
        else:
            self.rows.append(row)

    def check(self, images):
        """(findings, how many verdicts were "unknown")"""
        arch = "ia32" if self.ia32 else "x86-64"
        make_core("measured", self.stem + ".core", cases="".join(
            f"{tid} {arch} {images[self.cpu, arch, row['case']]} "
            f"{row['placement']}\n"
            for tid, row in enumerate(self.rows, 1)))
        report = inspect(self.stem + ".core", "-t",
                         f"{self.stem}.cpu@{self.kernel}", statuses=(1,))
        threads = report["inputs"][0]["threads"]
        if len(threads) != len(self.rows):
            return [f"{len(threads)} threads, not {len(self.rows)}"], 0
        findings, unknown = [], 0
        for row, thread in zip(self.rows, threads):
            what = f"{row['case']} [{row['placement']}] {row['class']} " \
                   f"{row['registers']}"
            if not thread["frames"]:
                findings.append(f"{what}: no frame found")
                continue
            frame = thread["frames"][0]
            why = disagreement(frame, Observed(row))
            if why:
                findings.append(f"{what}: {frame['verdicts'][0]}: {why}")
            if frame["verdicts"][0]["outcome"] == "unknown":
                unknown += 1
                if os.environ.get("TRUTH_VERBOSE"):
                    print(f"# unknown: {what}")
        return findings, unknown


def main():
    tap = Tap()
    machines = {row["machine"]: Machine(row, sys.argv[1])
                for row in rows("machines.tsv")}
    images = {(cpu, row["arch"], row["case"]): row["image"]
              for cpu in CPUS for row in rows(f"images-{cpu}.tsv.xz")}
    for row in rows("outcomes.tsv.xz"):
        machines[row["machine"]].add(row)
    totals = [0, 0, 0]
    for machine in machines.values():
        findings, unknown = machine.check(images)
        tap.result(machine.name, findings)
        print(f"# {len(machine.rows)} rows compared, {unknown} of them "
              f"unknown, {machine.skipped} left out")
        totals[0] += len(machine.rows)
        totals[1] += unknown
        totals[2] += machine.skipped
    print(f"# {totals[0]} rows of {len(machines)} machines compared, "
          f"{totals[1]} of them unknown, {totals[2]} left out")
    tap.result("all rows were met", [] if totals[0] + totals[2] == 7764 else
               [f"{totals[0] + totals[2]} of 7764"])
    tap.result("at most 5 in 100 are unknown",
               [] if totals[1] * 20 <= totals[0] else [str(totals)])
    tap.done()


main()
