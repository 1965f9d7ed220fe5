//! Scenarios of the tests, each of which runs in a process of its own.

use super::tests::{file, map, map_to_write, page};
#[cfg(target_os = "linux")]
use super::tests::{maps_within, random};
use super::*;
use std::os::fd::AsRawFd;
#[cfg(target_os = "linux")]
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::{env, mem, ptr, thread};

fn action(handler: usize, flags: libc::c_int) -> libc::sigaction {
    // SAFETY: integers, of which zeros are values.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    (action.sa_sigaction, action.sa_flags) = (handler, flags as _);
    action
}

fn install(action: &libc::sigaction) -> libc::sigaction {
    // SAFETY: as above.
    let mut old = unsafe { mem::zeroed() };
    // SAFETY: both live; the handlers below do what a handler may.
    assert_eq!(unsafe { libc::sigaction(libc::SIGBUS, action, &mut old) }, 0);
    old
}

fn kill() {
    // SAFETY: without conditions.
    unsafe { libc::kill(std::process::id() as _, libc::SIGBUS) };
    // Another thread may have got it.
    thread::sleep(std::time::Duration::from_millis(50));
}

fn assert_repairs() {
    let file = file(2);
    let map = map(&file);
    let _entered = enter().unwrap();
    file.set_len(0).unwrap();
    assert_eq!((map.byte(page()), map.faults()), (0, 1));
}

/// Loads a page that is lost from a map that is registered nowhere.
fn stray_fault() {
    let file = file(2);
    let map = memmap2::MmapOptions::new().map_raw_read_only(&file).unwrap();
    let _entered = enter();
    file.set_len(0).unwrap();
    // SAFETY: a byte of a live map, whose load kills, or is repaired.
    let byte = unsafe { map.as_ptr().wrapping_add(page() + 3).read_volatile() };
    assert_eq!(byte, 0);
}

fn block(how: libc::c_int) -> bool {
    // SAFETY: integers, of which zeros are an empty set.
    let [mut set, mut old]: [libc::sigset_t; 2] = unsafe { mem::zeroed() };
    // SAFETY: a set that lives.
    unsafe { libc::sigaddset(&mut set, libc::SIGBUS) };
    // SAFETY: sets that live.
    assert_eq!(unsafe { libc::pthread_sigmask(how, &set, &mut old) }, 0);
    // SAFETY: a set that lives.
    unsafe { libc::sigismember(&old, libc::SIGBUS) == 1 }
}

pub(super) fn std_ignores_the_first_kill_and_the_handler_comes_back() {
    assert_repairs();
    kill();
    assert_repairs();
}

pub(super) fn std_lets_the_second_kill_through() {
    assert_repairs();
    kill();
    assert_repairs();
    kill();
}

pub(super) fn std_lets_the_second_kill_through_without_us() {
    kill();
    kill();
}

pub(super) fn the_default_kills() {
    install(&action(libc::SIG_DFL, 0));
    assert_repairs();
    kill();
}

pub(super) fn the_default_kills_for_a_fault_that_is_not_ours() {
    install(&action(libc::SIG_DFL, 0));
    assert_repairs();
    stray_fault();
}

pub(super) fn a_fault_that_is_not_ours_kills() {
    assert_repairs();
    let file = file(2);
    let _live = map(&file);
    stray_fault();
}

pub(super) fn an_ignored_kill_is_ignored() {
    install(&action(libc::SIG_IGN, 0));
    for _ in 0..3 {
        assert_repairs();
        kill();
    }
}

pub(super) fn a_fault_that_is_not_ours_kills_where_the_signal_is_ignored() {
    an_ignored_kill_is_ignored();
    stray_fault();
}

static CALLS: AtomicUsize = AtomicUsize::new(0);
static ADDRESS: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
static BLOCKED: AtomicUsize = AtomicUsize::new(0);

