# SPDX-License-Identifier: GPL-3.0-or-later
# stress.py - look at threads that signal each other, and check every look
"""
stress.py TOOL PID TABLE SAMPLES EVERY SECONDS

Looks at a process (see targets/stress.c) SAMPLES times while it runs, with
each --stop in turn, and with all of them after EVERY samples while it stands
still; less often where that would take more than SECONDS. Prints a line for
each thing that is wrong, comments, and at last one that begins with '%': looks
while it ran, frames in them, threads that were incomplete in them, looks while
it stood still, frames that there were, those found, frames that were reported.
"""
import ctypes
import json
import mmap
import struct
import subprocess
import sys
import time

HEADER, EVENTS, FIRST = 16, 1024, 16
SLOT = FIRST + EVENTS
PAUSE, PAUSED, COUNT = 0, 1, 2
TID, SPINS, HAPPENED = 0, 3, 4
STOPS = ('auto', 'all', 'none')
SYS_FUTEX, FUTEX_WAKE = 202, 1
PATIENCE = 10


class Table:
    """What the process says of itself."""

    def __init__(self, path):
        with open(path, 'r+b') as file:
            self.map = mmap.mmap(file.fileno(), 0)
        self.futex = ctypes.c_uint32.from_buffer(self.map)
        self.libc = ctypes.CDLL(None)

    def word(self, index):
        return struct.unpack_from('=Q', self.map, 8 * index)[0]

    def put(self, index, value):
        struct.pack_into('=Q', self.map, 8 * index, value)

    def pause(self):
        """All threads stand still when this returns."""
        self.put(PAUSE, 1)
        end = time.monotonic() + PATIENCE
        while self.word(PAUSED) < self.word(COUNT):
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def go_on(self):
        self.put(PAUSE, 0)
        self.libc.syscall(SYS_FUTEX, ctypes.byref(self.futex), FUTEX_WAKE,
                          2**31 - 1, None, None, 0)


class Thread:
    """The account of one thread, followed event by event."""

    def __init__(self, table, number):
        self.table, self.at = table, HEADER + number * SLOT
        self.tid = table.word(self.at + TID)
        self.seen = 0		# events
        self.state = ()		# frames, innermost first
        self.before = ()	# the same, before the last event
        self.states = set()

    def happened(self):
        return self.table.word(self.at + HAPPENED)

    def event(self, n):
        return self.table.word(self.at + FIRST + n % EVENTS)

    def follow(self, until):
        """Take in what has happened; returns the states on the way."""
        if until - self.seen >= EVENTS:
            raise SystemExit('the table is too small')
        states = []
        while self.seen < until:
            event = self.event(self.seen)
            self.before = self.state
            if event < 16:
                self.state = self.state[len(self.state) - event:]
            else:
                self.state = (event,) + self.state
            states.append(self.state)
            self.seen += 1
        return states

    def begin(self):
        self.follow(self.happened())
        # what is left is written down before it comes to be
        self.states = {self.state}
        if len(self.before) > len(self.state):
            self.states.add(self.before)

    def end(self):
        self.states.update(self.follow(self.happened()))

    def may_be(self, frames):
        """
        Was that its state at some time between begin() and end()? A frame is
        there before it is written down, so the next event may belong to it.
        """
        if frames in self.states:
            return True
        if frames[1:] != self.state:
            return False
        deadline = time.monotonic() + PATIENCE
        while self.happened() == self.seen and time.monotonic() < deadline:
            time.sleep(0.005)
        return self.happened() > self.seen and \
            self.event(self.seen) == frames[0]


    def is_near(self, address):
        """May that be its next frame?"""
        return self.happened() > self.seen and \
            self.event(self.seen) == address


