# SPDX-License-Identifier: GPL-3.0-or-later
# hiding.py - hold a report to what processes say of hidden signal frames
"""
hiding.py TRUTH REPORT STATUS EXACT DOUBT

EXACT is "yes", "found", "maybe" or "no". If not "yes", something may be in
doubt; but then the status must not be 0, and the regular expression DOUBT has
to be found in what the report says of the thread or of a frame of it. If "no",
it has to be so. Frames may be missing only if "maybe" or "no". No other frames
may be reported in any case.

Prints a line for each thing that is wrong, and one that begins with '%' and
counts: frames that are true, of those found; frames reported, of those true.
"""
import json
import re
import sys

FIELDS = ('kind', 'address', 'fpstate', 'signo', 'pc')


def read_truth(path):
    """Frames by TID in the order of delivery, and the TIDs that tell."""
    threads = {}
    with open(path, encoding='ascii') as lines:
        for line in lines:
            word = line.split()
            if word[0] == 'thread':
                threads[int(word[1])] = []
            elif word[0] == 'frame':
                threads[int(word[1])].append(
                    (word[2], int(word[3], 16), int(word[4], 16),
                     int(word[5]), int(word[6], 16)))
    return threads


def reported(frame):
    fpstate, signal = frame['fpstate'], frame['signal']
    return (frame['kind'], int(frame['address'], 16),
            int(fpstate, 16) if fpstate else 0,
            signal['number'] if signal else 0,
            int(frame['interrupted']['pc'], 16))


def show(frame):
    return ', '.join(f'{name} {value:#x}' if isinstance(value, int)
                     and name != 'signo' else f'{name} {value}'
                     for name, value in zip(FIELDS, frame))


def sentences(thread):
    """What the report says of a thread that is not simply good."""
    said = [thread['incomplete'] or '']
    for frame in thread['frames']:
        for verdict in frame['verdicts']:
            if verdict['outcome'] != 'intact':
                said += [c['id'] + ': ' + c['message']
                         for c in verdict['checks']]
    return [s for s in said if s]


def in_doubt(who, thread):
    """What is said not to be known or not to be intact."""
    if not thread['complete']:
        yield f'{who} is incomplete: {thread["incomplete"]}'
    for frame in thread['frames']:
        for verdict in frame['verdicts']:
            if verdict['outcome'] != 'intact':
                ids = [c['id'] for c in verdict['checks']]
                yield f'{who}: {verdict["outcome"]} {ids}'


def missing(who, want, got):
    for frame in want:
        if frame not in got:
            yield f'{who} lacks {show(frame)}'


def not_true(who, want, got):
    """What is reported and should not be."""
    for frame in got:
        if frame not in want:
            yield f'{who} has invented {show(frame)}'
    if [f for f in want if f in got] != [f for f in got if f in want]:
        yield f'{who} has its frames in another order'


def main():
    truth_path, report_path, status, exact, pattern = sys.argv[1:]
    truth = read_truth(truth_path)
    with open(report_path, encoding='utf-8') as file:
        report = json.load(file)
    wrong = []
    doubts = []
    said = []
    counts = [0, 0, 0]
    threads = {t['tid']: t for i in report['inputs'] for t in i['threads']}
    for tid in sorted(set(truth) - set(threads)):
        wrong.append(f'thread {tid} is missing')
    for tid, thread in sorted(threads.items()):
        got = [reported(f) for f in thread['frames']]
        want = list(reversed(truth.get(tid, [])))
        wrong += not_true(f'thread {tid}', want, got)
        lacks = list(missing(f'thread {tid}', want, got))
        if exact == 'found':
            wrong += lacks
        doubts += lacks
        doubts += in_doubt(f'thread {tid}', thread)
        said += sentences(thread)
        found = len([f for f in want if f in got])
        counts = [a + b for a, b in
                  zip(counts, (found, len(want), len(got)))]
    if int(status) != 0:
        doubts.append(f'the exit status is {status}')
    if exact == 'yes':
        wrong += doubts
    elif exact == 'no' or doubts:
        if int(status) not in (1, 3):
            wrong += [f'the exit status is {status}', *doubts]
        if not any(re.search(pattern, s) for s in said):
            wrong.append(f'nothing it says is like /{pattern}/: {said}')
    print('\n'.join(wrong), end='\n' if wrong else '')
    print('%', *counts)


if __name__ == '__main__':
    main()
