# SPDX-License-Identifier: GPL-3.0-or-later
# edited.py - is the verdict on an edited frame what the kernel would do?
"""
edited.py EDIT TRUTH REPORT STATUS

Prints a line for each thing that is wrong; "skip REASON" if the edit has no
known effect under the rules of this kernel. What is expected follows from
arch/x86/kernel/fpu/signal.c and the descriptions of XRSTOR and FXRSTOR.
"""
import json
import sys

from frames import read_truth, reported, show

# Kernels that look for MAGIC2 behind the frame's own size, and those of 6.15
# to 7.0 that look behind the size that the task uses.
SIZED = ('R3', 'R5')
STRICT = ('R4',)

# What becomes of a frame that is taken for an FXSAVE image: AVX is lost.
FX = 'fx'

# By edit: outcome and checks, one entry per group of rule sets.
ANY = SIZED + STRICT
EXPECTED = {
    'nothing': {ANY: ('intact', ())},
    'magic1': {ANY: (FX, ('magic1-missing',))},
    'magic2': {SIZED: (FX, ('magic2-missing',)),
               STRICT: (FX, ('magic2-not-at-user-size',))},
    'size-larger': {SIZED: (FX, ('xstate-size-over-target',)),
                    STRICT: ('intact', ())},
    'size-tiny': {SIZED: (FX, ('xstate-size-below-minimum',)),
                  STRICT: ('intact', ())},
    'extended-short': {SIZED: (FX, ('extended-size-short',)),
                       STRICT: ('intact', ())},
    'mxcsr': {ANY: ('fatal', ('mxcsr-reserved',))},
    'bv-unsupported': {ANY: ('fatal', ('xstate-bv-unsupported',))},
    'bv-unclaimed': {ANY: (FX, ('in-use-not-claimed',))},
    # what the frame does not call in use is not lost
    'bv-initial': {ANY: ('intact', ())},
    'xcomp': {ANY: ('fatal', ('xcomp-bv-rejected',))},
    'reserved': {ANY: ('fatal', ('xstate-header-reserved',))},
    'fpstate-null': {ANY: ('lossy', ('fpstate-null',))},
    'fpstate-unmapped': {ANY: ('fatal', ('fpstate-unreadable',))},
    'fpstate-guarded': {ANY: ('fatal', ('fpstate-unreadable',))},
    # x86 has no pages that can be written to and not read
    'fpstate-write-only': {ANY: ('intact', ())},
    'fpstate-kernel': {ANY: ('fatal', ('fpstate-out-of-range',))},
    'misaligned-8': {ANY: ('fatal', ('xstate-misaligned',))},
    'misaligned-16': {ANY: ('fatal', ('xstate-misaligned',))},
    'misaligned-fx': {ANY: ('fatal', ('magic1-missing',
                                      'fxsave-misaligned'))},
    'rip-noncanonical': {ANY: ('fatal', ('rip-out-of-range',))},
    'rip-unmapped': {ANY: ('fatal', ('rip-unmapped',))},
    'rip-data': {ANY: ('fatal', ('rip-not-executable',))},
    'cs': {ANY: ('fatal', ('cs-invalid',))},
    'ss': {ANY: ('fatal', ('ss-invalid',))},
    'trap-flag': {ANY: ('intact', ())},
    'pretcode-zero': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-data': {ANY: ('fatal', ('restorer-not-executable',))},
    'pretcode-noncanonical': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-unmapped': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-stack': {ANY: ('fatal', ('restorer-not-executable',))},
    'pretcode-inside': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-called': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-kind': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-call': {ANY: ('fatal', ('restorer-missing',))},
    'pretcode-own': {ANY: ('intact', ())},
    'wiped': {ANY: ('fatal', ('cs-invalid',))},
    'wiped-ones': {ANY: ('fatal', ('fpstate-out-of-range',))},
    'wiped-all': {ANY: ('fatal', ('fpstate-out-of-range',))},
    'wiped-own': {ANY: ('fatal', ('cs-invalid',))},
    'wiped-made': {ANY: ('fatal', ('fpstate-out-of-range',))},
}
HAZARDS = {'trap-flag': ['trap-flag'],
           'wiped': ['rsp-unmapped'],
           'wiped-own': ['rsp-unmapped'],
           'bv-initial': ['initial-not-zero']}
STATUS = {'intact': 0, 'lossy': 1, 'fatal': 1}


def in_use(path):
    with open(path, encoding='ascii') as lines:
        return [line.split()[1] for line in lines
                if line.startswith('in-use')][0]


def expected(edit, rule_set):
    for rules, result in EXPECTED[edit].items():
        if rule_set in rules:
            return result
    return None


def check(edit, truth, report, status, want):
    _, threads = read_truth(truth)
    (true,) = threads.values()
    frames = [f for t in report['inputs'][0]['threads'] for f in t['frames']]
    if [reported(f) for f in frames] != true['frames']:
        yield f'frames: {[show(reported(f)) for f in frames]}'
        return
    outcome, ids = want
    verdict = frames[0]['verdicts'][0]
    avx = in_use(truth) == 'avx'
    if outcome == FX:
        outcome = 'lossy' if avx else 'intact'
        if avx and 'avx' not in verdict['lost']:
            yield f'lost: {verdict["lost"]}, without avx'
    if verdict['outcome'] != outcome:
        yield f'outcome: {verdict["outcome"]}, not {outcome}'
    if outcome == 'intact' and (verdict['lost'] or verdict['garbled']):
        yield f'lost: {verdict["lost"]}, garbled: {verdict["garbled"]}'
    fired = [c['id'] for c in verdict['checks']]
    for name in ids:
        if name not in fired:
            yield f'checks: {fired}, without {name}'
    if not ids and fired:
        yield f'checks: {fired}, none was expected'
    for entry in verdict['checks']:
        if entry['id'] in ids and not entry['certain']:
            yield f'{entry["id"]} is not certain'
        if entry['outcome'] == 'unknown':
            yield f'{entry["id"]} does not know'
    hazards = [h['id'] for h in verdict['hazards']]
    # without AVX there is nothing whose bit could have been cleared
    if hazards != HAZARDS.get(edit, []) and (avx or edit != 'bv-initial'):
        yield f'hazards: {hazards}'
    if int(status) != STATUS[outcome]:
        yield f'exit status {status}'


def main():
    edit, truth, path, status = sys.argv[1:]
    with open(path, encoding='utf-8') as file:
        report = json.load(file)
    rule_set = report['targets'][0]['rule_set']
    # "R5 (reverted)"; several where the release does not tell
    want = expected(edit, rule_set.split(' ')[0]) \
        if ' or ' not in rule_set else None
    if not want:
        print(f'skip not known for rules {rule_set}')
        return
    for finding in check(edit, truth, report, status, want):
        print(finding)


if __name__ == '__main__':
    main()