/// Repairs a fault that is not ours, by a page that can be written.
extern "C" fn other_repair(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    CALLS.fetch_add(1, SeqCst);
    // SAFETY: what the system gave.
    let info = unsafe { &*info };
    if info.si_code <= 0 {
        return;
    }
    // SAFETY: a fault has an address.
    let address = unsafe { info.si_addr() }.cast::<u8>();
    ADDRESS.store(address, SeqCst);
    let start = address.wrapping_sub(address.addr() % page());
    let (protection, flags) =
        (rustix::mm::ProtFlags::READ, rustix::mm::MapFlags::PRIVATE | rustix::mm::MapFlags::FIXED);
    // SAFETY: the page of the scenario's own map.
    unsafe { rustix::mm::mmap_anonymous(start.cast(), page(), protection, flags) }.unwrap();
    // SAFETY: a path that ends. The call leaves an `errno` (`ENOENT`), which this handler does not keep.
    unsafe { libc::access(c"/no/such/file".as_ptr(), libc::F_OK) };
}

pub(super) fn a_handler_from_before_gets_what_is_not_ours() {
    install(&action(other_repair as *const () as usize, libc::SA_SIGINFO | libc::SA_ONSTACK));
    assert_repairs();
    assert_eq!(CALLS.load(SeqCst), 0);
    let file = file(2);
    let map = memmap2::MmapOptions::new().map_raw_read_only(&file).unwrap();
    file.set_len(0).unwrap();
    // SAFETY: it closes nothing, and leaves an `errno`.
    unsafe { libc::close(-1) };
    // SAFETY: a byte of a live map, whose load is repaired by the handler from before.
    assert_eq!(unsafe { map.as_ptr().wrapping_add(page() + 3).read_volatile() }, 0);
    assert_eq!(io::Error::last_os_error().raw_os_error(), Some(libc::EBADF), "`errno` is kept");
    assert_eq!((CALLS.load(SeqCst), ADDRESS.load(SeqCst).addr() % page()), (1, 3));
    kill();
    assert_eq!(CALLS.load(SeqCst), 2);
    assert_repairs();
    assert_eq!(CALLS.load(SeqCst), 2);
}

extern "C" fn look(_: libc::c_int) {
    CALLS.fetch_add(1, SeqCst);
    // SAFETY: integers, of which zeros are an empty set.
    let mut set = unsafe { mem::zeroed() };
    // SAFETY: a set that lives; nothing is changed.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut set) };
    for (bit, signal) in [(1, libc::SIGUSR1), (2, libc::SIGBUS)] {
        // SAFETY: a set that lives.
        if unsafe { libc::sigismember(&set, signal) } == 1 {
            BLOCKED.fetch_or(bit, SeqCst);
        }
    }
}

pub(super) fn a_plain_handler_from_before_is_called_with_its_mask() {
    let mut action = action(look as *const () as usize, libc::SA_NODEFER);
    // SAFETY: the action's set.
    unsafe { libc::sigaddset(&raw mut action.sa_mask, libc::SIGUSR1) };
    install(&action);
    assert_repairs();
    kill();
    assert_eq!((CALLS.load(SeqCst), BLOCKED.load(SeqCst)), (1, 1), "`SIGUSR1`, and not `SIGBUS`");
    assert_repairs();
}

/// Needs more than an alternate stack of `std` has.
extern "C" fn deep(_: libc::c_int) {
    CALLS.fetch_add(1, SeqCst);
    let mut memory = [1_u8; 64 << 10];
    std::hint::black_box(&mut memory);
}

pub(super) fn a_handler_from_before_has_the_stack_that_it_had() {
    install(&action(deep as *const () as usize, 0));
    assert_repairs();
    // SAFETY: without conditions.
    let raise = || thread::spawn(|| unsafe { libc::raise(libc::SIGBUS) }).join().unwrap();
    assert_eq!((raise(), CALLS.load(SeqCst)), (0, 1));
    thread::spawn(assert_repairs).join().unwrap();
}

#[cfg(target_os = "linux")]
pub(super) fn the_first_process_outlives_a_kill() {
    assert_eq!(std::process::id(), 1);
    for _ in 0..3 {
        assert_repairs();
        kill();
    }
    assert_repairs();
}

