# SPDX-License-Identifier: GPL-3.0-or-later
# breakelf.py - what damaged ELF files make the tool do
"""
breakelf.py TOOL CORE ROOT NAME COUNT SEED

CORE is of a process that had /NAME mapped, which is in the directory ROOT.
Damages what libdw reads of that file, in ways that once were taken wrongly and
COUNT times at random, and looks at the core each time. Prints a line for each
thing that is wrong, and ones that begin with '%' and count. The same SEED does
the same.

The code is left as it is, so that what is where is known from the report on the
file itself: damage may hide it, or leave it in doubt, but never make it good.
ELF_KEEP=DIR keeps the files of runs that were wrong, ELF_LIST=FILE gets a line
for each run.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys

PATIENCE = 60           # seconds, with what the tool's own limits take
EXTREMES = (0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000,
            0xffffffff, 1 << 32, (1 << 47) - 1, (1 << 63) - 1, 1 << 63,
            (1 << 64) - 4096, (1 << 64) - 1)
SHDR = 64
SHN_XINDEX = 0xffff
NOBITS = 8
SHF_COMPRESSED = 0x800
# What libdw reads; not what the program headers lead to, nor code.
READ = ('.eh_frame', '.eh_frame_hdr', '.symtab', '.strtab', '.shstrtab',
        '.gnu_debuglink', '.gnu_debugdata', '.gnu_debugaltlink')


class Elf:
    """Where things are in a sound file."""

    def __init__(self, data):
        self.data = data
        self.shoff, = struct.unpack_from('<Q', data, 40)
        count, names = struct.unpack_from('<HH', data, 60)
        self.headers = [self.shoff + i * SHDR for i in range(count)]
        at = self.field(self.headers[names], 24)
        self.sections = []      # (name, header, offset, size)
        for header in self.headers[1:]:
            name, kind = struct.unpack_from('<II', data, header)
            end = data.index(b'\0', at + name)
            if kind != NOBITS:
                self.sections.append((
                    data[at + name:end].decode(), header,
                    self.field(header, 24), self.field(header, 32)))
        self.read = [s for s in self.sections if s[3] and
                     (s[0] in READ or s[0].startswith('.debug_'))]

    def field(self, header, offset):
        return struct.unpack_from('<Q', self.data, header + offset)[0]


def put(data, at, width, value):
    value &= (1 << 8 * width) - 1
    data[at:at + width] = value.to_bytes(width, 'little')


def spoil(rng, data, at, size):
    """A few bytes of what is there."""
    width = min(rng.choice((1, 1, 2, 4, 8)), size)
    where = at + rng.randrange(size - width + 1)
    how = rng.randrange(4)
    if how == 0:
        put(data, where, width, rng.choice(EXTREMES))
    elif how == 1:
        data[where] ^= 1 << rng.randrange(8)
    elif how == 2:
        put(data, where, width, rng.getrandbits(64))
    else:
        # LEB128 without an end
        run = min(rng.randrange(1, 24), size)
        where = at + rng.randrange(size - run + 1)
        data[where:where + run] = b'\xff' * run


def damage(rng, elf):
    """What was done, and the damaged file."""
    data = bytearray(elf.data)
    what = []
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        how = rng.randrange(10)
        name, header, at, size = rng.choice(elf.read)
        if how < 5:
            for _ in range(rng.choice((1, 2, 4, 16, 64))):
                spoil(rng, data, at, size)
            what.append(f'{name}: bytes')
        elif how == 5:
            # the head is where the lengths are
            spoil(rng, data, at, min(size, 32))
            what.append(f'{name}: its head')
        elif how == 6:
            # sh_flags to sh_entsize, but not where it is in memory
            field = rng.choice((8, 24, 32, 40, 48, 56))
            put(data, header + field, 4 if field == 40 else 8,
                rng.choice(EXTREMES + (elf.field(header, field) ^
                                       1 << rng.randrange(16),)))
            what.append(f'{name}: its header at {field}')
        elif how == 7:
            # the type, or that it is compressed, which it is not
            if rng.randrange(2):
                put(data, header + 4, 4, rng.randrange(20))
            else:
                put(data, header + 8, 8,
                    elf.field(header, 8) ^ SHF_COMPRESSED)
                put(data, at, 4, rng.choice((1, 1, 2, 0)))
                put(data, at + 8, 8, rng.choice(EXTREMES + (1 << 20, 1 << 32)))
                put(data, at + 16, 8, rng.choice(EXTREMES + (1, 8)))
            what.append(f'{name}: what it is')
        elif how == 8:
            other = rng.choice(elf.read)
            put(data, header + 24, 8, other[2])
            put(data, header + 32, 8, other[3])
            what.append(f'{name}: is {other[0]}')
        else:
            # e_shoff, e_shentsize, e_shnum, e_shstrndx
            field, width = rng.choice(((40, 8), (58, 2), (60, 2), (62, 2)))
            put(data, field, width, rng.choice(
                EXTREMES + (SHN_XINDEX, len(elf.headers) + 1)))
            what.append(f'ELF header at {field}')
    return ', '.join(what), data


# DW_CFA_def_cfa rsp 8, DW_CFA_offset rip: how every function starts
START = b'\x0c\x07\x08\x90\x01'
# The same for the return address, which is what unwinding goes by.
STARTS = {
    'nothing was called by anyone': b'\x0c\x07\x08\x07\x10',
    'callers are said to be of no function': b'\x0c\x07\x08\x08\x10',
    'return addresses are elsewhere': b'\x0c\x07\x08\x90\x03',
    'stacks are elsewhere': b'\x0c\x0c\x08\x90\x01',
    'stacks are endless': b'\x0c\x07\x00\x90\x01',
}


def starts(elf):
    """What was done to all functions, and the damaged file."""
    for what, new in STARTS.items():
        data = bytearray(elf.data)
        for name, _, at, size in elf.read:
            if name == '.eh_frame':
                data[at:at + size] = data[at:at + size].replace(START, new)
        if data != elf.data:
            yield what, data


def damages(rng, elf, count):
    yield from starts(elf)
    for _ in range(count):
        yield damage(rng, elf)


def look(tool, core, root):
    """Exit status, report (None: none), messages."""
    try:
        run = subprocess.run(
            [tool, '-j', '-t', 'haswell@6.1.170', f'--sysroot={root}', core],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return None, None, 'it hangs'
    try:
        report = json.loads(run.stdout)
    except ValueError as e:
        report = None
        if run.returncode in (0, 1, 3):
            return run.returncode, None, f'no report: {e}'
    return run.returncode, report, run.stderr.decode(errors='replace')


def frames_of(report):
    """(TID, address): outcome"""
    return {(t['tid'], f['address']): f['verdicts'][0]['outcome']
            for i in report['inputs'] for t in i['threads']
            for f in t['frames']}


def complete(report):
    """Threads of which all frames are known."""
    return {t['tid'] for i in report['inputs'] for t in i['threads']
            if t['complete']}


def judge(sound, status, report, messages):
    """What is wrong."""
    if status is None or status < 0 or report is None:
        yield f'status {status}: {messages.strip()[:200]}'
        return
    if status not in (0, 1, 3):
        yield f'status {status}: {messages.strip()[:200]}'
    if messages:
        yield f'it says {messages.strip()[:200]}'
    good, now = frames_of(sound), frames_of(report)
    whole = complete(report)
    for (tid, address), outcome in good.items():
        found = now.get((tid, address))
        if found is None and tid in whole:
            yield f'the frame at {address} of {tid} is denied'
        if found == 'intact' != outcome:
            yield f'the frame at {address} is {outcome}, not intact'
    for (tid, address), outcome in now.items():
        if (tid, address) not in good and outcome == 'intact':
            yield f'a frame is made up at {address} of {tid}, and intact'


def main():
    tool, core, root, name, count, seed = sys.argv[1:]
    rng = random.Random(f'{seed}/{os.path.basename(name)}')
    path = os.path.join(root, name)
    with open(path, 'rb') as f:
        elf = Elf(f.read())
    keep, listing = os.environ.get('ELF_KEEP'), os.environ.get('ELF_LIST')
    status, sound, messages = look(tool, core, root)
    if status != 1 or not frames_of(sound):
        print(f'the file itself: status {status}, {messages}')
        return
    tally = {}
    for n, (what, data) in enumerate(damages(rng, elf, int(count))):
        with open(path, 'wb') as f:
            f.write(data)
        status, report, messages = look(tool, core, root)
        wrong = list(judge(sound, status, report, messages))
        notes = ' '.join(note for i in (report or {'inputs': []})['inputs']
                         for note in i['notes'])
        for key in ('died reading', 'took too long', 'libdw'):
            if key in notes:
                tally[key] = tally.get(key, 0) + 1
                break
        tally[status] = tally.get(status, 0) + 1
        if listing:
            with open(listing, 'a') as f:
                f.write(f'{n}: {status}: {what}: {wrong}: {notes}\n')
        for line in wrong:
            print(f'{name}, {n} ({what}): {line}')
        if keep and (wrong or 'libdw' in notes):
            shutil.copy(path, f'{keep}/{os.path.basename(name)}.{seed}.{n}')
    with open(path, 'wb') as f:
        f.write(elf.data)
    print(f'% {name}: ' + ', '.join(
        f'{"status " if isinstance(k, int) else ""}{k} {v} times'
        for k, v in sorted(tally.items(), key=str)))


main()
