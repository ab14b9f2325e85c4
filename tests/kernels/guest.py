#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""guest.py [OPTION...] KERNEL CPU - boot one guest and judge what it says

Prints a line of tab-separated fields (see FIELDS) and, behind "#", what is
wrong. The exit status is 1 if anything is.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time

FIELDS = (
    "name", "package", "cpu", "xfeatures", "user_size", "rules", "probed",
    "probe_ms", "cases", "agree", "undecided", "disagree", "read_back",
    "seconds", "verdict", "emulated")

# Sets of rules that no trial can tell apart, as bits of the program's masks.
PROBED = {"R1": 0x1, "R2": 0x16, "R3": 0x16, "R4": 0x8, "R5": 0x16}
BITS = {"R1": 0x1, "R2": 0x2, "R3": 0x4, "R4": 0x8, "R5": 0x10}

QEMU = (
    "qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-smp", "1",
    "-m", "512M", "-nodefaults", "-no-reboot", "-display", "none",
    "-monitor", "none")

def boot(args, console):
    """Run the guest; None, or why it did not come to its end."""
    command = [
        "nice", "-n", "10", *QEMU, "-cpu", args.cpu, "-serial",
        "file:" + console, "-kernel", args.kernel, "-initrd", args.initrd,
        "-append", args.append]
    if args.command:
        command = args.command.split()
    with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE) as process:
        try:
            _, errors = process.communicate(timeout=args.deadline)
        except subprocess.TimeoutExpired:
            return f"killed after {args.deadline} s: it hangs"
        finally:
            process.kill()
    if process.returncode not in (0, args.powers_off_with):
        return "the emulator failed: " + errors.decode().strip()[-200:]
    return None


class Console:
    """What the guest wrote."""

    def __init__(self, text):
        self.text = text
        self.parts = {}
        self.status = {}
        name = None
        for line in text.splitlines():
            if match := re.match(r"@@ begin (\S+)", line):
                name = match[1]
                self.parts[name] = []
            elif match := re.match(r"@@ end (\S+) (\d+) (\d+)", line):
                self.status[match[1]] = int(match[2])
                name = None
            elif name:
                self.parts[name].append(line)
        self.done = "@@ done" in text

    def find(self, part, pattern):
        """The first match of the pattern in that part's lines, or None."""
        for line in self.parts.get(part, []):
            if match := re.search(pattern, line):
                return match
        return None


def judge_rules(console, expected, row, wrong):
    """The rules by release and by trial are those that they have to be."""
    match = console.find("oracle", r", rules (0x[0-9a-f]+)$")
    mask = int(match[1], 16) if match else 0
    row["rules"] = "+".join(name for name, bit in BITS.items() if mask & bit)
    if row["rules"] != expected:
        wrong.append(f"rules {row['rules']} by release, not {expected}")
    match = console.find("show", r"^rules: ([^\[]+)")
    described = match[1].split() if match else []

    status = console.status.get("probe")
    if expected not in described or (status == 0 and len(described) > 1):
        wrong.append(f"described as {' '.join(described)}")
    if status == 77:
        reason = console.find("probe", r"SKIP (.*)")
        row["probed"] = "-"
        row["probe_ms"] = "-"
        if not reason or "XSAVE" not in reason[1]:
            wrong.append("the probe cannot run: " + (
                reason[1] if reason else "no reason"))
        return
    match = console.find("probe", r"rules (0x[0-9a-f]+) by release, "
                         r"(0x[0-9a-f]+) by trial")
    if status != 0 or not match:
        wrong.append(f"the probe ended with {status}")
        wrong.extend(line for line in console.parts.get("probe", [])
                     if line.startswith("not ok"))
    if match:
        by_release, by_trial = int(match[1], 16), int(match[2], 16)
        row["probed"] = "+".join(
            name for name, bit in BITS.items() if by_trial & bit)
        if by_release != BITS[expected] or by_trial != PROBED[expected]:
            wrong.append(f"{match[0]}, not those of {expected}")
    match = console.find("probe", r"wall ms: median ([\d.]+)")
    row["probe_ms"] = match[1] if match else "?"


