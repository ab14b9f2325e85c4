# SPDX-License-Identifier: GPL-3.0-or-later
# kills.py - let the tool come to an early end while it looks at a process
"""
kills.py TOOL PID COUNT STATES

Ends the tool COUNT times, in one way after the other: by a signal, by taking
the reader of its report away, by a device that is full. Every other time that
is as soon as a thread is seen to be traced, else at any moment. Prints a line
whenever a thread stays traced after that, or is not in one of the STATES, the
letters of /proc/PID/stat; and one that begins with '%' and says how often
there was something to let go.
"""
import glob
import random
import signal
import subprocess
import sys
import time

WAYS = ('SIGKILL', 'SIGINT', 'SIGTERM', 'SIGKILL', 'pipe', 'full')


def field(name, label):
    try:
        with open(name, encoding='utf-8', errors='replace') as status:
            for line in status:
                if line.startswith(label):
                    return line.split()[1]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def is_traced(name):
    return field(name, 'TracerPid:') not in ('0', None)


def run(tool, pid, way):
    output = subprocess.DEVNULL
    if way == 'pipe':
        output = subprocess.PIPE
    elif way == 'full':
        output = open('/dev/full', 'wb')
    child = subprocess.Popen([tool, '--json', '--stop=all', '-p', pid],
                             stdout=output, stderr=subprocess.DEVNULL)
    if way == 'full':
        output.close()
    return child


def end(child, way):
    """Let it come to its end; was it early?"""
    if way.startswith('SIG'):
        child.send_signal(getattr(signal, way))
    elif way == 'pipe':
        child.stdout.close()
    return child.wait() not in (0, 3)


def wrong(name, states):
    if is_traced(name):
        return 'is traced'
    state = field(name, 'State:')
    return f'is in state {state}' if state not in states else None


def main():
    tool, pid, count, states = sys.argv[1:]
    count = int(count)
    tasks = glob.glob(f'/proc/{pid}/task/*/status')
    # the last one is the last to be let go
    last = max(tasks, key=lambda name: int(name.split('/')[4]))
    seed = random.randrange(1 << 32)
    random.seed(seed)

    begin = time.monotonic()
    run(tool, pid, 'none').wait()
    length = time.monotonic() - begin
    early = holding = 0
    for n in range(count):
        way = WAYS[n // 2 % len(WAYS)]
        child = run(tool, pid, way)
        if n % 2:
            time.sleep(random.uniform(0, length))
        else:
            while child.poll() is None and not is_traced(last):
                pass
        held = is_traced(last)
        ended = end(child, way)
        early += ended
        holding += ended and held
        for _ in range(100):
            left = [name for name in tasks if wrong(name, states)]
            if not left:
                break
            time.sleep(0.05)
        if left:
            print(f'end {n} by {way}: {len(left)} threads, the first '
                  f'{wrong(left[0], states)}')
    print(f'% seed {seed}: {early} of {count} ends were early, '
          f'{holding} while threads were traced')


if __name__ == '__main__':
    main()
