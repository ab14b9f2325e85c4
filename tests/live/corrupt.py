# SPDX-License-Identifier: GPL-3.0-or-later
# corrupt.py - what damaged cores and checkpoints make the tool do
"""
corrupt.py core|images TOOL SCRATCH COUNT SEED TARGET BASE...

Has tests/tools/corrupt.py damage each BASE in turns, COUNT times in all, and
looks at each result. Prints a line for each thing that is wrong, and ones that
begin with '%' and count. What must still be found is known from the formats,
not from the tool: this has a reader of its own.

CORRUPT_LIMITS=1 also holds each run to a second of CPU time and 64 MiB.
CORRUPT_KEEP=DIR keeps the inputs of runs that were wrong.
CORRUPT_LIST=FILE gets a line for each run: what was done, and what came of it.
"""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

if sys.argv[1] != 'runner':
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))), 'tools'))
    import corrupt
    import criuimages
    from corrupt import PT_LOAD, PT_NOTE, NT_PRSTATUS, NT_FILE, \
        SW_OFFSET as SW, u

PATIENCE = 20           # seconds
CPU_MAX = 1.0
RSS_MAX = 64 << 10      # KiB
SANITIZED = bool(os.environ.get('SIGFRAME_SANITIZED'))
MAGIC2 = 0x46505845
PF_R = 4
NT_AUXV = 6
REACH = 64 << 10       # bytes of a stack that are searched
CODE_MAX = 256 << 10   # bytes of a segment that may describe code

# struct rt_sigframe, x86-64, and struct elf_prstatus; bytes
UC_STACK_POINTER = 8 + 160
UC_FPSTATE = 8 + 224
STATUS_SIZE, STATUS_PID, STATUS_REGS = 336, 32, 112
REG_RIP, REG_RSP = 16, 19
# of the XSAVE area
XSTATE_BV = 512


class CoreFile:
    """A core as a strict reader sees it: 64 bits, nothing guessed."""

    def __init__(self, data):
        self.data = data
        self.loads = []
        self.threads = {}       # TID: (rip, rsp); None if not unique
        self.described = []     # what is mapped: notes, and all segments
        if (bytes(data[:6]) != b'\x7fELF\2\1' or len(data) < 64 or
                u(data, 16, 2) != 4 or u(data, 18, 2) != 62 or
                u(data, 54, 2) != 56):
            return
        phoff, count = u(data, 32, 8), u(data, 56, 2)
        if count == 0xffff or phoff + count * 56 > len(data):
            return
        for i in range(count):
            kind, flags, off, vaddr, _, filesz, memsz, _ = struct.unpack_from(
                '<IIQQQQQQ', data, phoff + 56 * i)
            if kind == PT_LOAD:
                self.described.append((vaddr, memsz, flags))
            if kind == PT_LOAD and flags & PF_R:
                self.loads.append((vaddr, memsz, min(filesz, memsz), off))
            elif kind == PT_NOTE:
                self.read_notes(off, min(off + filesz, len(data)))

    def read_notes(self, at, end):
        while at + 12 <= end:
            name, size, kind = struct.unpack_from('<III', self.data, at)
            desc = at + 12 + (name + 3 & ~3)
            if desc + size > end:
                return
            if (kind == NT_PRSTATUS and size == STATUS_SIZE and
                    bytes(self.data[at + 12:at + 17]) == b'CORE\0'
                    and name == 5):
                self.add_thread(desc)
            elif kind in (NT_FILE, NT_AUXV):
                self.described.append(bytes(self.data[at:desc + size]))
            at = desc + (size + 3 & ~3)

    def add_thread(self, desc):
        tid = u(self.data, desc + STATUS_PID, 4)
        regs = [u(self.data, desc + STATUS_REGS + 8 * i, 8)
                for i in (REG_RIP, REG_RSP)]
        self.threads[tid] = None if tid in self.threads else regs

    def offset(self, address, size):
        """Where that memory is in the file; None: not, or not only there."""
        over = [(start, filesz, off) for start, memsz, filesz, off
                in self.loads if start < address + size and
                address < start + memsz]
        if len(over) != 1:
            return None
        start, filesz, off = over[0]
        if address < start or address + size > start + filesz:
            return None
        at = off + address - start
        return at if at + size <= len(self.data) else None

    def read(self, address, size):
        at = self.offset(address, size)
        return None if at is None else bytes(self.data[at:at + size])

    def registers(self, tid):
        return self.threads.get(tid)

    def segment(self, address):
        return next((load for load in self.loads
                     if load[0] <= address < load[0] + load[2]), None)


