# SPDX-License-Identifier: GPL-3.0-or-later
# hostile.py - does a report contain only what belongs into it?
"""
hostile.py text|json thread|program|any FILE

Prints a line for each thing that is wrong with the report on odd's "named",
or with a core of it, which has only its program's name; "any": with any other.
"""
import json
import sys
import unicodedata

# What the names have in common with nothing else, and how that looks when all
# before it is escaped.
MARKS = {'thread': ('[31m', r'(\x1b[31m\x0a'),
         'program': (']0;t', r'x\x1b]0;t'),
         'any': ('', '')}


def strings(value):
    if isinstance(value, dict):
        for key, child in value.items():
            yield key
            yield from strings(child)
    elif isinstance(value, list):
        for child in value:
            yield from strings(child)
    elif isinstance(value, str):
        yield value


def check_text(data, mark, escaped):
    text = data.decode('utf-8')
    for character in text:
        if character != '\n' and unicodedata.category(character) == 'Cc':
            yield f'control character {character!r}'
    lines = [line for line in text.split('\n') if mark in line]
    if not lines:
        yield 'the name is not there'
    for line in lines:
        if escaped not in line:
            yield f'the name is another: {line}'


def check_json(data, mark, _):
    if any(unicodedata.category(character) == 'Cc' and character != '\n'
           for character in data.decode('utf-8')):
        yield 'raw control characters'
    report = json.loads(data.decode('utf-8', 'strict'))
    if not any(mark in s for s in strings(report)):
        yield 'the name is not there'
    for string in strings(report):
        # lone surrogates are valid for Python, but not for others
        string.encode('utf-8', 'strict')


CHECKS = {'text': check_text, 'json': check_json}


def main():
    form, name, path = sys.argv[1:]
    with open(path, 'rb') as file:
        data = file.read()
    for finding in CHECKS[form](data, *MARKS[name]):
        print(finding)


if __name__ == '__main__':
    main()
