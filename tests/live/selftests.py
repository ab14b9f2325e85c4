# SPDX-License-Identifier: GPL-3.0-or-later
# selftests.py - hold reports on a traced program to what its tracer has seen
"""
selftests.py TOOL TRACER [-f] SEED LOOKS_OF_GDB PROGRAM

Runs PROGRAM under TRACER (see selftests/tracer.c) and looks with TOOL when
it says so. Prints a line for each thing that is wrong, lines that begin with
'#' with what is worth knowing, and at last one that begins with '%' and has

	looks, true frames of them, those found, all that were reported, those
	missed where the report says that it may have missed some,
	outcomes that were foretold, those left unknown, fatal frames foretold,
	looks by gdb, those in which it agrees
"""
import json
import re
import subprocess
import sys

STATUS = {'intact': 0, 'lossy': 1, 'garbled': 1, 'fatal': 1, 'unknown': 3}
FLAT_CODE, FLAT_STACK = (0x23, 0x33), 0x2b


def verdicts(report):
    for thread in report['inputs'][0]['threads']:
        for frame in thread['frames']:
            yield from frame['verdicts']


def hopeless(verdict):
    return (verdict['outcome'] == 'unknown' and
            'intact' not in verdict['possible'])


class Look:
    """One look, and the truth about it."""

    def __init__(self, words, frames):
        self.number, self.place = int(words[1]), words[2]
        self.pid, self.tid = int(words[3]), int(words[4])
        self.free, self.alone = words[5] == 'free', words[6] == '1'
        self.live = [f for f in frames if f['state'] == 'live']
        self.parked = [f for f in frames if f['state'] == 'parked']
        self.verdict = None

    def __str__(self):
        return (f'look {self.number} ({self.place}, '
                f'{"free" if self.free else "traced"})')