def records_of(path):
    """OSError if it is not a file of its own; may be what blocks readers."""
    if not corrupt.is_plain(path):
        raise OSError(path)
    return criuimages.read_image(path)[1]


class Pages:
    """The pages of a process that are in its directory."""

    def __init__(self, directory, pid):
        self.runs = []          # (start, bytes, offset)
        records = records_of(f'{directory}/pagemap-{pid}.img')
        self.path = f'{directory}/pages-{criuimages.get(records[0], 1)}.img'
        at = 0
        for record in records[1:]:
            size = criuimages.get(record, 5, criuimages.get(record, 2)) * 4096
            default = criuimages.PARENT if criuimages.get(record, 3) else \
                criuimages.PRESENT
            if criuimages.get(record, 4, default) & criuimages.PRESENT:
                self.runs.append((criuimages.get(record, 1), size, at))
                at += size

    def read(self, address, size):
        """None if it is not all there, or in several runs."""
        for start, length, offset in self.runs:
            if start <= address and address + size <= start + length and \
                    corrupt.is_plain(self.path):
                with open(self.path, 'rb') as file:
                    file.seek(offset + address - start)
                    data = file.read(size)
                return data if len(data) == size else None
        return None


class Checkpoint:
    """A checkpoint in the same way, its parents left aside."""

    def __init__(self, directory):
        self.directory = directory
        self.threads = {}       # TID: PID
        self.pages = {}         # by PID
        try:
            for item in records_of(directory + '/pstree.img'):
                pid = criuimages.get(item, 1)
                self.pages[pid] = Pages(directory, pid)
                for tid in criuimages.get_all(item, 5):
                    self.threads[tid] = pid
        except (OSError, IndexError, KeyError, ValueError, TypeError,
                struct.error):
            self.threads = {}

    def registers(self, tid):
        """All of the images that tell where its frames are."""
        pid = self.threads.get(tid)
        return None if pid is None else tuple(
            self.plain(f'{name}.img') for name in
            (f'core-{tid}', f'core-{pid}', f'mm-{pid}', f'pagemap-{pid}',
             'pstree', 'inventory'))

    def plain(self, name):
        path = f'{self.directory}/{name}'
        return bytes(corrupt.content(path)) if corrupt.is_plain(path) else None

    def read_of(self, tid, address, size):
        try:
            return self.pages[self.threads[tid]].read(address, size)
        except (KeyError, OSError, OverflowError, ValueError):
            return None


class Frame:
    """One that an undamaged input has."""

    def __init__(self, tid, address, size, data, outcome):
        self.tid = tid
        self.address = address
        self.size = size        # bytes, its image included
        self.data = data
        self.outcome = outcome


def image_is_sound(data, image):
    """Its software bytes are what a kernel writes; its size, or None."""
    magic, extended, _, size = struct.unpack_from('<IIQI', data, image + SW)
    if (magic != corrupt.MAGIC1 or extended != size + 4 or
            image + extended > len(data) or
            u(data, image + size, 4) != MAGIC2):
        return None
    return size


def frames_above(core, at):
    """Frames on that stack from `at` on: address, size; by the format alone."""
    load = core.segment(at)
    if not load:
        return
    start = at & ~7
    size = min(REACH, load[0] + load[2] - start)
    data = core.read(start, size) or b''
    for pos in range(UC_FPSTATE, len(data) - 512, 8):
        image = u(data, pos, 8) - start
        if image & 63 != -start & 63 or not pos < image < min(
                pos + 1024, len(data) - 576):
            continue
        xsize = image_is_sound(data, image)
        if xsize:
            frame = pos - UC_FPSTATE
            yield start + frame, image + xsize + 4 - frame


