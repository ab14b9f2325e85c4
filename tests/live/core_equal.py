# SPDX-License-Identifier: GPL-3.0-or-later
# core_equal.py - compare the report of a process with that of its core
"""
core_equal.py LIVE CORE
core_equal.py ORIGINAL EXPORT --export

Prints a line for each difference, and one that begins with '%' and says how
much was compared.
"""
import json
import sys

# All that may differ: (live, core) must be so. Everything else is equal.
EXPECTED = {
    # what they are
    'inputs.*.source': lambda a, b: (a, b) == ('process', 'core'),
    # a process is known by its pid, a core by its file
    'inputs.*.name': lambda a, b: a is None and b,
    # no note tells which kernel wrote a core
    'inputs.*.kernel': lambda a, b: a and b is None,
    # a core was written because of a signal
    'inputs.*.killed_by': lambda a, b: a is None,
    'inputs.*.killed_code': lambda a, b: a is None,
    # the only name in a core is that of the main thread
    'inputs.*.threads.*.name': lambda a, b: b in (a, None),
    # nothing in a core runs, waits, or had to be stopped
    'inputs.*.threads.*.state': lambda a, b: a and b is None,
    'inputs.*.threads.*.stopped': lambda a, b: b is False,
    # what is there to be searched is counted in another way
    'inputs.*.memory': lambda a, b: a and b,
    'inputs.*.memory_searched': lambda a, b: a and b,
    # a core has the registers of the call, but not whether it still goes on
    'inputs.*.threads.*.syscall': lambda a, b: b is None,
}

# The same for what --export wrote, and what it was made from.
EXPECTED_OF_EXPORT = {
    'inputs.*.source': lambda a, b: b == 'core',
    'inputs.*.exported_from': lambda a, b: b in ('process', 'core', 'criu'),
    'inputs.*.name': lambda a, b: a != b,
}


def flatten(value, path, result):
    """Leaves by path; threads by their TID, as their order may differ."""
    if isinstance(value, dict):
        for key, child in value.items():
            flatten(child, path + (key,), result)
        if not value:
            result[path] = '{}'
    elif isinstance(value, list):
        for i, child in enumerate(value):
            name = child['tid'] if path[-1] == 'threads' else i
            flatten(child, path + (name,), result)
        result[path + ('length',)] = len(value)
    else:
        result[path] = value
    return result


def pattern(path):
    """The path with '*' for numbers, joined by dots."""
    return '.'.join('*' if isinstance(p, int) else p for p in path)


def main():
    reports = []
    for name in sys.argv[1:3]:
        with open(name, encoding='utf-8') as file:
            reports.append(flatten(json.load(file), (), {}))
    live, core = reports
    expected = EXPECTED_OF_EXPORT if sys.argv[3:] else EXPECTED
    compared = 0
    for path in sorted(set(live) | set(core), key=str):
        a = live.get(path, 'missing')
        b = core.get(path, 'missing')
        if pattern(path) in expected:
            right = expected[pattern(path)](a, b)
        else:
            compared += 1
            right = a == b and type(a) is type(b)
        if not right:
            where = '.'.join(str(p) for p in path)
            print(f'{where}: live {str(a)[:200]}, core {str(b)[:200]}')
    threads = len({p[3] for p in live if pattern(p[:4]) ==
                   'inputs.*.threads.*'})
    print(f'% {compared} values of {threads} threads compared')


if __name__ == '__main__':
    main()
