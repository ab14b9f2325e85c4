# SPDX-License-Identifier: GPL-3.0-or-later
# exports.py - end the tool while it writes a file
"""
exports.py TOOL PID COUNT DIRECTORY

Ends the tool COUNT times while it exports to DIRECTORY/file, which is there
already every other time. Prints a line for each other name that is left there,
and for each such file that is not complete.
"""
import os
import random
import signal
import subprocess
import sys
import time


def can_be_nameless(directory):
    try:
        os.close(os.open(directory, os.O_TMPFILE | os.O_WRONLY, 0o600))
    except OSError:
        return False
    return True


def main():
    tool, pid, count, directory = sys.argv[1:]
    path = os.path.join(directory, 'file')
    nameless = can_be_nameless(directory)
    length = 10
    for _ in range(3):
        begin = time.monotonic()
        subprocess.run([tool, '-q', f'--export={path}', '-p', pid],
                       check=False)
        length = min(length, time.monotonic() - begin)
    size = os.stat(path).st_size
    early = 0
    for n in range(int(count)):
        fresh = n % 2 == 0
        if fresh and os.path.exists(path):
            os.unlink(path)
        # nobody can do anything against the last one
        way = random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP] +
                            ([signal.SIGKILL] if fresh and nameless else []))
        child = subprocess.Popen([tool, '-q', f'--export={path}', '-p', pid])
        time.sleep(random.uniform(length / 4, length))
        child.send_signal(way)
        early += child.wait() == -way
        for name in os.listdir(directory):
            full = os.path.join(directory, name)
            if name != 'file':
                print(f'end {n} by {way.name}: {name} is left')
                os.unlink(full)
            elif os.stat(full).st_size < size / 2:
                print(f'end {n} by {way.name}: the file is not complete')
    print(f'% {early} of {count} ends were early, '
          f'files without a name: {nameless}')


if __name__ == '__main__':
    main()