/// Reads single elements of arrays that are larger than the memory.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
fn elements_are_copied_one_by_one() {
    use crate::{DynArray, ErrorKind, MmapArray, Order};
    let file = file(1);
    let shape = [1 << 20, 1 << 18];
    file.set_len(1 << 40).unwrap();
    let array = MmapArray::<u32>::options().shape(shape).order(Order::F).open_shared(&file).unwrap();
    let texts = DynArray::options("S4".parse().unwrap()).shape(shape).order(Order::F).open_shared(&file).unwrap();
    assert_eq!((array.at([1, 0]).unwrap(), array.at([0, 1]).unwrap()), (0x0707_0707, 0));
    assert_eq!((array.get([1, 1 << 18]).unwrap(), array.get([1]).unwrap()), (None, None));
    assert_eq!(texts.at([1, 0]).unwrap().to_text().unwrap(), "\u{7}".repeat(4));
    assert!(texts.get([1, 1 << 18]).unwrap().is_none() && texts.get([1]).unwrap().is_none());
    let rows = array.clone().into_rows(5..9);
    assert_eq!((rows.at([3, 0]).unwrap(), rows.at([3, 9]).unwrap()), (0x0707_0707, 0));
    file.set_len(100).unwrap();
    for index in [[1, 0], [25, 0]] {
        assert_eq!(array.at(index).unwrap_err().kind(), ErrorKind::Truncated);
        assert_eq!(texts.at(index).unwrap_err().kind(), ErrorKind::Truncated);
    }
}

pub(super) fn a_handler_from_after_is_seen() {
    assert_repairs();
    let ours = install(&action(look as *const () as usize, 0));
    assert!(enter().is_none());
    let map = map(&file(1));
    assert!(enter().is_none(), "a new map changes nothing");
    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    elements_are_copied_one_by_one();
    assert_eq!(map.why(), None);
    install(&action(libc::SIG_IGN, 0));
    assert!(enter().is_none());
    install(&ours);
    assert_repairs();
    install(&action(libc::SIG_DFL, 0));
    assert_repairs();
}

pub(super) fn a_thread_that_blocks_the_signal_is_let_in() {
    block(libc::SIG_BLOCK);
    assert_repairs();
    assert!(block(libc::SIG_BLOCK), "it is blocked again");
    let outer = enter().unwrap();
    assert_repairs();
    assert!(!block(libc::SIG_UNBLOCK), "it stays unblocked for the outer operation");
    drop(outer);
    assert!(block(libc::SIG_BLOCK));
}

pub(super) fn operations_of_a_thread_that_blocks_the_signal_end_in_any_order() {
    block(libc::SIG_BLOCK);
    let (first, second) = (enter().unwrap(), enter().unwrap());
    drop(first);
    assert_repairs();
    assert!(!block(libc::SIG_UNBLOCK), "the second goes on");
    block(libc::SIG_BLOCK);
    let third = enter().unwrap();
    drop(second);
    assert!(!block(libc::SIG_UNBLOCK), "the third goes on");
    drop(third);
    assert!(block(libc::SIG_UNBLOCK), "it is blocked again");
    drop(enter());
    assert!(!block(libc::SIG_BLOCK), "what nobody blocked stays unblocked");
}

pub(super) fn a_kill_within_an_operation_takes_nothing_away() {
    let file = file(2);
    let map = map(&file);
    let _entered = enter().unwrap();
    kill();
    file.set_len(0).unwrap();
    assert_eq!((map.byte(page()), map.faults()), (0, 1));
}

pub(super) fn a_kill_within_an_operation_takes_nothing_away_and_the_second_kills() {
    a_kill_within_an_operation_takes_nothing_away();
    kill();
}

