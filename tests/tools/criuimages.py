# SPDX-License-Identifier: GPL-3.0-or-later
# criuimages.py - read and change the images of a CRIU checkpoint
"""
Messages are lists of [number, wire type, value], in the order of the file;
a value is an int, or bytes where it has a length. Nested messages stay bytes
until parse() is asked; put() them back with build().
"""
import os
import struct

MAGIC_IMAGE = 0x54564319
MAGIC_INVENTORY = 0x58313116
PAGE = 4096
PRESENT = 4
PARENT = 1
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def parse(data):
    at = 0
    fields = []
    while at < len(data):
        key, at = read_varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, at = read_varint(data, at)
        else:
            if wire == LENGTH:
                size, at = read_varint(data, at)
            else:
                size = {FIXED64: 8, FIXED32: 4}[wire]
            value = bytes(data[at:at + size])
            at += size
        fields.append([number, wire, value])
    return fields


def build(fields):
    out = bytearray()
    for number, wire, value in fields:
        out += varint(number << 3 | wire)
        if wire == VARINT:
            out += varint(value)
        elif wire == LENGTH:
            out += varint(len(value)) + value
        else:
            out += value
    return bytes(out)


def get(fields, number, default=None):
    """The last value of a field."""
    return next((f[2] for f in reversed(fields) if f[0] == number), default)


def get_all(fields, number):
    return [f[2] for f in fields if f[0] == number]


def put(fields, number, value):
    """Give a field this value only; None takes it away."""
    fields[:] = [f for f in fields if f[0] != number]
    if value is not None:
        wire = LENGTH if isinstance(value, bytes) else VARINT
        fields.append([number, wire, value])


def read_image(path):
    """What stands before the records, and the records, parsed."""
    with open(path, 'rb') as file:
        data = file.read()
    at = 4 if struct.unpack_from('<I', data)[0] == MAGIC_INVENTORY else 8
    head = data[:at]
    records = []
    while at < len(data):
        size, = struct.unpack_from('<I', data, at)
        records.append(parse(data[at + 4:at + 4 + size]))
        at += 4 + size
    return head, records


def write_image(path, head, records):
    with open(path, 'wb') as file:
        file.write(head)
        for record in records:
            data = build(record)
            file.write(struct.pack('<I', len(data)) + data)


def change(path, numbers, function):
    """
    Let FUNCTION change the first record of an image, or the message that
    fields NUMBERS lead to from there.
    """
    def descend(fields, rest):
        if not rest:
            function(fields)
            return
        inner = parse(get(fields, rest[0]))
        descend(inner, rest[1:])
        put(fields, rest[0], build(inner))

    head, records = read_image(path)
    descend(records[0], list(numbers))
    write_image(path, head, records)


class Memory:
    """The pages of process PID in the folder DIRECTORY, without its parents."""

    def __init__(self, directory, pid):
        _, records = read_image(os.path.join(directory, f'pagemap-{pid}.img'))
        self.path = os.path.join(directory,
                                 f'pages-{get(records[0], 1)}.img')
        self.offsets = {}
        at = 0
        for record in records[1:]:
            count = get(record, 5, get(record, 2))
            in_parent = PARENT if get(record, 3, 0) else PRESENT
            if not get(record, 4, in_parent) & PRESENT:
                continue
            for page in range(count):
                self.offsets[get(record, 1) + page * PAGE] = at
                at += PAGE

    def pieces(self, address, size):
        while size:
            inside = address % PAGE
            part = min(size, PAGE - inside)
            yield self.offsets[address - inside] + inside, part
            address += part
            size -= part

    def read(self, address, size):
        """KeyError if a page is not here."""
        with open(self.path, 'rb') as file:
            out = b''
            for offset, part in self.pieces(address, size):
                file.seek(offset)
                out += file.read(part)
        return out

    def write(self, address, data):
        with open(self.path, 'r+b') as file:
            for offset, part in self.pieces(address, len(data)):
                file.seek(offset)
                file.write(data[:part])
                data = data[part:]
