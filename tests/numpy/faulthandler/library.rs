//! A library of C's kind, of which a Python program calls the functions by `ctypes`: one array that is shared.

use mmap_array::{ErrorKind, MmapArray, Result, SharedArrayMut};
use std::ffi::{CStr, OsStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::sync::Mutex;

static ARRAY: Mutex<Option<SharedArrayMut<u8>>> = Mutex::new(None);

/// A number, or which kind of error there is instead.
fn number(result: Result<i64>) -> i64 {
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        match error.kind() {
            ErrorKind::Truncated => -1,
            ErrorKind::Unsupported => -2,
            _ => -3,
        }
    })
}

fn with(f: impl FnOnce(&mut SharedArrayMut<u8>) -> Result<i64>) -> i64 {
    number(f(ARRAY.lock().unwrap().as_mut().unwrap()))
}

/// Opens a file, and returns how many bytes it has.
///
/// # Safety
///
/// `path` is a text that ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn array_open(path: *const c_char) -> i64 {
    // SAFETY: the caller's word.
    let path = unsafe { CStr::from_ptr(path) };
    number(MmapArray::<u8>::options().open_shared_mut(OsStr::from_bytes(path.to_bytes())).map(|array| {
        let len = array.len() as i64;
        *ARRAY.lock().unwrap() = Some(array);
        len
    }))
}

/// Adds all bytes up.
#[unsafe(no_mangle)]
pub extern "C" fn array_sum() -> i64 {
    with(|array| array.read(|view| view.sum() as i64))
}

/// Stores a byte.
#[unsafe(no_mangle)]
pub extern "C" fn array_set(at: usize, byte: u8) -> i64 {
    with(|array| array.set([at], byte).map(|()| 0))
}

/// Maps what there is now, and returns how many bytes that are.
#[unsafe(no_mangle)]
pub extern "C" fn array_refresh() -> i64 {
    with(|array| array.refresh().map(|_| array.len() as i64))
}
