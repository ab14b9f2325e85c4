# SPDX-License-Identifier: GPL-3.0-or-later
# corpus.py - interrupt a program, and hold the tool to what its handlers saw
"""
corpus.py [OPTION]... TOOL SCRATCH COMMAND...

Starts COMMAND, which has tests/live/corpus/witness.c in it or works in the
same way. In each round some of its threads get signals, at random moments and
inside each other; when all handlers wait, the tool looks, and again when all
have returned. With --entry, gdb stops it at that address, the first of its
runtime's own handler, and the tool looks at a core. Prints
'SUBJECT: sentence' for each thing that is wrong, where SUBJECT is recall,
precision, verdict, program or core; and at last '% NAME NUMBER...' with
counts, and '- NUMBER sentence' for each reason why threads were incomplete.
"""
import argparse
import collections
import contextlib
import json
import os
import random
import re
import subprocess
import sys
import threading
import time

from corpus_process import (BARE, ENTERED, LEAVING, SPINS, SUSPEND, WAITING,
                            WAITS, Entry, Target, signal_of)

# Seconds after which a handler or a program is given up.
PATIENCE = 60
MAX_DEPTH = 5
STOPS = 3               # by gdb, which takes its time


def signal_in(frame):
    return frame['signal'] and frame['signal']['number']


