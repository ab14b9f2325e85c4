# SPDX-License-Identifier: GPL-3.0-or-later
# points.py - look at a process at many of its instructions
"""
points.py TOOL STEPPER EVERY COMMAND...

Prints a line for each look at which the tool does not report just the frames
that wait, or calls the thread incomplete; then one that begins with '%' and
counts: looks, those inside a handler, those in a system call.
"""
import json
import subprocess
import sys


def look(tool, how, pid):
    stop = ['--stop=none'] if how == 'traced' else []
    run = subprocess.run([tool, '--json', *stop, '-p', pid],
                         capture_output=True, text=True, check=False)
    if not run.stdout:
        return None, run.returncode, run.stderr.strip()
    (source,) = json.loads(run.stdout)['inputs']
    (thread,) = source['threads']
    return thread, run.returncode, ''


def check(thread, status, said, want):
    if thread is None:
        return f'status {status}: {said}'
    got = [int(f['address'], 16) for f in thread['frames']]
    if got != want:
        return (f'frames {[hex(f) for f in got]}, '
                f'not {[hex(f) for f in want]}; {thread["incomplete"]}')
    if not thread['complete']:
        return f'incomplete: {thread["incomplete"]}'
    if status != 0:
        return f'status {status}'
    return None


def main():
    tool, *command = sys.argv[1:]
    looks = inside = calls = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as stepper:
        for line in stepper.stdout:
            if line == 'done\n':
                break
            _, pid, how, pc, *frames = line.split()
            want = [int(f, 16) for f in frames]
            thread, status, said = look(tool, how, pid)
            wrong = check(thread, status, said, want)
            if wrong:
                place = thread and thread['function']
                print(f'look {looks}, {how}, at {pc} ({place}): {wrong}')
            looks += 1
            inside += bool(want)
            calls += how == 'traced'
            stepper.stdin.write('\n')
            stepper.stdin.flush()
        else:
            print('the process has gone')
    print(f'% {looks} {inside} {calls}')


if __name__ == '__main__':
    main()
