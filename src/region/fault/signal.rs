//! The signal handler, and its interaction with other handlers.

use super::slots::{self, Extent, Slot, Why};
use libc::{c_int, c_void, siginfo_t};
use rustix::mm::{MapFlags, ProtFlags};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicPtr};

/// The number of faults of a map that replace single pages, after which a fault replaces more than one.
pub(super) const SINGLE_PAGES: usize = 16;

/// The number of such faults in all maps, after which a fault replaces everything to its map's end. Each of them
/// creates up to two more of 65,530 maps.
const ALL_SINGLE_PAGES: usize = 1 << 14;

type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// The handler at one address, because a function may have several.
static HANDLER: Handler = handle;

/// Whether the handler has been installed once.
static INSTALLED: AtomicBool = AtomicBool::new(false);

/// The action before ours, leaked; null for the default.
static PREVIOUS: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// Whether the default has been restored so that the signal kills; it must not be removed again.
static DYING: AtomicBool = AtomicBool::new(false);

/// Maps of one page each, which are unmapped if there are too many maps to create another.
static SPARE: [AtomicPtr<c_void>; 4] = [const { AtomicPtr::new(ptr::null_mut()) }; 4];

fn handler() -> libc::sighandler_t {
    (HANDLER as *const ()).expose_provenance()
}

/// Returns the installed action.
fn installed() -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::uninit();
    // SAFETY: without a new action the call changes nothing, and it writes an action to where there is room for one.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written the action.
    Ok(unsafe { action.assume_init() })
}

