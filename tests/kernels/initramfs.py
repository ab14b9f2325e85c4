#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""initramfs.py OUT NAME=FILE... - an initial file system from a few files

Writes the cpio format that the kernel unpacks (newc), with a console device,
so that nothing but this script is needed, and no right to make devices.
"""

import stat
import sys


def entry(name, mode, data=b"", rdev=(0, 0)):
    """One file of the archive."""
    entry.inode += 1
    path = name.encode() + b"\0"
    fields = [
        entry.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(path), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


entry.inode = 0


def main():
    """Make the archive."""
    with open(sys.argv[1], "wb") as out:
        out.write(entry("dev", stat.S_IFDIR | 0o755))
        out.write(entry("dev/console", stat.S_IFCHR | 0o600, rdev=(5, 1)))
        for argument in sys.argv[2:]:
            name, _, path = argument.partition("=")
            with open(path, "rb") as file:
                out.write(entry(name, stat.S_IFREG | 0o755, file.read()))
        out.write(entry("TRAILER!!!", 0))


main()
