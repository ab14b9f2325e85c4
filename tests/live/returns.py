# SPDX-License-Identifier: GPL-3.0-or-later
# returns.py - are just these frames reported, and with what certainty?
"""
returns.py TRUTH REPORT STATUS CERTAINTY [EVIDENCE]

TRUTH has lines "frame ADDRESS", innermost first, and perhaps "stale ADDRESS".
CERTAINTY is "certain" or "doubtful"; EVIDENCE is what the report has to name
for the outermost frame. Prints a line for each thing that is wrong.
"""
import json
import sys


def main():
    truth, path, status, certainty, *evidence = sys.argv[1:]
    with open(truth, encoding='ascii') as lines:
        words = [line.split() for line in lines]
    want = [int(w[1], 16) for w in words if w[0] == 'frame']
    stale = [int(w[1], 16) for w in words if w[0] == 'stale']
    with open(path, encoding='utf-8') as file:
        threads = json.load(file)['inputs'][0]['threads']
    frames = [f for t in threads for f in t['frames']]
    got = [int(f['address'], 16) for f in frames]
    complete = all(t['complete'] for t in threads)
    if got != want:
        print(f'frames {[hex(f) for f in got]}, '
              f'not {[hex(f) for f in want]}')
    if complete != (certainty == 'certain'):
        print(f'complete is {complete}: '
              f'{[t["incomplete"] for t in threads if t["incomplete"]]}')
    if int(status) != (0 if certainty == 'certain' else 3):
        print(f'the exit status is {status}')
    if stale and not sum(t['stale_frames'] for t in threads):
        print('what is left over was not seen')
    for word in evidence:
        if not frames or word not in frames[-1]['evidence']:
            print(f'{word} is not evidence for the outermost frame')


if __name__ == '__main__':
    main()
