//! Tests that die, or that change the action for `SIGBUS`, run in a child: this program, started with the name of the
//! scenario.

use super::*;
use crate::region::system::huge_page;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::{env, mem, ptr, thread};

pub(super) fn page() -> usize {
    rustix::param::page_size()
}

/// Creates a file of `pages` pages without a zero byte.
pub(super) fn file(pages: usize) -> File {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(&vec![7; pages * page()], 0).unwrap();
    file
}

/// Creates a file of zeros without disk blocks.
fn sparse(len: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(len).unwrap();
    file
}

fn map_at(file: &File, offset: u64, len: usize) -> GuardedMap {
    let raw = memmap2::MmapOptions::new().offset(offset).len(len).map_raw_read_only(file).unwrap();
    GuardedMap::new(raw, Arc::new(file.try_clone().unwrap()), offset, false, huge_page(file)).unwrap()
}

pub(super) fn map(file: &File) -> GuardedMap {
    map_at(file, 0, file.metadata().unwrap().len() as usize)
}

pub(super) fn map_to_write(file: &File) -> GuardedMap {
    let raw = memmap2::MmapOptions::new().map_raw(file).unwrap();
    GuardedMap::new(raw, Arc::new(file.try_clone().unwrap()), 0, true, huge_page(file)).unwrap()
}

impl GuardedMap {
    pub(super) fn byte(&self, at: usize) -> u8 {
        assert!(at < self.raw.len());
        // SAFETY: a byte of a live map, which is nothing but loaded.
        unsafe { self.raw.as_ptr().wrapping_add(at).read_volatile() }
    }

    pub(super) fn set(&self, at: usize, byte: u8) {
        assert!(at < self.raw.len());
        // SAFETY: a byte of a live map that is writable, in tests where no other thread writes it.
        unsafe { self.raw.as_mut_ptr().wrapping_add(at).write_volatile(byte) }
    }

    pub(super) fn faults(&self) -> usize {
        self.slot.faults()
    }

    pub(super) fn why(&self) -> Option<(usize, Why)> {
        self.check(0..self.raw.len()).unwrap().map(|lost| (lost.at, lost.why))
    }
}

/// Returns the number of this process's maps within the memory of one.
#[cfg(target_os = "linux")]
pub(super) fn maps_within(map: &GuardedMap) -> usize {
    let (start, len) = (map.raw.as_ptr().addr(), map.raw.len());
    let begins = |line: &str| usize::from_str_radix(line.split('-').next().unwrap(), 16).unwrap();
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| begins(line).wrapping_sub(start) < len).count()
}

