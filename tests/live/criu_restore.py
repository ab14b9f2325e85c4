# SPDX-License-Identifier: GPL-3.0-or-later
# criu_restore.py - hold reports on checkpoints to what became of the processes
"""
criu_restore.py same DIR COUNT      reports live, dumped and restored in DIR,
                                    and what COUNT processes said (truth.PID)
criu_restore.py target REPORT       are both targets the same machine?
criu_restore.py edits WHAT [EDIT...]
                                    names of edits, of all or of those there are
criu_restore.py edit WHAT IMAGES SAID EDIT
                                    change the frame that SAID tells of, or what
                                    its thread had in its registers, or the CPU;
                                    prints "skip REASON" if that makes no sense
criu_restore.py outcome WHAT REPORT TRUTH STATUS
                                    was what TRUTH says in the end predicted?
criu_restore.py capped REPORT [OPTION...]
                                    was it foretold that criu refuses with these
                                    values of --cpu-cap, of fpu and cpu?

WHAT is "frame", "live" or "cpu". Prints a line for each thing that is wrong,
and one that begins with '%' and tells the outcome.
"""
import glob
import json
import os
import struct
import sys

import frames

sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'tools'))
# pylint: disable=wrong-import-position
import criuimages  # noqa: E402

# from the start of a frame, arch/x86/include/asm/sigframe.h
FPSTATE_AT = {'x86_64': 232, 'ia32_rt': 240, 'ia32': 84}
CS_AT = {'x86_64': 192, 'ia32_rt': 224, 'ia32': 68}
# from where it points to the XSAVE image
HEADER = {'x86_64': 0, 'ia32_rt': 112, 'ia32': 112}
MXCSR, SW, EXTENDED_SIZE, XFEATURES, XSTATE_SIZE = 24, 464, 468, 472, 480
XSTATE_BV, XCOMP_BV, RESERVED = 512, 520, 528
MAGIC2 = struct.pack('<I', 0x46505845)


def load(path):
    with open(path, encoding='utf-8') as file:
        return json.load(file)


def plain(frame):
    """A frame without what depends on how the process was looked at."""
    return {k: v for k, v in frame.items() if k != 'evidence'}


def threads_of(report):
    return {t['tid']: t for i in report['inputs'] for t in i['threads']}


def ended(lines):
    """What is said once the handlers were let go."""
    return lines[lines.index('READY') + 1:]


def check_process(path, seen, wrong):
    process, threads = frames.read_truth(path)
    for tid, true in threads.items():
        want = list(reversed(true['frames']))
        for name, report in seen.items():
            who = f'{name}: thread {tid} ({true["scenario"]})'
            if tid not in report:
                wrong.append(f'{who} is missing')
                continue
            got = [frames.reported(f) for f in report[tid]['frames']]
            if got != want:
                wrong.append(f'{who} has {got}, not {want}')
            if not report[tid]['complete']:
                wrong.append(f'{who}: {report[tid]["incomplete"]}')
            for frame, live in zip(report[tid]['frames'],
                                   seen['live'][tid]['frames']):
                frames.check_frame(tid, frame, wrong)
                for key, value in plain(frame).items():
                    if value != live[key]:
                        wrong.append(f'{who}: {key} {value}, '
                                     f'but live {live[key]}')
    with open(path, encoding='ascii') as file:
        lines = file.read().splitlines()
    after = ended(lines)
    if not after or after[-1] != 'END':
        wrong.append(f'process {process} did not get to its end: {after[-1:]}')
    wrong += [f'process {process}: {line}' for line in after
              if '=initial' in line or '=other' in line]
    returned = sum(line.startswith('returned ') for line in after)
    if returned != sum(t['count'] + 1 for t in threads.values()):
        wrong.append(f'process {process}: {returned} returns')
    pending = [line for line in lines if line.startswith('pending ')]
    if len(pending) != 2 or pending[0] != pending[1]:
        wrong.append(f'process {process}: {pending}')
    return set(threads) | {process}


def restores(report):
    """What speaks against that criu restores all of it here."""
    for process in report['inputs']:
        live, = process['criu']
        if live['refused'] or live['outcome'] != 'intact' or live['cpu_cap']:
            yield f'process {process["pid"]}: {live}'


