//! Crowds of processes that write the same file and are killed at random. How many die says `KILLS`; where it says
//! nothing, crowds are small.

use crate::random::Random;
use mmap_array::npy::{self, Writer};
use mmap_array::{ArrayView, Error, ErrorKind, MmapArray};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

/// How many processes are a crowd.
fn processes() -> u64 {
    if env::var_os("KILLS").is_some() { 16 } else { 8 }
}

fn kills() -> usize {
    env::var("KILLS").map_or(60, |kills| kills.parse().unwrap())
}

/// In memory, where nobody waits for a disk.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// One of a crowd.
struct Member {
    child: Child,
    id: u64,
}

impl Member {
    fn start(test: &str, target: &Path, id: u64) -> Self {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", &format!("crowd::{test}"), "--ignored", "--nocapture", "--test-threads=1"]);
        child.env("TARGET", target).env("ID", id.to_string()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self { child: child.spawn().unwrap(), id }
    }

    /// Kills it, and returns what it has said, and whether it lived until then.
    fn kill(mut self) -> (u64, String, bool) {
        let lived = self.child.try_wait().unwrap().is_none();
        let _ = self.child.kill();
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        self.child.wait().unwrap();
        (self.id, said, lived)
    }
}

/// Kills so many of a crowd, each of which is followed by another, and then the rest. `check` is called with what each
/// has said, and with whether it lived until it was killed.
fn crowd(test: &str, target: &Path, mut check: impl FnMut(u64, String, bool)) {
    let (mut random, mut next) = (Random(7), processes());
    let mut members: Vec<Member> = (0..next).map(|id| Member::start(test, target, id)).collect();
    let mut killed = 0;
    while killed < kills() {
        thread::sleep(Duration::from_micros(random.below(12_000)));
        let place = random.below(processes()) as usize;
        let (id, said, lived) = std::mem::replace(&mut members[place], Member::start(test, target, next)).kill();
        next += 1;
        killed += usize::from(lived);
        check(id, said, lived);
    }
    for member in members {
        let (id, said, lived) = member.kill();
        check(id, said, lived);
    }
}

/// The target and the number of one of a crowd.
fn task() -> (PathBuf, u64) {
    (PathBuf::from(env::var_os("TARGET").unwrap()), env::var("ID").unwrap().parse().unwrap())
}

#[test]
#[ignore = "started by `no_row_is_lost_of_those_that_a_crowd_was_told_are_there`"]
fn appending() {
    let (target, id) = task();
    // No row of zeros, which is nobody's.
    let id = id + 1;
    for number in 0_u64.. {
        let add = || if number % 4 == 3 { grow(&target, [id, number]) } else { append(&target, [id, number]) };
        while !add() {
            thread::yield_now();
        }
        println!("\nadded {number}");
    }
}

/// Whether a row was added, unless others are adding some.
fn append(target: &Path, row: [u64; 2]) -> bool {
    let added = npy::append(target, &[row]);
    let locked = |error: &Error| error.kind() == ErrorKind::Locked;
    assert!(added.as_ref().err().is_none_or(locked), "{added:?}");
    added.is_ok()
}

/// The same through a map. Who is killed in between leaves a row of zeros.
fn grow(target: &Path, row: [u64; 2]) -> bool {
    // SAFETY: nobody makes the file shorter but to take off what lies behind the array, and the row that is written is
    // nobody else's.
    let mut array = unsafe { npy::open_mut::<[u64; 2]>(target) }.unwrap();
    match array.grow(1) {
        Ok(len) => array[len - 1] = row,
        // Others have, since it was opened: the array is a window of the file's by now.
        Err(error) => {
            assert!([ErrorKind::Locked, ErrorKind::Unsupported].contains(&error.kind()), "{error}");
            return false;
        }
    }
    true
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn no_row_is_lost_of_those_that_a_crowd_was_told_are_there() {
    let folder = folder();
    let target = folder.path().join("target");
    npy::save(&target, &Vec::<[u64; 2]>::new()).unwrap();
    let mut told = Vec::new();
    crowd("appending", &target, |id, said, lived| {
        assert!(lived, "{id}: {said}");
        // A line may be cut off.
        let lines = said.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        told.push((id, lines.filter(|line| line.starts_with("added ")).count() as u64));
    });
    // Whatever the last one left behind the array.
    npy::append(&target, &[[u64::MAX, 0]]).unwrap();
    let rows = npy::load::<[u64; 2]>(&target).unwrap();
    assert_eq!(fs::metadata(&target).unwrap().len(), 128 + 16 * rows.len() as u64);
    for &(id, told) in &told {
        let numbers: Vec<u64> = rows.iter().filter(|row| row[0] == id + 1).map(|row| row[1]).collect();
        assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "{id}: {numbers:?}");
        // One may have been added that was not told, or be zeros still.
        assert!((told..=told + 1).contains(&(numbers.len() as u64)), "{id}: {told} were told, {} are", numbers.len());
    }
    println!("{} were killed, {} rows are there", told.len(), rows.len());
}

/// What each of a crowd makes of the target: as many bytes of one value as the value says.
fn version(id: u64) -> Vec<u8> {
    let value = (id % 250) as u8;
    vec![value; 1000 + 10 * usize::from(value)]
}

#[test]
#[ignore = "started by `a_crowd_that_replaces_a_file_leaves_one_that_is_whole`"]
fn replacing() {
    let (target, id) = task();
    let (bytes, folder) = (version(id), target.parent().unwrap());
    let made = |made: Result<(), Error>| made.unwrap_or_else(|error| panic!("{error}"));
    for number in id.. {
        match number % 4 {
            0 => made(npy::save(&target, &bytes)),
            1 => {
                let mut writer = Writer::<u8>::create(&target, ()).unwrap();
                writer.extend(bytes.iter().copied()).unwrap();
                made(writer.finish().map(drop));
            }
            2 => {
                let mut file = Vec::new();
                npy::save_to(&mut file, &bytes).unwrap();
                made(ArrayView::from_slice(&file, file.len()).unwrap().tofile(&target));
            }
            _ => {
                let mut array = npy::create_options::<u8>(bytes.len()).scratch_in(folder).unwrap();
                array.copy_from_slice(&bytes);
                made(array.persist(&target).map(drop).map_err(Error::from));
            }
        }
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_crowd_that_replaces_a_file_leaves_one_that_is_whole() {
    let folder = folder();
    let target = folder.path().join("target");
    npy::save(&target, &version(0)).unwrap();
    crowd("replacing", &target, |id, said, lived| {
        assert!(lived, "{id}: {said}");
        let array = npy::load::<u8>(&target).unwrap();
        assert!(array[..] == version(array[0].into()), "{} bytes", array.len());
    });
    // What the killed have left goes with the next.
    let left = || fs::read_dir(&folder).unwrap().count() - 1;
    let before = left();
    npy::save(&target, &version(1)).unwrap();
    println!("{before} files were left by those who were killed");
    assert_eq!(left(), 0);
}

#[test]
#[ignore = "started by `a_crowd_that_fills_an_array_fills_all_of_it`"]
fn filling() {
    let (target, _) = task();
    let job = npy::fill::<u32>(&target, [4000]).rows_per_part(2);
    job.run(|part| {
        let first = part.rows().start as u32;
        part.iter_mut().zip(first..).for_each(|(number, row)| *number = row + 1);
        Ok::<_, Error>(())
    })
    .unwrap();
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_crowd_that_fills_an_array_fills_all_of_it() {
    let folder = folder();
    let mut arrays = 0;
    let mut killed = 0;
    let mut random = Random(3);
    while killed < kills() {
        let target = folder.path().join(format!("target{arrays}"));
        let mut members: Vec<Member> = (0..4).map(|id| Member::start("filling", &target, id)).collect();
        // All of them are killed, one after another and some together, until the array is complete.
        while !members.is_empty() {
            thread::sleep(Duration::from_micros(random.below(6000)));
            let place = random.below(members.len() as u64) as usize;
            let (_, said, lived) = members.swap_remove(place).kill();
            killed += usize::from(lived);
            assert!(lived || said.contains("1 passed"), "{said}");
            if lived && killed < kills() && random.below(3) > 0 {
                members.push(Member::start("filling", &target, 0));
            }
        }
        Member::start("filling", &target, 0).child.wait().unwrap();
        let array = MmapArray::<u32>::options().offset(128).shape(4000).load(&target).unwrap();
        assert!(array.iter().copied().eq(1..=4000), "array {arrays}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "what is left");
        fs::remove_file(&target).unwrap();
        arrays += 1;
    }
    println!("{killed} workers were killed over {arrays} arrays");
}