def core_frames(core):
    """Frames that the threads will return through: (TID, address, size)."""
    for tid, regs in core.threads.items():
        at = regs[1]
        while True:
            # when the restorer runs, the frame starts below
            address, size = min(frames_above(core, at - 8), default=(0, 0))
            if not size:
                break
            yield tid, address, size
            at = u(core.read(address, 512), UC_STACK_POINTER, 8)


class Base:
    """An undamaged input."""

    def __init__(self, kind, path, report):
        self.kind = kind
        self.path = path
        self.name = os.path.basename(path)
        told = {(t['tid'], int(f['address'], 16)): f for i in report['inputs']
                for t in i['threads'] for f in t['frames']}
        outcome = {key: f['verdicts'][0]['outcome']
                   for key, f in told.items()}
        if kind == 'core':
            self.data = corrupt.content(path)
            self.layout = corrupt.Layout(self.data)
            self.view = CoreFile(self.data)
            known = list(core_frames(self.view))
            # the code is in files of this machine, not in it
            self.external = self.name in ('kernel', 'gdb')
        else:
            self.view = Checkpoint(path)
            self.external = False
            # what they have is in their *.truth, and tested elsewhere
            known = [(tid, address, f['xstate_size'] + 4 +
                      int(f['fpstate'], 16) - address)
                     for (tid, address), f in told.items()
                     if f['kind'] == 'x86_64' and f['xstate_size'] and
                     self.read(self.view, tid, address, 8)]
        self.missed = [k for k in known if k[:2] not in told]
        self.frames = [Frame(tid, address, size,
                             self.read(self.view, tid, address, size),
                             outcome.get((tid, address)))
                       for tid, address, size in known]
        # as long as one of them is there, no report may be good
        self.bad = [f for f in self.frames
                    if f.outcome in ('lossy', 'garbled', 'fatal')]

    def has_code(self, view):
        """Is all there that files of this machine are compared with?"""
        return view.described == self.view.described and all(
            view.read(start, size) == self.view.read(start, size)
            for start, _, size, _ in self.view.loads
            if size <= CODE_MAX and self.view.read(start, size))

    def read(self, view, tid, address, size):
        return view.read(address, size) if self.kind == 'core' else \
            view.read_of(tid, address, size)

    def damage(self, rng, output):
        if self.kind == 'core':
            data, done = corrupt.damage_core(rng, self.data, self.layout)
            with open(output, 'wb') as file:
                file.write(data)
            return CoreFile(data), done
        done = corrupt.damage_images(rng, self.path, output)
        return Checkpoint(output), done

    def state(self, view, frame):
        """What became of a frame, and of what leads to it."""
        regs = view.registers(frame.tid)
        if regs is None:
            return 'no thread'
        if self.kind == 'core' and regs[1] > frame.address and \
                view.read(regs[0], 16) != self.view.read(regs[0], 16):
            # its restorer has popped its address: only that code tells
            return 'no restorer'
        if regs != self.view.registers(frame.tid):
            return 'registers'
        if self.external and not self.has_code(view):
            return 'no code'
        data = self.read(view, frame.tid, frame.address, frame.size)
        if data is None:
            return 'no memory'
        first = next(f for f in self.frames if f.tid == frame.tid)
        if frame is not first and self.state(view, first) != 'whole':
            return 'inner'
        if self.kind == 'core' and not view.read(
                u(frame.data, UC_STACK_POINTER, 8) - 8, 8):
            return 'inner'
        return 'whole' if data == frame.data else 'changed'


class Runner:
    """
    Runs the tool from a process that is small: what a child takes from its
    parent counts as its own memory.
    """

    def __init__(self):
        self.helper = subprocess.Popen(
            [sys.executable, '-ISE', __file__, 'runner'],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, scratch, arguments):
        job = [os.path.join(scratch, n) for n in ('out', 'err')] + arguments
        self.helper.stdin.write(json.dumps(job).encode() + b'\n')
        self.helper.stdin.flush()
        run = Run(*json.loads(self.helper.stdout.readline()))
        run.out, run.err = (corrupt.content(name) for name in job[:2])
        return run