def same(directory, count):
    wrong = []
    tids = set()
    seen = {}
    for name in ('live', 'dumped', 'restored'):
        report = load(os.path.join(directory, name))
        seen[name] = threads_of(report)
        if len(report['inputs']) != count:
            wrong.append(f'{name}: {len(report["inputs"])} processes')
    paths = glob.glob(os.path.join(directory, 'truth.*'))
    if len(paths) != count:
        wrong.append(f'{len(paths)} processes have told of themselves')
    for path in paths:
        tids |= check_process(path, seen, wrong)
    wrong += restores(load(os.path.join(directory, 'dumped')))
    for name, report in seen.items():
        if set(report) != tids:
            wrong.append(f'{name}: threads {sorted(report)}, '
                         f'not {sorted(tids)}')
    return wrong


def target(path):
    report = load(path)
    described, host = report['targets']
    for key in ('xfeatures', 'user_size', 'layout', 'rule_set'):
        if described[key] != host[key]:
            yield f'{key} is {described[key]}, of this machine {host[key]}'
    for thread in threads_of(report).values():
        for frame in thread['frames']:
            outcomes = [v['outcome'] for v in frame['verdicts']]
            if outcomes != ['intact', 'intact']:
                yield f'{frame["address"]}: {outcomes}'


class Frame:
    """A frame in the memory of a checkpoint."""

    def __init__(self, images, said):
        process, threads = frames.read_truth(said)
        (thread,) = threads.values()
        (self.kind, self.address, self.fpstate, *_), = thread['frames']
        self.word = 8 if self.kind == 'x86_64' else 4
        self.image = self.fpstate + HEADER[self.kind]
        self.memory = criuimages.Memory(images, process)
        self.size = self.get(XSTATE_SIZE, 4)

    def get(self, offset, width):
        return int.from_bytes(self.memory.read(self.image + offset, width),
                              'little')

    def put(self, offset, value, width):
        self.write(offset, value.to_bytes(width, 'little'))

    def write(self, offset, data):
        self.memory.write(self.image + offset, data)

    def resize(self, size):
        """Sizes and magic2 as for an image of SIZE bytes."""
        extended = self.get(EXTENDED_SIZE, 4) - self.size + size
        self.put(EXTENDED_SIZE, extended, 4)
        self.put(XSTATE_SIZE, size, 4)
        self.write(size, MAGIC2)


def set_bits(offset, width, bits):
    return lambda f: f.put(offset, f.get(offset, width) | bits, width)


def assign(offset, width, value):
    return lambda f: f.put(offset, value, width)


def no_magic2(frame):
    frame.write(frame.size, bytes(4))


def no_fpstate(frame):
    frame.memory.write(frame.address + FPSTATE_AT[frame.kind],
                       bytes(frame.word))


def no_code(frame):
    frame.memory.write(frame.address + CS_AT[frame.kind], bytes(2))


def no_restorer(frame):
    frame.memory.write(frame.address, bytes(frame.word))


def larger(frame):
    frame.resize(frame.size + 8)
    return None


def as_small(frame):
    """As a CPU with AVX and nothing else would have made it."""
    if frame.size <= 832:
        return 'the frame is as small'
    frame.put(XFEATURES, frame.get(XFEATURES, 8) & 7, 8)
    frame.put(XSTATE_BV, frame.get(XSTATE_BV, 8) & 7, 8)
    frame.resize(832)
    return None


# Offsets of opmask, zmm_hi256 and hi16_zmm in the layouts of both vendors.
AVX512 = {'intel': (1088, 1152, 1664), 'amd': (832, 896, 1408)}
AVX512_SIZES = (64, 512, 1024)


def as_foreign(frame):
    """The same registers where the other vendor's CPUs put them."""
    if frame.get(XFEATURES, 8) & 0xe0 != 0xe0:
        return 'there is no AVX-512'
    here = 'amd' if frame.size == 2432 else 'intel'
    there = 'amd' if here == 'intel' else 'intel'
    data = [frame.memory.read(frame.image + offset, size)
            for offset, size in zip(AVX512[here], AVX512_SIZES)]
    end = AVX512[there][2] + AVX512_SIZES[2]
    if end > frame.size:
        return 'there is no room for the larger image'
    for offset, content in zip(AVX512[there], data):
        frame.write(offset, content)
    frame.put(XFEATURES, frame.get(XFEATURES, 8) & 0xe7, 8)
    frame.put(XSTATE_BV, frame.get(XSTATE_BV, 8) & 0xe7, 8)
    frame.resize(end)
    return None


