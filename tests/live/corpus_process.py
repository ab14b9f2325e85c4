# SPDX-License-Identifier: GPL-3.0-or-later
# corpus_process.py - a program of the corpus: its page, its threads, signals
"""The other side of tests/live/corpus/witness.h."""
import collections
import ctypes
import mmap
import os
import select
import struct
import subprocess
import time

ENTRY = struct.Struct('=4I3Q2I2Q')
HEAD = struct.Struct('=16I')
ENTRIES = 16383
GO, HOT, NEXT = 0, 1, 2
ENTERED, WAITING, LEAVING = 1, 2, 3
KINDS = ('x86_64', 'ia32_rt', 'ia32')
SUSPEND, SPINS, WAITS = 1, (4, 5), 7
WAKE, MARK = 47, 63
# Letters, in the order of witness.c.
SIGNALS = {'p': 40, 's': 41, 'b': 42, 't': 43, 'n': 44, '1': 10, '2': 12,
           'f': 8, 'u': 4, 'v': 11}
BARE = 'bt'             # without siginfo
SI_QUEUE = -1
SYS_FUTEX, SYS_TGKILL, SYS_RT_TGSIGQUEUEINFO = 202, 234, 297
FUTEX_WAKE = 1

libc = ctypes.CDLL(None, use_errno=True)


def signal_of(letter):
    """Its index and number."""
    return list(SIGNALS).index(letter), SIGNALS[letter]


class Entry(collections.namedtuple(
        'Entry', 'index state tid signo kind address fpstate pc alternate '
                 'how')):
    """One delivery of a signal, as its handler saw it."""
    __slots__ = ()

    @property
    def bare(self):
        """Does the frame not say which signal it was?"""
        return (self.kind == 'x86_64' and
                self.signo in (SIGNALS[letter] for letter in BARE))

    def __repr__(self):
        return (f'{self.kind} at {self.address:#x}, signal {self.signo}, '
                f'pc {self.pc:#x}, fpstate {self.fpstate:#x}, '
                f'{"alternate" if self.alternate else "main"}, '
                f'state {self.state}, waits {self.how}')


class Target:
    """A process of the corpus."""

    def __init__(self, scratch, command, signals):
        name = os.path.join(scratch, 'page')
        self.command = command
        self.env = dict(os.environ, WITNESS=name, WITNESS_SIGNALS=signals)
        if 'PRELOAD' in self.env:
            self.env['LD_PRELOAD'] = self.env.pop('PRELOAD')
        with open(name, 'wb') as file:
            file.truncate(HEAD.size + ENTRIES * ENTRY.size)
        with open(name, 'r+b') as file:
            self.page = mmap.mmap(file.fileno(), 0)
        self.words = (ctypes.c_uint32 * 16).from_buffer(self.page)
        self.words[HOT] = 1
        if not os.path.exists(name + '.in'):
            os.mkfifo(name + '.in')
        self.fifo = os.open(name + '.in', os.O_RDWR | os.O_NONBLOCK)
        self.errors = os.path.join(scratch, 'errors')
        self.process = None

    # The process.

    def begin(self, seconds):
        with open(self.errors, 'wb') as errors:
            self.process = subprocess.Popen(
                self.command, env=self.env, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=errors)
        end = time.monotonic() + seconds
        text = b''
        while b'READY\n' not in text and time.monotonic() < end:
            if select.select([self.process.stdout], [], [], 1)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                if not more:
                    return False
                text += more
        return b'READY\n' in text

    @property
    def pid(self):
        return self.process.pid

    def ended(self):
        return self.process.poll() if self.process else None

    def end(self, seconds):
        """Ask it to; its status."""
        self.set_hot(False)
        self.process.stdin.close()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return 'none, it does not end'

    def destroy(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def messages(self):
        with open(self.errors, encoding='utf-8', errors='replace') as file:
            return file.read(1000)

    # Its page.

    def entries(self, first):
        found = []
        for i in range(first, min(self.words[NEXT], ENTRIES)):
            word = ENTRY.unpack_from(self.page, HEAD.size + i * ENTRY.size)
            if not word[0]:
                continue
            found.append(Entry(i, word[0], word[1], word[2], KINDS[word[3]],
                               word[4], word[5], word[6], bool(word[7]),
                               word[8]))
        return found

    def next_entry(self):
        return self.words[NEXT]

    def set_hot(self, on):
        self.words[HOT] = on

    def go_on(self):
        self.words[GO] += 1
        libc.syscall(SYS_FUTEX, ctypes.byref(self.words), FUTEX_WAKE,
                     0x7fffffff, None, None, 0)
        try:
            os.write(self.fifo, b'x')
        except BlockingIOError:
            pass

    def drain(self):
        while select.select([self.fifo], [], [], 0)[0]:
            os.read(self.fifo, 65536)

    # Its threads.

    def tids(self):
        try:
            return sorted(int(t) for t in os.listdir(f'/proc/{self.pid}/task'))
        except OSError:
            return []

    def has(self, tid):
        return os.path.exists(f'/proc/{self.pid}/task/{tid}')

    def masks(self, tid):
        """Blocked and pending signals; none if it is gone."""
        blocked = pending = 0
        try:
            with open(f'/proc/{self.pid}/task/{tid}/status',
                      encoding='ascii', errors='replace') as file:
                for line in file:
                    if line.startswith('SigBlk:'):
                        blocked = int(line.split()[1], 16)
                    elif line.startswith('SigPnd:'):
                        pending = int(line.split()[1], 16)
        except OSError:
            pass
        return blocked, pending

    def takes(self, tid):
        """Is nothing blocked that might be sent?"""
        numbers = [*SIGNALS.values(), WAKE, MARK]
        return not self.masks(tid)[0] & sum(1 << (n - 1) for n in numbers)

    def in_handler(self, tid):
        blocked, pending = self.masks(tid)
        return bool(blocked & 1 << (MARK - 1) or pending & 1 << (WAKE - 1))

    def wake(self, tid):
        libc.syscall(SYS_TGKILL, self.pid, tid, WAKE)

    def send(self, tid, signo, value):
        info = ctypes.create_string_buffer(128)
        struct.pack_into('=iii', info, 0, signo, 0, SI_QUEUE)
        struct.pack_into('=IIQ', info, 16, os.getpid(), os.getuid(), value)
        return not libc.syscall(SYS_RT_TGSIGQUEUEINFO, self.pid, tid, signo,
                                info)
