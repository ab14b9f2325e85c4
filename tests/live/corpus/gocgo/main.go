// SPDX-License-Identifier: GPL-3.0-or-later
// main.go - goroutines in Go and in C, and handlers in C
//
// The handlers of ../witness.c run on the stacks that Go's runtime gives its
// threads for signals. Computes until the other end of standard input is
// closed.
package main

/*
#cgo CFLAGS: -D_GNU_SOURCE -O2 -g
#include <stdlib.h>
#include "witness.h"

extern int called_back(int);

static int compare(const void *a, const void *b)
{
	return called_back(*(const int *)a) - called_back(*(const int *)b);
}

// Go, in qsort, in C, in Go.
static int sorted(void)
{
	int numbers[32];

	for (int i = 0; i < 32; i++)
		numbers[i] = i * 7919 % 32;
	qsort(numbers, 32, sizeof(numbers[0]), compare);
	for (int i = 0; i < 32; i++)
		if (numbers[i] != i)
			return 0;
	return 1;
}

static int spun(void)
{
	unsigned x = 1;

	for (unsigned i = 0; i < 50000; i++) {
		x = x * 31 + i;
		__asm__ volatile("" : "+r"(x));
	}
	return x != 0;
}

static int allocated(void)
{
	char *parts[100];

	for (int i = 0; i < 100; i++) {
		parts[i] = malloc((size_t)i * 50 + 1);
		*parts[i] = (char)i;
	}
	for (int i = 0; i < 100; i++) {
		if (*parts[i] != (char)i)
			return 0;
		free(parts[i]);
	}
	return 1;
}
*/
import "C"

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"sync/atomic"
	"time"
)

//export called_back
func called_back(x C.int) C.int {
	v := []int{int(x), 3, 2, 1}
	sort.Ints(v[1:])
	return C.int(v[0])
}

func collatz() bool {
	steps := 0
	for n := 27; n != 1; steps++ {
		if n%2 == 0 {
			n /= 2
		} else {
			n = 3*n + 1
		}
	}
	return steps == 111
}

func texts() bool {
	m := map[string]int{}
	for i := 0; i < 100; i++ {
		m[fmt.Sprintf("key %d", i)] = i
	}
	return m["key 99"] == 99
}

func main() {
	var wrong, stop uint32
	C.witness_begin()
	loads := []func() bool{
		collatz, texts,
		func() bool { return C.sorted() == 1 },
		func() bool { return C.spun() == 1 },
		func() bool { return C.allocated() == 1 },
	}
	for _, load := range loads {
		load := load
		go func() {
			runtime.LockOSThread()
			for atomic.LoadUint32(&stop) == 0 {
				if bool(C.witness_hot()) && !load() {
					atomic.AddUint32(&wrong, 1)
				}
			}
		}()
	}
	fmt.Println("READY")
	io.Copy(io.Discard, os.Stdin)
	atomic.StoreUint32(&stop, 1)
	time.Sleep(20 * time.Millisecond)
	if wrong != 0 {
		os.Exit(1)
	}
}
