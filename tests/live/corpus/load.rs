// SPDX-License-Identifier: GPL-3.0-or-later
// load.rs - Rust threads, and a handler in Rust, for signals to interrupt
//
// Linked with witness.c. Computes until the other end of standard input is
// closed. Status 0 if all is right.

use std::collections::HashMap;
use std::io::Read;
use std::os::raw::{c_int, c_void};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Mutex};
use std::thread;
use std::time::Duration;

// glibc's, for x86-64
#[repr(C)]
struct SigAction {
    handler: usize,
    mask: [u64; 16],
    flags: c_int,
    restorer: usize,
}

const SA_SIGINFO: c_int = 4;
const SA_ONSTACK: c_int = 0x0800_0000;
const SA_RESTART: c_int = 0x1000_0000;
const WAKE: u64 = 47;
const MARK: u64 = 63;

extern "C" {
    fn sigaction(signo: c_int, new: *const SigAction, old: *mut SigAction) -> c_int;
    fn witness_begin();
    fn witness_thread();
    fn witness_handle(signo: c_int, info: *mut c_void, context: *mut c_void);
    fn witness_hot() -> bool;
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);
static STOP: AtomicBool = AtomicBool::new(false);
static WRONG: AtomicUsize = AtomicUsize::new(0);

struct OnReturn<'a>(&'a AtomicUsize);

impl Drop for OnReturn<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn handle(signo: c_int, info: *mut c_void, context: *mut c_void) {
    let _count = OnReturn(&HANDLED);
    let room = [signo as u8; 300];
    unsafe { witness_handle(signo, info, context) };
    if room.iter().any(|&x| x != signo as u8) {
        WRONG.fetch_add(1, Ordering::Relaxed);
    }
}

fn install(signo: c_int, flags: c_int) {
    let action = SigAction {
        handler: handle as *const () as usize,
        mask: {
            let mut mask = [0; 16];
            mask[0] = 1 << (WAKE - 1) | 1 << (MARK - 1);
            mask
        },
        flags: flags | SA_SIGINFO | SA_RESTART,
        restorer: 0,
    };
    if unsafe { sigaction(signo, &action, std::ptr::null_mut()) } != 0 {
        panic!("sigaction");
    }
}

fn numbers() -> bool {
    (0..20_000u32).fold(1u32, |x, i| x.wrapping_mul(31) ^ i)
        == (0..20_000u32).fold(1u32, |x, i| (x << 5).wrapping_sub(x) ^ i)
}

fn maps() -> bool {
    let map: HashMap<String, usize> = (0..200).map(|i| (format!("key {}", i), i)).collect();
    map.values().sum::<usize>() == 19900
}

fn sorting() -> bool {
    let mut v: Vec<u64> = (0..500).map(|i| i * 7919 % 500).collect();
    v.sort_unstable_by(|a, b| b.cmp(a));
    v.windows(2).all(|w| w[0] >= w[1])
}

fn panics() -> bool {
    let text = String::from("dropped on the way");
    std::panic::catch_unwind(move || {
        let kept = text;
        if kept.len() > 3 {
            std::panic::resume_unwind(Box::new(kept.len()));
        }
    })
    .is_err()
}

fn channels() -> bool {
    let (tx, rx) = mpsc::channel();
    for i in 0..50 {
        let _ = tx.send(Box::new(i));
    }
    drop(tx);
    rx.iter().map(|b| *b).sum::<i32>() == 1225
}

fn sleeps() -> bool {
    thread::sleep(Duration::from_millis(10));
    true
}

fn main() {
    let total = Arc::new(Mutex::new(0usize));
    let mut loads: Vec<(&str, fn() -> bool)> = vec![
        ("numbers", numbers),
        ("maps", maps),
        ("sorting", sorting),
        ("channels", channels),
        ("sleeps", sleeps),
    ];
    if !cfg!(panic = "abort") {
        loads.push(("panics", panics));
    }
    unsafe {
        witness_begin();
        witness_thread();
    }
    install(40, 0);
    install(41, SA_ONSTACK);
    let threads: Vec<_> = loads
        .into_iter()
        .map(|(name, load)| {
            let total = Arc::clone(&total);
            thread::Builder::new()
                .name(name.to_string())
                .spawn(move || {
                    unsafe { witness_thread() };
                    while !STOP.load(Ordering::Relaxed) {
                        if unsafe { witness_hot() } && !load() {
                            WRONG.fetch_add(1, Ordering::Relaxed);
                        }
                        *total.lock().unwrap() += 1;
                    }
                })
                .unwrap()
        })
        .collect();
    println!("READY");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    STOP.store(true, Ordering::Relaxed);
    for t in threads {
        t.join().unwrap();
    }
    let good = WRONG.load(Ordering::Relaxed) == 0 && HANDLED.load(Ordering::Relaxed) > 0;
    std::process::exit(if good { 0 } else { 1 });
}
