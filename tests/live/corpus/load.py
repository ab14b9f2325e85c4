# SPDX-License-Identifier: GPL-3.0-or-later
# load.py - Python for signals to interrupt, also where libc calls it back
"""Computes until the other end of standard input is closed."""
import ctypes
import hashlib
import re
import select
import sys
import threading
import time

libc = ctypes.CDLL(None)
Compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int),
                           ctypes.POINTER(ctypes.c_int))


@Compare
def compare(a, b):
    return a[0] - b[0]


def called_back():
    """Python, in a closure, in qsort, in a foreign function call."""
    numbers = (ctypes.c_int * 64)(*(i * 37 % 64 for i in range(64)))
    libc.qsort(numbers, 64, ctypes.sizeof(ctypes.c_int), compare)
    return list(numbers) == list(range(64))


def collatz():
    steps = 0
    n = 27
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps == 111


def large():
    return pow(3, 5000, 2 ** 521 - 1) == pow(9, 2500, 2 ** 521 - 1)


def libraries():
    digest = hashlib.sha256(b'x' * 100000).hexdigest()
    return bool(re.fullmatch(r'([0-9]|[a-f])+', digest))


def recurse(n=200):
    return n == 0 or recurse(n - 1)


def pause():
    time.sleep(0.02)
    return True


stop = threading.Event()
wrong = []


def work(load):
    while not stop.is_set():
        if not load():
            wrong.append(load.__name__)
        time.sleep(0.001)


threads = [threading.Thread(target=work, args=(load,)) for load in
           (called_back, collatz, large, libraries, recurse, pause)]
for thread in threads:
    thread.start()
print('READY', flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    called_back()
stop.set()
for thread in threads:
    thread.join()
sys.exit(bool(wrong))
