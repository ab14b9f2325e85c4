# SPDX-License-Identifier: GPL-3.0-or-later
"""format.py CLANG-FORMAT FILE... - where code is not in the style of .clang-format

Where lines are broken, how what goes on is aligned, and tabs before comments
are left to people: clang-format spoils tables. Compared is what is left: how
deep statements stand, and the blanks between the words of a line.
"""
import difflib
import re
import subprocess
import sys


def squeeze(line):
    """What a line says, whatever its blanks."""
    return re.sub(r"\s+", "", line)


def words(line):
    """Where there are blanks in a line, however many. Not those around
    asterisks: clang-format takes some pointers for products."""
    return re.sub(r" ?\* ?", "*", re.sub(r"\s+", " ", line.strip()))


def code(line):
    """The line without strings, characters and comments."""
    line = re.sub(r'"(\\.|[^"\\])*"' + r"|'(\\.|[^'\\])*'", "0", line)
    return re.sub(r"/\*.*?(\*/|$)|//.*", "", line).rstrip()


def begins_statement(lines):
    """For each line, whether a statement begins there."""
    depth, before, starts, comment = 0, "{", [], False
    for line in lines:
        text = code(line)
        if comment:
            starts.append(False)
            comment = "*/" not in line
            continue
        comment = "/*" in line and "*/" not in line
        starts.append(not depth and before.endswith((";", "}", ":")) or
                      bool(re.search(r"(\)|else|do) {$|^{$", before)))
        depth += text.count("(") - text.count(")")
        before = text or before
    return starts


def indent(line):
    return re.match(r"\s*", line).group()


def findings(name, ours, theirs):
    starts = begins_statement(ours)
    match = difflib.SequenceMatcher(
        None, [squeeze(l) for l in ours], [squeeze(l) for l in theirs], False)
    for block in match.get_matching_blocks():
        for k in range(block.size):
            here, there = ours[block.a + k], theirs[block.b + k]
            if not here.strip() or "\\" in here or "#define" in here:
                continue
            at = f"{name}:{block.a + k + 1}: "
            if starts[block.a + k] and indent(here) != indent(there):
                yield at + "indented as " + repr(indent(here))
            if words(here) != words(there):
                yield at + words(here) + "  should be  " + words(there)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    with open(".clang-format", encoding="utf-8") as file:
        style = [line.split(":") for line in file
                 if line.strip() and not line.startswith("#")]
    style = {key.strip(): value.strip() for key, value in style}
    style["ColumnLimit"] = "0"
    text = "{" + ", ".join(f"{k}: {v}" for k, v in style.items()) + "}"
    for name in names:
        with open(name, encoding="utf-8") as file:
            ours = file.read().splitlines()
        theirs = subprocess.run(
            [program, "--style=" + text, name], check=True,
            stdout=subprocess.PIPE, encoding="utf-8").stdout.splitlines()
        for finding in findings(name, ours, theirs):
            print(finding)


main()