class Corpus:
    """One program, and what has been found out with it."""

    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.target = Target(options.scratch, options.command,
                             options.signals)
        self.wrong = []
        self.counts = collections.Counter()
        self.reasons = collections.Counter()
        self.known_own = set()
        self.first = 0          # entry of this round
        self.spun = False       # in this round, a handler spins
        self.sent = {}          # entries to come in this round, by thread

    def say(self, subject, text):
        self.wrong.append(f'{subject}: {text}')

    # What the program says of itself.

    def entries(self):
        """Of this round, by thread, in the order of delivery."""
        threads = collections.defaultdict(list)
        for entry in self.target.entries(self.first):
            threads[entry.tid].append(entry)
        return threads

    def live(self):
        """Frames that are there as long as nothing is let go."""
        return {tid: [e for e in entries if e.state in (ENTERED, WAITING)]
                for tid, entries in self.entries().items()}

    def settled(self):
        entries = self.entries()
        return all(len(entries[tid]) == count
                   and entries[tid][-1].state == WAITING
                   for tid, count in self.sent.items()
                   if self.target.has(tid))

    def await_(self, condition, what):
        """Fails if that lasts too long, or the program ends."""
        end = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > end or self.target.ended() is not None:
                self.say('program', f'{what} does not happen; status '
                         f'{self.target.ended()}, {self.sent}')
                return False
            time.sleep(0.002)
        return True

    # What is done to it.

    def plan(self, outer, nested):
        """How to wait, and what to raise before that; how many frames."""
        waits = [w for w in range(WAITS) if w not in SPINS or not self.spun]
        how = self.random.choice(waits)
        self.spun |= how in SPINS
        plan = how | self.random.randint(0, MAX_DEPTH) << 4
        # none that is blocked meanwhile: it would not come, or kill
        letters = [c for c in self.options.inside if nested and c != outer]
        raised = []
        if letters and self.random.random() < 0.5:
            raised = self.random.sample(letters, self.random.randint(
                1, min(self.options.levels, len(letters))))
        for level, letter in enumerate(raised):
            plan |= (signal_of(letter)[0] + 1) << (8 + 4 * level)
        return plan, 1 + len(raised)

    def interrupt(self, tid, nested):
        blocked = self.target.masks(tid)[0]
        letters = [c for c in self.options.outside
                   if not blocked & 1 << (signal_of(c)[1] - 1)]
        if not letters:
            return
        letter = self.random.choice(letters)
        plan, count = (0, 1) if letter in BARE else self.plan(letter, nested)
        if self.target.send(tid, signal_of(letter)[1], plan):
            self.sent[tid] = self.sent.get(tid, 0) + count

    def choose(self):
        tids = [t for t in self.target.tids() if self.target.takes(t)]
        most = min(len(tids), self.options.threads)
        return self.random.sample(tids, self.random.randint(1, most))

    def let_go(self):
        """Until every handler has returned, and the kernel knows."""
        woken = set()

        def returned():
            self.target.go_on()
            entries = self.entries()
            for tid, own in entries.items():
                for e in own:
                    if (e.state == WAITING and e.how == SUSPEND
                            and e.index not in woken):
                        woken.add(e.index)
                        self.target.wake(tid)
            return all(e.state == LEAVING for own in entries.values()
                       for e in own) and calm()

        def calm():
            return not any(self.target.in_handler(tid)
                           for tid in self.entries())

        # twice, as a signal may be on its way from pending to delivered
        good = (self.await_(returned, 'the return of all handlers')
                and self.await_(calm, 'the return of all handlers'))
        self.target.drain()
        return good

    # What the tool says.

    def inspect(self, *arguments):
        run = subprocess.run([self.options.tool, '--json', *arguments],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             check=False)
        try:
            report = json.loads(run.stdout)
        except ValueError:
            self.say('program', f'no report, status {run.returncode}: '
                     f'{run.stderr.decode()[:300]}')
            return None
        self.counts['looks'] += 1
        return report['inputs'][0], run.returncode

    def judge(self, where, subject, seen):
        """Hold one report to what is true now."""
        if not seen:
            return
        report, status = seen
        live = self.live()
        incomplete = 0
        own = set()
        for thread in report['threads']:
            tid = thread['tid']
            want = list(reversed(live.pop(tid, [])))
            got = []
            for frame in thread['frames']:
                # what is not there as siginfo is left from another signal
                if (signal_in(frame) in self.options.own and
                        int(frame['address'], 16) not in
                        (e.address for e in want)):
                    own.add((tid, frame['address']))
                else:
                    got.append(frame)
            self.compare(f'{where}, thread {tid} ({thread["name"]})',
                         subject, want, got)
            incomplete += not thread['complete']
            self.note_incomplete(thread)
        for tid, entries in live.items():
            self.compare(f'{where}, missing thread {tid}', subject,
                         list(reversed(entries)), [])
        for tid, address in own & self.known_own:
            self.say('precision', f'{where}: thread {tid} still has a frame '
                     f'of its runtime at {address}')
        self.known_own = own
        self.counts['own'] += len(own)
        dormant = report.get('dormant') or []
        self.counts['found'] += len(dormant)
        if dormant:
            self.say('precision', f'{where}: dormant frames {dormant[0]}'[:500])
        if status not in ((3,) if incomplete else (0,)):
            self.say('verdict', f'{where}: exit status {status}, '
                     f'{incomplete} threads incomplete')

    def note_incomplete(self, thread):
        self.counts['threads'] += 1
        if thread['complete']:
            return
        self.counts['incomplete'] += 1
        text = re.sub(r'0x[0-9a-f]+|\b[0-9]+\b', '*', thread['incomplete'])
        kind = 'with frames' if thread['frames'] else 'without'
        self.reasons[f'{kind}: {text}'] += 1

    def compare(self, who, subject, want, got):
        """Frames of one thread, innermost first."""
        names = {(f['kind'], int(f['address'], 16)): f for f in got}
        self.counts['true'] += len(want)
        self.counts['found'] += len(got)
        for entry in want:
            frame = names.pop((entry.kind, entry.address), None)
            if not frame:
                self.say('recall' if subject == 'live' else subject,
                         f'{who} lacks {entry}')
                continue
            self.counts['right'] += 1
            self.same(who, subject, entry, frame)
        for frame in names.values():
            self.say('precision' if subject == 'live' else subject,
                     f'{who} has an invented frame at {frame["address"]}, '
                     f'{frame["evidence"]}, pc {frame["interrupted"]["pc"]}, '
                     f'signal {signal_in(frame)}; true are {want}')
        if (len(names) + len(want) == 0 or
                [e.address for e in want] ==
                [int(f['address'], 16) for f in got]):
            return
        if len(want) == len(got) and not names:
            self.say('precision', f'{who} has its frames in another order')

    def same(self, who, subject, entry, frame):
        claims = {
            'fpstate': int(frame['fpstate'], 16),
            'pc': int(frame['interrupted']['pc'], 16),
            # not in all frames there is a word of the alternate stack
            'alternate': (frame['stack'] == 'alternate' or
                          (entry.kind != 'x86_64' and entry.alternate and
                           frame['stack'] == 'other')),
        }
        if not entry.bare:
            claims['signo'] = signal_in(frame)
        for name, value in claims.items():
            if value != getattr(entry, name):
                self.say('precision' if subject == 'live' else subject,
                         f'{who}: {name} is {value}, not as in {entry}')
        for verdict in frame['verdicts']:
            if verdict['outcome'] != 'intact':
                self.say('verdict', f'{who}: {verdict["outcome"]} '
                         f'{[c["id"] for c in verdict["checks"]]} {entry}')

    # All of it.

    def look(self, where, *arguments):
        self.judge(where, 'live',
                   self.inspect(*arguments, '-p', str(self.target.pid)))

    def gdb(self, *commands):
        words = ['gdb', '-nx', '-batch', '-p', str(self.target.pid)]
        for command in commands:
            words += ['-ex', command]
        return subprocess.run(words, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False,
                              encoding='utf-8', errors='replace').stdout

    @contextlib.contextmanager
    def core_by(self, *commands):
        """What gdb says, and the report on the core that it has written."""
        path = os.path.join(self.options.scratch, 'core')
        said = self.gdb(*commands, f'gcore {path}')
        if os.path.exists(path) and os.path.getsize(path):
            self.counts['cores'] += 1
            yield said, self.inspect(path)
            os.unlink(path)
        else:
            self.say('core', f'gdb has not written one: {said[-300:]}')
            yield said, None

    def core(self, where):
        with self.core_by() as (_, seen):
            self.judge(f'{where}, core', 'core', seen)

    @contextlib.contextmanager
    def signals_without_end(self, signo):
        stop = threading.Event()

        def send():
            while not stop.wait(0.001):
                for tid in self.target.tids():
                    self.target.send(tid, signo, 0)

        thread = threading.Thread(target=send)
        thread.start()
        yield
        stop.set()
        thread.join()

    def entered(self, number):
        """The first instruction of a handler: the stack pointer is true."""
        where = f'stop {number}'
        self.target.set_hot(True)
        with self.signals_without_end(10), self.core_by(
                'handle all nostop noprint pass',
                'handle SIGTRAP SIGINT stop nopass',
                f'break *{self.options.entry}', 'continue', 'thread',
                'set language c',
                'printf "entry %#lx %#lx %d\\n", $rsp, $rdx, (int)$rdi',
                'printf "frame %#lx %#lx\\n", *(long *)($rdx + 168), '
                '*(long *)($rdx + 224)') as (said, seen):
            self.judge_entered(where, said, seen)
        self.target.set_hot(False)

    def judge_entered(self, where, said, seen):
        tid = re.search(r'Current thread is .*LWP (\d+)', said)
        entry = re.search(r'^entry (0x\w+) (0x\w+) (\d+)$', said, re.M)
        frame = re.search(r'^frame (0x\w+) (0x\w+)$', said, re.M)
        if not (tid and entry and frame and seen):
            self.say('core', f'{where}: gdb says {said[-500:]}')
            return
        tid = int(tid[1])
        address, context = int(entry[1], 16), int(entry[2], 16)
        if context != address + 8:
            self.say('core', f'{where}: {entry[0]} is no entry')
            return
        want = Entry(0, ENTERED, tid, int(entry[3]), 'x86_64', address,
                     int(frame[2], 16), int(frame[1], 16), True, 0)
        for thread in seen[0]['threads']:
            self.note_incomplete(thread)
            if thread['tid'] == tid:
                self.compare(where, 'live', [want], thread['frames'])
            else:
                self.counts['own'] += len(thread['frames'])

    def round(self, number):
        where = f'round {number}'
        self.spun = False
        self.sent = {}
        self.first = self.target.next_entry()
        self.target.set_hot(True)
        time.sleep(self.random.uniform(0, 0.015))
        for tid in self.choose():
            self.interrupt(tid, True)
            time.sleep(self.random.uniform(0, 0.002))
        if not self.await_(self.settled, f'{where}: taking all signals'):
            return False
        # threads that wait in a handler already
        if self.sent and self.random.random() < 0.5:
            for tid in self.random.sample(sorted(self.sent), 1):
                self.interrupt(tid, False)
            if not self.await_(self.settled, f'{where}: taking one more'):
                return False
        self.target.set_hot(self.random.random() < 0.3)
        self.look(where)
        if number == 1:
            self.look(f'{where}, --stop=all', '--stop=all')
        self.target.set_hot(False)
        if self.options.core and number == 0:
            self.core(where)
        if not self.let_go():
            return False
        self.look(f'{where}, after it')
        return True

    def run(self):
        if not self.target.begin(PATIENCE):
            self.say('program', f'does not start: {self.target.messages()}')
            return
        self.target.set_hot(False)
        self.look('before all')
        rounds = self.options.rounds
        if self.options.entry:
            rounds = min(rounds, STOPS)
        for number in range(rounds):
            if self.options.entry:
                self.entered(number)
                self.look(f'stop {number}, after it')
            elif not self.round(number):
                break
        else:
            status = self.target.end(PATIENCE)
            if status:
                self.say('program', f'ends with status {status}: '
                         f'{self.target.messages()}')
        self.target.destroy()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--threads', type=int, default=6)
    parser.add_argument('--signals', default='psbtn12uvA')
    parser.add_argument('--outside', default='psbtn12')
    parser.add_argument('--inside', default='psbtn12uv')
    parser.add_argument('--levels', type=int, default=3)
    parser.add_argument('--own', type=lambda s: {int(n) for n in s.split(',')},
                        default=set())
    parser.add_argument('--core', action='store_true')
    parser.add_argument('--entry')
    parser.add_argument('tool')
    parser.add_argument('scratch')
    parser.add_argument('command', nargs=argparse.REMAINDER)
    corpus = Corpus(parser.parse_args())
    try:
        corpus.run()
    finally:
        corpus.target.destroy()
    for line in corpus.wrong:
        print(line)
    for name, number in sorted(corpus.counts.items()):
        print(f'% {name} {number}')
    for reason, number in corpus.reasons.most_common():
        print(f'- {number} {reason}')


if __name__ == '__main__':
    sys.exit(main())