/// Installs an action, and returns the one that was there. Safe in a handler.
///
/// # Safety
///
/// The action must be the default, or one whose handler may run at any time in any thread.
unsafe fn replace_action(action: &libc::sigaction) -> io::Result<libc::sigaction> {
    let mut old = MaybeUninit::uninit();
    // SAFETY: the action is a reference, and there is room for the old one. That it may be installed is the caller's
    // word.
    if unsafe { libc::sigaction(libc::SIGBUS, action, old.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has succeeded, so it has written the old action.
    Ok(unsafe { old.assume_init() })
}

/// Returns the action of a handler, with no flags and an empty mask.
fn action_of(handler: libc::sighandler_t) -> libc::sigaction {
    // SAFETY: a structure of integers and of functions that may be missing, of which zeros are values.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    // SAFETY: the set is the action's own.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    action
}

/// Returns whether an action has a flag. The type of flags differs between systems.
fn has(action: &libc::sigaction, flag: c_int) -> bool {
    action.sa_flags as c_int & flag != 0
}

/// Installs the handler at the first call, and creates the spare maps. `enter` checks later whether the handler is
/// still installed.
pub(super) fn install() {
    if !INSTALLED.load(SeqCst) {
        is_ours();
    }
    for spare in SPARE.iter().filter(|spare| spare.load(SeqCst).is_null()) {
        // Shared memory has a file of its own, so that the map becomes no part of another.
        // SAFETY: new memory, in no place that is asked for.
        let map = unsafe {
            rustix::mm::mmap_anonymous(
                ptr::null_mut(),
                rustix::param::page_size(),
                ProtFlags::empty(),
                MapFlags::SHARED,
            )
        };
        // Without it, less can go wrong than without an array.
        let Ok(map) = map else { return };
        if spare.compare_exchange(ptr::null_mut(), map, SeqCst, SeqCst).is_err() {
            give_up(map);
        }
    }
}

/// Unmaps a spare map. Safe in a handler.
fn give_up(spare: *mut c_void) {
    // SAFETY: a page of its own, which nobody touches and nobody else unmaps: it was taken out of where it was kept, or
    // never put there.
    let _ = unsafe { rustix::mm::munmap(spare, rustix::param::page_size()) };
}

/// Returns whether the handler is installed, after installing it if possible: at first, and if the default has come
/// back, because `std`'s handler restores it when a signal is handed on to it. Another action that was installed after
/// ours stays.
fn is_ours() -> bool {
    let Ok(current) = installed() else { return false };
    if current.sa_sigaction == handler() {
        return true;
    }
    if DYING.load(SeqCst) {
        return false;
    }
    if INSTALLED.load(SeqCst) && current.sa_sigaction != libc::SIG_DFL {
        return false;
    }
    // The default and to ignore a signal interrupt nothing, and need no stack.
    let no_handler = matches!(current.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN);
    let as_before = |flag| if no_handler || has(&current, flag) { flag } else { 0 };
    // Whoever has not asked for an alternate stack may need more than there is on one.
    let ours = ours(as_before(libc::SA_RESTART) | as_before(libc::SA_ONSTACK));
    // Known before the handler can run. Threads that do this at once have read the same action.
    let previous = match current.sa_sigaction {
        libc::SIG_DFL => ptr::null_mut(),
        _ => ptr::from_mut(Box::leak(Box::new(current))),
    };
    PREVIOUS.store(previous, SeqCst);
    // SAFETY: the handler is made to run at any time in any thread.
    let Ok(replaced) = (unsafe { replace_action(&ours) }) else { return false };
    INSTALLED.store(true, SeqCst);
    if replaced.sa_sigaction == handler() || replaced.sa_sigaction == current.sa_sigaction {
        return true;
    }
    // Somebody has come between the question and the answer. He may hand on to ours: to hand on to him would go round.
    // SAFETY: an action that was installed a moment ago.
    let _ = unsafe { replace_action(&replaced) };
    false
}

/// Returns our action, with additional flags.
fn ours(flags: c_int) -> libc::sigaction {
    let mut action = action_of(handler());
    action.sa_flags = (libc::SA_SIGINFO | flags) as _;
    action
}

/// A guard: while one lives in a thread, `SIGBUS` is not blocked there.
#[derive(Debug)]
pub(crate) struct Entered {
    /// A signal mask belongs to a thread, so the value must stay there.
    thread: PhantomData<*mut ()>,
}

thread_local! {
    /// The number of guards in this thread, and whether to block the signal again after the last one is dropped, in
    /// whatever order they are dropped.
    static ENTERED: Cell<(usize, bool)> = const { Cell::new((0, false)) };
}

pub(super) fn enter() -> Option<Entered> {
    stack::enlarge();
    // Before the question, because a signal that has waited arrives here, and may take the handler away.
    let blocked = change_mask(libc::SIG_UNBLOCK, &only_sigbus())?;
    let (count, was_blocked) = ENTERED.get();
    ENTERED.set((count + 1, was_blocked || blocked));
    let entered = Entered { thread: PhantomData };
    is_ours().then_some(entered)
}

impl Drop for Entered {
    fn drop(&mut self) {
        let (count, blocked) = ENTERED.get();
        let is_last = count == 1;
        ENTERED.set((count - 1, blocked && !is_last));
        if is_last && blocked {
            // The signal alone: the operation may have changed the mask for others.
            change_mask(libc::SIG_BLOCK, &only_sigbus());
        }
    }
}

/// The alternate stack of a thread, which is replaced if it is too small for a handler.
///
/// `std` gives each of its threads an alternate stack of the minimum size that the system reports. On a processor with
/// registers of many kilobytes (AMX), the system itself pushes that much, and nothing is left.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod stack {
    use super::{MapFlags, MaybeUninit, ProtFlags, c_void, ptr};

    /// The stack that the handler needs, with some reserve.
    const OURS: usize = 4096;
    const LARGE: usize = 64 << 10;

    struct Stack(Option<(*mut c_void, usize, libc::stack_t)>);

    thread_local! {
        static STACK: Stack = Stack::new();
    }

    /// Gives the thread a larger alternate stack, at the first call.
    pub(super) fn enlarge() {
        // Where a thread is about to end, it has what it had.
        let _ = STACK.try_with(|_| ());
    }

    impl Stack {
        fn new() -> Self {
            // SAFETY: without conditions.
            let pushed = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
            let Some(old) = exchange(None) else { return Self(None) };
            // Without one, signals are handled on the thread's own stack.
            if old.ss_flags & (libc::SS_DISABLE | libc::SS_ONSTACK) != 0 || old.ss_size >= pushed + OURS {
                return Self(None);
            }
            let len = (pushed + LARGE).next_multiple_of(rustix::param::page_size());
            let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: new memory, in no place that is asked for.
            let Ok(start) = (unsafe { rustix::mm::mmap_anonymous(ptr::null_mut(), len, protection, flags) }) else {
                return Self(None);
            };
            let stack = Self(Some((start, len, old)));
            // If that fails, the thread has what it had.
            exchange(Some(libc::stack_t { ss_sp: start, ss_flags: 0, ss_size: len }));
            stack
        }
    }

    impl Drop for Stack {
        fn drop(&mut self) {
            let Some((start, len, old)) = self.0 else { return };
            // `std` has taken away whatever there is by now, and somebody else may have put another there.
            if exchange(None).is_some_and(|now| now.ss_sp == start && now.ss_flags & libc::SS_DISABLE == 0) {
                exchange(Some(old));
            }
            // SAFETY: the memory that was mapped for the stack, which is no thread's stack any more.
            let _ = unsafe { rustix::mm::munmap(start, len) };
        }
    }

    /// Returns the alternate stack, and sets another if one is given.
    fn exchange(new: Option<libc::stack_t>) -> Option<libc::stack_t> {
        let mut old = MaybeUninit::uninit();
        let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
        // SAFETY: null, or a stack that is mapped until another is set; there is room for the old one.
        if unsafe { libc::sigaltstack(new, old.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: the call has succeeded, so it has written the old one.
        Some(unsafe { old.assume_init() })
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod stack {
    pub(super) fn enlarge() {}
}

fn only_sigbus() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: there is room for a set, and the call makes it an empty one.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: initialized by the call before, which fails for no set.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: the set is initialized, and the signal one that there is.
    unsafe { libc::sigaddset(&raw mut set, libc::SIGBUS) };
    set
}

/// Changes which signals the thread blocks. Returns whether it blocked `SIGBUS` before; `None` on failure. Safe in a
/// handler.
fn change_mask(how: c_int, signals: &libc::sigset_t) -> Option<bool> {
    let mut old = MaybeUninit::uninit();
    // SAFETY: `signals` is a set, and there is room for the old one.
    if unsafe { libc::pthread_sigmask(how, signals, old.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call has succeeded, so it has written the old set, and the signal is one that there is.
    Some(unsafe { libc::sigismember(old.as_ptr(), libc::SIGBUS) } == 1)
}

/// Returns the size of a page of memory.
pub(super) fn page_size() -> usize {
    rustix::param::page_size()
}

pub(super) fn descriptor(file: &File) -> i32 {
    file.as_raw_fd()
}

/// Returns the length of an open file. Safe in a handler.
pub(super) fn file_len(file: impl std::os::fd::AsFd) -> io::Result<u64> {
    Ok(rustix::fs::fstat(file)?.st_size as u64)
}

/// Returns the length of the file of a map that the caller has borrowed.
pub(super) fn file_len_of(extent: &Extent) -> io::Result<u64> {
    // SAFETY: the descriptor belongs to the map, which is borrowed, and is closed after the map is gone.
    file_len(unsafe { BorrowedFd::borrow_raw(extent.file) })
}

/// Returns the location of this thread's `errno` in the C library.
fn errno() -> *mut c_int {
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    use libc::__errno as location;
    #[cfg(any(target_os = "linux", target_os = "dragonfly"))]
    use libc::__errno_location as location;
    #[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
    use libc::__error as location;
    // SAFETY: without conditions; the place lives as long as the thread.
    unsafe { location() }
}

/// The sender of a signal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sender {
    /// An instruction that accessed a page that is not there, and will be repeated.
    Page,
    /// An instruction that failed for another reason, and will be repeated.
    Instruction,
    /// Another process, by `kill` or otherwise, or an unknown sender.
    Other,
}

fn sender(code: c_int) -> Sender {
    const BUS_ADRALN: c_int = 1;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const BUS_MCEERR_AO: c_int = 5;
        match code {
            // The kernel's own signals, and only they, have positive codes.
            ..=0 => Sender::Other,
            // Some page somewhere has been found bad, which no instruction has asked for.
            BUS_MCEERR_AO => Sender::Other,
            BUS_ADRALN => Sender::Instruction,
            // No such address (2), an error of the object (3), bad memory under a load (4). Others give no address.
            _ => Sender::Page,
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        // FreeBSD and macOS have positive codes for `kill` too. macOS says that an address is not aligned where its
        // page is missing; whether it does so for lost pages alone nobody has tried.
        const BUS_OBJERR: c_int = 3;
        let first = if cfg!(target_vendor = "apple") { BUS_ADRALN } else { BUS_ADRALN + 1 };
        match code {
            code if (first..=BUS_OBJERR).contains(&code) => Sender::Page,
            BUS_ADRALN => Sender::Instruction,
            _ => Sender::Other,
        }
    }
}

/// The handler. See the module `fault` for what it may do.
unsafe extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let errno = errno();
    // SAFETY: the thread's own `errno`, which nobody else touches.
    let kept = unsafe { errno.read() };
    // SAFETY: the system gives the handler what it knows of the signal, since the action has `SA_SIGINFO`.
    let info_ref = unsafe { &*info };
    let sender = sender(info_ref.si_code);
    // SAFETY: `SIGBUS` that the kernel sends has an address. Of another, the number means nothing and is not used.
    let address = unsafe { info_ref.si_addr() }.addr();
    if sender != Sender::Page || !repair(address) {
        hand_on(signal, info, context, sender);
    }
    // SAFETY: as above.
    unsafe { errno.write(kept) };
}

/// Replaces the lost pages at the address, if it is ours. Returns whether the instruction can be repeated.
fn repair(address: usize) -> bool {
    let Some((slot, extent)) = slots::find(address) else { return false };
    slot.count();
    let at = (address - extent.start) & !(extent.page - 1);
    // SAFETY: the descriptor belongs to the map that faults, which is borrowed by whoever touched it, and is closed
    // after the map is gone.
    let file = unsafe { BorrowedFd::borrow_raw(extent.file) };
    // Where the file ends, in bytes of the map. A file that does not even say that has failed.
    let end = file_len_of(&extent).map(|len| usize::try_from(len.saturating_sub(extent.offset)).unwrap_or(usize::MAX));
    let (pages, lost, why) = match end {
        // Somebody may have cut the file and made it longer again since.
        Ok(end) if end > at && can_read(file, extent.offset + at as u64) && slot.may_repeat(at / extent.page) => {
            slot.lose(&(at..(at + extent.page).min(extent.len)), Why::Truncated);
            return true;
        }
        Ok(end) if end <= at && !extent.writable => {
            (end.next_multiple_of(extent.page)..extent.len, end..extent.len, Why::Truncated)
        }
        end => {
            let pages = single(slot, &extent, at);
            (pages.clone(), pages, if end.is_ok_and(|end| end <= at) { Why::Truncated } else { Why::Io })
        }
    };
    // First the record, then the pages.
    slot.lose(&lost, why);
    // So many may be more memory than there is to be had.
    if replace(&extent, &pages) || replace(&extent, &(at..at + extent.page)) {
        return true;
    }
    // There are as many maps as there may be. One more is not needed to replace all that were made here, to the end.
    let all = slot.lowest().min(at).next_multiple_of(extent.page)..extent.len;
    slot.lose(&all, why);
    if replace(&extent, &all) {
        return true;
    }
    SPARE.iter().map(|spare| spare.swap(ptr::null_mut(), SeqCst)).filter(|spare| !spare.is_null()).for_each(give_up);
    replace(&extent, &pages) || replace(&extent, &(at..at + extent.page))
}

/// Returns whether a byte of the file can be read by a system call. Safe in a handler.
fn can_read(file: BorrowedFd<'_>, offset: u64) -> bool {
    match rustix::io::pread(file, &mut [0], offset) {
        // Of a file that was opened for whole blocks (`O_DIRECT`) no byte can be asked for.
        Err(error) => error == rustix::io::Errno::INVAL,
        Ok(_) => true,
    }
}

/// Returns the page and, after many faults, some pages behind it, or all.
fn single(slot: &Slot, extent: &Extent, at: usize) -> Range<usize> {
    let (of_map, of_all) = slot.count_single();
    if of_all >= ALL_SINGLE_PAGES {
        return at..extent.len;
    }
    let doubled = of_map.saturating_sub(SINGLE_PAGES - 1).min(usize::BITS as usize - 1);
    at..extent.page.saturating_mul(1 << doubled).saturating_add(at).min(extent.len)
}

/// Replaces pages with zeros.
fn replace(extent: &Extent, pages: &Range<usize>) -> bool {
    let start = ptr::with_exposed_provenance_mut(extent.start.wrapping_add(pages.start));
    let protection = if extent.writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
    // Of pages that may be written the system would else ask whether it has memory for all of them.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let flags = MapFlags::PRIVATE | MapFlags::FIXED;
    // SAFETY: whole pages within a map that is registered, and so still mapped, and whose bytes nobody refers to: they
    // are touched by volatile loads and stores only, for which zeros are as good as whatever the file held.
    unsafe { rustix::mm::mmap_anonymous(start, pages.len(), protection, flags) }.is_ok()
}

/// Handles a signal that is not ours as the earlier action would.
fn hand_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, sender: Sender) {
    // SAFETY: null, or an action that was leaked and is written by nobody.
    let Some(previous) = (unsafe { PREVIOUS.load(SeqCst).as_ref() }) else { return die(sender) };
    match previous.sa_sigaction {
        // The kernel ignores no instruction that fails.
        libc::SIG_IGN if sender == Sender::Other => return,
        libc::SIG_IGN | libc::SIG_DFL => return die(sender),
        _ => {}
    }
    if has(previous, libc::SA_RESETHAND) {
        // SAFETY: the default.
        let _ = unsafe { replace_action(&action_of(libc::SIG_DFL)) };
    }
    // The mask that was there is put back when the handler returns.
    change_mask(libc::SIG_BLOCK, &previous.sa_mask);
    if has(previous, libc::SA_NODEFER) {
        change_mask(libc::SIG_UNBLOCK, &only_sigbus());
    }
    let function = ptr::with_exposed_provenance::<()>(previous.sa_sigaction);
    if has(previous, libc::SA_SIGINFO) {
        // SAFETY: the action was installed with a handler of this signature, neither ignoring nor the default.
        let function = unsafe { std::mem::transmute::<*const (), Handler>(function) };
        // SAFETY: who installed it wanted it called for this signal, with what the system gave.
        unsafe { function(signal, info, context) };
    } else {
        // SAFETY: without `SA_SIGINFO` a handler has this signature.
        let function = unsafe { std::mem::transmute::<*const (), unsafe extern "C" fn(c_int)>(function) };
        // SAFETY: who installed it wanted it called for this signal.
        unsafe { function(signal) };
    }
    // Where the handler has put the default in the place of ours, as `std`'s does, ours does what the default does.
    if !DYING.load(SeqCst) && installed().is_ok_and(|now| now.sa_sigaction == libc::SIG_DFL) {
        PREVIOUS.store(ptr::null_mut(), SeqCst);
        // SAFETY: the handler is made to run at any time in any thread.
        let _ = unsafe { replace_action(&ours(libc::SA_RESTART | libc::SA_ONSTACK)) };
    }
}

/// Makes the signal kill the process when the handler returns.
fn die(sender: Sender) {
    // The first process of a container is not killed by what others send it, and would be left without a handler.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: without conditions.
    if sender == Sender::Other && unsafe { libc::getpid() } == 1 {
        return;
    }
    DYING.store(true, SeqCst);
    // SAFETY: the default.
    let _ = unsafe { replace_action(&action_of(libc::SIG_DFL)) };
    // An instruction repeats, and the core that is written then tells of it. Only Linux tells surely that there is one.
    if sender == Sender::Other || !cfg!(any(target_os = "linux", target_os = "android")) {
        // SAFETY: without conditions. The signal is blocked until the handler returns.
        unsafe { libc::raise(libc::SIGBUS) };
    }
}
