# SPDX-License-Identifier: GPL-3.0-or-later
# criu.py - what a report has to say of a checkpoint that is known
"""
criu.py waiter REPORT BYTES TID...
                             what the program of both dumps, waiter.c, says of
                             itself; REPORT with --json -x. BYTES of each vector
                             register had been filled, the TIDs are those of
                             its three threads
criu.py frames REPORT TRUTH  the frames that TRUTH, as tests/live/frames.py
                             reads it, has of each process
criu.py outcome REPORT TID   the outcome of its innermost frame, and what is
                             lost, on the only target
criu.py threads REPORT       all of them, with how many frames each has
"""
import json
import sys

USR1, USR2, WINCH, RTMIN = 10, 12, 28, 34
PENDING = 1 << WINCH - 1, 1 << RTMIN + 7 - 1


def load(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def threads_of(report):
    return {t['tid']: t for i in report['inputs'] for t in i['threads']}


def equal(what, have, want):
    if have != want:
        print(f'{what}: {have!r} instead of {want!r}')


def check_main(thread):
    """No frame; two signals pending, one of them of the process."""
    equal('main: frames', len(thread['frames']), 0)
    equal('main: pending', int(thread['pending'], 16), sum(PENDING))
    equal('main: altstack', thread['altstack'], None)


def check_one(thread, filled):
    """Its interrupted registers have 0x40 plus their number in each byte."""
    equal('one: frames', len(thread['frames']), 1)
    frame = thread['frames'][0]
    equal('one: signal', frame['signal']['number'], USR1)
    equal('one: stack', frame['stack'], 'main')
    equal('one: pending', int(thread['pending'], 16), PENDING[1])
    registers = frame['registers']
    vectors = registers['vectors']
    equal('one: registers', [v['name'] for v in vectors],
          [f'zmm{i}' for i in range(32)])
    for i, vector in enumerate(vectors):
        size = filled if filled == 64 or i < 16 else 0
        equal(vector['name'], vector['value'],
              '00' * (64 - size) + f'{0x40 + i:02x}' * size)
    equal('k1, k7', [int(k, 16) for k in registers['opmask'][1::6]],
          [0x1122334455667788 if filled == 64 else 0] * 2)


def check_two(thread):
    """SIGRTMIN+3 came while SIGUSR2 was handled on the alternate stack."""
    signals = [f['signal']['number'] for f in thread['frames']]
    equal('two: signals', signals, [RTMIN + 3, USR2])
    equal('two: altstack', {k: v for k, v in thread['altstack'].items()
                            if k != 'address'},
          {'size': 65536, 'in_use': True})
    for frame in thread['frames']:
        equal('two: stack', frame['stack'], 'alternate')
        equal('two: uc_stack', frame['uc_stack']['address'],
              thread['altstack']['address'])


def waiter(path, filled, *tids):
    report = load(path)
    threads = threads_of(report)
    equal('inputs', len(report['inputs']), 1)
    equal('source', report['inputs'][0]['source'], 'criu')
    equal('layout', report['inputs'][0]['cpu'],
          {'xfeatures': '0x00000000000000e7', 'layout': 'amd',
           'minsigstksz': 3376})
    equal('threads', sorted(threads), sorted(int(t) for t in tids))
    for thread in threads.values():
        equal('complete', thread['complete'], True)
        equal('name', thread['name'], 'waiter')
        for frame in thread['frames']:
            equal('kind', frame['kind'], 'x86_64')
            equal('layout', frame['layout'], 'amd')
            equal('size', frame['xstate_size'], 2432)
            equal('marks', (frame['magic1_ok'], frame['magic2_ok']),
                  (True, True))
            if 'sa_restorer' not in frame['evidence']:
                print('no sa_restorer:', frame['evidence'])
    check_main(threads[int(tids[0])])
    check_one(threads[int(tids[1])], int(filled))
    check_two(threads[int(tids[2])])


def frames(path, truth):
    want, have = {}, {}
    with open(truth, encoding='utf-8') as file:
        for line in file:
            words = line.split()
            if words[0] == 'frame':
                want.setdefault(int(words[1]), set()).add(
                    (words[2], int(words[3], 16), int(words[4], 16)))
    for tid, thread in threads_of(load(path)).items():
        for f in thread['frames']:
            have.setdefault(tid, set()).add(
                (f['kind'], int(f['address'], 16), int(f['fpstate'], 16)))
    equal('frames', have, want)


def outcome(path, tid):
    verdict = threads_of(load(path))[int(tid)]['frames'][0]['verdicts'][0]
    print(verdict['outcome'], *verdict['lost'])


def threads(path):
    for tid, thread in threads_of(load(path)).items():
        print(tid, thread['state'] or '-', len(thread['frames']),
              'all' if thread['complete'] else thread['incomplete'])


if __name__ == '__main__':
    globals()[sys.argv[1]](*sys.argv[2:])