FRAME_EDITS = {
    'nothing': lambda f: None,
    'magic1': assign(SW, 4, 0),
    'magic2': no_magic2,
    'size-tiny': assign(XSTATE_SIZE, 4, 575),
    'extended-tiny': assign(EXTENDED_SIZE, 4, 500),
    'size-larger': larger,
    'avx-machine': as_small,
    'other-vendor': as_foreign,
    'unknown-feature': set_bits(XFEATURES, 8, 1 << 61),
    'bv-unsupported': set_bits(XSTATE_BV, 8, 1 << 61),
    'xcomp': assign(XCOMP_BV, 8, 1),
    'reserved': assign(RESERVED, 1, 1),
    'mxcsr': set_bits(MXCSR, 4, 1 << 16),
    'fpstate-null': no_fpstate,
    'cs': no_code,
    'restorer-null': no_restorer,
}

# Of a core image: thread_info, fpregs, xsave.
FPREGS = [2, 3]
FPREGS_MXCSR = 7
XSAVE = [2, 3, 13]
XSAVE_BV, XSAVE_YMM, XSAVE_BNDREGS = 1, 2, 3
BNDREGS = 1 << 3
PKRU = 1 << 9
AVX = 1 << 2


def live_mxcsr(core):
    def function(fpregs):
        mxcsr = criuimages.get(fpregs, FPREGS_MXCSR)
        criuimages.put(fpregs, FPREGS_MXCSR, mxcsr | 1 << 16)
    criuimages.change(core, FPREGS, function)


def live_bounds(core):
    """Registers that no CPU made since 2020 has."""
    reason = []

    def function(xsave):
        in_use = criuimages.get(xsave, XSAVE_BV)
        if criuimages.get(xsave, XSAVE_BNDREGS) is not None:
            reason.append('this CPU has MPX')
            return
        criuimages.put(xsave, XSAVE_BNDREGS, criuimages.varint(77) * 8)
        criuimages.put(xsave, XSAVE_BV, in_use | BNDREGS)
    criuimages.change(core, XSAVE, function)
    return reason and reason[0]


def live_unsaved(core):
    """In use, and not in the images, as with components CRIU knows not."""
    reason = []

    def function(xsave):
        if not criuimages.get(xsave, XSAVE_BV) & AVX:
            reason.append('there is no AVX')
        criuimages.put(xsave, XSAVE_YMM, None)
    criuimages.change(core, XSAVE, function)
    return reason and reason[0]


LIVE_EDITS = {
    'nothing': lambda core: None,
    'mxcsr': live_mxcsr,
    'bounds': live_bounds,
    'unsaved': live_unsaved,
}

# Of cpuinfo.img.
CAPABILITY, XFEATURES_MASK, CPU_XSAVE_SIZE = 6, 8, 9
WORD_3DNOW, BIT_3DNOW = 1, 31
WORD_SSE4_2, BIT_SSE4_2 = 4, 20


def more(number, bits):
    return lambda cpu: criuimages.put(cpu, number,
                                      criuimages.get(cpu, number, 0) | bits)


def toggle(word, bit):
    """An instruction that there is, or is not, unlike here."""
    def function(cpu):
        words = [f for f in cpu if f[0] == CAPABILITY]
        words[word][2] ^= 1 << bit
    return function


def resized(cpu):
    size = criuimages.get(cpu, CPU_XSAVE_SIZE)
    criuimages.put(cpu, CPU_XSAVE_SIZE, size + 64)


CPU_EDITS = {
    'nothing': lambda cpu: None,
    'components': more(XFEATURES_MASK, PKRU),
    'size': resized,
    'instruction-missing': toggle(WORD_3DNOW, BIT_3DNOW),
    'instruction-new': toggle(WORD_SSE4_2, BIT_SSE4_2),
    'missing': None,
}

EDITS = {'frame': FRAME_EDITS, 'live': LIVE_EDITS, 'cpu': CPU_EDITS}