/// Returns pseudorandom numbers, the same in every run.
pub(super) fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_page_behind_a_new_end_is_zero_and_recorded() {
    let file = file(8);
    let map = map(&file);
    let entered = enter().unwrap();
    assert_eq!((map.byte(5 * page()), map.why(), map.faults()), (7, None, 0));
    file.set_len(3 * page() as u64 + 10).unwrap();
    assert_eq!((map.byte(3 * page() + 9), map.byte(3 * page() + 10)), (7, 0), "the page of the end");
    assert_eq!((map.taken(&(0..8 * page())), map.faults()), (None, 0), "no fault yet");
    let end = 3 * page() + 10;
    assert_eq!(map.why(), Some((end, Why::Truncated)), "the length tells of it");
    assert_eq!(map.byte(5 * page() + 1), 0);
    assert_eq!(map.taken(&(0..8 * page())), Some((end, Why::Truncated)));
    // All the others came with it.
    assert!((4 * page()..8 * page()).all(|at| map.byte(at) == 0));
    assert_eq!(map.faults(), 1);
    // Parts compare the record with their range.
    assert_eq!(map.check(0..end).unwrap(), None);
    let lost = Lost { at: end, why: Why::Truncated, file_len: end as u64 };
    assert_eq!(map.check(end - 1..end + 1).unwrap(), Some(lost));
    assert_eq!(map.check(6 * page()..7 * page()).unwrap(), Some(Lost { at: 6 * page(), ..lost }));
    assert_eq!(map.check(7 * page()..7 * page()).unwrap(), None, "there are no bytes");
    // Longer again: what was lost stays lost, what was not is good.
    file.write_all_at(&vec![9; 8 * page()], 0).unwrap();
    assert_eq!((map.byte(3 * page() + 20), map.byte(5 * page())), (9, 0));
    assert_eq!(map.why(), Some((end, Why::Truncated)));
    assert_eq!(map.check(0..end).unwrap(), None);
    drop(entered);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_page_that_comes_back_before_it_is_touched_is_as_the_file_has_it() {
    let file = file(4);
    let map = map(&file);
    let _entered = enter().unwrap();
    file.set_len(0).unwrap();
    file.set_len(4 * page() as u64).unwrap();
    assert_eq!((map.byte(2 * page()), map.why(), map.faults()), (0, None, 0), "a file of zeros");
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_map_may_begin_at_any_byte_of_the_file() {
    let file = file(6);
    let offset = page() + 100;
    let map = map_at(&file, offset as u64, 4 * page());
    let _entered = enter().unwrap();
    assert_eq!((map.byte(0), map.byte(4 * page() - 1), map.offset, map.faults()), (7, 7, offset as u64, 0));
    let end = 3 * page() + 1;
    file.set_len(end as u64).unwrap();
    assert_eq!((map.byte(end - offset - 1), map.byte(4 * page() - 1)), (7, 0));
    assert_eq!(map.taken(&(0..4 * page())), Some((end - offset, Why::Truncated)));
    assert_eq!(map.check(0..end - offset).unwrap(), None);
    // Before the map altogether.
    file.set_len(50).unwrap();
    assert_eq!((map.byte(10), map.why(), map.faults()), (0, Some((0, Why::Truncated)), 2));
    let raw = memmap2::MmapOptions::new().len(10).map_raw_read_only(&file).unwrap();
    let error = GuardedMap::new(raw, Arc::new(file), 1, false, None).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn pages_lost_in_any_order_cost_one_fault() {
    let pages = if usize::BITS == 64 { 1 << 20 } else { 1 << 16 };
    let file = sparse((pages * page()) as u64);
    let map = map(&file);
    let _entered = enter().unwrap();
    file.set_len(page() as u64 + 1).unwrap();
    let mut state = 1;
    for _ in 0..40_000 {
        assert_eq!(map.byte(random(&mut state) % (pages * page())), 0);
    }
    assert_eq!((map.faults(), map.why()), (1, Some((page() + 1, Why::Truncated))));
    #[cfg(target_os = "linux")]
    assert!(maps_within(&map) <= 2);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_file_that_is_cut_again_and_again_costs_a_fault_each() {
    let file = file(64);
    let map = map(&file);
    let _entered = enter().unwrap();
    for end in (1..64).rev().step_by(7) {
        file.set_len((end * page()) as u64).unwrap();
        assert!((0..64).all(|at| map.byte(at * page()) == if at < end { 7 } else { 0 }));
        assert_eq!(map.why(), Some((end * page(), Why::Truncated)));
    }
    assert_eq!(map.faults(), 9);
    #[cfg(target_os = "linux")]
    assert!(maps_within(&map) <= 2);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_writable_map_loses_the_page_that_was_touched_alone() {
    let file = file(8);
    let map = map_to_write(&file);
    let _entered = enter().unwrap();
    file.set_len(2 * page() as u64).unwrap();
    map.set(4 * page() + 5, 1);
    assert_eq!((map.byte(4 * page() + 5), map.byte(4 * page())), (1, 0));
    assert_eq!(map.faults(), 1);
    // The others are shared still, once the file is long enough; the stores to the lost one have gone nowhere.
    file.set_len(8 * page() as u64).unwrap();
    map.set(3 * page(), 3);
    map.set(5 * page(), 5);
    file.write_all_at(&[6], 6 * page() as u64).unwrap();
    assert_eq!((map.byte(6 * page()), map.faults()), (6, 1));
    let mut read = vec![0; 8 * page()];
    file.read_exact_at(&mut read, 0).unwrap();
    assert_eq!([0, 3, 4, 5].map(|at| read[at * page()]), [7, 3, 0, 5]);
    assert_eq!(read[4 * page() + 5], 0);
    assert_eq!(map.why(), Some((4 * page(), Why::Truncated)));
    assert_eq!(map.check(0..4 * page()).unwrap(), None);
    assert_eq!(map.check(5 * page()..8 * page()).unwrap(), None);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_writable_map_that_is_lost_whole_never_needs_many_maps() {
    let pages = 1 << 14;
    let file = sparse((pages * page()) as u64);
    let map = map_to_write(&file);
    let _entered = enter().unwrap();
    file.set_len(0).unwrap();
    let mut state = 1;
    for _ in 0..20_000 {
        let at = random(&mut state) % (pages * page());
        map.set(at, 1);
        assert_eq!(map.byte(at), 1);
    }
    assert!(map.faults() > signal::SINGLE_PAGES, "single pages first");
    assert_eq!(map.why().unwrap().1, Why::Truncated);
    #[cfg(target_os = "linux")]
    assert!(maps_within(&map) < 100, "{}", maps_within(&map));
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn nobody_sees_zeros_and_is_not_told() {
    for _ in 0..3000 {
        let file = file(2);
        let map = map(&file);
        let at = page() + 1;
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let _entered = enter().unwrap();
                    while map.byte(at) != 0 {}
                    let lost = map.check(at..at + 1).unwrap();
                    assert_eq!(lost.map(|lost| (lost.at, lost.why)), Some((at, Why::Truncated)));
                });
            }
            file.set_len(page() as u64).unwrap();
        });
    }
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn more_maps_than_a_chunk_has_slots_are_all_found() {
    let file = file(2);
    let maps: Vec<_> = (0..300).map(|_| map(&file)).collect();
    let _entered = enter().unwrap();
    file.set_len(page() as u64).unwrap();
    assert!(maps.iter().all(|map| map.byte(page()) == 0 && map.faults() == 1));
    drop(maps);
    let again = self::map(&self::file(2));
    assert_eq!((again.why(), again.faults()), (None, 0), "a slot that is used again is clean");
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn maps_come_and_go_while_another_faults() {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..8 {
            let done = &done;
            scope.spawn(move || {
                let file = file(3);
                let mut rounds = 0;
                while !done.load(SeqCst) {
                    let map = map_at(&file, (number % 3) as u64, 2 * page());
                    assert_eq!(map.why(), None);
                    assert_eq!(map.faults(), 0);
                    rounds += 1;
                }
                assert!(rounds > 10);
            });
        }
        let _entered = enter().unwrap();
        for _ in 0..1000 {
            let file = file(2);
            let map = map(&file);
            file.set_len(1).unwrap();
            assert_eq!((map.byte(page()), map.faults(), map.why()), (0, 1, Some((1, Why::Truncated))));
        }
        done.store(true, SeqCst);
    });
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn errno_is_kept() {
    let file = file(2);
    let map = map(&file);
    let _entered = enter().unwrap();
    file.set_len(0).unwrap();
    // A call that fails: there is no such descriptor.
    // SAFETY: it closes nothing.
    unsafe { libc::close(-1) };
    assert_eq!(map.byte(page()), 0);
    assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EBADF));
    assert_eq!(map.faults(), 1);
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_system_call_gets_an_error_of_a_lost_page_and_leaves_no_record() {
    let file = file(2);
    let map = map(&file);
    file.set_len(0).unwrap();
    let pipe = io::pipe().unwrap();
    // SAFETY: a byte of a live map, which the system reads.
    let written = unsafe { libc::write(pipe.1.as_raw_fd(), map.raw().as_ptr().cast(), 1) };
    assert_eq!((written, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::EFAULT)));
    assert_eq!(map.taken(&(0..1)), None);
}

/// Measures the handler in a build for tests against one that does nothing.
#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_fault_needs_little_of_an_alternate_stack() {
    if is_sanitized() {
        return println!("left out, since a sanitizer uses stack of its own");
    }
    const SIZE: usize = 1 << 16;
    extern "C" fn nothing(_: libc::c_int) {}
    let (plain, ours) = thread::spawn(|| {
        let stack = vec![0_u8; SIZE].leak().as_mut_ptr();
        let new = libc::stack_t { ss_sp: stack.cast(), ss_flags: 0, ss_size: SIZE };
        // SAFETY: all zeros, a value of the structure, to be written.
        let mut old: libc::stack_t = unsafe { mem::zeroed() };
        // SAFETY: the memory is that long and never freed.
        assert_eq!(unsafe { libc::sigaltstack(&new, &mut old) }, 0);
        let used = |run: &dyn Fn()| {
            // SAFETY: the memory is that long, and no handler runs.
            unsafe { stack.write_bytes(0xAA, SIZE) };
            run();
            // SAFETY: a byte of the memory, and no handler runs.
            let byte = |at| unsafe { stack.wrapping_add(at).read_volatile() };
            SIZE - (0..SIZE).take_while(|&at| byte(at) == 0xAA).count()
        };
        // SAFETY: integers, of which zeros are values.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        (action.sa_sigaction, action.sa_flags) = (nothing as *const () as usize, libc::SA_ONSTACK as _);
        // SAFETY: an action that lives, of a handler that does nothing.
        assert_eq!(unsafe { libc::sigaction(libc::SIGWINCH, &action, ptr::null_mut()) }, 0);
        let plain = used(&|| {
            // SAFETY: without conditions.
            unsafe { libc::raise(libc::SIGWINCH) };
        });
        let file = file(2);
        let map = map(&file);
        let _entered = enter().unwrap();
        file.set_len(0).unwrap();
        let ours = used(&|| assert_eq!(map.byte(page()), 0));
        assert_eq!(map.faults(), 1);
        // SAFETY: what `std` gave the thread, and takes away at its end.
        assert_eq!(unsafe { libc::sigaltstack(&old, ptr::null_mut()) }, 0);
        (plain, ours)
    })
    .join()
    .unwrap();
    println!("a fault needs {ours} bytes of stack, and a handler that does nothing {plain}");
    assert!(plain > 0 && ours < plain + 6000);
}

