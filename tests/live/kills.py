# SPDX-License-Identifier: GPL-3.0-or-later
# kills.py - kill the tool while it looks at a process
"""
kills.py TOOL PID COUNT

Prints a line for each time that a thread stays traced, and one that begins
with '%' and says when the tool was killed. Every other time it is as soon as
one thread is seen to be traced, else at any moment.
"""
import glob
import random
import subprocess
import sys
import time


def is_traced(name):
    with open(name, encoding='utf-8', errors='replace') as status:
        for line in status:
            if line.startswith('TracerPid:'):
                return line.split()[1] != '0'
    return False


def main():
    tool, pid, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    tasks = glob.glob(f'/proc/{pid}/task/*/status')
    # the last one is the last to be let go
    last = max(tasks, key=lambda name: int(name.split('/')[4]))
    seed = random.randrange(1 << 32)
    random.seed(seed)

    def run():
        return subprocess.Popen([tool, '--json', '--stop=all', '-p', pid],
                                stdout=subprocess.DEVNULL)

    begin = time.monotonic()
    run().wait()
    length = time.monotonic() - begin
    early = holding = 0
    for n in range(count):
        child = run()
        if n % 2:
            time.sleep(random.uniform(0, length))
        else:
            while child.poll() is None and not is_traced(last):
                pass
        held = is_traced(last)
        child.kill()
        killed = child.wait() == -9
        early += killed
        holding += killed and held
        for _ in range(100):
            left = [name for name in tasks if is_traced(name)]
            if not left:
                break
            time.sleep(0.05)
        if left:
            print(f'kill {n}: {len(left)} threads are still traced')
    print(f'% seed {seed}: {early} of {count} kills before the end, '
          f'{holding} while threads were traced')


if __name__ == '__main__':
    main()
