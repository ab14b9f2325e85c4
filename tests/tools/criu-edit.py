# SPDX-License-Identifier: GPL-3.0-or-later
# criu-edit.py - change a checkpoint's images in place
"""
criu-edit.py DIR EDIT...

    set FILE RECORD PATH VALUE   a field of a record, counted from 0; PATH is
                                 NUMBER[:INDEX].NUMBER..., VALUE a number, text
                                 behind '=', or 'none' to take it away
    record FILE RECORD           append a copy of that record
    drop FILE RECORD             take a record away
    poke PID ADDRESS HEX         bytes of memory
    page PID ADDRESS HOW         the page there: lazy, absent, parent, no-flags
    levels PID N                 all memory into the Nth parent directory
    fork PID NEW                 a second process: threads NEW, NEW + 1, ...
    cut FILE SIZE                leave only the first bytes
    remove FILE                  take it away
    swap FILE OTHER              give each the other's name
    circle                       the directory is its own parent
    version1                     all images as the first version had them
    scatter PID                  each page as a run of its own
"""
import glob
import os
import shutil
import struct
import sys

import criuimages as images

LAZY = 2


def number(text):
    return int(text, 0)


def value_of(text):
    if text == 'none':
        return None
    if text.startswith('='):
        return text[1:].encode()
    return number(text)


def step(text):
    name, _, index = text.partition(':')
    return int(name), int(index) if index else None


def set_field(fields, path, value):
    """In a message, at PATH, which is a list of texts."""
    name, index = step(path[0])
    found = [f for f in fields if f[0] == name]
    if len(path) > 1:
        chosen = found[-1 if index is None else index]
        inner = images.parse(chosen[2])
        set_field(inner, path[1:], value)
        chosen[2] = images.build(inner)
    elif index is None:
        images.put(fields, name, value)
    elif value is None:
        fields.remove(found[index])
    else:
        found[index][2] = value


class Pages:
    """All pages of a process, to be changed and written again."""

    def __init__(self, directory, pid):
        self.map = os.path.join(directory, f'pagemap-{pid}.img')
        self.head, records = images.read_image(self.map)
        self.first = records[0]
        self.file = os.path.join(
            directory, f'pages-{images.get(self.first, 1)}.img')
        with open(self.file, 'rb') as file:
            data = file.read()
        self.pages = []         # [address, flags or None, bytes or None]
        at = 0
        for record in records[1:]:
            count = images.get(record, 5, images.get(record, 2))
            flags = images.get(record, 4, images.PRESENT)
            for i in range(count):
                address = images.get(record, 1) + i * images.PAGE
                if flags & images.PRESENT:
                    self.pages.append([address, flags,
                                       data[at:at + images.PAGE]])
                    at += images.PAGE
                else:
                    self.pages.append([address, flags, None])

    def find(self, address):
        address -= address % images.PAGE
        return next(p for p in self.pages if p[0] == address)

    def write(self):
        records = [self.first]
        for address, flags, _ in self.pages:
            record = [[1, images.VARINT, address], [2, images.VARINT, 0]]
            if flags is not None:
                record.append([4, images.VARINT, flags])
            record.append([5, images.VARINT, 1])
            records.append(record)
        images.write_image(self.map, self.head, records)
        with open(self.file, 'wb') as file:
            file.write(b''.join(p[2] for p in self.pages if p[2]))


class Editor:
    """The edits; each takes its arguments as texts."""

    def __init__(self, directory):
        self.directory = directory

    def path(self, name):
        return os.path.join(self.directory, name)

    def set(self, file, record, path, value):
        head, records = images.read_image(self.path(file))
        set_field(records[number(record)], path.split('.'), value_of(value))
        images.write_image(self.path(file), head, records)

    def record(self, file, record):
        head, records = images.read_image(self.path(file))
        records.append(records[number(record)])
        images.write_image(self.path(file), head, records)

    def drop(self, file, record):
        head, records = images.read_image(self.path(file))
        del records[number(record)]
        images.write_image(self.path(file), head, records)

    def poke(self, pid, address, data):
        images.Memory(self.directory, number(pid)).write(
            number(address), bytes.fromhex(data))

    def page(self, pid, address, how):
        pages = Pages(self.directory, pid)
        page = pages.find(number(address))
        if how == 'absent':
            pages.pages.remove(page)
        elif how == 'no-flags':
            page[1] = None
        else:
            page[1] = {'lazy': LAZY, 'parent': images.PARENT}[how]
            page[2] = None
        pages.write()

    def scatter(self, pid):
        Pages(self.directory, pid).write()

    def levels(self, pid, count):
        directory = self.directory
        for _ in range(number(count)):
            parent = os.path.join(directory, 'parent')
            pages = Pages(directory, pid)
            os.mkdir(parent)
            shutil.copy(pages.map, parent)
            shutil.copy(pages.file, parent)
            for page in pages.pages:
                page[1:] = [images.PARENT, None]
            pages.write()
            directory = parent

    def fork(self, pid, new):
        """Threads are counted on from NEW."""
        head, records = images.read_image(self.path('pstree.img'))
        old = next(r for r in records if images.get(r, 1) == number(pid))
        copy = [list(f) for f in old if f[0] != 5]
        images.put(copy, 1, number(new))
        for i, tid in enumerate(images.get_all(old, 5)):
            copy.append([5, images.VARINT, number(new) + i])
            shutil.copy(self.path(f'core-{tid}.img'),
                        self.path(f'core-{number(new) + i}.img'))
        images.write_image(self.path('pstree.img'), head, records + [copy])
        for name in ('mm', 'pagemap'):
            shutil.copy(self.path(f'{name}-{pid}.img'),
                        self.path(f'{name}-{new}.img'))

    def cut(self, file, size):
        os.truncate(self.path(file), number(size))

    def remove(self, file):
        os.unlink(self.path(file))

    def swap(self, file, other):
        os.rename(self.path(file), self.path('swapped'))
        os.rename(self.path(other), self.path(file))
        os.rename(self.path('swapped'), self.path(other))

    def circle(self):
        os.symlink('.', self.path('parent'))

    def version1(self):
        for path in glob.glob(self.path('*.img')):
            with open(path, 'rb') as file:
                data = file.read()
            if struct.unpack_from('<I', data)[0] == images.MAGIC_IMAGE:
                with open(path, 'wb') as file:
                    file.write(data[4:])
        self.set('inventory.img', '0', '1', '1')


def main():
    editor = Editor(sys.argv[1])
    words = sys.argv[2:]
    while words:
        edit = getattr(editor, words[0])
        count = edit.__code__.co_argcount - 1
        edit(*words[1:1 + count])
        words = words[1 + count:]


if __name__ == '__main__':
    main()