/// Runs a scenario in a process of its own.
fn in_child(scenario: &str) -> ExitStatus {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "region::fault::tests::child", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.env("FAULT_SCENARIO", scenario).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(101), "{scenario}: {text}");
    println!("{scenario}: {}: {text}", output.status);
    output.status
}

/// Returns whether the program was compiled with a sanitizer, whose own handler of `SIGBUS` is there from the
/// beginning, and ends the program after a report.
fn is_sanitized() -> bool {
    option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer"))
}

/// The scenarios that a sanitizer's handler or its need for memory ends.
const NOT_SANITIZED: [&str; 7] = [
    "std_ignores_the_first_kill_and_the_handler_comes_back",
    "a_kill_within_an_operation_takes_nothing_away",
    "no_more_maps_than_there_may_be",
    "no_more_maps",
    "pages_cannot_be_replaced",
    "a_small_alternate_stack",
    "more_than_the_memory",
];

#[track_caller]
fn assert_survives(scenario: &str) {
    if is_sanitized() && NOT_SANITIZED.contains(&scenario) {
        return println!("{scenario}: left out, since the sanitizer would end it");
    }
    let status = in_child(scenario);
    assert!(status.success(), "{scenario}: {status}");
}

#[track_caller]
fn assert_dies(scenario: &str) {
    let status = in_child(scenario);
    if is_sanitized() {
        return assert!(!status.success(), "{scenario}: {status}");
    }
    assert_eq!(status.signal(), Some(libc::SIGBUS), "{scenario}: {status}");
}

