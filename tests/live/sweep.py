# SPDX-License-Identifier: GPL-3.0-or-later
# sweep.py - what --all says, and what it takes
"""
sweep.py inputs REPORT PID...      the report has these processes, no others
sweep.py memory TOOL PID...        many take no more memory than one
sweep.py progress TOOL ARGUMENT... a line comes and goes on a terminal

Prints a line for each finding.
"""
import json
import os
import pty
import resource
import subprocess
import sys

# What a heap may grow by although nothing is kept, in KiB.
SLACK = 4096


def unique(pairs):
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            print(f'there are several keys {key}')
    return dict(pairs)


def inputs(name, *pids):
    decoder = json.JSONDecoder(object_pairs_hook=unique)
    with open(name, encoding='utf-8') as file:
        text = file.read()
    found, report = [], {}
    # one document for all, or one for each and the sum at the end
    while text:
        report, end = decoder.raw_decode(text)
        text = text[end:].lstrip()
        found += report['inputs']
    have = sorted(i['pid'] for i in found)
    want = sorted(int(pid) for pid in pids)
    if have != want:
        print(f'processes {have} instead of {want}')
    if report['summary']['inputs'] != len(want):
        print(f'the summary counts {report["summary"]["inputs"]}')


def most_memory(tool, pids):
    """Of a child that has no other, which is why there is one in between."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        # with a sanitizer, what is free is in use for a while
        os.environ['ASAN_OPTIONS'] = 'quarantine_size_mb=0'
        subprocess.run([tool, '--json'] + [f'-p{pid}' for pid in pids],
                       stdout=subprocess.DEVNULL, check=True)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        os.write(write, str(usage.ru_maxrss).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as answer:
        return int(answer.read() or 0)


def memory(tool, *pids):
    one = most_memory(tool, pids[:1])
    many = most_memory(tool, pids)
    print(f'% {one} KiB for one process, {many} KiB for {len(pids)}')
    if not one or many > one + SLACK:
        print('that is more than can be explained')


def progress(tool, *arguments):
    master, slave = pty.openpty()
    child = subprocess.Popen([tool, *arguments], stdout=subprocess.DEVNULL,
                             stderr=slave)
    os.close(slave)
    said = b''
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:
            break
        if not part:
            break
        said += part
    child.wait()
    if b' processes' not in said:
        print(f'no line: {said!r}')
    elif not said.endswith(b'\r\033[K') or b'\n' in said:
        print(f'the line stays: {said!r}')


if __name__ == '__main__':
    {'inputs': inputs, 'memory': memory,
     'progress': progress}[sys.argv[1]](*sys.argv[2:])
