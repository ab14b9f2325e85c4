# SPDX-License-Identifier: GPL-3.0-or-later
# matrix.py - frames of one CPU on another, by matrix.tsv and vectors.tsv
"""Usage: matrix.py SCRATCH-DIRECTORY"""

import os
import sys

from lib import Tap, inspect, make_core, table

# What each column of matrix.tsv has in use; "all" depends on the CPU.
IN_USE = {"sse": 0x3, "avx": 0x7, "avx512": 0xe7, "avx_pkru": 0x207,
          "avx512_pkru": 0x2e7}
ALL = {"Skylake-Server": 0x2ff, "SapphireRapids": 0x202e7,
       "SapphireRapids,+amx": 0x602e7}

COMPONENTS = {"A": ["avx"], "M": ["bndregs", "bndcsr"],
              "Z": ["opmask", "zmm_hi256", "hi16_zmm"], "P": ["pkru"],
              "C": ["xtilecfg"], "T": ["xtiledata"]}
BITS = {"x87": 0, "sse": 1, "avx": 2, "bndregs": 3, "bndcsr": 4, "opmask": 5,
        "zmm_hi256": 6, "hi16_zmm": 7, "pkru": 9, "xtilecfg": 17,
        "xtiledata": 18}

KERNELS = {"R1": "5.10.200", "R2": "R2", "R3": "6.1.170", "R4": "6.18.5",
           "R5": "7.3.4", "R6": "R6", "R7": "R7"}


def expected(cell):
    """(outcome, lost, garbled) of a cell."""
    kind, _, letters = cell.partition(":")
    names = [name for letter in letters for name in COMPONENTS[letter]]
    names.sort(key=BITS.get)
    return {"I": ("intact", [], []), "F": ("fatal", [], []),
            "L": ("lossy", names, []), "G": ("garbled", [], names)}[kind]


def found(verdict):
    """The same, of a report."""
    return verdict["outcome"], verdict["lost"], verdict["garbled"]


class Frames:
    """Cores with the frames of each CPU, and the verdicts on them."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.cores = {}

    def write(self, cpu, values):
        """A core with a frame for each value of XSTATE_BV."""
        path = os.path.join(self.scratch, cpu + ".core")
        make_core("frames", cpu, path, *map(hex, values))
        self.cores[cpu] = (path, values)

    def verdicts(self, cpu, targets):
        """By XSTATE_BV and target: (outcome, lost, garbled)."""
        path, values = self.cores[cpu]
        options = [word for target in targets for word in ("-t", target)]
        report = inspect(path, *options, statuses=(0, 1))
        threads = report["inputs"][0]["threads"]
        assert len(threads) == len(values), cpu
        answer = {}
        for value, thread in zip(values, threads):
            assert thread["complete"] and len(thread["frames"]) == 1, cpu
            frame = thread["frames"][0]
            assert int(frame["xstate_bv"], 16) == value, cpu
            for target, verdict in zip(targets, frame["verdicts"]):
                assert verdict["target"] == target
                answer[value, target] = found(verdict)
        return answer


def in_use(row, column):
    """XSTATE_BV of a column, or None if that CPU has none like that."""
    if row[column] == "-":
        return None
    return ALL[row["from"]] if column == "all" else IN_USE[column]


def check_matrix(tap, scratch):
    """All pairs of CPUs under the rules of 7.3.4."""
    rows = list(table("matrix.tsv"))
    frames = Frames(scratch)
    columns = [*IN_USE, "all"]
    cells = 0
    for cpu in dict.fromkeys(row["from"] for row in rows):
        mine = [row for row in rows if row["from"] == cpu]
        values = [in_use(mine[0], column) for column in columns]
        frames.write(cpu, [value for value in values if value])
        answer = frames.verdicts(cpu, [row["to"] + "@7.3.4" for row in mine])
        for row in mine:
            findings = []
            for column in columns:
                value = in_use(row, column)
                if value is None:
                    continue
                cells += 1
                got = answer[value, row["to"] + "@7.3.4"]
                if got != expected(row[column]):
                    findings.append(f"{column}: expected {row[column]} "
                                    f"({row['reason']}), found {got}")
            tap.result(f"{row['from']} to {row['to']}", findings)
    print(f"# {len(rows)} pairs of CPUs, {cells} verdicts")


def check_vectors(tap, scratch):
    """Single frames under each set of rules."""
    frames = Frames(scratch)
    cells = 0
    for row in table("vectors.tsv"):
        value = int(row["bv"], 16)
        rules = [r for r in KERNELS if row[r] != "-"]
        targets = [f"{row['to']}@{KERNELS[r]}" for r in rules]
        frames.write(row["from"], [value])
        answer = frames.verdicts(row["from"], targets)
        findings = []
        for rule, target in zip(rules, targets):
            cells += 1
            if answer[value, target] != expected(row[rule]):
                findings.append(f"{target}: expected {row[rule]} "
                                f"({row['reason']}), "
                                f"found {answer[value, target]}")
        tap.result(f"{row['id']} {row['from']} {row['bv']} to {row['to']}",
                   findings)
    print(f"# {cells} verdicts by rule sets")


def main():
    tap = Tap()
    check_matrix(tap, sys.argv[1])
    check_vectors(tap, sys.argv[1])
    tap.done()


main()