macro_rules! scenarios {
    ($($outcome:ident: $($name:ident)*;)*) => {
        $($(
            #[test]
            #[cfg_attr(
                not(any(target_arch = "x86_64", target_vendor = "apple")),
                ignore = "under an emulator a test program cannot start itself"
            )]
            fn $name() {
                $outcome(stringify!($name));
            }
        )*)*

        #[test]
        #[ignore = "started by the others with what it is to do"]
        fn child() {
            let Ok(name) = env::var("FAULT_SCENARIO") else { return };
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            // SAFETY: a limit that lives. There is nothing to be seen in the core of a child that dies as it should.
            unsafe { libc::setrlimit(libc::RLIMIT_CORE, &none) };
            match name.as_str() {
                $($(stringify!($name) => scenarios::$name(),)*)*
                #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
                "pages_cannot_be_replaced" => scenarios::pages_cannot_be_replaced(),
                #[cfg(feature = "rayon")]
                "workers" => scenarios::workers_that_block_the_signal(),
                #[cfg(target_os = "linux")]
                "a_failing_disk" => scenarios::a_failing_disk(),
                #[cfg(target_os = "linux")]
                "a_small_alternate_stack" => scenarios::a_small_alternate_stack_is_replaced(),
                #[cfg(target_os = "linux")]
                "the_first_process" => scenarios::the_first_process_outlives_a_kill(),
                #[cfg(target_os = "linux")]
                "no_more_maps" => scenarios::no_more_maps_and_none_that_was_cut_before(),
                #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
                "more_than_the_memory" => scenarios::a_writable_map_of_more_than_the_memory_is_lost(),
                _ => unreachable!("{name}"),
            }
        }
    };
}

scenarios! {
    assert_survives:
        std_ignores_the_first_kill_and_the_handler_comes_back
        an_ignored_kill_is_ignored
        a_handler_from_before_gets_what_is_not_ours
        a_plain_handler_from_before_is_called_with_its_mask
        a_handler_from_before_has_the_stack_that_it_had
        a_handler_from_after_is_seen
        a_thread_that_blocks_the_signal_is_let_in
        operations_of_a_thread_that_blocks_the_signal_end_in_any_order
        a_kill_within_an_operation_takes_nothing_away
        a_forked_child_repairs_its_own
        no_more_maps_than_there_may_be
        many_threads_install_it_at_once;
    assert_dies:
        the_default_kills
        a_kill_within_an_operation_takes_nothing_away_and_the_second_kills
        std_lets_the_second_kill_through
        std_lets_the_second_kill_through_without_us
        the_default_kills_for_a_fault_that_is_not_ours
        a_fault_that_is_not_ours_kills
        a_fault_that_is_not_ours_kills_where_the_signal_is_ignored
        a_strangers_map_in_the_same_place_kills
        a_thread_that_blocks_the_signal_dies_outside;
}

