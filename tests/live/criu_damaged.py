# SPDX-License-Identifier: GPL-3.0-or-later
# criu_damaged.py - checkpoints with random damage must not harm the tool
"""
criu_damaged.py TOOL CHECKPOINT SCRATCH COUNT [SEED]

Prints a line for each run that did not end as it should.
"""
import os
import random
import resource
import shutil
import subprocess
import sys

LIMIT = 1 << 30         # bytes of memory


def damage(rng, directory):
    """One to four changes in the images that are read."""
    names = sorted(n for n in os.listdir(directory)
                   if n.startswith(('core', 'mm', 'pagemap', 'pstree',
                                    'files', 'inventory', 'pages')))
    done = []
    for _ in range(rng.randint(1, 4)):
        path = os.path.join(directory, rng.choice(names))
        with open(path, 'rb') as file:
            data = bytearray(file.read())
        how = rng.choice(('byte', 'byte', 'cut', 'word', 'copy'))
        at = rng.randrange(len(data)) if data else 0
        if how == 'cut' or not data:
            del data[at:]
        elif how == 'byte':
            data[at] = rng.randrange(256)
        elif how == 'word':
            data[at:at + 4] = rng.choice((b'\xff' * 4, b'\0' * 4,
                                          b'\xff\xff\xff\x7f'))
        else:
            data[at:at] = data[at // 2:at]
        with open(path, 'wb') as file:
            file.write(data)
        done.append(f'{how} {os.path.basename(path)} {at}')
    return ', '.join(done)


def bounded():
    if not os.environ.get('SIGFRAME_SANITIZED'):
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))


def main():
    tool, original, scratch, count = sys.argv[1:5]
    seed = int(sys.argv[5]) if sys.argv[5:] else random.randrange(1 << 32)
    rng = random.Random(seed)
    wrong = 0
    for _ in range(int(count)):
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(original, scratch, symlinks=True)
        done = damage(rng, scratch)
        run = subprocess.run(
            [tool, '--json', '-x', f'--sysroot={original}', scratch],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
            preexec_fn=bounded, check=False)
        lines = run.stderr.decode('utf-8', 'replace').splitlines()
        if run.returncode not in (0, 1, 2, 3) or any(
                not line.startswith('sigframe-inspect: ') for line in lines):
            print(f'{done}: status {run.returncode}, {lines[:3]}')
            wrong += 1
        if run.returncode == 2 and not lines:
            print(f'{done}: status 2 without a word')
            wrong += 1
    if wrong:
        print(f'the same again: SEED {seed}')


if __name__ == '__main__':
    main()