class Run:
    def __init__(self, status, late, cpu, rss, wall):
        self.status = status
        self.late = late
        self.cpu = cpu          # seconds
        self.rss = rss          # KiB
        self.wall = wall


def runner():
    """The other end of Runner."""
    for line in sys.stdin:
        out, err, *arguments = json.loads(line)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        begin = time.monotonic()
        late = []
        pid = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, out, flags, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, err, flags, 0o600)])

        def end(*_):
            late.append(True)
            os.kill(pid, signal.SIGKILL)    # pylint: disable=W0640

        signal.signal(signal.SIGALRM, end)
        signal.alarm(PATIENCE)
        _, wait, used = os.wait4(pid, 0)
        signal.alarm(0)
        print(json.dumps([os.waitstatus_to_exitcode(wait), bool(late),
                          used.ru_utime + used.ru_stime, used.ru_maxrss,
                          time.monotonic() - begin]), flush=True)


def raw(data):
    return any(b < 0x20 and b != 0x0a or b == 0x7f for b in data)


def text_of(data, what, findings):
    if raw(data):
        findings.append(f'raw control characters on {what}')
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError as error:
        findings.append(f'{what}: {error}')
        return ''


def check_run(run, findings):
    """What holds for every run."""
    if run.late:
        findings.append(f'not at its end after {PATIENCE} s')
    elif run.status not in (0, 1, 2, 3):
        findings.append(f'status {run.status}')
    lines = text_of(run.err, 'stderr', findings).splitlines()
    strange = [line for line in lines
               if not line.startswith('sigframe-inspect: ')]
    if strange:
        findings.append(f'it says: {strange[:3]}')
    if run.status == 2 and not lines:
        findings.append('status 2 without a word')
    if os.environ.get('CORRUPT_LIMITS') and not SANITIZED:
        if run.cpu > CPU_MAX:
            findings.append(f'{run.cpu:.2f} s of CPU time')
        if run.rss > RSS_MAX:
            findings.append(f'{run.rss} KiB')
    return lines


def told_of(run, findings):
    """Frames by TID and address, of JSON."""
    text = text_of(run.out, 'stdout', findings)
    if not text:
        findings.append('no JSON')
        return {}, set()
    try:
        report = json.loads(text)
    except ValueError as error:
        findings.append(f'JSON: {error}')
        return {}, set()
    threads = [t for i in report['inputs'] for t in i['threads']]
    return {(t['tid'], int(f['address'], 16)): f for t in threads
            for f in t['frames']}, {t['tid'] for t in threads}


def could_be_intact(base, view, tid, address):
    """
    Does the frame allow it on a Haswell: is nothing in use but what FXRSTOR
    brings back, or the image no larger than 832 bytes?
    """
    head = base.read(view, tid, address, 512)
    known_bad = any(f.tid == tid and f.address == address for f in base.bad)
    if head is None:
        # the tool may read what this does not
        return not known_bad
    pointer = u(head, UC_FPSTATE, 8)
    image = base.read(view, tid, pointer, 576) if pointer else None
    if image is None:
        return not pointer or not known_bad
    if not u(image, XSTATE_BV, 8) & ~3:
        return True
    size = u(image, SW + 16, 4)
    end = base.read(view, tid, pointer + size, 4) if size <= 832 else None
    return end is not None and u(end, 0, 4) == MAGIC2


def check_verdicts(base, view, run, told, findings):
    states = {f: base.state(view, f) for f in base.frames}
    for f, state in states.items():
        shown = told.get((f.tid, f.address))
        if state == 'whole' and not shown:
            findings.append(f'status {run.status}, frame {f.address:#x} of '
                            f'{f.tid} is whole, but not shown')
        elif (state == 'whole' and f in base.bad and
              shown['verdicts'][0]['outcome'] == 'intact'):
            findings.append(f'frame {f.address:#x} of {f.tid} is intact, '
                            f'but was {f.outcome}')
    for (tid, address), frame in told.items():
        if (frame['verdicts'][0]['outcome'] == 'intact' and
                frame['kind'] == 'x86_64' and
                not could_be_intact(base, view, tid, address)):
            findings.append(f'frame {address:#x} of {tid} is intact')
    for f in base.bad if run.status == 0 else ():
        if states[f] in ('whole', 'no memory', 'no thread', 'no restorer',
                         'no code'):
            findings.append(f'status 0, but frame {f.address:#x} of {f.tid}: '
                            f'{states[f]}')
    return states


