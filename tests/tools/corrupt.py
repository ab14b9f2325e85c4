# SPDX-License-Identifier: GPL-3.0-or-later
# corrupt.py - damage core files and CRIU image directories at random
"""
corrupt.py core FILE OUTPUT SEED
corrupt.py images DIRECTORY OUTPUT SEED

Writes one damaged copy and prints what was done to it. The same SEED does the
same. OUTPUT is replaced; of a directory, only files that are changed are
copies. Others use damage_core() and damage_images().
"""
import os
import random
import shutil
import struct
import sys

import criuimages

PT_LOAD, PT_NOTE = 1, 4
NT_PRSTATUS, NT_FILE, NT_X86_XSTATE = 1, 0x46494c45, 0x202
MAGIC1 = 0x46505853
SW_OFFSET = 464         # of the software bytes in the XSAVE area
PAGE = 4096

# Values that are often forgotten, of 64 bits; less is cut off.
EXTREMES = (0, 1, 2, 4, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000,
            0xffffffff, 1 << 32, (1 << 47) - 1, (1 << 47) - 4096, 1 << 47,
            1 << 62, (1 << 63) - 1, 1 << 63, 0xffff800000000000,
            (1 << 64) - 4096, (1 << 64) - 8, (1 << 64) - 1)


def u(data, offset, width):
    return int.from_bytes(data[offset:offset + width], 'little')


class Layout:
    """Where things are in a core, its class 32 or 64 bits."""

    def __init__(self, data):
        self.size = len(data)
        self.wide = data[4] == 2
        self.word = 8 if self.wide else 4
        self.ehdr = 64 if self.wide else 52
        self.phsize = 56 if self.wide else 32
        phoff = u(data, 32 if self.wide else 28, self.word)
        phnum = u(data, 56 if self.wide else 44, 2)
        self.phdrs = [phoff + i * self.phsize for i in range(phnum)]
        self.head = self.ehdr + phnum * self.phsize
        self.notes = []         # (offset, type, descriptor's offset, size)
        self.loads = []         # (program header, offset, address, bytes)
        for at in self.phdrs:
            kind, (off, vaddr, filesz) = u(data, at, 4), (
                u(data, at + o, self.word) for o in
                ((8, 16, 32) if self.wide else (4, 8, 16)))
            if kind == PT_NOTE:
                self.note_area = (off, filesz)
                self.find_notes(data, off, off + filesz)
            elif kind == PT_LOAD:
                self.loads.append((at, off, vaddr, filesz))
        self.images = self.find_images(data)

    def find_notes(self, data, at, end):
        while at + 12 <= end:
            name, size, kind = struct.unpack_from('<III', data, at)
            desc = at + 12 + (name + 3 & ~3)
            self.notes.append((at, kind, desc, size))
            at = desc + (size + 3 & ~3)

    def find_images(self, data):
        """Software bytes, by their magic number: offsets in the file."""
        found = []
        at = data.find(struct.pack('<I', MAGIC1))
        while at >= 0:
            found.append(at)
            at = data.find(struct.pack('<I', MAGIC1), at + 4)
        return found

    def stacks(self):
        """Parts of memory that hold an image."""
        return [(off, size) for _, off, _, size in self.loads
                if any(off <= i < off + size for i in self.images)]


def put(data, offset, width, value):
    """What does not fit in the file is left out."""
    raw = (value & (1 << 8 * width) - 1).to_bytes(width, 'little')
    data[offset:offset + width] = raw[:max(0, len(data) - offset)]


def extreme(rng, old, size):
    return rng.choice(EXTREMES + (old - 1, old + 1, old ^ 1 << 31,
                                  old ^ 1 << 63, old * 2, size, size - 1,
                                  size + 1))


def poke(rng, data, offset, width):
    old = u(data, offset, width)
    value = extreme(rng, old, len(data)) & (1 << 8 * width) - 1
    put(data, offset, width, value)
    return f'{offset:#x}: {old:#x} -> {value:#x}'


def flip(rng, data, start, size, count):
    for _ in range(count):
        if size and start < len(data):
            data[min(start + rng.randrange(size), len(data) - 1)] ^= \
                1 << rng.randrange(8)


def flip_head(rng, data, layout):
    count = rng.choice((1, 1, 2, 4, 16))
    flip(rng, data, 4, layout.head - 4, count)
    return f'{count} bits of the headers'


def flip_notes(rng, data, layout):
    count = rng.choice((1, 2, 4, 16, 64))
    flip(rng, data, *layout.note_area, count)
    return f'{count} bits of the notes'


def flip_any(rng, data, layout):
    count = rng.choice((10, 100, 1000, 5000))
    flip(rng, data, 0, layout.size, count)
    return f'{count} bits anywhere'


