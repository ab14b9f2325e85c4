# SPDX-License-Identifier: GPL-3.0-or-later
# compare.py - change frames of a process, and check that just this is seen
"""
compare.py change PID TRUTH EXPECTED
compare.py check JSON EXPECTED [--swapped]
compare.py counts JSON OUTCOME=FRAMES...

The first writes to the frames that TRUTH tells of, through /proc/PID/mem, and
to EXPECTED what it has written where, with the bytes from before. Offsets are
those of arch/x86/include/uapi/asm/sigcontext.h; where components are follows
from the size of the image, as Intel and AMD have it. The others print a line
for each thing that is wrong.
"""
import json
import struct
import sys

# Bit, offset and size of components by the size of the image.
INTEL = {'opmask': 1088, 'zmm_hi256': 1152, 'hi16_zmm': 1664, 'pkru': 2688}
AMD = {'opmask': 832, 'zmm_hi256': 896, 'hi16_zmm': 1408, 'pkru': 2432}
SIZES = {2688: INTEL, 2696: INTEL, 2440: AMD, 2432: AMD}
BITS = {'x87': 0, 'sse': 1, 'avx': 2, 'opmask': 5, 'zmm_hi256': 6,
        'hi16_zmm': 7, 'pkru': 9}

# What to change: name, offset in the frame, size.
GENERAL = {
    'x86_64': [('rbx', 48 + 88, 8), ('r15', 48 + 56, 8), ('rcx', 48 + 112, 8),
               ('sigmask', 304, 8)],
    'ia32_rt': [('rbx', 164 + 32, 4), ('rdi', 164 + 16, 4),
                ('sigmask', 252, 8)],
    'ia32': [('rsi', 8 + 20, 4), ('rdx', 8 + 36, 4), ('sigmask', 720, 4)],
}
# The same from the image on, or of ia32 from fpstate on.
X87 = {'x86_64': [('fcw', 0, 2), ('st3', 32 + 16 * 3, 10)],
       'ia32_rt': [('fcw', 0, 2), ('st2', 28 + 10 * 2, 10)],
       'ia32': [('fcw', 0, 2), ('st7', 28 + 10 * 7, 10)]}
IMAGE = [('mxcsr', None, 24, 4), ('xmm5', 'sse', 160 + 16 * 5, 16),
         ('xmm7', 'sse', 160 + 16 * 7, 16), ('ymm2', 'avx', 576 + 16 * 2, 16)]
LATER = [('k3', 'opmask', 8 * 3, 8), ('zmm7', 'zmm_hi256', 32 * 7, 32),
         ('zmm20', 'hi16_zmm', 64 * 4, 64), ('pkru', 'pkru', 0, 4)]


def places(memory, kind, address, fpstate):
    """Everything to change in a frame: name, address, size."""
    image = fpstate + (0 if kind == 'x86_64' else 112)
    yield from ((n, address + at, size) for n, at, size in GENERAL[kind])
    memory.seek(image + 464)
    magic1, _, _, size = struct.unpack('<IIQI', memory.read(20))
    in_use = 3
    if magic1 == 0x46505853:
        memory.seek(image + 512)
        in_use, = struct.unpack('<Q', memory.read(8))
    # the header that 32-bit frames have counts whatever is in use
    if kind != 'x86_64' or in_use & 1:
        yield from ((n, fpstate + at, size) for n, at, size in X87[kind])
    for name, component, at, length in IMAGE:
        if component is None or in_use >> BITS[component] & 1:
            yield name, image + at, length
    for name, component, at, length in LATER:
        if size in SIZES and in_use >> BITS[component] & 1:
            yield name, image + SIZES[size][component] + at, length


def change(pid, truth, expected):
    """Every other frame is changed, the first one included."""
    with open(truth, encoding='ascii') as file:
        frames = [line.split() for line in file if line.startswith('frame ')]
    changes = []
    with open(f'/proc/{pid}/mem', 'r+b', buffering=0) as memory:
        for frame in frames[::2]:
            kind, address, fpstate = frame[2], int(frame[3], 16), int(frame[4], 16)
            for name, at, size in places(memory, kind, address, fpstate):
                memory.seek(at)
                old = memory.read(size)
                # a bit that every such register has
                new = bytes([old[0] ^ 0x20]) + old[1:]
                memory.seek(at)
                memory.write(new)
                changes.append([address, name, old[::-1].hex(),
                                new[::-1].hex()])
    with open(expected, 'w', encoding='ascii') as file:
        json.dump({'frames': len(frames), 'changes': changes}, file)
    print(f'% {len(changes)} changes in {len(frames[::2])} of '
          f'{len(frames)} frames')


def number(text):
    """Values as they are, whatever their width."""
    return None if text is None else int(str(text), 0)


def check(report, expected, swapped):
    """Just what was changed differs, from and to what it should."""
    with open(report, encoding='utf-8') as file:
        comparison = json.load(file)['comparison']
    with open(expected, encoding='ascii') as file:
        expected = json.load(file)
    want = {}
    for address, name, *values in expected['changes']:
        values = [int(v, 16) for v in values]
        want[address, name] = values[::-1] if swapped else values
    found = {}
    process, = comparison['processes']
    for frame in process['frames']:
        address = int(frame['address'], 16)
        differs = {a for a, _ in want} & {address}
        if frame['outcome'] != ('differs' if differs else 'same'):
            print(f'{address:#x} is called {frame["outcome"]}')
        for item in frame['differs']:
            found[address, item['name']] = [number(item['before']),
                                            number(item['after'])]
        if frame['unknown']:
            print(f'{address:#x} has unknown parts: {frame["unknown"]}')
    for key in sorted(set(want) | set(found)):
        if want.get(key) != found.get(key):
            print(f'{key[0]:#x} {key[1]}: {found.get(key)}, '
                  f'not {want.get(key)}')
    if len(process['frames']) != expected['frames']:
        print(f'{len(process["frames"])} frames compared')


def counts(report, pairs):
    """So many frames of each outcome."""
    with open(report, encoding='utf-8') as file:
        frames = json.load(file)['comparison']['summary']['frames']
    wanted = dict(pair.split('=') for pair in pairs)
    for outcome, count in frames.items():
        if count != int(wanted.get(outcome, 0)):
            print(f'{count} frames {outcome}')


def main():
    if sys.argv[1] == 'change':
        change(*sys.argv[2:])
    elif sys.argv[1] == 'check':
        check(*sys.argv[2:4], sys.argv[4:] == ['--swapped'])
    else:
        counts(sys.argv[2], sys.argv[3:])


if __name__ == '__main__':
    main()
