//! A file system of one file, of which its server says what a test wants to be said.
//!
//! It speaks the [protocol of FUSE] by itself, as little of it as the tests need.
//!
//! [protocol of FUSE]: https://man7.org/linux/man-pages/man4/fuse.4.html

use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const ROOT: u64 = 1;
const FILE: u64 = 2;

/// What the server says of the file, which may be changed at any time.
#[derive(Debug)]
pub(crate) struct Told {
    len: u64,
    /// What all bytes of the file are. As long as it is 0 the server says nothing of the file system.
    pub(crate) byte: AtomicU8,
    /// Bytes that the server cannot read, nor anything together with one of them: `EIO`.
    pub(crate) failing: Mutex<Range<u64>>,
}

/// Serves a folder in which each name is the file, of so many bytes, which is under fs-verity, says the server. An
/// error is why nothing can be mounted.
pub(crate) fn serve(folder: &Path, len: u64) -> Result<Arc<Told>, String> {
    let device = File::options().read(true).write(true).open("/dev/fuse").map_err(|error| error.to_string())?;
    let told = Arc::new(Told { len, byte: AtomicU8::new(0), failing: Mutex::new(0..0) });
    let mounted = device.try_clone().unwrap();
    thread::spawn({
        let told = Arc::clone(&told);
        move || answer_all(&device, &told)
    });
    let mut mount = Command::new("mount");
    mount.args(["-i", "-t", "fuse", "-o", "fd=0,rootmode=40000,user_id=0,group_id=0", "none"]).arg(folder);
    let mounted = mount.stdin(mounted).output().map_err(|error| error.to_string())?;
    if mounted.status.success() { Ok(told) } else { Err(String::from_utf8_lossy(&mounted.stderr).into_owned()) }
}

fn answer_all(mut device: &File, told: &Told) {
    let Told { len, byte, failing } = told;
    let mut request = vec![0; 1 << 20];
    loop {
        match device.read(&mut request) {
            Ok(_) => {}
            // Not mounted yet.
            Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            Err(_) => return,
        }
        let number = |at: usize| u64::from_ne_bytes(request[at..at + 8].try_into().unwrap());
        let (unique, node) = (number(8), number(16));
        let reply = match u32::from_ne_bytes(request[4..8].try_into().unwrap()) {
            // What is forgotten or interrupted gets no answer.
            2 | 36 | 42 => continue,
            1 => Ok(entry(*len)),
            3 => Ok(fields(&[1, 0], &attributes(node, *len))),
            // Opened, without a number of its own.
            14 | 27 => Ok(fields(&[0, 0], &[])),
            15 => {
                let (offset, size) = (number(48), u64::from(number(56) as u32));
                let count = len.saturating_sub(offset).min(size);
                let failing = failing.lock().unwrap();
                match failing.start.max(offset) < failing.end.min(offset + count) {
                    true => Err(libc::EIO),
                    false => Ok(vec![byte.load(Ordering::Relaxed); count as usize]),
                }
            }
            // How full it is; it has no say in which kind of file system that is of.
            17 if byte.load(Ordering::Relaxed) > 0 => Ok(vec![0; 80]),
            18 | 29 => Ok(Vec::new()),
            // Version 7.31, reads of 128 KiB, writes as well.
            26 => Ok(fields(&[7 | 31 << 32, 1 << 17, 0, 1 | (1 << 17) << 32, 0, 0, 0, 0], &[])),
            // Every ioctl has worked, and FS_IOC_MEASURE_VERITY has found a digest of no bytes.
            39 => Ok(fields(&[0, 0], &[0; 4])),
            // Also that a file is closed, of which the kernel then tells no more: at the program's end it would wait.
            _ => Err(libc::ENOSYS),
        };
        let (error, body) = reply.map_or_else(|error| (-error, Vec::new()), |body| (0, body));
        let mut answer = (16 + body.len() as u32).to_ne_bytes().to_vec();
        answer.extend(error.to_ne_bytes());
        answer.extend(unique.to_ne_bytes());
        answer.extend(body);
        // Who asked may be gone.
        let _ = device.write_all(&answer);
    }
}

fn fields(numbers: &[u64], rest: &[u8]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_ne_bytes()).chain(rest.iter().copied()).collect()
}

/// The file, known by its name for a second.
fn entry(len: u64) -> Vec<u8> {
    fields(&[FILE, 0, 1, 1, 0], &attributes(FILE, len))
}

fn attributes(node: u64, len: u64) -> Vec<u8> {
    let (mode, size) = if node == ROOT { (0o040_755, 0) } else { (0o100_444, len) };
    // Behind the times: their fractions, the mode, one link, the owner, and blocks of 4 KiB.
    let small = [0_u32, 0, 0, mode, 1, 0, 0, 0, 4096, 0];
    let small: Vec<u8> = small.iter().flat_map(|number| number.to_ne_bytes()).collect();
    fields(&[node, size, size / 512, 0, 0, 0], &small)
}
