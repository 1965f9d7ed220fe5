//! Limits of a process that arrays meet: the files that it may have open, and the maps that it may have.
//!
//! Each case is a process of its own, which a shell starts with the limit that it needs.

use super::faults::{maps, maps_of};
use super::{cut, folder, truncated};
use mmap_array::{ErrorKind, MmapArray, npy};
use std::fs::{self, File};
use std::process::Command;

/// Runs an ignored test by a shell script that starts it as `"$0" "$@"`, and ends with 77 where the limit cannot be
/// had.
fn run(test: &str, script: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(std::env::current_exe().unwrap());
    let output = shell.args(["--exact", test, "--ignored", "--nocapture"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    if output.status.code() == Some(77) {
        return println!("left out: {}", String::from_utf8_lossy(&output.stderr));
    }
    let passed = output.status.success() && text.contains("1 passed");
    assert!(passed, "{:?}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr));
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_process_that_may_open_no_more_files_is_told_so() {
    run("limits::no_more_files", r#"ulimit -n 64 || exit 77; exec "$0" "$@""#);
}

#[test]
#[ignore = "started by `a_process_that_may_open_no_more_files_is_told_so`"]
fn no_more_files() {
    let (_folder, path) = folder();
    fs::write(&path, [7; 10_000]).unwrap();
    let open_files = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open_files();
    let source = File::options().read(true).write(true).open(&path).unwrap();
    let options = MmapArray::<u8>::options();
    let mut kept = options.open_shared(&path).unwrap();
    // An array has its file open once.
    assert_eq!(open_files(), before + 2);
    let map_count = maps_of(&path);
    let fillers = || {
        let mut fillers = Vec::new();
        loop {
            match File::open("/dev/null") {
                Ok(file) => fillers.push(file),
                Err(error) if error.raw_os_error() == Some(24) => return fillers,
                Err(error) => panic!("{error}"),
            }
        }
    };
    // How many more may be open: an array that is opened by its name has two for a moment.
    for left in 0..6 {
        let mut held = fillers();
        held.truncate(held.len() - left);
        let results = [options.open_shared(&path), options.open_shared(&source)];
        for (opened, needed) in results.into_iter().zip([2, 1]) {
            // The first of the two keeps its file while the second is opened.
            let left = if needed == 1 && left >= 2 { left - 1 } else { left };
            match opened {
                Ok(array) => {
                    assert!(left >= needed, "{left}");
                    assert_eq!(array.read(|view| view.sum()).unwrap(), 70_000);
                }
                Err(error) => {
                    assert!(left < needed, "{left}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
                    assert!(error.to_string().contains("Too many open files"), "{error}");
                    assert!(error.to_string().contains("open"), "{error}");
                    assert_eq!(error.io_error().and_then(std::io::Error::raw_os_error), Some(24), "{error}");
                    // What was passed in open has no name.
                    assert_eq!(error.path().is_some(), needed == 2, "{error}");
                    println!("{left} left: {error}");
                }
            }
        }
        // Those that there are go on, and are refreshed.
        assert_eq!(kept.read(|view| view.sum()).unwrap(), 70_000);
        assert!(!kept.refresh().unwrap());
        drop(held);
        assert_eq!(open_files(), before + 2, "{left}: files that are left open");
    }
    // A page that is lost needs no other file.
    let held = fillers();
    source.set_len(5000).unwrap();
    truncated(kept.read(|view| view.sum()), &path, 5000);
    assert!(kept.refresh().unwrap());
    drop(held);
    assert_eq!(kept.read(|view| view.sum()).unwrap(), 35_000);
    assert_eq!(maps_of(&path), map_count);
}

/// Arrays that can be written lose single pages, which makes more maps of one. Each array stops at some, but there may
/// be many: in the end the system refuses to make more maps, of anything.
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn arrays_that_are_lost_together_need_no_more_maps_than_there_may_be() {
    if option_env!("RUSTFLAGS").is_some_and(|flags| flags.contains("sanitizer")) {
        return println!("left out: a sanitizer needs maps of its own, and ends the program without them");
    }
    let script = r#"
test "$(cat /proc/sys/vm/max_map_count)" -le 70000 || { echo "a process may have too many maps" >&2; exit 77; }
ulimit -n 4400 || exit 77
exec "$0" "$@""#;
    run("limits::no_more_maps", script);
}

#[test]
#[ignore = "started by `arrays_that_are_lost_together_need_no_more_maps_than_there_may_be`"]
fn no_more_maps() {
    const PAGES: usize = 40;
    const ARRAYS: usize = 2100;
    let (_folder, path) = folder();
    fs::write(&path, vec![7; PAGES * 4096]).unwrap();
    let options = MmapArray::<u8>::options();
    let arrays: Vec<_> = (0..ARRAYS).map(|_| options.open_shared_mut(&path).unwrap()).collect();
    let mut read_only = options.open_shared(&path).unwrap();
    cut(&path, 4096);
    let mut most = 0;
    for (number, array) in arrays.iter().enumerate() {
        // Upwards in one, downwards in the next, and so that no page is next to one that was replaced before it.
        let pages = (0..16).map(|n| if number % 2 == 0 { 5 + 2 * n } else { 35 - 2 * n });
        truncated(array.write(|view| pages.for_each(|page| view.set([page * 4096], 1))), &path, 4096);
        if number % 100 == 0 {
            array.clone().into_rows(..4096).check().unwrap();
            assert_eq!(options.open_shared(&path).unwrap().read(|view| view.sum()).unwrap(), 7 * 4096);
            most = most.max(maps());
        }
    }
    println!("{most} maps");
    assert!(most > 10 * ARRAYS, "single pages are replaced");
    truncated(read_only.read(|view| view.sum()), &path, 4096);
    let last = arrays[ARRAYS - 1].clone().into_rows(..4096);
    last.fill(8).unwrap();
    assert_eq!(arrays[0].clone().into_rows(..4096).read(|view| view.sum()).unwrap(), 8 * 4096);
    drop((arrays, last));
    assert!(maps() < 200, "{} maps are left", maps());
    fs::write(&path, vec![8; PAGES * 4096]).unwrap();
    assert!(!read_only.refresh().unwrap());
    assert_eq!(read_only.read(|view| view.sum()).unwrap(), 8 * PAGES as u128 * 4096);
    // Single pages are replaced again once the others are gone.
    let array = options.open_shared_mut(&path).unwrap();
    cut(&path, 4096);
    let before = maps();
    truncated(array.write(|view| (0..16).for_each(|n| view.set([(5 + 2 * n) * 4096], 1))), &path, 4096);
    assert!(maps() > before + 20, "{} maps, {before} before", maps());
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn many_files_are_one_array_whatever_the_limit_of_open_files() {
    run("limits::few_open_files", r#"ulimit -n 64 || exit 77; exec "$0" "$@""#);
}

#[test]
#[ignore = "started by `many_files_are_one_array_whatever_the_limit_of_open_files`"]
fn few_open_files() {
    const FILES: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..FILES).map(|file| folder.path().join(format!("{file}.npy"))).collect();
    for (file, path) in paths.iter().enumerate() {
        npy::save(path, &[file as u32; 10]).unwrap();
    }
    let open_files = || fs::read_dir("/proc/self/fd").unwrap().count();
    let before = open_files();
    let all = npy::concat::<u32>(&paths).unwrap();
    let sum = (0..FILES as u128).sum::<u128>() * 10;
    assert_eq!(all.sum().unwrap(), sum);
    assert_eq!(open_files(), before + 16, "a quarter of the files that may be open");
    // The rest of them are somebody else's: its own are enough.
    let fillers: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    assert!(File::open("/dev/null").is_err());
    assert_eq!(all.sum().unwrap(), sum);
    assert_eq!((0..FILES).map(|file| all.at(file * 10).unwrap()).sum::<u32>(), sum as u32 / 10);
    // Arrays that the caller holds are not.
    let held: Vec<_> = all.blocks().take_while(Result::is_ok).collect();
    assert!(held.len() < 16, "{}", held.len());
    let error = all.sum().unwrap_err();
    assert_eq!(error.io_error().and_then(std::io::Error::raw_os_error), Some(24), "{error}");
    assert_eq!(error.path().and_then(|path| path.parent()), Some(folder.path()), "{error}");
    drop(held);
    assert_eq!(all.sum().unwrap(), sum);
    drop(fillers);
}