/// Only on the one architecture whose number for the call is known to be the one that is used.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_page_is_recorded_before_it_is_replaced_and_handed_on_if_it_cannot_be() {
    assert_survives("pages_cannot_be_replaced");
}

#[cfg(feature = "rayon")]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_vendor = "apple")),
    ignore = "under an emulator a test program cannot start itself"
)]
fn workers_that_block_the_signal_are_let_in() {
    assert_survives("workers");
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_handler_has_room_on_the_stack_of_every_thread() {
    assert_survives("a_small_alternate_stack");
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn the_first_process_of_a_container_is_not_left_without_a_handler() {
    if is_sanitized() {
        return println!("left out, since the sanitizer would end it");
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--pid", "--fork"]).arg(env::current_exe().unwrap());
    command.args(["--exact", "region::fault::tests::child", "--ignored", "--nocapture"]);
    match command.env("FAULT_SCENARIO", "the_first_process").output() {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let told = String::from_utf8_lossy(&done.stderr);
            assert!(told.contains("unshare"), "{}: {told}", done.status);
            println!("left out: no process can be the first one here: {told}");
        }
        Err(error) => println!("left out: {error}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_map_that_has_been_whole_loses_pages_where_there_can_be_no_more_maps() {
    assert_survives("no_more_maps");
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_writable_map_may_lose_more_than_there_is_memory() {
    assert_survives("more_than_the_memory");
}

/// A file system on a file, which is truncated under it. The loop device goes with the mount, and the mount with the
/// process.
#[cfg(target_os = "linux")]
const ON_A_FAILING_DISK: &str = r#"
truncate -s 16m "$DISK" && mkfs.ext4 -q -F -b 4096 -O ^has_journal "$DISK" && mount -o loop "$DISK" "$FOLDER" || exit 77
"$0" --exact region::fault::tests::child --ignored --nocapture
code=$?
truncate -s 16m "$DISK"
umount "$FOLDER"
exit $code
"#;

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_disk_that_fails_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, mounted) = (folder.path().join("disk"), folder.path().join("mounted"));
    std::fs::create_dir(&mounted).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", ON_A_FAILING_DISK]).arg(env::current_exe().unwrap());
    command.env("FOLDER", &mounted).env("DISK", &disk).env("FAULT_SCENARIO", "a_failing_disk");
    match command.output() {
        Ok(done) if done.status.success() => println!("{}", String::from_utf8_lossy(&done.stdout)),
        Ok(done) => {
            let told = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.code() == Some(77) || told.contains("unshare"), "{}: {told}", done.status);
            println!("left out: no file system can be mounted from a file here: {told}");
        }
        Err(error) => println!("left out: {error}"),
    }
}

#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_map_of_huge_pages_loses_whole_ones() {
    let free = std::fs::read_to_string("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages");
    if free.ok().and_then(|free| free.trim().parse().ok()).unwrap_or(0) < 4 {
        return println!("left out: the system has no four free huge pages of 2 MiB (`sysctl vm.nr_hugepages=4`)");
    }
    let file = rustix::fs::memfd_create("huge", rustix::fs::MemfdFlags::HUGETLB).unwrap();
    let (file, huge) = (File::from(file), 2 << 20);
    for writable in [false, true] {
        file.set_len(4 * huge as u64).unwrap();
        let map = if writable { map_to_write(&file) } else { map(&file) };
        let _entered = enter().unwrap();
        assert_eq!((map.byte(3 * huge), map.why()), (0, None));
        file.set_len(huge as u64).unwrap();
        assert_eq!((map.byte(3 * huge + 5000), map.faults()), (0, 1));
        let at = if writable { 3 * huge } else { huge };
        assert_eq!(map.taken(&(0..4 * huge)), Some((at, Why::Truncated)));
        assert_eq!((map.byte(2 * huge + 1), map.byte(0), map.byte(2 * huge)), (0, 0, 0));
        assert_eq!(map.faults(), if writable { 2 } else { 1 });
    }
}
