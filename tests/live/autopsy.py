# SPDX-License-Identifier: GPL-3.0-or-later
# autopsy.py - is what the report says of a death what really happened?
"""
autopsy.py died REPORT STATUS CHECK HOW FRAME-KIND ADDRESS TID WHERE
autopsy.py none REPORT STATUS
autopsy.py hint REPORT STATUS TID

Prints a line for each thing that is wrong. HOW is refused, unreadable or
fault; WHERE is core or process.
"""
import json
import sys

KINDS = {'refused': 'frame-refused', 'unreadable': 'frame-unreadable',
         'fault': 'return-fault'}


def expect(what, found, wanted):
    if found != wanted:
        print(f'{what}: {found}, should be {wanted}')


def died(report, status, check, how, kind, address, tid, where):
    entry = report['inputs'][0]
    expect('exit status', status, '1')
    expect('deaths explained', len(entry['autopsy']), 1)
    expect('deaths summed up', report['summary']['autopsies'], 1)
    expect('hints', entry['hints'], [])
    for a in entry['autopsy'][:1]:
        expect('kind', a['kind'], KINDS[how])
        expect('check', a['check']['id'], check)
        expect('frame', int(a['frame']['address'], 16), int(address, 16))
        expect('kind of frame', a['frame']['kind'], kind)
        expect('thread', a['tid'], int(tid))
        expect('signal', a['signal'], 'SIGSEGV')
        expect('caught', a['caught'], where == 'process')
    if where == 'core':
        expect('killed by', entry['killed_by'], 'SIGSEGV')


def none(report, status):
    entry = report['inputs'][0]
    # what is said of the frames that wait is for other tests
    if status == '2':
        print('it was not examined')
    expect('deaths explained', entry['autopsy'], [])
    expect('hints', entry['hints'], [])


def hint(report, status, tid):
    entry = report['inputs'][0]
    expect('deaths explained', entry['autopsy'], [])
    expect('hints', [(h['id'], h['tid']) for h in entry['hints']],
           [('sigreturn-suspected', int(tid))])
    # an inference does not count
    expect('exit status', status, '0')


def main():
    with open(sys.argv[2], encoding='utf-8') as file:
        report = json.load(file)
    {'died': died, 'none': none, 'hint': hint}[sys.argv[1]](
        report, *sys.argv[3:])


if __name__ == '__main__':
    main()