def edit(what, images, said, name):
    function = EDITS[what][name]
    reason = None
    if what == 'frame':
        reason = function(Frame(images, said))
    elif what == 'live':
        (tid,) = frames.read_truth(said)[1]
        reason = function(os.path.join(images, f'core-{tid}.img'))
    elif function:
        criuimages.change(os.path.join(images, 'cpuinfo.img'), [1], function)
    else:
        os.remove(os.path.join(images, 'cpuinfo.img'))
    if reason:
        yield f'skip {reason}'


def what_came(truth):
    """The components that came back and how; None if the process died."""
    with open(truth, encoding='ascii') as file:
        after = ended(file.read().splitlines())
    if not after or after[-1] != 'END':
        return None
    words = next(line.split() for line in after
                 if line.startswith('returned ') and line.split()[2] == '0')
    return dict(word.split('=') for word in words[3:])


def expected(name, lost, garbled, in_use=True):
    if name in garbled:
        return ('initial', 'other')
    return ('same',) if in_use and name not in lost else ('initial',)


BITS = {'x87': 0, 'sse': 1, 'avx': 2, 'opmask': 5, 'zmm_hi256': 6,
        'hi16_zmm': 7}


def judge_frame(frame, came):
    """What is not as predicted, of components that the frame has."""
    verdict, = frame['verdicts']
    held = int(frame['xfeatures'] or '0xff', 16)
    for name, how in came.items():
        want = expected(name, verdict['lost'], verdict['garbled'],
                        held >> BITS[name] & 1)
        if how not in want and how != 'unused':
            yield f'{name} is {how}, expected {" or ".join(want)}'


def frame_outcome(report, came, status):
    found = [f for t in threads_of(report).values() for f in t['frames']]
    if len(found) != 1:
        yield f'{len(found)} frames'
        return
    verdict, = found[0]['verdicts']
    said = verdict['outcome']
    yield f'% {said} {" ".join(c["id"] for c in verdict["checks"])}'
    if status != {'intact': 0, 'unknown': 3}.get(said, 1):
        yield f'the exit status is {status}'
    if said == 'unknown':
        # then it has to be one of those that are possible
        really = 'fatal' if came is None else 'intact' if \
            all(how in ('same', 'unused') for how in came.values()) else 'lossy'
        if really not in verdict['possible']:
            yield f'{really}, but possible is {verdict["possible"]}'
    elif (said == 'fatal') != (came is None):
        yield f'{said}, but it came back as {came}'
    elif came:
        yield from judge_frame(found[0], came)


def live_outcome(report, came, status):
    process, = report['inputs']
    live, = process['criu']
    said = live['outcome']
    lost = [name for t in live['threads'] for name in t['lost']]
    yield f'% {said} {" ".join(r["id"] for r in live["reasons"])}'
    if status != {'intact': 0}.get(said, 1):
        yield f'the exit status is {status}'
    if (said == 'fatal') != (came is None):
        yield f'{said}, but it came back as {came}'
    for name, how in (came or {}).items():
        if how not in expected(name, lost, []):
            yield f'{name} is {how}, and {lost} is lost'
    if (said == 'lossy') != bool(lost):
        yield f'{said}, and {lost} is lost'


def outcome(what, path, truth, status):
    function = {'frame': frame_outcome, 'live': live_outcome}[what]
    yield from function(load(path), what_came(truth), status)


def capped(path, refused):
    process, = load(path)['inputs']
    live, = process['criu']
    said = {reason['refused_by'] for reason in live['cpu_cap']}
    # what refuses with fpu does so with cpu, too
    want = ['fpu', 'cpu'] if 'fpu' in said else sorted(said)
    if refused != want:
        yield f'refused by {refused}, but foretold {live["cpu_cap"]}'


def main():
    what, *arguments = sys.argv[1:]
    if what == 'same':
        found = same(arguments[0], int(arguments[1]))
    elif what == 'target':
        found = target(arguments[0])
    elif what == 'edits':
        found = arguments[1:] or EDITS[arguments[0]]
    elif what == 'edit':
        found = edit(*arguments)
    elif what == 'capped':
        found = capped(arguments[0], arguments[1:])
    else:
        found = outcome(*arguments[:3], int(arguments[3]))
    for line in found:
        print(line)


if __name__ == '__main__':
    main()