class Check:
    def __init__(self, tool, gdb):
        self.tool, self.gdb = tool, gdb
        self.wrong, self.notes = [], []
        self.looks = self.true = self.found = self.reported = 0
        self.missed = self.foretold = self.unknown = self.fatal = 0
        self.gdb_looks = self.gdb_agrees = 0
        self.returning, self.outcomes = {}, {}

    def say(self, look, what):
        self.wrong.append(f'{look}: {what}')

    def report(self, look):
        args = [self.tool, '--json=lines', '-p', str(look.pid)]
        if not look.alone:
            args += ['-T', str(look.tid)]
        done = subprocess.run(args, capture_output=True, check=False)
        if done.returncode not in (0, 1, 3):
            self.say(look, f'status {done.returncode}: '
                     + done.stderr.decode(errors='replace').strip())
            return None
        report = json.loads(done.stdout)
        outcome = report['summary']['outcome']
        # 1 is also for what is bad in one way or another
        if done.returncode != STATUS[outcome] and not (
                done.returncode == 1 and outcome == 'unknown' and
                any(hopeless(v) for v in verdicts(report))):
            self.say(look, f'{outcome}, but status {done.returncode}')
        return report['inputs'][0]

    def frames(self, look, thread):
        want = [f['address'] for f in look.live]
        got = [int(f['address'], 16) for f in thread['frames']]
        self.true += len(want)
        self.reported += len(got)
        self.found += len(set(want) & set(got))
        for address in got:
            if address not in want:
                parked = address in [f['address'] for f in look.parked]
                self.say(look, f'{"parked" if parked else "false"} frame '
                         f'{address:#x}')
        missing = [a for a in want if a not in got]
        if missing and (look.free or thread['complete']):
            self.say(look, 'no ' + ', '.join(f'{a:#x}' for a in missing)
                     + f'; {thread["incomplete"]}')
        elif missing:
            self.missed += len(missing)
        if [a for a in got if a in want] != [a for a in want if a in got]:
            self.say(look, 'frames in another order')
        for true in look.live:
            for frame in thread['frames']:
                if int(frame['address'], 16) != true['address']:
                    continue
                if frame['kind'] != true['kind']:
                    self.say(look, f'{frame["kind"]} for {true["kind"]}')
                # without SA_SIGINFO, the frame does not tell
                if frame['signal']['number'] not in (None, true['signo']):
                    self.say(look, f'signal {frame["signal"]["number"]} for '
                             f'{true["signo"]}')

    def dormant(self, look, source):
        if 'dormant' not in source:
            return
        want = {f['address'] for f in look.parked}
        got = {int(f['address'], 16) for f in source['dormant']}
        for address in sorted(got - want):
            self.say(look, f'{address:#x} is called dormant')
        for address in sorted(want - got):
            self.say(look, f'{address:#x} is not called dormant')

    def second_opinion(self, look):
        """What gdb makes of it; it can only have what is not traced."""
        if not look.free or not look.live or look.parked or not self.gdb:
            return
        self.gdb -= 1
        done = subprocess.run(
            ['gdb', '-nx', '-batch', '-p', str(look.pid), '-ex', 'bt'],
            capture_output=True, check=False, stdin=subprocess.DEVNULL)
        trace = done.stdout.decode(errors='replace')
        count = len(re.findall(r'^#\d+ .*<signal handler called>', trace,
                               re.M))
        self.gdb_looks += 1
        if count == len(look.live):
            self.gdb_agrees += 1
        else:
            self.notes.append(f'{look}: gdb sees {count} frames of '
                              f'{len(look.live)}')

    def look(self, look):
        self.looks += 1
        source = self.report(look)
        if source is None:
            return
        thread = [t for t in source['threads'] if t['tid'] == look.tid]
        if not thread or source['pid'] != look.pid:
            self.say(look, 'the thread is not in the report')
            return
        self.frames(look, thread[0])
        self.dormant(look, source)
        for frame in thread[0]['frames']:
            if (look.place == 'return' and look.live and
                    int(frame['address'], 16) == look.live[0]['address']):
                look.verdict = frame['verdicts'][0]
                self.returning[look.number] = look
        self.second_opinion(look)

    def outcome(self, words):
        look = self.returning.pop(int(words[1]), None)
        what, differs = words[2], words[6]
        flat = (int(words[4], 16) in FLAT_CODE and
                int(words[5], 16) == FLAT_STACK)
        if look is None:
            return
        said = look.verdict['outcome']
        ids = ' '.join(c['id'] for c in look.verdict['checks'])
        hint = f'{said} ({ids}), but {" ".join(words[2:])}'
        # a fault may be the first instruction's own, if it is one of plain
        # code: then the return was good
        fatal = (what in ('refused', 'unfetched') or
                 (what == 'faulted' and not flat))
        lost = what == 'moved' or differs not in ('same', 'unknown')
        self.outcomes[what] = self.outcomes.get(what, 0) + 1
        if said == 'unknown':
            self.unknown += 1
            self.notes.append(f'{look}: {hint}')
            return
        if fatal != (said == 'fatal') or (
                not fatal and lost != (said in ('lossy', 'garbled'))):
            self.say(look, hint)
            return
        self.foretold += 1
        self.fatal += fatal


def frame_of(words):
    return {'address': int(words[1], 16), 'kind': words[2],
            'signo': int(words[3]), 'state': words[4]}


def main():
    tool, tracer, *args = sys.argv[1:]
    follow = ['-f'] if args[0] == '-f' else []
    seed, gdb, program = args[len(follow):]
    check = Check(tool, int(gdb))
    frames, end = [], 'none'
    with subprocess.Popen([tracer, *follow, seed, program],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as run:
        for line in run.stdout:
            words = line.split()
            if words[0] == 'frame':
                frames.append(frame_of(words))
            elif words[0] == 'look':
                check.look(Look(words, frames))
                frames = []
                run.stdin.write('\n')
                run.stdin.flush()
            elif words[0] == 'outcome':
                check.outcome(words)
            elif words[0] == 'end':
                end = ' '.join(words[1:])
            elif words[0] == 'seen':
                check.notes.append(f'{words[1]} signals, {words[2]} frames, '
                                   f'{words[3]} returned from')
    if run.returncode:
        check.wrong.append(f'the tracer ends with {run.returncode}')
    if end.split()[0] != 'exit':
        check.wrong.append(f'the program ends with {end}')
    check.notes += [f'{n} {what}' for what, n in check.outcomes.items()]
    for line in check.wrong:
        print(line)
    for line in check.notes:
        print('#', line)
    print('%', check.looks, check.true, check.found, check.reported,
          check.missed, check.foretold, check.unknown, check.fatal,
          check.gdb_looks, check.gdb_agrees)


if __name__ == '__main__':
    main()
