# SPDX-License-Identifier: GPL-3.0-or-later
# rehearse.py - do rehearsals come to what really happens?
"""
rehearse.py truth REPORT OUTCOME   what the process itself found afterwards
rehearse.py report REPORT          nothing disagrees, and all is explained
rehearse.py hostile TOOL CORE N    cores with changed bytes
rehearse.py kills TOOL PID N       kill the tool while it rehearses

Prints a line for each thing that is wrong, and one that begins with '%' with
what was counted.
"""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

BAD = ('lossy', 'garbled', 'fatal')


def frames_of(path):
    with open(path, encoding='utf-8') as file:
        report = json.load(file)
    return report, [f for i in report['inputs'] for t in i['threads']
                    for f in t['frames']]


def findings(report, frames):
    """What no rehearsal may look like, whatever the frame."""
    if report['summary']['disagreements']:
        yield 'rehearsals disagree'
    for frame in frames:
        r = frame.get('rehearsal')
        where = frame['address']
        if r is None:
            yield f'{where}: no rehearsal'
            continue
        if not r['agrees']:
            yield f'{where}: {r["outcome"]}, expected {r["expected"]}'
        if (r['outcome'] == 'unknown') != bool(r['reason']):
            yield f'{where}: {r["outcome"]}, because {r["reason"]}'
        if (r['outcome'] == 'fatal') != bool(r['signal']):
            yield f'{where}: {r["outcome"]}, signal {r["signal"]}'
        if bool(r['garbled']) != (r['outcome'] == 'garbled'):
            yield f'{where}: {r["outcome"]}, garbled {r["garbled"]}'
        if r['outcome'] == 'lossy' and not r['differs']:
            yield f'{where}: lossy, but nothing differs'
        if r['outcome'] == 'intact' and r['differs']:
            yield f'{where}: intact, but differs: {r["differs"]}'


def truth(path, outcome):
    report, frames = frames_of(path)
    yield from findings(report, frames)
    if len(frames) != 1:
        yield f'{len(frames)} frames'
        return
    r = frames[0]['rehearsal']
    # without MAGIC1 a frame without siginfo does not tell what it holds, and
    # with components that nobody knows not where
    doubt = r['outcome'] == 'unknown' and (
        'where the frame has' in r['reason'] or
        frames[0]['kind'] == 'ia32' and 'what the frame holds' in r['reason'])
    if r['outcome'] != outcome and not doubt:
        yield f'rehearsed {r["outcome"]}, but it was {outcome}: {r["reason"]}'
    verdict = frames[0]['verdicts'][0]
    if verdict['outcome'] not in (outcome, 'unknown'):
        yield f'predicted {verdict["outcome"]}, but it was {outcome}'


def check_report(path):
    report, frames = frames_of(path)
    yield from findings(report, frames)
    done = [f for f in frames if f['rehearsal']['outcome'] != 'unknown']
    yield f'% {len(done)} of {len(frames)}'


def children(tool):
    """Processes that run the program, whoever started them."""
    found = []
    for link in glob.glob('/proc/[0-9]*/exe'):
        try:
            if os.path.realpath(link) == tool:
                found.append(int(link.split('/')[2]))
        except OSError:
            pass
    return found


def left(tool, before):
    """Those that are still there after a while; all may be busy."""
    for _ in range(100):
        rest = set(children(tool)) - before
        if not rest:
            return rest
        time.sleep(0.05)
    return rest


def hostile(tool, core, count):
    with open(core, 'rb') as file:
        good = file.read()
    magic = good.find(b'SXPF')
    rng = random.Random(20261122)
    before = set(children(tool))
    done = disagreements = 0
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, 'core')
        for n in range(count):
            data = bytearray(good)
            for _ in range(rng.choice((1, 1, 2, 8, 64))):
                # the frame, its software bytes and image
                at = magic - 464 - 456 + rng.randrange(456 + 2700)
                if rng.random() < 0.4:
                    at = magic + rng.randrange(112)
                data[at] = rng.choice((0, 0xff, 0x80, rng.randrange(256)))
            with open(path, 'wb') as file:
                file.write(data)
            run = subprocess.run([tool, '--json', '-r', path], check=False,
                                 stdout=subprocess.PIPE, timeout=20,
                                 stderr=subprocess.PIPE)
            if run.returncode not in (0, 1, 2, 3):
                yield f'core {n}: status {run.returncode}'
                continue
            if not run.stdout:
                continue
            report = json.loads(run.stdout)
            disagreements += report['summary']['disagreements']
            if report['summary']['disagreements']:
                yield f'core {n}: a rehearsal disagrees'
            done += sum(f['rehearsal']['outcome'] != 'unknown'
                        for t in report['inputs'][0]['threads']
                        for f in t['frames'])
    rest = left(tool, before)
    if rest:
        yield f'left over: {sorted(rest)}'
    yield f'% {done} rehearsed, {disagreements} disagree'


def kills(tool, pid, count):
    before = set(children(tool))
    rng = random.Random(20261122)

    def run():
        # pylint: disable=consider-using-with
        return subprocess.Popen([tool, '--json', '-r', '-p', pid],
                                stdout=subprocess.DEVNULL)

    begin = time.monotonic()
    run().wait()
    length = time.monotonic() - begin
    early = caught = 0
    for n in range(count):
        process = run()
        end = time.monotonic() + 20
        if n % 2:
            time.sleep(rng.uniform(0, length))
        else:
            # as soon as it is seen to have a child
            name = f'/proc/{process.pid}/task/{process.pid}/children'
            while process.poll() is None and time.monotonic() < end:
                try:
                    with open(name, encoding='ascii') as file:
                        if file.read():
                            caught += 1
                            break
                except OSError:
                    pass
        process.kill()
        early += process.wait() == -9
        rest = left(tool, before)
        if rest:
            yield f'kill {n}: left over: {sorted(rest)}'
            break
    yield f'% {early} of {count} killed before the end, {caught} with a child'


def main():
    what, arguments = sys.argv[1], sys.argv[2:]
    if what in ('hostile', 'kills'):
        arguments[0] = os.path.realpath(arguments[0])
        arguments[2] = int(arguments[2])
    command = {'truth': truth, 'report': check_report, 'hostile': hostile,
               'kills': kills}[what]
    for finding in command(*arguments):
        print(finding)


if __name__ == '__main__':
    main()