/// Replaces an alternate stack that has no space for more than what the system pushes, in front of a page that kills.
#[cfg(target_os = "linux")]
pub(super) fn a_small_alternate_stack_is_replaced() {
    let file = file(2);
    let map = map(&file);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (len, flags) = (2 * page(), libc::MAP_PRIVATE | libc::MAP_ANON);
            // SAFETY: new memory.
            let memory = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
            assert_ne!(memory, libc::MAP_FAILED);
            // SAFETY: a page of the memory above.
            assert_eq!(unsafe { libc::mprotect(memory, page(), libc::PROT_NONE) }, 0);
            let small = libc::stack_t { ss_sp: memory.wrapping_byte_add(page()), ss_flags: 0, ss_size: page() };
            // SAFETY: integers, of which zeros are values.
            let mut own: libc::stack_t = unsafe { mem::zeroed() };
            // SAFETY: the memory is never given back.
            assert_eq!(unsafe { libc::sigaltstack(&small, &mut own) }, 0);
            let _entered = enter().unwrap();
            file.set_len(0).unwrap();
            assert_eq!((map.byte(page()), map.faults()), (0, 1));
            // SAFETY: what `std` gave the thread, and takes away at its end.
            assert_eq!(unsafe { libc::sigaltstack(&own, ptr::null_mut()) }, 0);
        });
    });
}

/// Runs parallel iterators over arrays that are lost, in threads that block the signal and end in any order.
#[cfg(feature = "rayon")]
pub(super) fn workers_that_block_the_signal() {
    use crate::MmapArray;
    use rayon::prelude::*;
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(2).start_handler(|_| assert!(!block(libc::SIG_BLOCK))).build();
    let pool = pool.unwrap();
    let arrays = [1, 2].map(|_| {
        let file = file(64);
        (MmapArray::<u8>::options().open_shared(&file).unwrap(), file)
    });
    let sum = |array: &crate::SharedArray<u8>| {
        pool.install(|| array.read(|view| view.par_iter().map(u64::from).sum::<u64>()))
    };
    let both = || {
        pool.install(|| {
            let numbers = |[one, other]: [crate::ArrayView<'_, u8, crate::access::Shared>; 2]| {
                one.par_iter().chain(other.par_iter()).enumerate().map(|(_, byte)| u64::from(byte)).sum::<u64>()
            };
            crate::shared::read((&arrays[0].0, &arrays[1].0), |(one, other)| numbers([one, other]))
        })
    };
    let whole = 64 * page() as u64 * 7;
    assert_eq!((sum(&arrays[0].0).unwrap(), both().unwrap()), (whole, 2 * whole));
    for (array, file) in &arrays {
        file.set_len(page() as u64).unwrap();
        assert_eq!(sum(array).unwrap_err().kind(), crate::ErrorKind::Truncated);
    }
    assert_eq!(both().unwrap_err().kind(), crate::ErrorKind::Truncated);
    assert!(pool.broadcast(|_| block(libc::SIG_BLOCK)).into_iter().all(|blocked| blocked), "it is blocked again");
}

/// Loses more pages than the system would give memory for.
#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
pub(super) fn a_writable_map_of_more_than_the_memory_is_lost() {
    let file = file(1);
    let pages = (1 << 40) / page();
    file.set_len(1 << 40).unwrap();
    let map = map_to_write(&file);
    let _entered = enter().unwrap();
    file.set_len(0).unwrap();
    let mut at = 0;
    while at < pages {
        assert_eq!(map.byte(at * page()), 0);
        at += at / 2 + 1;
    }
    assert_eq!(map.taken(&(0..1 << 40)), Some((0, Why::Truncated)));
}

pub(super) fn a_thread_that_blocks_the_signal_dies_outside() {
    let file = file(1);
    let map = map(&file);
    block(libc::SIG_BLOCK);
    file.set_len(0).unwrap();
    map.byte(0);
}

