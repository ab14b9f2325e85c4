# SPDX-License-Identifier: GPL-3.0-or-later
# vectors.py - are the registers in a report those that the process had?
"""
vectors.py TRUTH REPORT

Prints a line for each thing that is wrong, and one that begins with '%' with
the number of registers compared.
"""
import json
import sys

from frames import read_truth

# name of the registers, how many of them, 64-bit elements of each
SHAPES = {'avx': ('ymm', 16, 4), 'avx512': ('zmm', 32, 8)}


def expected(kind, first):
    name, count, elements = SHAPES[kind]
    return {f'{name}{i}': f'{first + i:016x}' * elements
            for i in range(count)}


def vectors_of(frame):
    """By name; wider registers also by the names of their lower parts."""
    values = {}
    for vector in frame['registers']['vectors']:
        name, value = vector['name'], vector['value']
        values[name] = value
        if name.startswith('zmm') and value:
            values['ymm' + name[3:]] = value[64:]
    return values


def main():
    _, threads = read_truth(sys.argv[1])
    with open(sys.argv[2], encoding='utf-8') as file:
        report = json.load(file)
    compared = 0
    for thread in report['inputs'][0]['threads']:
        truth = threads.get(thread['tid'], {'vectors': []})
        for kind, first in truth['vectors']:
            who = f'thread {thread["tid"]} ({truth["scenario"]})'
            for frame in thread['frames']:
                have = vectors_of(frame)
                for name, value in expected(kind, first).items():
                    compared += 1
                    if have.get(name) != value:
                        print(f'{who}: {name} is {have.get(name)}, '
                              f'not {value}')
                opmask = frame['registers']['opmask']
                # kxnorw sets the low 16 bits
                if kind == 'avx512' and int(opmask[1], 16) != 0xffff:
                    print(f'{who}: k1 is {opmask[1]}')
    print(f'% {compared}')


if __name__ == '__main__':
    main()