def judge_oracle(console, args, row, wrong):
    """All cases agree, on both targets; fill in the counts."""
    totals = {}
    groups = set()
    pattern = re.compile(
        r"^(not )?ok \d+ - (\S+) (\S+) frames for (\S+): (\d+) cases, "
        r"(\d+) agree, (\d+) disagree, (\d+) undecided, (\d+) skipped")
    for line in console.parts.get("oracle", []):
        if "# SKIP" in line:
            wrong.append(line)
        if not (match := pattern.match(line)):
            continue
        groups.add((match[2], match[3], match[4]))
        total = totals.setdefault(match[4], [0, 0, 0, 0])
        for i in range(4):
            total[i] += int(match[5 + i])
        if match[1]:
            wrong.append(line)
    kinds = {kind for _, kind, _ in groups}
    if len(totals) != 2 or len(groups) != 2 * args.groups * len(kinds):
        wrong.append("not every group of cases was tried")
    if not row["kinds"] <= kinds:
        wrong.append("missing: " + " ".join(row["kinds"] - kinds))
    wrong.extend(
        line for line in console.parts.get("oracle", [])
        if line.startswith(("# DISAGREES", "#   ", "Bail out")))
    if console.status.get("oracle") != 0:
        wrong.append(f"the oracle ended with {console.status.get('oracle')}")

    host = totals.get("host@host", [0, 0, 0, 0])
    back = [total for name, total in totals.items() if name != "host@host"]
    row["cases"], row["agree"], row["disagree"], row["undecided"] = host
    row["read_back"] = (
        "same" if back == [host] else
        "/".join(str(n) for n in back[0][1:]) if back else "?")
    match = console.find("oracle", r"xfeatures (\S+), .* user size (\d+)")
    row["xfeatures"] = match[1] if match else "?"
    row["user_size"] = match[2] if match else "?"
    match = console.find("oracle", r"^# emulated: (.*)")
    row["emulated"] = match[1] if match else "?"


def main():
    """Boot and judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--name", default="?")
    parser.add_argument("--package", default="?")
    parser.add_argument("--initrd")
    parser.add_argument("--append", help="kernel parameters")
    parser.add_argument("--rules", required=True)
    parser.add_argument("--deadline", type=int, default=120)
    parser.add_argument("--console", required=True)
    parser.add_argument("--groups", type=int, default=3,
                        help="of cases, for each kind of frame")
    parser.add_argument("--kinds", default="x86_64,ia32_rt,ia32")
    parser.add_argument("--command", help="instead of QEMU")
    parser.add_argument("--powers-off-with", type=int, default=0)
    parser.add_argument("kernel")
    parser.add_argument("cpu")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    row = dict.fromkeys(FIELDS, "?")
    row.update(name=args.name, package=args.package, cpu=args.cpu)
    row["kinds"] = set(args.kinds.split(","))
    wrong = []
    if os.path.exists(args.console):
        os.unlink(args.console)
    start = time.monotonic()
    failure = boot(args, args.console)
    row["seconds"] = f"{time.monotonic() - start:.0f}"
    if failure:
        wrong.append(failure)
    text = ""
    if os.path.exists(args.console):
        with open(args.console, encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\r", "")
    console = Console(text)
    if not console.done:
        wrong.append("the guest did not come to its end")
        wrong.extend(text.splitlines()[-5:])
    judge_rules(console, args.rules, row, wrong)
    judge_oracle(console, args, row, wrong)
    row["verdict"] = "good" if not wrong else "BAD"
    print("\t".join(str(row[field]) for field in FIELDS))
    for line in wrong:
        print("#", line)
    sys.exit(1 if wrong else 0)


main()
