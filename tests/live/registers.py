# SPDX-License-Identifier: GPL-3.0-or-later
# registers.py - cores in which the registers of one thread are damaged
"""
registers.py TOOL SCRATCH ROUNDS SEED CORE TRUTH [CORE TRUTH]...

Puts other values into rsp, rip, rbp or all of them of one thread of a CORE at
a time, which has the frames that TRUTH tells. Whatever is there then: if the
exit status is 0, all these frames have to be in the report. Prints a line for
each core of which that is not so, and ones that begin with '%' and count.

Left out is what can be told from nothing else. A stack pointer alone is damaged,
what is missing is not above it on the same stack, and

* through callers it leads to an outermost function: so it is when a handler was
  left, by longjmp() or by its end, or if the thread went to another stack; or
* it points at the number of arguments: so it is where the program starts.

These are counted, too. REGISTERS_KEEP=DIR keeps cores that are wrong.
"""
import json
import os
import random
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'tools'))
import corrupt
from corrupt import u

PF_X = 1
PID, REGS = 32, 112             # in struct elf_prstatus, x86-64
RSP, RIP, RBP = (REGS + 8 * i for i in (19, 16, 4))
FIELDS = {'rsp': (RSP,), 'rip': (RIP,), 'rbp': (RBP,),
          'all': (RSP, RIP, RBP)}
NEAR = 4096
BATCH = 20                      # cores that there is room for


class Core:
    def __init__(self, path, truth):
        self.path = path
        self.data = corrupt.content(path)
        layout = corrupt.Layout(self.data)
        self.status = {u(self.data, desc + PID, 4): desc
                       for _, kind, desc, _ in layout.notes
                       if kind == corrupt.NT_PRSTATUS}
        # start, end, may be executed, offset
        self.segments = [(address, address + u(self.data, at + 40, 8),
                          u(self.data, at + 4, 4) & PF_X, offset)
                         for at, offset, address, _ in layout.loads]
        self.frames = {}        # by TID, the innermost first
        with open(truth, encoding='ascii') as lines:
            for line in lines:
                word = line.split()
                if word[0] == 'frame':
                    self.frames.setdefault(int(word[1]), []).insert(
                        0, int(word[3], 16))

    def segment(self, address):
        return next(s for s in self.segments if s[0] <= address < s[1])

    def words(self, address):
        """Of memory, as far as the core has it."""
        start, end, _, offset = self.segment(address)
        for at in range(address, end - 7, 8):
            yield u(self.data, offset + at - start, 8)

    def is_start(self, address):
        """Are the program's arguments there?"""
        words = self.words(address)
        end = self.segment(address)[1]
        count = next(words, 0)
        return (0 < count < 100 and
                all(address < next(words, 0) < end for _ in range(count)) and
                next(words, 1) == 0)

    def stack_pointer(self, tid):
        return u(self.data, self.status[tid] + RSP, 8)

    def others(self, tid):
        """Where other threads are, on stacks of their own."""
        mine = [self.segment(a) for a in
                self.frames[tid] + [self.stack_pointer(tid)]]
        return [sp for sp in map(self.stack_pointer, self.status)
                if self.segment(sp) not in mine]


def zero(_rng, _core, _tid):
    return 0


def small(rng, _core, _tid):
    return rng.randrange(1, 1 << 16)


def ones(_rng, _core, _tid):
    return (1 << 64) - 1


def not_canonical(rng, _core, _tid):
    return rng.randrange(1 << 47, (1 << 64) - (1 << 47))


def below(rng, core, tid):
    frame = core.frames[tid][0]
    return rng.randrange(max(core.segment(frame)[0], frame - NEAR), frame, 8)


def near(rng, core, tid):
    frame = core.frames[tid][0]
    return rng.randrange(frame + 8,
                         min(core.segment(frame)[1], frame + NEAR), 8)


def above(rng, core, tid):
    frame = core.frames[tid][0]
    return rng.randrange(frame + 8, core.segment(frame)[1], 8)


def top(rng, core, tid):
    frame = core.frames[tid][0]
    end = core.segment(frame)[1]
    return rng.randrange(max(frame + 8, end - NEAR), end, 8)


def other(rng, core, tid):
    """On the stack of another thread; without one, in any memory."""
    places = core.others(tid)
    if not places:
        return rng.randrange(*rng.choice(core.segments)[:2])
    at = rng.choice(places)
    return rng.randrange(at, core.segment(at)[1], 8)


