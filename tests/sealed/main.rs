//! Files that say of themselves that they never change, and are not believed.
#![cfg(target_os = "linux")]

#[path = "../fuse/mod.rs"]
mod fuse;
#[path = "../mounts/mod.rs"]
mod mounts;

use mmap_array::{ErrorKind, MmapArray, npy};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::{env, fs, process};

/// The bytes of the file that is served.
const LEN: u64 = 8192;

const WITH_FUSE: &str = r#"
test -r /dev/fuse || { echo "there is no /dev/fuse to read" >&2; exit 77; }
"$0" --exact "$TEST" --ignored
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn a_fuse_server_that_says_verity_is_not_believed() {
    mounts::run(mounts::Mounts::OfAnybody, "says_verity", WITH_FUSE);
}

#[test]
#[ignore = "started by `a_fuse_server_that_says_verity_is_not_believed`"]
fn says_verity() {
    let path = PathBuf::from(env::var_os("FOLDER").unwrap());
    let fuse::Told { byte, .. } = &*fuse::serve(&path, LEN).unwrap_or_else(|told| {
        eprintln!("{told}");
        process::exit(77)
    });
    let path = path.join("data");
    let file = File::open(&path).unwrap();
    let options = MmapArray::<u8>::options();
    let refused = options.open_sealed(&file).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotImmutable, "{refused}");
    assert!(refused.to_string().contains("does not report its kind"), "{refused}");

    // The server is what it is meant to be: of the file that it changes, memmap2 believes that it cannot.
    byte.store(1, Ordering::Relaxed);
    assert_eq!(fs::read(&path).unwrap(), [1; LEN as usize]);
    let believed = memmap2::MmapOptions::new().len(1).map_if_safe(&file);
    assert!(believed.is_ok(), "the server is asked and says verity");
    byte.store(2, Ordering::Relaxed);
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut found = [0];
    file.read_at(&mut found, 4096).unwrap();
    assert_eq!(found, [2]);

    for refused in [options.open_sealed(&file), options.open_sealed(&path), options.shape(0).open_sealed(&path)] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotImmutable, "{error}");
        let text = error.to_string();
        assert!(text.contains("it is on FUSE;") && text.contains("fs-verity on ext4"), "{text}");
    }
}

#[test]
fn files_without_seals_and_verity_are_told_where_they_lie() {
    let mut memory = File::from(rustix::fs::memfd_create("memory", rustix::fs::MemfdFlags::empty()).unwrap());
    npy::save_to(&mut memory, &[1_u8]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.npy");
    npy::save(&path, &[1_u8]).unwrap();
    let options = npy::options::<u8>();
    let texts = [options.open_sealed(&memory), options.open_sealed(&path)].map(|refused| {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotImmutable, "{error}");
        error.to_string()
    });
    const MISSING: &str = "missing seals F_SEAL_SHRINK and F_SEAL_WRITE";
    assert!(texts[0].contains(MISSING), "{}", texts[0]);
    // The temporary folder may be on a disk or in memory.
    let found = ["it is on", "it has no fs-verity", MISSING].iter().any(|found| texts[1].contains(found));
    assert!(found, "{}", texts[1]);
}
