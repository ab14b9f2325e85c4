# SPDX-License-Identifier: GPL-3.0-or-later
# dormant.py - hold a report to what a process says of the stacks it has left
"""
dormant.py TRUTH REPORT STATUS [WANTED_STATUS]

Prints a line for each thing that is wrong, and one that begins with '%' and
counts dormant frames: true ones that were found, true, reported; then frames
left over: true ones that were taken for dormant or live, true.
"""
import json
import sys


def read_truth(path):
    dormant, live, left = {}, set(), set()
    with open(path, encoding='ascii') as lines:
        for line in lines:
            word = line.split()
            if word[0] == 'dormant':
                dormant[int(word[1], 16)] = (int(word[2], 16), word[3])
            elif word[0] == 'live':
                live.add((int(word[1]), int(word[2], 16)))
            elif word[0] == 'left':
                left.add(int(word[1], 16))
    # a stack may have been used again
    return dormant, live, left - set(dormant) - {a for _, a in live}


def check_counts(report, source, dormant, wrong):
    summary = report['summary']
    count = len(source['dormant'])
    if summary['dormant'] != count:
        wrong.append(f'the summary says {summary["dormant"]} dormant')
    verdicts = sum(summary['by_outcome'].values())
    if verdicts != summary['frames'] + count:
        wrong.append(f'{verdicts} verdicts for {summary["frames"]} frames '
                     f'and {count} dormant')
    if not source['memory'] or source['memory_searched'] != source['memory']:
        wrong.append(f'{source["memory_searched"]} bytes of '
                     f'{source["memory"]} were searched')
    if dormant and not source['notes'] and summary['outcome'] == 'unknown':
        wrong.append('the outcome is unknown')


def main():
    truth_path, report_path, status = sys.argv[1:4]
    wanted = sys.argv[4] if len(sys.argv) > 4 else '0'
    dormant, live, left = read_truth(truth_path)
    with open(report_path, encoding='utf-8') as file:
        report = json.load(file)
    wrong = []
    source = report['inputs'][0]
    got = [int(f['address'], 16) for f in source['dormant']]
    got_live = [(t['tid'], int(f['address'], 16))
                for t in source['threads'] for f in t['frames']]
    everything = got + [a for _, a in got_live]
    for address in sorted(set(everything)):
        if everything.count(address) > 1:
            wrong.append(f'{address:#x} is reported twice')
    for address in sorted(set(dormant) - set(got)):
        wrong.append(f'dormant {address:#x} is missing')
    for address in sorted(set(got) - set(dormant)):
        what = 'left over' if address in left else 'invented'
        wrong.append(f'dormant {address:#x} is {what}')
    for tid, address in sorted(live ^ set(got_live)):
        what = 'is missing' if (tid, address) in live else 'is not live'
        wrong.append(f'thread {tid}: {address:#x} {what}')
    if got != sorted(got):
        wrong.append('the dormant frames are not in the order of addresses')
    for frame in source['dormant']:
        context = frame['context']
        true = dormant.get(int(frame['address'], 16))
        if true and (int(context['address'], 16), context['kind']) != true:
            wrong.append(f'{frame["address"]}: {context["kind"]} at '
                         f'{context["address"]}, not {true[1]} at '
                         f'{true[0]:#x}')
        if 'unwound' not in frame['evidence']:
            wrong.append(f'{frame["address"]}: only {frame["evidence"]}')
    check_counts(report, source, dormant, wrong)
    if status != wanted:
        wrong.append(f'the exit status is {status}, not {wanted}')
    print('\n'.join(wrong), end='\n' if wrong else '')
    taken = left & set(everything)
    print(f'% {len(set(got) & set(dormant))} {len(dormant)} {len(got)}, '
          f'{len(taken)} {len(left)}')


if __name__ == '__main__':
    main()
