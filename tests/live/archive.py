# SPDX-License-Identifier: GPL-3.0-or-later
# archive.py - damage a compressed file, and see what is said of it
"""
archive.py TOOL FILE STATUS REFERENCE

FILE is cut off and changed in many places. Each time the tool has to refuse it
in one line, or to print the JSON report that is in REFERENCE with STATUS: what
was damaged did not matter then. Prints a line for each thing that is wrong,
and one that begins with '%' and says how often it was refused.
"""
import re
import subprocess
import sys

PIECES = 12


def damaged(data):
    """(what was done, the result)"""
    size = len(data)
    for i in range(PIECES):
        at = size * i // PIECES
        yield f'cut off after {at} bytes', data[:at]
        changed = bytearray(data)
        changed[at] ^= 1 << (i % 8)
        yield f'byte {at} changed', bytes(changed)
    for at in range(size - 13, size, 3):
        yield f'cut off after {at} bytes', data[:at]


def anonymous(report):
    """Without the name of the file."""
    return re.sub(rb'^( *"name": ).*(spoilt|packed)"', rb'\1"FILE"', report,
                  flags=re.M)


def main():
    tool, name, status, reference = sys.argv[1:]
    with open(name, 'rb') as file:
        data = file.read()
    with open(reference, 'rb') as file:
        wanted = anonymous(file.read())
    refused = same = 0
    for what, result in damaged(data):
        with open('spoilt', 'wb') as file:
            file.write(result)
        run = subprocess.run([tool, '--json', '-x', '--raw', 'spoilt'],
                             capture_output=True, check=False)
        if run.returncode == 2 and b'"threads": [' not in run.stdout and \
                re.fullmatch(rb'sigframe-inspect: spoilt: [^\n]+\n',
                             run.stderr):
            refused += 1
        elif run.returncode == int(status) and not run.stderr and \
                anonymous(run.stdout) == wanted:
            same += 1
        else:
            print(f'{what}: status {run.returncode}, '
                  f'{run.stderr[:300].decode(errors="replace")}')
    if not refused:
        print('nothing was refused')
    print(f'% {refused} times refused, {same} times the same report')


if __name__ == '__main__':
    main()