def flip_stack(rng, data, layout):
    off, size = rng.choice(layout.stacks())
    count = rng.choice((1, 10, 100, 1000))
    flip(rng, data, off, size, count)
    return f'{count} bits of a stack'


def truncate(rng, data, layout):
    size = rng.randrange(layout.size)
    if rng.random() < .5:
        size = int(2 ** rng.uniform(2, 17))
    del data[size:]
    return f'cut to {len(data)}'


def poke_ehdr(rng, data, layout):
    fields = ((4, 1), (5, 1), (6, 1), (16, 2), (18, 2), (20, 4))
    wide = ((24, 8), (32, 8), (40, 8), (48, 4), (52, 2), (54, 2), (56, 2),
            (58, 2), (60, 2), (62, 2))
    narrow = ((24, 4), (28, 4), (32, 4), (36, 4), (40, 2), (42, 2), (44, 2),
              (46, 2), (48, 2), (50, 2))
    return 'header ' + poke(rng, data, *rng.choice(
        fields + (wide if layout.wide else narrow)))


def poke_phdr(rng, data, layout):
    fields = ((0, 4), (4, 4), (8, 8), (16, 8), (24, 8), (32, 8), (40, 8),
              (48, 8)) if layout.wide else [(i, 4) for i in range(0, 32, 4)]
    offset, width = rng.choice(fields)
    at = rng.choice(layout.phdrs[:1] + layout.phdrs)
    return 'segment ' + poke(rng, data, at + offset, width)


def poke_note(rng, data, layout):
    at = rng.choice(layout.notes)[0]
    return 'note ' + poke(rng, data, at + rng.choice((0, 4, 4, 8)), 4)