pub(super) fn a_strangers_map_in_the_same_place_kills() {
    assert_repairs();
    let file = file(4);
    let live = map(&file);
    let gone = map(&file);
    let start = gone.raw().as_mut_ptr();
    file.set_len(1).unwrap();
    let entered = enter().unwrap();
    assert_eq!((live.byte(page()), gone.byte(page())), (0, 0));
    drop(gone);
    let stranger = super::tests::file(4);
    let len = 4 * page();
    // SAFETY: the place is free. Should it have been given away meanwhile, the test fails; nobody else runs.
    let mapped = unsafe { libc::mmap(start.cast(), len, libc::PROT_READ, libc::MAP_SHARED, stranger.as_raw_fd(), 0) };
    assert_eq!(mapped, start.cast());
    stranger.set_len(1).unwrap();
    assert_eq!(live.byte(2 * page()), 0);
    // SAFETY: a byte of a live map, whose load kills.
    let byte = unsafe { start.wrapping_add(2 * page()).read_volatile() };
    drop(entered);
    unreachable!("{byte}");
}

pub(super) fn a_forked_child_repairs_its_own() {
    let file = file(4);
    let map = map(&file);
    let _entered = enter().unwrap();
    file.set_len(2 * page() as u64).unwrap();
    assert_eq!(map.byte(3 * page()), 0);
    // SAFETY: the child loads bytes, makes system calls and exits.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let set = file.set_len(page() as u64).is_ok();
        let good = set && map.byte(page()) == 0 && map.byte(0) == 7 && map.faults() == 2;
        // SAFETY: without conditions.
        unsafe { libc::_exit(if good { 0 } else { 1 }) };
    }
    let mut status = -1;
    // SAFETY: a place that lives.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!((map.faults(), map.byte(page()), map.faults()), (1, 0, 2));
}

/// Uses up the maps that a process may have.
fn use_up_maps() {
    let len = 150_000 * page();
    // SAFETY: new memory.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0) };
    assert_ne!(start, libc::MAP_FAILED);
    // Every second page is another map.
    let split = |number: &usize| {
        let page_start = start.wrapping_byte_add(number * 2 * page());
        // SAFETY: pages of the memory above, which nobody uses.
        unsafe { libc::mprotect(page_start, page(), libc::PROT_READ) == 0 }
    };
    let splits = (0..75_000).take_while(split).count();
    println!("{splits} maps more");
    assert!(splits < 75_000 || !cfg!(target_os = "linux"));
}

/// Loses pages of maps that have been whole, when there can be no more maps.
#[cfg(target_os = "linux")]
pub(super) fn no_more_maps_and_none_that_was_cut_before() {
    let files = [(file(64), false), (file(64), true)];
    let maps = files.each_ref().map(|(file, writes)| if *writes { map_to_write(file) } else { map(file) });
    let _entered = enter().unwrap();
    use_up_maps();
    for ((file, _), map) in files.iter().zip(&maps) {
        file.set_len(2 * page() as u64).unwrap();
        assert_eq!((map.byte(30 * page()), map.byte(page())), (0, 7));
        assert!(map.taken(&(0..64 * page())).is_some_and(|(_, why)| why == Why::Truncated));
    }
}

/// Loses pages when there can be no more maps.
pub(super) fn no_more_maps_than_there_may_be() {
    let (cut, single) = (file(64), file(64));
    let (cut_map, single_map) = (map(&cut), map_to_write(&single));
    let _entered = enter().unwrap();
    for file in [&cut, &single] {
        file.set_len(2 * page() as u64).unwrap();
    }
    single_map.set(40 * page(), 1);
    assert_eq!(single_map.byte(50 * page()), 0);
    use_up_maps();
    for at in [20, 30, 10, 60] {
        assert_eq!(single_map.byte(at * page()), 0);
        single_map.set(at * page(), 1);
        assert_eq!(single_map.byte(at * page()), 1);
    }
    assert_eq!(single_map.taken(&(0..64 * page())), Some((10 * page(), Why::Truncated)));
    assert_eq!((cut_map.byte(30 * page()), cut_map.faults()), (0, 1));
    assert_eq!(cut_map.why(), Some((2 * page(), Why::Truncated)));
}

