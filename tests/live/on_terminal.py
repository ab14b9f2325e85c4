# SPDX-License-Identifier: GPL-3.0-or-later
# on_terminal.py - run a command with a terminal for its output
"""on_terminal.py COMMAND... - prints what the command writes there"""
import os
import pty
import sys


def main():
    output = bytearray()

    def read(fd):
        data = os.read(fd, 65536)
        output.extend(data)
        # what is returned would be copied as it comes
        return data

    stdout = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    pty.spawn(sys.argv[1:], read, lambda fd: b'')
    os.write(stdout, bytes(output))


if __name__ == '__main__':
    main()