def code(rng, core, _tid):
    return rng.randrange(*rng.choice([s for s in core.segments if s[2]])[:2])


def anything(rng, _core, _tid):
    return rng.getrandbits(64)


KINDS = (zero, small, ones, not_canonical, below, near, above, top, other,
         code, anything)


class Damage:
    """What is done to a core, by the field and the kind of value."""

    def __init__(self, rng, core, field, kind):
        self.tid = rng.choice(sorted(core.frames))
        self.core = core
        self.name = f'{field} {kind.__name__}'
        self.edits = {at: kind(rng, core, self.tid) for at in FIELDS[field]}

    def write(self, path):
        data = bytearray(self.core.data)
        for at, value in self.edits.items():
            corrupt.put(data, self.core.status[self.tid] + at, 8, value)
        with open(path, 'wb') as file:
            file.write(data)

    def missing(self, source):
        """Frames that are nowhere in a report that has no doubt of them."""
        thread = next(t for t in source['threads'] if t['tid'] == self.tid)
        if not thread['complete']:
            return []
        there = {int(f['address'], 16)
                 for f in thread['frames'] + source['dormant']}
        return [f for f in self.core.frames[self.tid] if f not in there]

    def was_left(self, source, missing):
        """Nothing tells it from a thread that has left these frames."""
        thread = next(t for t in source['threads'] if t['tid'] == self.tid)
        if list(self.edits) != [RSP]:
            return False
        sp = self.edits[RSP]
        end = self.core.segment(sp)[1]
        return (not any(sp <= f < end for f in missing) and
                (thread['lost'] is None or self.core.is_start(sp)))

    def describe(self):
        values = ', '.join(f'{v:#x}' for v in self.edits.values())
        return (f'{os.path.basename(self.core.path)}: thread {self.tid}, '
                f'{self.name}: {values}')


def report(tool, paths):
    run = subprocess.run([tool, '--json', *paths], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False)
    return json.loads(run.stdout), run.returncode


def judge(tool, path, damage, source, counts):
    missing = damage.missing(source)
    counts['runs'] += 1
    if not missing:
        thread = next(t for t in source['threads'] if t['tid'] == damage.tid)
        counts['found' if thread['complete'] else 'in doubt'] += 1
        return
    _, status = report(tool, [path])
    if status != 0:
        counts['in doubt'] += 1
    elif damage.was_left(source, missing):
        counts['as if left'] += 1
    else:
        places = ', '.join(f'{f:#x}' for f in missing)
        print(f'{damage.describe()}: status 0, but not {places}')
        if 'REGISTERS_KEEP' in os.environ:
            shutil.copy(path, os.environ['REGISTERS_KEEP'])


def main():
    tool, scratch, rounds, seed, *files = sys.argv[1:]
    cores = [Core(*pair) for pair in zip(files[::2], files[1::2])]
    for core in cores:
        whole, status = report(tool, [core.path])
        lacks = [f'{f:#x}' for tid in core.frames for f in core.frames[tid]
                 if f not in [int(g['address'], 16)
                              for t in whole['inputs'][0]['threads']
                              for g in t['frames'] if t['tid'] == tid]]
        if status or lacks or not core.frames:
            print(f'{core.path}, undamaged: status {status}, lacks {lacks}')
    rng = random.Random(seed)
    damages = [Damage(rng, core, field, kind) for _ in range(int(rounds))
               for core in cores for field in FIELDS for kind in KINDS]
    counts = dict.fromkeys(('runs', 'found', 'in doubt', 'as if left'), 0)
    paths = [os.path.join(scratch, f'damaged.{i}') for i in range(BATCH)]
    for i in range(0, len(damages), BATCH):
        batch = list(zip(paths, damages[i:i + BATCH]))
        for path, damage in batch:
            damage.write(path)
        told, _ = report(tool, [path for path, _ in batch])
        sources = {s['name']: s for s in told['inputs']}
        for path, damage in batch:
            if path not in sources:
                print(f'{damage.describe()}: not examined')
            else:
                judge(tool, path, damage, sources[path], counts)
    print('%', ', '.join(f'{name}: {n}' for name, n in counts.items()))


if __name__ == '__main__':
    main()
