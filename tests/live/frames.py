# SPDX-License-Identifier: GPL-3.0-or-later
# frames.py - hold a report on a process to what that process says of itself
"""
frames.py TRUTH REPORT STOP STATUS

STOP is what was asked for; bytes: auto, without unwinding.

Prints a line for each thing that is wrong, and one that begins with '%' and
counts: frames that are true, of those found; frames reported, of those true.
"""
import json
import sys

FIELDS = ('kind', 'address', 'fpstate', 'signo', 'pc', 'stack')


def read_truth(path):
    """Threads by TID: scenario, frames in the order of delivery, vectors."""
    threads = {}
    process = None
    with open(path, encoding='ascii') as lines:
        for line in lines:
            word = line.split()
            if word[0] == 'process':
                process = int(word[1])
            elif word[0] == 'thread':
                threads[int(word[1])] = {'scenario': word[4], 'vectors': [],
                                         'count': int(word[3]),
                                         'frames': [], 'stale': []}
            elif word[0] in ('frame', 'stale'):
                kind, address, fpstate, signo, pc, stack = word[2:8]
                key = 'frames' if word[0] == 'frame' else 'stale'
                threads[int(word[1])][key].append(
                    (kind, int(address, 16), int(fpstate, 16), int(signo),
                     int(pc, 16), stack))
            elif word[0] == 'vector':
                threads[int(word[1])]['vectors'].append(
                    (word[2], int(word[3], 16)))
    return process, threads


def reported(frame):
    signal = frame['signal']
    return (frame['kind'], int(frame['address'], 16),
            int(frame['fpstate'] or '0', 16), signal['number'] if signal else 0,
            int(frame['interrupted']['pc'], 16), frame['stack'])


def show(frame):
    return ', '.join(f'{name} {value:#x}' if isinstance(value, int)
                     and name != 'signo' else f'{name} {value}'
                     for name, value in zip(FIELDS, frame))


def runs(scenario):
    return scenario.endswith('spin')


def check_thread(tid, true, seen, stop, wrong):
    """Returns the numbers of frames: true and found, true, reported."""
    who = f'thread {tid} ({true["scenario"]})'
    got = [reported(f) for f in seen['frames']]
    # delivered first is outermost, and those are reported last
    want = list(reversed(true['frames']))
    if len(want) != true['count']:
        wrong.append(f'{who} says {true["count"]} frames, has {len(want)}')
    if stop == 'none' and runs(true['scenario']):
        # what is not looked at is not known, and must be said to be so
        if seen['complete'] or not seen['incomplete']:
            wrong.append(f'{who} runs, yet is called complete')
        want = [f for f in want if f in got]
    elif not seen['complete']:
        wrong.append(f'{who} is incomplete: {seen["incomplete"]}')
    for frame in want:
        if frame not in got:
            wrong.append(f'{who} lacks {show(frame)}')
    for frame in got:
        if frame not in want:
            what = 'stale' if frame in true['stale'] else 'invented'
            wrong.append(f'{who} has {what} {show(frame)}')
    if sorted(got) == sorted(want) and got != want:
        wrong.append(f'{who} has its frames in another order')
    spins = runs(true['scenario'])
    stopped = {'none': False, 'all': True, 'auto': spins,
               'bytes': bool(want) or spins}[stop]
    # a stale frame may have to be looked at more closely
    if seen['stopped'] != stopped and not (stop == 'bytes' and true['stale']):
        wrong.append(f'{who}: stopped is {seen["stopped"]}')
    return len([f for f in want if f in got]), len(want), len(got)


def check_frame(tid, frame, wrong):
    for verdict in frame['verdicts']:
        if verdict['outcome'] != 'intact':
            ids = [c['id'] for c in verdict['checks']]
            wrong.append(f'thread {tid}: {verdict["outcome"]} {ids}')


def main():
    truth_path, report_path, stop, status = sys.argv[1:]
    process, threads = read_truth(truth_path)
    with open(report_path, encoding='utf-8') as file:
        report = json.load(file)
    wrong = []
    found = true = total = 0
    source = report['inputs'][0]
    seen = {t['tid']: t for t in source['threads']}
    if len(seen) != len(source['threads']):
        wrong.append('a thread is reported twice')
    if source['pid'] != process:
        wrong.append(f'the process is called {source["pid"]}')
    for tid in sorted(set(threads) - set(seen)):
        wrong.append(f'thread {tid} is missing')
    for tid, thread in seen.items():
        for frame in thread['frames']:
            check_frame(tid, frame, wrong)
        if tid in threads:
            counts = check_thread(tid, threads[tid], thread, stop, wrong)
            found += counts[0]
            true += counts[1]
            total += counts[2]
        elif tid != process:
            wrong.append(f'there is no thread {tid}')
        elif thread['frames'] or thread['stopped'] != (stop == 'all'):
            wrong.append('the main thread has frames, or was stopped')
    left_out = stop == 'none' and any(runs(t['scenario'])
                                      for t in threads.values())
    if int(status) != (3 if left_out else 0):
        wrong.append(f'the exit status is {status}')
    print('\n'.join(wrong), end='\n' if wrong else '')
    print(f'% {found} {true} {total}')


if __name__ == '__main__':
    main()
