# SPDX-License-Identifier: GPL-3.0-or-later
# restore.py - hold what is said of live registers against the images
"""
restore.py REPORT IMAGES: what the JSON report says that criu does with the
threads of the checkpoint in the folder IMAGES, by what their images have.
restore.py --mxcsr CORE: set a bit of MXCSR that no CPU has.
restore.py --size CPUINFO: let the XSAVE area be eight bytes longer.
"""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'tools'))
from criuimages import change, get, parse, put, read_image  # noqa: E402

# components by their fields in the images
FIELDS = {2: 'avx', 3: 'bndregs', 4: 'bndcsr', 5: 'opmask', 6: 'zmm_hi256',
          7: 'hi16_zmm', 8: 'pkru'}
BITS = {'avx': 2, 'bndregs': 3, 'bndcsr': 4, 'opmask': 5, 'zmm_hi256': 6,
        'hi16_zmm': 7, 'pkru': 9}
# where components end in Intel's layout
ENDS = {'avx': 832, 'opmask': 1152, 'zmm_hi256': 1664, 'hi16_zmm': 2688,
        'pkru': 2696}
ICELAKE_SIZE = 2696


def in_use(images, tid):
    """Components that the thread has in use, of those that were saved."""
    _, records = read_image(os.path.join(images, f'core-{tid}.img'))
    core = get(records[0], 2)
    if core is None:
        return None
    xsave = get(parse(get(parse(core), 3)), 13)
    if xsave is None:
        return set()
    xsave = parse(xsave)
    used = get(xsave, 1)
    return {name for field, name in FIELDS.items()
            if get(xsave, field) is not None and used >> BITS[name] & 1}


def expected(used, target):
    """The outcome, and what is lost of the components."""
    if target.startswith('nehalem'):
        return 'fatal', set()
    if target.startswith('haswell'):
        lost = used - {'avx'}
    else:		# by the rules R4: a frame of another size is cut down
        size = max([576] + [ENDS[name] for name in used])
        lost = used if size != ICELAKE_SIZE else set()
    lost -= {'pkru'}	# no program here has closed a key
    return ('lossy' if lost else 'intact'), lost


def compare(report, images):
    wrong = []
    seen = 0
    for process in report['inputs']:
        for target in process['criu']:
            living = 0
            for thread in target['threads']:
                used = in_use(images, thread['tid'])
                where = f"{target['target']}: thread {thread['tid']}"
                if used is None:	# it has ended
                    want = 'intact', set()
                else:
                    want = expected(used, target['target'])
                    living += 1
                is_so = thread['outcome'], set(thread['lost'])
                if is_so != want:
                    wrong.append(f'{where}: {is_so}, not {want}')
            seen += living
            no_xsave = target['target'].startswith('nehalem')
            if target['refused'] != (no_xsave and living > 0):
                wrong.append(f"{target['target']}: refused "
                             f"{target['refused']}")
    if not seen:
        wrong.append('no thread was judged')
    return wrong


def main():
    if sys.argv[1] == '--mxcsr':
        change(sys.argv[2], [2, 3],
               lambda regs: put(regs, 7, get(regs, 7) | 1 << 16))
    elif sys.argv[1] == '--size':
        change(sys.argv[2], [1], lambda cpu: put(cpu, 9, get(cpu, 9) + 8))
    else:
        with open(sys.argv[1], encoding='utf-8') as file:
            report = json.load(file)
        for line in compare(report, sys.argv[2]):
            print(line)


main()
