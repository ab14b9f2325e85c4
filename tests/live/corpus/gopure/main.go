// SPDX-License-Identifier: GPL-3.0-or-later
// main.go - goroutines for signals to interrupt, and a handler in Go
//
// No C at all: the handler is Go that the kernel calls, on the stack that the
// runtime gives each of its threads for that. It takes part in the protocol
// of ../witness.h. With -notify, signals are left to the runtime and os/signal.
// Computes until the other end of standard input is closed.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sort"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	sysSigaction = syscall.SYS_RT_SIGACTION
	saSiginfo    = 0x4
	saRestorer   = 0x4000000
	saOnstack    = 0x8000000
	saRestart    = 0x10000000
	wake         = 47
	mark         = 63
	entries      = 16383
	futex        = 0
	sleep        = 3
	spin         = 4
	sigQueue     = -1
)

type entry struct {
	state, tid, signo, kind uint32
	address, fpstate, pc    uint64
	alternate, how          uint32
	unused                  [2]uint64
}

type shared struct {
	goOn, hot, next uint32
	unused          [13]uint32
	entries         [entries]entry
}

type action struct {
	handler, flags, restorer, mask uintptr
}

var page *shared

// In assembly. The kernel calls handler and wake, nobody else does.
func handler()
func handlerAddress() uintptr
func wake_()
func wakeAddress() uintptr

// What the kernel wrote is no memory of Go's.
//
//go:nosplit
func at(address uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

//go:nosplit
func handle(signo, info, context uintptr) {
	seen := atomic.LoadUint32(&page.goOn)
	tid, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	e := &page.entries[atomic.AddUint32(&page.next, 1)-1]
	e.tid = uint32(tid)
	e.signo = uint32(signo)
	e.address = uint64(context) - 8
	e.fpstate = *(*uint64)(at(context + 224))
	e.pc = *(*uint64)(at(context + 168))
	e.alternate = 1
	how := uint32(futex)
	if *(*int32)(at(info + 8)) == sigQueue {
		how = *(*uint32)(at(info + 24)) & 15
	}
	if how != sleep && how != spin {
		how = futex
	}
	e.how = how
	atomic.StoreUint32(&e.state, 2)
	stay(how, seen)
	atomic.StoreUint32(&e.state, 3)
}

//go:nosplit
//go:noinline
func stay(how, seen uint32) {
	moment := [2]int64{0, 5000000}
	for atomic.LoadUint32(&page.goOn) == seen {
		switch how {
		case futex:
			syscall.RawSyscall6(syscall.SYS_FUTEX,
				uintptr(unsafe.Pointer(&page.goOn)), 0,
				uintptr(seen), 0, 0, 0)
		case sleep:
			syscall.RawSyscall(syscall.SYS_NANOSLEEP,
				uintptr(unsafe.Pointer(&moment)), 0, 0)
		}
	}
}

// The runtime's own restorer is taken from one of its actions.
func install(signo int, handler uintptr) {
	var old, own action
	syscall.RawSyscall6(sysSigaction, uintptr(syscall.SIGUSR1), 0,
		uintptr(unsafe.Pointer(&old)), 8, 0, 0)
	own = action{
		handler:  handler,
		flags:    saSiginfo | saRestorer | saOnstack | saRestart,
		restorer: old.restorer,
		mask:     1<<(wake-1) | 1<<(mark-1),
	}
	if _, _, e := syscall.RawSyscall6(sysSigaction, uintptr(signo),
		uintptr(unsafe.Pointer(&own)), 0, 8, 0, 0); e != 0 {
		panic(e)
	}
}

func open(name string) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	bytes, err := syscall.Mmap(int(file.Fd()), 0, int(unsafe.Sizeof(*page)),
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	page = (*shared)(unsafe.Pointer(&bytes[0]))
	file.Close()
}

func numbers() bool {
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

func spins() bool {
	x := uint32(1)
	for i := uint32(0); i < 100000; i++ {
		x = x*31 + i
	}
	return x != 0
}

func sorts() bool {
	v := make([]int, 400)
	for i := range v {
		v[i] = i * 7919 % 400
	}
	sort.Ints(v)
	return sort.IntsAreSorted(v)
}

func texts() bool {
	m := map[string]int{}
	for i := 0; i < 100; i++ {
		m[fmt.Sprintf("key %d", i)] = i
	}
	return len(strings.Fields(strings.Repeat("word ", 200))) == 200 &&
		m["key 99"] == 99
}

func recurses(n int) int {
	var room [100]int
	room[n%100] = n
	if n == 0 {
		return 0
	}
	return recurses(n-1) + room[n%100] - n + 1
}

func fails() (caught bool) {
	defer func() { caught = recover() != nil }()
	var none *entry
	return none.tid == 1
}

func channels() bool {
	c := make(chan int)
	go func() {
		for i := 0; i < 20; i++ {
			c <- i
		}
		close(c)
	}()
	sum := 0
	for i := range c {
		sum += i
	}
	return sum == 190
}

func pipes() bool {
	r, w, err := os.Pipe()
	if err != nil {
		return false
	}
	defer r.Close()
	defer w.Close()
	go w.Write([]byte("x"))
	b := make([]byte, 1)
	n, _ := r.Read(b)
	return n == 1
}

func main() {
	var wrong, stop uint32
	notify := len(os.Args) > 1 && os.Args[1] == "-notify"
	open(os.Getenv("WITNESS"))
	if notify {
		c := make(chan os.Signal, 100)
		signal.Notify(c, syscall.SIGUSR1, syscall.SIGUSR2)
		go func() {
			for range c {
			}
		}()
	} else {
		install(40, handlerAddress())
		install(41, handlerAddress())
		install(int(syscall.SIGUSR2), handlerAddress())
		install(wake, wakeAddress())
	}
	loads := []func() bool{numbers, spins, sorts, texts,
		func() bool { return recurses(2000) == 2000 },
		channels, pipes}
	if !notify {
		loads = append(loads, fails)
	}
	for _, load := range loads {
		load := load
		go func() {
			runtime.LockOSThread()
			for atomic.LoadUint32(&stop) == 0 {
				if atomic.LoadUint32(&page.hot) == 0 {
					time.Sleep(time.Millisecond)
				} else if !load() {
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
