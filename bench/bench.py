#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""bench.py - what looking takes, beside the least possible and other tools

Everything is run in turns, so that whatever else the machine does meets all
alike; what counts are ratios of medians. Goals are those of
docs/performance.md. Where no goal applies, nothing is printed.
"""

import argparse
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile

TIMEOUT = 600           # seconds, of one run
SLOW = 200              # threads, above which some are run only once

DRGN = '''
for thread in prog.threads():
    try:
        str(thread.stack_trace())
    except LookupError:
        pass
'''


class Run:
    """What one run took."""

    def __init__(self, line):
        words = line.split()
        self.cpu, self.wall = float(words[0]), float(words[1])
        self.rss, self.read = int(words[2]) / 1024, int(words[3]) / 1e6
        self.freeze, self.status = float(words[4]), int(words[5])


class Series:
    """All runs of one command on one target."""

    def __init__(self, name, command, once=False):
        self.name, self.command, self.once = name, command, once
        self.runs, self.calls = [], None

    def median(self, what):
        return statistics.median(getattr(r, what) for r in self.runs)

    def least(self, what):
        return min(getattr(r, what) for r in self.runs)


class Bench:
    def __init__(self, options):
        self.o = options
        self.scratch = pathlib.Path(tempfile.mkdtemp(
            prefix='sigframe-bench.', dir=options.scratch))
        self.goals = []

    def program(self, name):
        return str(self.o.builddir / 'bench' / name)

    def measure(self, command, gap='-'):
        out = subprocess.run(
            [self.program('meter'), str(gap), str(TIMEOUT)] + command,
            capture_output=True, text=True, check=True).stdout
        return Run(out)

    def take_turns(self, series, gap='-', before=None):
        """Run all of them, one after the other, again and again."""
        for turn in range(self.o.repeat):
            for s in series:
                if turn and s.once:
                    continue
                if before:
                    before()
                s.runs.append(self.measure(s.command, gap))

    def count_calls(self, series):
        """System calls, in a run that is not measured."""
        if not shutil.which('strace'):
            return
        for s in series:
            if s.once:
                continue
            log = self.scratch / 'calls'
            subprocess.run(['strace', '-f', '-c', '-o', str(log)] + s.command,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
            # a table for each kind of calls, 64-bit and 32-bit ones
            s.calls = sum(int(line.split()[3])
                          for line in log.read_text().splitlines()
                          if line.endswith(' total'))

    def goal(self, where, what, value, most):
        met = value <= most
        self.goals.append((met, f'{where}: {what} {value:.2f}, '
                                f'goal {most:g}'))

    # Tables.

    @staticmethod
    def print_table(title, series, limit, live):
        print(f'\n{title}')
        print(f'  {"":34}{"CPU ms":>9}{"x limit":>9}{"wall ms":>10}'
              f'{"RSS MiB":>9}{"calls":>8}'
              + (f'{"freeze":>9}{"least":>8}' if live
                 else f'{"read MB":>9}') + '  ended')
        for s in series:
            cpu = s.median('cpu')
            print(f'  {s.name:34}{cpu:9.1f}'
                  f'{cpu / max(limit.median("cpu"), 0.01):9.2f}'
                  f'{s.median("wall"):10.1f}{s.median("rss"):9.1f}'
                  f'{"-" if s.calls is None else s.calls:>8}'
                  + (f'{s.median("freeze"):9.1f}{s.least("freeze"):8.2f}'
                     if live else f'{s.median("read"):9.2f}')
                  + f'  {s.runs[0].status}' + ('  (once)' if s.once else ''))
        sys.stdout.flush()

    # Processes.

    def start(self, *arguments):
        """The workload; (process, what it says)."""
        p = subprocess.Popen([self.program('workload')] + list(arguments),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True, cwd=self.scratch)
        said = {}
        for line in p.stdout:
            words = line.split()
            if words == ['READY']:
                return p, said
            said[words[0]] = int(words[1])
        sys.exit('bench: the workload did not start')

    @staticmethod
    def stop(p):
        p.stdin.close()
        p.wait()

    def check_frames(self, command, frames):
        """Does the limit find what there is? Else it proves nothing."""
        out = subprocess.run(command, capture_output=True, text=True,
                             check=False).stdout
        if f'frames {frames}' not in out:
            sys.exit(f'bench: {" ".join(command)} finds {out.strip()}, '
                     f'not {frames} frames')

    def own_count(self, arguments):
        out = subprocess.run([str(self.o.tool), '--color=never'] + arguments,
                             capture_output=True, text=True,
                             check=False).stdout
        last = out.strip().splitlines()[-1]
        return next((int(w) for w, n in zip(last.split(), last.split()[1:])
                     if n.startswith('frame')), 0)

    def live(self, threads, heap):
        gap = self.scratch / 'gap'
        memory = ['-m', str(heap)] if heap else []
        p, said = self.start('-n', str(threads), '-g', str(gap), *memory)
        pid, tool = str(said['process']), str(self.o.tool)
        limit = self.program('limit')
        every = Series('limit, all stopped', [limit, 'all', pid])
        look = Series('limit, looked at first', [limit, 'look', pid])
        default = Series('sigframe-inspect', [tool, '-p', pid])
        quiet = Series('  --quiet', [tool, '-q', '-p', pid])
        bare = Series('  --quiet --dormant=none',
                      [tool, '-q', '--dormant=none', '-p', pid])
        stopped = Series('  --stop=all', [tool, '--stop=all', '-p', pid])
        series = [every, look, default, quiet, bare, stopped]
        peers = {}
        slow = threads > SLOW
        if self.o.peers != 'none' and shutil.which('eu-stack'):
            peers['eu-stack'] = Series('eu-stack -p',
                                       ['eu-stack', '-p', pid], slow)
        if shutil.which('gdb') and (self.o.peers == 'all' or (
                self.o.peers == 'some' and not slow)):
            peers['gdb'] = Series('gdb, bt of all threads', [
                'gdb', '-nx', '-batch', '-p', pid,
                '-ex', 'thread apply all bt'], True)
        series += peers.values()
        self.check_frames(every.command, said['frames'])
        found = self.own_count(['-p', pid])
        self.take_turns(series, gap)
        self.count_calls(series)
        self.stop(p)
        where = f'{threads} threads, heap {heap} MiB'
        self.print_table(f'live, {where}', series, every, True)

        self.goal(where, 'frames missed', said['frames'] - found, 0)
        self.goal(where, 'default, x limit of looking first',
                  default.median('cpu') / look.median('cpu'), 2)
        self.goal(where, '--stop=all, x limit',
                  stopped.median('cpu') / every.median('cpu'), 2)
        if 'eu-stack' in peers and threads >= 100:
            self.goal(where, 'default, x eu-stack', default.median('cpu') /
                      peers['eu-stack'].median('cpu'), 0.1)
        self.goal(where, '--stop=all, least freeze, x limit',
                  stopped.least('freeze') /
                  max(every.least('freeze'), 0.01), 1.5)
        if 'gdb' in peers:
            self.goal(where, '--stop=all, least freeze, x gdb',
                      stopped.least('freeze') /
                      peers['gdb'].least('freeze'), 0.01)
        self.goal(where, 'RSS, MiB', default.median('rss'),
                  12 + threads * 16 / 1024)
        return default.median('cpu')

    def idle(self, threads):
        """Who has no frame is not to be stopped."""
        p, said = self.start('-i', '-n', str(threads))
        pid, tool = str(said['process']), str(self.o.tool)
        limit = Series('limit, looked at first',
                       [self.program('limit'), 'look', pid])
        series = [limit, Series('sigframe-inspect', [tool, '-p', pid]),
                  Series('  --dormant=none',
                         [tool, '--dormant=none', '-p', pid])]
        self.take_turns(series)
        self.count_calls(series)
        seized = None
        if shutil.which('strace'):
            out = subprocess.run(
                ['strace', '-f', '-e', 'trace=ptrace', tool, '-p', pid],
                capture_output=True, text=True, check=False)
            seized = out.stderr.count('PTRACE_SEIZE')
        self.stop(p)
        where = f'{threads} threads without a frame'
        self.print_table(f'live, {where}', series, limit, True)
        if seized is not None:
            self.goal(where, 'threads stopped', seized, 0)

    # Cores.

    def make_core(self, *arguments):
        p, said = self.start('-a', *arguments)
        self.stop(p)
        for core in self.scratch.glob('core*'):
            return core, said['frames']
        return None, 0

    def cold(self, core):
        """The page cache is to have none of it."""
        fd = os.open(core, os.O_RDONLY)
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(fd)

    def core(self, threads, heap):
        core, frames = self.make_core('-n', str(threads), '-r', str(heap))
        if not core:
            print('\ncores: the kernel writes none to the directory of the '
                  'process here (core_pattern, or their size is limited)')
            return
        size = core.stat()
        tool, name = str(self.o.tool), str(core)
        limit = Series('limit', [self.program('limit'), 'core', name])
        default = Series('sigframe-inspect', [tool, name])
        quiet = Series('  --quiet', [tool, '-q', name])
        bare = Series('  --quiet --dormant=none',
                      [tool, '-q', '--dormant=none', name])
        series, slow = [limit, default, quiet, bare], threads > SLOW
        peers = []
        if self.o.peers == 'all' or (self.o.peers == 'some' and not slow):
            if shutil.which('eu-stack'):
                series.append(Series('eu-stack', ['eu-stack', '--core', name],
                                     slow))
            if shutil.which('gdb'):
                peers.append(Series('gdb, bt of all threads', [
                    'gdb', '-nx', '-batch', self.program('workload'), name,
                    '-ex', 'thread apply all bt'], True))
            if shutil.which('drgn'):
                script = self.scratch / 'all.py'
                script.write_text(DRGN)
                peers.append(Series('drgn, all stacks', [
                    'drgn', '-q', '-c', name, str(script)], True))
        self.check_frames(limit.command, frames)
        found = self.own_count([name])
        self.take_turns(series + peers)
        self.count_calls(series)
        where = (f'core of {threads} threads, {size.st_size / 2**20:.0f} MiB, '
                 f'{size.st_blocks / 2048:.0f} on disk')
        self.print_table(f'{where}, warm', series + peers, limit, False)
        self.goal(where, 'frames missed', frames - found, 0)
        self.goal(where, 'default, x limit',
                  default.median('cpu') / limit.median('cpu'), 2)
        for s in peers:
            if threads >= 1000:
                self.goal(where, f'default, x {s.name.split(",")[0]}',
                          default.median('cpu') / s.median('cpu'), 0.01)
        self.goal(where, 'RSS, MiB', default.median('rss'), 20)

        again = [Series(s.name, s.command) for s in (limit, default, bare)]
        self.take_turns(again, before=lambda: self.cold(core))
        self.print_table(f'{where}, cold', again, again[0], False)
        # of more threads there is more to read
        if threads <= 10:
            self.goal(f'{where}, cold', 'default, MB read',
                      again[1].median('read'), 5)
        core.unlink()

    def describe(self):
        """The machine, for those who compare."""
        model = next((line.split(':', 1)[1].strip() for line in
                      open('/proc/cpuinfo', encoding='utf-8')
                      if line.startswith('model name')), platform.machine())
        load = ', '.join(f'{x:.1f}' for x in os.getloadavg())
        print(f'{model}, {os.cpu_count()} CPUs; Linux {platform.release()}; '
              f'load {load}; {self.o.repeat} turns')

    def run(self):
        self.describe()
        cpu = {}
        for heap in self.o.heaps:
            for threads in self.o.threads:
                cpu[heap, threads] = self.live(threads, heap)
            if (heap, 1000) in cpu and (heap, 5000) in cpu:
                self.goal(f'heap {heap} MiB', 'CPU(5000) / CPU(1000)',
                          cpu[heap, 5000] / cpu[heap, 1000], 6)
        self.idle(max(self.o.threads))
        if self.o.cores:
            for threads in self.o.core_threads or self.o.threads:
                self.core(threads, 4096)
        print('\ngoals')
        for met, text in self.goals:
            print(f'  {"met    " if met else "NOT MET"}  {text}')
        missed = sum(not met for met, _ in self.goals)
        print(f'{len(self.goals) - missed} of {len(self.goals)} met')


def numbers(text):
    return [int(word) for word in text.replace(',', ' ').split()]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('--builddir', type=pathlib.Path, default=pathlib.Path('.'))
    p.add_argument('--scratch', help='where gigabytes may be written to')
    p.add_argument('--repeat', type=int, default=5)
    p.add_argument('--threads', type=numbers, default=[10, 100, 1000])
    p.add_argument('--heaps', type=numbers, default=[0, 256], metavar='MIB')
    p.add_argument('--core-threads', type=numbers, default=None)
    p.add_argument('--no-cores', dest='cores', action='store_false')
    p.add_argument('--peers', choices=['none', 'some', 'all'], default='some',
                   help='other tools: all, also where they take minutes')
    options = p.parse_args()
    options.builddir = options.builddir.resolve()
    options.tool = options.builddir / 'sigframe-inspect'
    os.environ.pop('DEBUGINFOD_URLS', None)
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)
    except (ValueError, OSError):
        pass
    bench = Bench(options)
    try:
        bench.run()
    finally:
        shutil.rmtree(bench.scratch)


if __name__ == '__main__':
    main()