pub(super) fn many_threads_install_it_at_once() {
    install(&action(other_repair as *const () as usize, libc::SA_SIGINFO | libc::SA_ONSTACK));
    let start = std::sync::Barrier::new(8);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                assert_repairs();
            });
        }
    });
    stray_fault();
    assert_eq!(CALLS.load(SeqCst), 1);
}

/// Makes the kernel refuse every `mmap`: the earlier handler finds the record that was written before the attempt.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(super) fn pages_cannot_be_replaced() {
    static MAP: AtomicPtr<GuardedMap> = AtomicPtr::new(ptr::null_mut());
    extern "C" fn is_recorded(_: libc::c_int) {
        // SAFETY: the map of the scenario, which is leaked.
        let map = unsafe { &*MAP.load(SeqCst) };
        let recorded = map.taken(&(0..4 * page())) == Some((page(), Why::Truncated));
        // SAFETY: without conditions.
        unsafe { libc::_exit(if recorded { 0 } else { 1 }) };
    }
    install(&action(is_recorded as *const () as usize, 0));
    let file = file(4);
    let map = Box::leak(Box::new(map(&file)));
    MAP.store(map, SeqCst);
    let _entered = enter().unwrap();
    file.set_len(page() as u64).unwrap();
    let (load, compare, answer) =
        (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, libc::BPF_JMP | libc::BPF_JEQ, libc::BPF_RET);
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOMEM as u32;
    // The number of the call is the first word; if it is that of `mmap`, the next answer is given, or else the last.
    let mut filter = [
        libc::sock_filter { code: load as u16, jt: 0, jf: 0, k: 0 },
        libc::sock_filter { code: compare as u16, jt: 0, jf: 1, k: libc::SYS_mmap as u32 },
        libc::sock_filter { code: answer as u16, jt: 0, jf: 0, k: refuse },
        libc::sock_filter { code: answer as u16, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW },
    ];
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
    // SAFETY: it takes rights from this process, and needs no memory.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: a program that lives, for this thread.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    unreachable!("{}", map.byte(2 * page()));
}

/// Reads a file of which a part is on no disk any more.
#[cfg(target_os = "linux")]
pub(super) fn a_failing_disk() {
    let folder = std::path::PathBuf::from(env::var_os("FOLDER").unwrap());
    let disk = env::var_os("DISK").unwrap();
    let (pages, first) = (3072, b"the first page of the file");
    let mut options = File::options();
    let file = options.read(true).write(true).create_new(true).open(folder.join("data")).unwrap();
    file.write_all_at(&vec![7; pages * page()], 0).unwrap();
    file.write_all_at(first, 0).unwrap();
    file.sync_all().unwrap();
    // What is in memory would be read from there.
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    // The disk ends a megabyte behind the file's first page. What lies behind that fails, and the rest may lie before.
    let blocks = std::fs::read(&disk).unwrap();
    let at = blocks.chunks(page()).position(|block| block.starts_with(first)).unwrap() * page();
    File::options().write(true).open(&disk).unwrap().set_len((at + (1 << 20)) as u64).unwrap();
    let map = map(&file);
    let _entered = enter().unwrap();
    assert_eq!((map.byte(0), map.why()), (b't', None));
    let mut state = 1;
    let touched = (0..20_000).map(|_| 1 + random(&mut state) % (pages - 1));
    let seen: Vec<_> = touched.map(|number| (number, map.byte(number * page()))).collect();
    let (at, why) = map.why().unwrap();
    assert_eq!((why, at % page()), (Why::Io, 0));
    assert!(seen.iter().all(|&(number, byte)| byte == 7 || number * page() >= at), "what is before it is good");
    assert!(seen.iter().any(|&(number, _)| number * page() < at), "there is something before it");
    assert_eq!(map.check(0..at).unwrap(), None);
    assert_eq!(map.check(at..at + 1).unwrap().unwrap().file_len, (pages * page()) as u64);
    let error = map.file.read_at(&mut [0], at as u64).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    println!("{} faults, {} maps, lost from page {}", map.faults(), maps_within(&map), at / page());
    assert!(map.faults() > signal::SINGLE_PAGES && map.faults() < 64);
}
