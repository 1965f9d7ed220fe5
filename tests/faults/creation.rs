//! Files that are made while others make, cut and protect them.

use crate::mounts::{self, Mounts};
use mmap_array::npy::{self, Writer};
use mmap_array::{Error, MmapArray};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, thread};

fn folder() -> PathBuf {
    PathBuf::from(env::var_os("FOLDER").unwrap())
}

/// Starts ignored tests of this program together, and has all of them pass.
fn together(tests: &[&str]) {
    let start = |test: &&str| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", test, "--ignored", "--nocapture"]).spawn().unwrap()
    };
    let children: Vec<_> = tests.iter().map(start).collect();
    assert!(children.into_iter().all(|mut child| child.wait().unwrap().success()));
}

/// A file system in memory, with room for one array and not for two.
const WITH_ROOM_FOR_ONE: &str = r#"
mount -t tmpfs -o size=24m none "$FOLDER" || exit 77
for round in 1 2 3 4 5; do
  "$0" --exact "$TEST" --ignored --nocapture || exit 1
  test "$(ls -A "$FOLDER")" = array.npy || { ls -A "$FOLDER" >&2; exit 1; }
  rm "$FOLDER"/*
done
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn of_those_who_start_together_one_takes_the_blocks() {
    mounts::run(Mounts::OfAnybody, "creation::opened_by_four", WITH_ROOM_FOR_ONE);
    mounts::run(Mounts::OfAnybody, "creation::filled_by_four", WITH_ROOM_FOR_ONE);
}

#[test]
#[ignore = "started by `of_those_who_start_together_one_takes_the_blocks`"]
fn opened_by_four() {
    together(&["creation::opened"; 4]);
}

#[test]
#[ignore = "started by `of_those_who_start_together_one_takes_the_blocks`"]
fn opened() {
    let options = npy::create_options::<u8>([16, 1 << 20]).reserve();
    options.open_or_create_shared(folder().join("array.npy")).unwrap();
}

#[test]
#[ignore = "started by `of_those_who_start_together_one_takes_the_blocks`"]
fn filled_by_four() {
    together(&["creation::filled"; 4]);
}

#[test]
#[ignore = "started by `of_those_who_start_together_one_takes_the_blocks`"]
fn filled() {
    let job = npy::create_options::<u8>([16, 1 << 20]).reserve().fill(folder().join("array.npy"));
    job.parts(16)
        .run(|part| {
            part.fill(1);
            Ok::<_, Error>(())
        })
        .unwrap();
}

/// The bits that say who may what.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn what_has_come_meanwhile_is_replaced_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    let mut writer = Writer::<u8>::create(&path, ()).unwrap();
    writer.extend([1, 2, 3]).unwrap();
    fs::write(&path, "another").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    writer.finish().unwrap();
    assert_eq!((npy::load::<u8>(&path).unwrap().to_vec(), mode(&path)), (vec![1, 2, 3], 0o600));
    // What has gone meanwhile is as well.
    let mut writer = Writer::<u8>::create(&path, ()).unwrap();
    writer.extend([4]).unwrap();
    fs::remove_file(&path).unwrap();
    writer.finish().unwrap();
    assert_eq!((npy::load::<u8>(&path).unwrap().to_vec(), mode(&path)), (vec![4], 0o600));
    // A folder, or one who asked for a new file, is not.
    let mut writer = Writer::<u8>::create(&path, ()).unwrap();
    writer.extend([5]).unwrap();
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!((error.kind(), error.path()), (mmap_array::ErrorKind::NotRegularFile, Some(&*path)), "{error}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn an_array_goes_where_it_was_begun_wherever_the_program_has_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "creation::elsewhere", "--ignored", "--nocapture"]).current_dir(&folder);
    assert!(child.status().unwrap().success());
    let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["filled.npy", "made.npy"]);
    assert_eq!(npy::load::<u8>(folder.path().join("filled.npy")).unwrap()[..], [7; 10]);
}

#[test]
#[ignore = "started by `an_array_goes_where_it_was_begun_wherever_the_program_has_gone`, in the folder of the array"]
fn elsewhere() {
    let job = npy::fill::<u8>("filled.npy", [10]).parts(2).open().unwrap();
    let mut writer = Writer::<u8>::create("made.npy", ()).unwrap();
    let claim = job.claim().unwrap().unwrap();
    env::set_current_dir("/").unwrap();
    let fill = |mut claim: npy::Claim<'_, u8>| {
        claim.fill(7);
        claim.done().unwrap();
    };
    fill(claim);
    while let Some(claim) = job.claim().unwrap() {
        fill(claim);
    }
    assert!(job.is_complete());
    writer.extend([1]).unwrap();
    writer.finish().unwrap();
}

/// Whether a program, of which the tests are told by name, is there.
fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("left out: there is no {program}");
    }
    found
}

fn run(program: &str, args: &[&str], path: &Path) -> String {
    let done = Command::new(program).args(args).arg(path).output().unwrap();
    assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Who may what, by the access control list where there is one.
fn list(path: &Path) -> String {
    run("getfacl", &["--omit-header", "--absolute-names", "--numeric"], path)
}

#[test]
fn nobody_is_let_in_who_was_kept_out_of_the_file_before() {
    if !has("setfacl") || !has("getfacl") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::save(&path, &vec![1_u8]).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    // What is made in the folder from now on may be read by everybody's user, 65534.
    if !Command::new("setfacl")
        .args(["-d", "-m", "u:65534:rw,g::rw,o::r"])
        .arg(folder.path())
        .status()
        .unwrap()
        .success()
    {
        return println!("left out: the file system has no access control lists");
    }
    let before = list(&path);
    assert!(!before.contains("65534"), "{before}");
    npy::save(&path, &vec![2_u8]).unwrap();
    assert_eq!((list(&path), mode(&path)), (before, 0o640));
    // A list of its own stays.
    run("setfacl", &["-m", "u:65533:r,u:65534:-,m::r"], &path);
    let before = list(&path);
    npy::save(&path, &vec![3_u8]).unwrap();
    assert_eq!((list(&path), npy::load::<u8>(&path).unwrap()[0]), (before, 3));
    // A new file is as the folder has it.
    let new = folder.path().join("new.npy");
    let array = MmapArray::<u8>::create_options(4).scratch_in(&folder).unwrap();
    array.persist(&new).unwrap();
    assert!(list(&new).contains("user:65534:rw"), "{}", list(&new));
}

#[test]
fn many_who_save_the_same_file_leave_one_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    thread::scope(|threads| {
        for number in 0..24_u8 {
            let path = &path;
            threads.spawn(move || (0..8).for_each(|_| npy::save(path, &vec![number; 10_000]).unwrap()));
        }
    });
    let array = npy::load::<u8>(&path).unwrap();
    assert!(array.len() == 10_000 && array.iter().all(|&number| number == array[0]));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}