class Check:
    def __init__(self, tool, pid, table):
        self.tool, self.pid, self.table = tool, pid, table
        self.threads = {}
        for number in range(table.word(COUNT)):
            thread = Thread(table, number)
            self.threads[thread.tid] = thread
        self.wrong = []
        self.looks = self.frames = self.incomplete = 0
        self.still = self.true = self.found = self.reported = 0
        self.why, self.strays, self.dormant = {}, [], 0

    def look(self, stop):
        done = subprocess.run([self.tool, '--json=lines', '--stop=' + stop,
                               '-p', str(self.pid)],
                              capture_output=True, check=False)
        if done.returncode not in (0, 3) or done.stderr:
            self.wrong.append(f'--stop={stop}: status {done.returncode}, '
                              f'{done.stderr.decode(errors="replace")}')
        report = json.loads(done.stdout)
        source = report['inputs'][0]
        unknown = (report['summary']['outcome'] == 'unknown' or
                   any(not t['complete'] for t in source['threads']))
        if (done.returncode == 3) != unknown:
            self.wrong.append(f'--stop={stop}: status {done.returncode} for '
                              f'{report["summary"]}')
        self.plausible(source, stop)
        # nobody has left a stack for good here
        self.strays = [int(f['address'], 16)
                       for f in source.get('dormant', [])]
        self.dormant += len(self.strays)
        return {t['tid']: t for t in source['threads']}

    def plausible(self, source, stop):
        """What is true of every report, whatever there is to report."""
        seen, extents = set(), []
        who = {t['tid'] for t in source['threads']}
        if who != set(self.threads) | {self.pid}:
            self.wrong.append(f'--stop={stop}: threads lack: '
                              f'{sorted(set(self.threads) - who)}')
        for thread in source['threads']:
            if not thread['complete'] and not thread['incomplete']:
                self.wrong.append(f'{thread["tid"]}: no reason')
            for frame in thread['frames']:
                address = int(frame['address'], 16)
                if address in seen:
                    self.wrong.append(f'{address:#x} is reported twice')
                seen.add(address)
                end = int(frame['fpstate'], 16) + frame['extended_size']
                extents.append((address, end))
                bad = [v for v in frame['verdicts']
                       if v['outcome'] != 'intact']
                if bad:
                    self.wrong.append(f'{address:#x} is called {bad}')
        extents.sort()
        for (_, end), (start, _) in zip(extents, extents[1:]):
            if start < end:
                self.wrong.append(f'frames overlap at {start:#x}')
    def running(self, number, stop):
        """One look while the process goes on."""
        for thread in self.threads.values():
            thread.begin()
        seen = self.look(stop)
        for thread in self.threads.values():
            thread.end()
        self.looks += 1
        for tid, thread in self.threads.items():
            report = seen.get(tid)
            if report is None:
                continue
            frames = tuple(int(f['address'], 16) for f in report['frames'])
            self.frames += len(frames)
            good = thread.may_be(frames)
            if not report['complete']:
                self.incomplete += 1
                key = (stop, report['incomplete'])
                self.why[key] = self.why.get(key, 0) + 1
                good = good or self.is_part(thread, frames)
            if not good:
                self.wrong.append(
                    f'look {number}, --stop={stop}, thread {tid}: '
                    f'{show(frames)} instead of one of '
                    f'{"; ".join(show(s) for s in thread.states)}')

        # what came after a thread was looked at may look like that
        ever = {a for t in self.threads.values()
                for s in t.states for a in s}
        for address in set(self.strays) - ever:
            if not any(t.is_near(address) for t in self.threads.values()):
                self.wrong.append(f'look {number}, --stop={stop}: '
                                  f'{address:#x} is called dormant')

    @staticmethod
    def is_part(thread, frames):
        """Some of the frames that it had at one time, in their order?"""
        for state in thread.states:
            rest = iter(state)
            if all(frame in rest for frame in frames):
                return True
        return False

    def standing(self, number):
        """What there is while all threads stand still is known exactly."""
        tids = sorted(self.threads)
        spins = tids[number % len(tids)]
        self.table.put(self.threads[spins].at + SPINS, 1)
        if not self.table.pause():
            self.wrong.append(f'after look {number}: it does not stand still')
        else:
            for thread in self.threads.values():
                thread.follow(thread.happened())
            for stop in STOPS:
                self.exact(number, stop, self.look(stop), spins)
        self.table.put(self.threads[spins].at + SPINS, 0)
        self.table.go_on()

    def exact(self, number, stop, seen, spins):
        self.still += 1
        for address in self.strays:
            self.wrong.append(f'after look {number}, --stop={stop}: '
                              f'{address:#x} is called dormant')
        for tid, thread in self.threads.items():
            report = seen.get(tid)
            if report is None:
                continue
            frames = tuple(int(f['address'], 16) for f in report['frames'])
            complete = report['complete']
            # it runs, and must not be stopped
            hidden = stop == 'none' and tid == spins
            if hidden and not complete:
                continue
            self.true += len(thread.state)
            self.found += len(set(frames) & set(thread.state))
            self.reported += len(frames)
            if frames != thread.state or not complete or hidden:
                self.wrong.append(
                    f'after look {number}, --stop={stop}, thread {tid}: '
                    f'{show(frames)} instead of {show(thread.state)}, '
                    f'{report["incomplete"]}')


def show(frames):
    return ' '.join(f'{f:#x}' for f in frames) or 'none'


def main():
    tool, pid, path, samples, every, seconds = sys.argv[1:]
    check = Check(tool, int(pid), Table(path))
    end = time.monotonic() + int(seconds)
    for number in range(int(samples)):
        if time.monotonic() > end:
            break
        check.running(number, STOPS[number % len(STOPS)])
        if number % int(every) == int(every) - 1:
            check.standing(number)
    for line in check.wrong:
        print(line)
    for (stop, why), count in sorted(check.why.items()):
        print(f'# --stop={stop}: {count} times "{why}"')
    if check.dormant:
        print(f'# {check.dormant} frames were called dormant')
    print('%', check.looks, check.frames, check.incomplete, check.still,
          check.true, check.found, check.reported)


if __name__ == '__main__':
    main()
