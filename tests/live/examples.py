# SPDX-License-Identifier: GPL-3.0-or-later
# examples.py - the steps of the workflow in examples/ that run commands
"""
examples.py steps WORKFLOW DIR
examples.py env WORKFLOW

The first writes each "run" of the steps to a file of its own, DIR/1.sh and so
on, and prints the names of the steps; the second prints the variables of "env"
as NAME=VALUE. There is no YAML parser in the standard library, so of YAML only
what the file uses is known.
"""
import os
import sys


def indent(line):
    return len(line) - len(line.lstrip(' '))


def runs(lines):
    """Name and commands of each step that has a run."""
    name = None
    for i, line in enumerate(lines):
        key, _, value = line.strip().removeprefix('- ').partition(': ')
        if line.lstrip().startswith('- '):
            name = value if key == 'name' else None
        elif key == 'run' and value == '|':
            body = []
            for following in lines[i + 1:]:
                if following and indent(following) <= indent(line):
                    break
                body.append(following)
            depth = min(indent(b) for b in body if b)
            yield name, '\n'.join(b[depth:] for b in body) + '\n'
        elif key == 'run':
            yield name, value + '\n'


def env(lines):
    at = next(i for i, line in enumerate(lines) if line.strip() == 'env:')
    for line in lines[at + 1:]:
        if indent(line) <= indent(lines[at]):
            return
        yield line.strip().replace(': ', '=', 1)


def main():
    with open(sys.argv[2], encoding='utf-8') as file:
        lines = file.read().splitlines()
    if sys.argv[1] == 'env':
        print('\n'.join(env(lines)))
        return
    for number, (name, commands) in enumerate(runs(lines), 1):
        path = os.path.join(sys.argv[3], f'{number}.sh')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(commands)
        print(name)


if __name__ == '__main__':
    main()