def poke_desc(rng, data, layout, kinds, words):
    """A word at the beginning of a note of such a kind, or anywhere in it."""
    notes = [n for n in layout.notes if n[1] in kinds] or layout.notes
    _, kind, desc, size = rng.choice(notes)
    at = rng.randrange(words) if rng.random() < .5 else \
        rng.randrange(max(1, size // 8))
    return f'type {kind:#x} ' + poke(rng, data, desc + 8 * at, 8)


def poke_status(rng, data, layout):
    return poke_desc(rng, data, layout, (NT_PRSTATUS,), 42)


def poke_files(rng, data, layout):
    return poke_desc(rng, data, layout, (NT_FILE,), 12)


def poke_xstate(rng, data, layout):
    notes = [n for n in layout.notes if n[1] == NT_X86_XSTATE]
    if not notes:
        return poke_note(rng, data, layout)
    _, _, desc, _ = rng.choice(notes)
    return 'xstate ' + poke(rng, data, desc + rng.choice(
        (24, 28, 464, 472, 480, 512, 520, 528)), 8)


def poke_sw(rng, data, layout):
    """What the kernel put into a frame, or the header of its image."""
    image = rng.choice(layout.images)
    offset, width = rng.choice(((0, 4), (4, 4), (8, 8), (16, 4), (20, 4),
                                (48, 8), (56, 8), (64, 8), (24 - SW_OFFSET, 4)))
    return 'image ' + poke(rng, data, image + offset, width)


def poke_frame(rng, data, layout):
    """A word of the registers below the image, where the frame is."""
    image = rng.choice(layout.images) - SW_OFFSET
    at = image - 8 * rng.randrange(1, 62)
    return 'frame ' + poke(rng, data, max(0, at), 8)


def poke_stack(rng, data, layout):
    off, size = rng.choice(layout.stacks())
    count = rng.choice((1, 10, 100))
    for _ in range(count):
        done = poke(rng, data, off + 8 * rng.randrange(size // 8), 8)
    return f'{count} words of a stack, {done}'


def zero(rng, data, layout):
    off, size = rng.choice(
        [(at, layout.phsize) for at in layout.phdrs] + [layout.note_area] +
        [(load[1], load[3]) for load in layout.loads])
    start = off + (rng.randrange(size) if size and rng.random() < .7 else 0)
    length = min(rng.choice((4, 64, PAGE, 8 * PAGE)), off + size - start)
    data[start:start + length] = bytes(max(0, min(length,
                                                  len(data) - start)))
    return f'{length} zeros at {start:#x}'


def shuffle(rng, data, layout):
    rows = [bytes(data[at:at + layout.phsize]) for at in layout.phdrs]
    rng.shuffle(rows)
    for at, row in zip(layout.phdrs, rows):
        data[at:at + layout.phsize] = row
    return 'segments in another order'


def repeat(rng, data, layout):
    source, target = (rng.choice(layout.phdrs) for _ in range(2))
    data[target:target + layout.phsize] = \
        data[source:source + layout.phsize]
    return f'segment {source:#x} also at {target:#x}'


def overlap(rng, data, layout):
    if len(layout.loads) < 2:
        return poke_phdr(rng, data, layout)
    first, second = rng.sample(layout.loads, 2)
    address = first[2] + rng.choice((0, 8, PAGE, -PAGE, first[3] // 2))
    put(data, second[0] + (16 if layout.wide else 8), layout.word, address)
    return f'segment {second[0]:#x} over {address:#x}'


def repeat_note(rng, data, layout):
    """A note over another: what was there ends early or is cut in two."""
    source, target = (rng.choice(layout.notes) for _ in range(2))
    size = source[2] - source[0] + source[3]
    data[target[0]:target[0] + size] = data[source[0]:source[0] + size]
    return f'note {source[0]:#x} also at {target[0]:#x}'


CORE_WAYS = (flip_head, flip_notes, flip_any, flip_stack, truncate, poke_ehdr,
             poke_phdr, poke_phdr, poke_note, poke_note, poke_status,
             poke_status, poke_files, poke_xstate, poke_sw, poke_sw,
             poke_frame, poke_stack, zero, shuffle, repeat, overlap,
             repeat_note)


def damage_core(rng, data, layout):
    """A damaged copy of a core, the same size or shorter; and what was done."""
    copy = bytearray(data)
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        way = rng.choice(CORE_WAYS)
        if (way in (poke_sw, poke_frame, poke_stack, flip_stack) and
                not layout.images):
            way = poke_note
        size = len(copy)
        done.append(way(rng, copy, layout))
        # what lies behind a cut is not there again
        del copy[size:]
    return copy, '; '.join(done)


READ = ('core', 'mm', 'pagemap', 'pstree', 'files', 'inventory', 'pages')


def is_plain(path):
    return os.path.isfile(path) and not os.path.islink(path)


def names_read(directory):
    return sorted(n for n in os.listdir(directory) if n.startswith(READ))


def rewritten(path, data):
    """Never through a link: what it leads to is the original."""
    os.unlink(path)
    with open(path, 'wb') as file:
        file.write(data)


def content(path):
    with open(path, 'rb') as file:
        return bytearray(file.read())


def image_flip(rng, directory, path):
    data = content(path)
    count = rng.choice((1, 1, 4, 16, 256))
    flip(rng, data, 0, len(data), count)
    rewritten(path, data)
    return f'{count} bits'


def image_cut(rng, directory, path):
    data = content(path)
    at = rng.randrange(len(data)) if data else 0
    rewritten(path, data[:at])
    return f'cut to {at}'


def image_longer(rng, directory, path):
    data = content(path)
    at = rng.randrange(len(data)) if data else 0
    if rng.random() < .5:
        data += rng.randbytes(rng.choice((1, 4, 100, PAGE)))
    else:
        data[at:at] = data[at // 2:at]
    rewritten(path, data)
    return 'more bytes'


def image_magic(rng, directory, path):
    data = content(path)
    done = poke(rng, data, rng.choice((0, 4)), 4)
    rewritten(path, data)
    return 'magic ' + done


def image_length(rng, directory, path):
    """The size of a record."""
    data = content(path)
    at = 4 if u(data, 0, 4) == criuimages.MAGIC_INVENTORY else 8
    places = []
    while at + 4 <= len(data):
        places.append(at)
        at += 4 + u(data, at, 4)
    done = poke(rng, data, rng.choice(places or [0]), 4)
    rewritten(path, data)
    return 'size ' + done


def nested(value):
    """The message that a field may hold, or None."""
    try:
        fields = criuimages.parse(value)
    except (IndexError, KeyError):
        return None
    ok = fields and all(0 < f[0] < 1024 for f in fields)
    return fields if ok and criuimages.build(fields) == value else None


def change_field(rng, fields, depth=0):
    """One field somewhere in a message; what became of it."""
    if not fields:
        return 'nothing'
    row = rng.choice(fields)
    number, wire, value = row
    inner = nested(value) if wire == criuimages.LENGTH else None
    if inner and depth < 6 and rng.random() < .85:
        done = change_field(rng, inner, depth + 1)
        row[2] = criuimages.build(inner)
        return f'{number}.{done}'
    way = rng.randrange(8)
    if way == 0:
        fields.remove(row)
        return f'{number} away'
    if way == 1:
        fields.append(list(row))
        return f'{number} twice'
    if way == 2:
        fields[:] = rng.sample(fields, len(fields))
        return 'another order'
    if way == 3:
        row[0] = rng.choice((0, 1, number + 1, 1 << 20, (1 << 29) - 1))
        return f'{number} is {row[0]}'
    if wire == criuimages.VARINT:
        row[2] = extreme(rng, value, PAGE) & (1 << 64) - 1
        return f'{number}: {value:#x} -> {row[2]:#x}'
    damaged = bytearray(value)
    if way < 6:
        flip(rng, damaged, 0, len(damaged), 1)
    elif way == 6:
        del damaged[rng.randrange(len(damaged) + 1):]
    else:
        damaged += bytes(damaged) or b'\xff'
    row[2] = bytes(damaged)
    return f'{number} other bytes'


def image_field(rng, directory, path):
    """A field, in a file that is otherwise well formed."""
    if os.path.basename(path).startswith('pages'):
        return image_flip(rng, directory, path)
    try:
        head, records = criuimages.read_image(path)
    except (IndexError, KeyError, struct.error):
        return image_flip(rng, directory, path)
    done = [change_field(rng, rng.choice(records))
            for _ in range(rng.choice((1, 1, 4)) if records else 0)]
    os.unlink(path)
    criuimages.write_image(path, head, records)
    return 'field ' + ', '.join(done)


def image_varint(rng, directory, path):
    """One that does not end, or is too large."""
    data = content(path)
    at = rng.randrange(len(data)) if data else 0
    size = rng.choice((1, 5, 10, 11, 200))
    data[at:at + size] = rng.choice((b'\xff', b'\x80')) * size
    rewritten(path, data)
    return f'varint at {at:#x}'


def image_missing(rng, directory, path):
    os.unlink(path)
    return 'missing'


def image_other(rng, directory, path):
    """What another file holds."""
    other = rng.choice([n for n in names_read(directory)
                        if is_plain(os.path.join(directory, n))])
    rewritten(path, content(os.path.join(directory, other)))
    return f'is {other}'


def image_special(rng, directory, path):
    """Something that is no file with bytes."""
    os.unlink(path)
    what = rng.choice(('empty', 'folder', 'fifo', 'loop', 'zero', 'parent'))
    if what == 'empty':
        with open(path, 'wb'):
            pass
    elif what == 'folder':
        os.mkdir(path)
    elif what == 'fifo':
        os.mkfifo(path)
    elif what == 'loop':
        os.symlink(os.path.basename(path), path)
    elif what == 'zero':
        os.symlink('/dev/zero', path)
    else:
        parent = os.path.join(directory, 'parent')
        if not os.path.lexists(parent):
            os.symlink(rng.choice(('.', '..', 'parent')), parent)
    return what


def pagemap_mismatch(rng, directory, _):
    """Pages that are elsewhere, not there, more or less than is said."""
    paths = [os.path.join(directory, n) for n in names_read(directory)
             if n.startswith('pagemap')]
    path = rng.choice(paths or [''])
    if not is_plain(path):
        return 'no pagemap'
    try:
        head, records = criuimages.read_image(path)
        row = rng.choice(records[1:])
    except (IndexError, KeyError, struct.error):
        return 'no pagemap'
    if rng.random() < .2:
        records.insert(rng.randrange(1, len(records)), list(row))
        done = 'an entry twice'
    elif rng.random() < .2:
        rest = records[1:]
        rng.shuffle(rest)
        records[1:] = rest
        done = 'another order'
    else:
        number = rng.choice((1, 2, 4, 5, 5))
        old = criuimages.get(row, number, 0)
        value = extreme(rng, old, PAGE) & (1 << 64) - 1
        criuimages.put(row, number, value)
        done = f'{number}: {old:#x} -> {value:#x}'
    os.unlink(path)
    criuimages.write_image(path, head, records)
    return done


IMAGE_WAYS = (image_flip, image_flip, image_cut, image_longer, image_magic,
              image_length, image_field, image_field, image_field,
              image_field, image_varint, image_missing, image_other,
              image_special, pagemap_mismatch, pagemap_mismatch)


def damage_images(rng, directory, output):
    """A damaged copy of a directory, its files links where they are whole."""
    shutil.rmtree(output, ignore_errors=True)
    os.mkdir(output)
    for name in sorted(os.listdir(directory)):
        path = os.path.join(directory, name)
        copy = os.path.join(output, name)
        if os.path.islink(path):
            os.symlink(os.path.realpath(path), copy)
        else:
            os.link(path, copy)
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        path = os.path.join(output, rng.choice(names_read(directory)))
        way = rng.choice(IMAGE_WAYS)
        # an earlier change may have taken it, or made it something else
        if is_plain(path):
            done.append(f'{os.path.basename(path)} '
                        f'{way(rng, output, path)}')
    return '; '.join(done)


def main():
    what, source, output, seed = sys.argv[1:]
    rng = random.Random(int(seed))
    if what == 'images':
        print(damage_images(rng, source, output))
        return
    data = content(source)
    copy, done = damage_core(rng, data, Layout(data))
    with open(output, 'wb') as file:
        file.write(copy)
    print(done)


if __name__ == '__main__':
    main()