class Figures:
    def __init__(self):
        self.runs = self.whole = self.shown = self.salvaged = 0
        self.status = {}
        self.cpu = self.rss = self.wall = 0

    def add(self, run, states, told, base):
        self.runs += 1
        self.status[run.status] = self.status.get(run.status, 0) + 1
        self.cpu = max(self.cpu, run.cpu)
        self.wall = max(self.wall, run.wall)
        self.rss = max(self.rss, run.rss)
        self.whole += 'whole' in states.values()
        self.shown += bool(told)
        self.salvaged += any((f.tid, f.address) in told for f in base.frames)

    def line(self, name):
        statuses = ' '.join(f'{s}:{n}' for s, n in sorted(self.status.items()))
        return (f'% {name}: {self.runs} runs, status {statuses}, frame whole '
                f'in {self.whole}, a frame of the original shown in '
                f'{self.salvaged}, any in {self.shown}, at most '
                f'{self.cpu:.2f} s CPU, {self.wall:.2f} s, {self.rss} KiB')


def one(base, rng, runs, scratch, options, number):
    output = os.path.join(scratch, 'damaged.' + base.name)
    view, done = base.damage(rng, output)
    findings = []
    run = runs(scratch, ['--json', '-x', *options, output])
    check_run(run, findings)
    told, _ = told_of(run, findings)
    states = check_verdicts(base, view, run, told, findings)
    if number % 4 == 0:
        text = runs(scratch, ['-x', '--raw', *options, output])
        check_run(text, findings)
        text_of(text.out, 'text', findings)
        if text.status != run.status:
            findings.append(f'text: status {text.status}, not {run.status}')
    return run, told, states, findings, done


def keep(scratch, base, number):
    where = os.environ.get('CORRUPT_KEEP')
    if not where:
        return
    source = os.path.join(scratch, 'damaged.' + base.name)
    target = os.path.join(where, f'{base.kind}{number}.{base.name}')
    if os.path.isdir(source):
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(['cp', '-a', source, target], check=True)
    else:
        shutil.copy(source, target)


def main():
    kind, tool, scratch, count, seed, target, *paths = sys.argv[1:]
    void = os.path.join(scratch, 'void')
    os.makedirs(void, exist_ok=True)
    options = ['-t', target]
    if kind == 'images':
        options.append(f'--sysroot={void}')
    program = Runner()

    def runs(where, arguments):
        return program.run(where, [tool, *arguments])

    bases = []
    for path in paths:
        run = runs(scratch, ['--json', *options, path])
        base = Base(kind, path, json.loads(run.out))
        for missed in base.missed:
            print(f'{path}: frame {missed[1]:#x} of {missed[0]} is missed')
        bases.append(base)
    listed = open(os.environ.get('CORRUPT_LIST', os.devnull), 'w',
                  encoding='utf-8')
    figures = {base: Figures() for base in bases}
    total = Figures()
    for number in range(int(count)):
        base = bases[number % len(bases)]
        rng = random.Random(f'{seed} {number}')
        run, told, states, findings, done = one(base, rng, runs, scratch,
                                                options, number)
        for f in (figures[base], total):
            f.add(run, states, told, base)
        for finding in findings:
            print(f'{base.name} {number} ({done}): {finding}')
        if findings:
            keep(scratch, base, number)
        print(number, base.name, f'status={run.status}',
              f'cpu={run.cpu:.3f} rss={run.rss}', f'frames={len(told)}',
              ','.join(sorted(set(states.values()))), done, sep='\t',
              file=listed)
    for base in bases:
        print(figures[base].line(base.name))
    print(total.line(f'all, seed {seed}'))


if __name__ == '__main__':
    if sys.argv[1] == 'runner':
        runner()
    else:
        main()
