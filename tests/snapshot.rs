//! Snapshots: arrays of what a file held when they were opened, whatever becomes of it. On file systems that can, in
//! images of disks that the administrator may mount, and on others, which say so.
#![cfg(target_os = "linux")]

mod mounts;

use mmap_array::array::Advice;
use mmap_array::{ArrayView, DynArray, Element, Error, ErrorKind, Le, MmapArray, Order, npy};
use mounts::Mounts;
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

/// Runs the tests of the module `on_disk` on a disk of its own, and there once more read-only.
fn on_a_disk(make: &str) {
    let script = format!(
        r#"
PATH="$PATH:/usr/sbin:/sbin"
cd "$FOLDER" && mkdir disk read_only || exit 1
truncate -s 400M image && {make} image >&2 && mount -o loop image disk || exit 77
mount --bind disk read_only && mount -o remount,bind,ro read_only || exit 1
DISK="$FOLDER/disk" READ_ONLY="$FOLDER/read_only" "$0" "$TEST" --ignored --test-threads=1
"#
    );
    mounts::run(Mounts::OfRoot, "on_disk::", &script);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn xfs_takes_snapshots() {
    on_a_disk("mkfs.xfs -q");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn xfs_of_small_blocks_takes_snapshots() {
    on_a_disk("mkfs.xfs -q -b size=1024");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn btrfs_takes_snapshots() {
    on_a_disk("mkfs.btrfs -q");
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn file_systems_that_share_no_blocks_say_so() {
    for (make, found) in [("mkfs.xfs -q -m reflink=0", "its file system"), ("mkfs.ext4 -q", "is on ext4")] {
        let script = format!(
            r#"
PATH="$PATH:/usr/sbin:/sbin"
cd "$FOLDER" && mkdir disk && truncate -s 400M image && {make} image >&2 && mount -o loop image disk || exit 77
DISK="$FOLDER/disk" FOUND="{found}" "$0" --exact "$TEST" --ignored
"#
        );
        mounts::run(Mounts::OfRoot, "no_blocks_are_shared", &script);
    }
}

#[test]
#[ignore = "started by `file_systems_that_share_no_blocks_say_so`"]
fn no_blocks_are_shared() {
    assert_unsupported(Path::new(&env::var_os("DISK").unwrap()), &env::var("FOUND").unwrap());
}

#[test]
fn memory_has_no_snapshots() {
    let shm = Path::new("/dev/shm");
    let Ok(system) = rustix::fs::statfs(shm) else { return println!("left out: no /dev/shm") };
    if system.f_type as u32 != 0x0102_1994 {
        return println!("left out: /dev/shm is not in memory");
    }
    assert_unsupported(shm, "the file is on tmpfs");
}

/// Opens a snapshot of a file in a folder where there are none.
#[track_caller]
fn assert_unsupported(folder: &Path, found: &str) {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [7; 100]).unwrap();
    let options = MmapArray::<u8>::options();
    for opened in [options.open_snapshot(&path), options.open_snapshot_in(&path, "no/such/folder")] {
        let Err(error) = opened else { panic!("a snapshot") };
        // A folder is looked for where there is something to be done in it.
        if found.starts_with("its") && error.io_error().is_some() {
            continue;
        }
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, Some(&*path)), "{error}");
        assert!(error.to_string().contains(found) && error.to_string().contains("`load`"), "{error}");
    }
    assert_eq!(options.shape(101).open_snapshot(&path).unwrap_err().kind(), ErrorKind::PastEnd);
    assert_eq!(*options.load(&path).unwrap(), [7; 100]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

/// Tests that run on each disk on which there are snapshots.
mod on_disk {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir_in(env::var_os("DISK").unwrap()).unwrap()
    }

    /// Bytes of no short period.
    fn noise(len: usize) -> Vec<u8> {
        (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    /// Has pages given up, so that the next look reads them from the disk.
    fn forget(array: &MmapArray<u8>) {
        // Linux before 5.4 does not know how.
        let _ = array.advise(Advice::PageOut);
        array.evict(..).unwrap();
    }

    /// Does to a file all that nobody may do to one that is mapped.
    fn ruin(path: &Path, look: impl Fn()) {
        let file = File::options().write(true).open(path).unwrap();
        let len = file.metadata().unwrap().len();
        file.write_all_at(&vec![0x55; len as usize], 0).unwrap();
        look();
        file.sync_all().unwrap();
        look();
        file.set_len(len / 3).unwrap();
        look();
        file.set_len(len * 2).unwrap();
        look();
        file.set_len(0).unwrap();
        file.sync_all().unwrap();
        look();
        fs::remove_file(path).unwrap();
        look();
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn bytes_stay_whatever_becomes_of_the_file() {
        const LEN: usize = 200_001;
        let bytes = noise(LEN);
        let folder = folder();
        let path = folder.path().join("file");
        for offset in [0, 1, 13, 1024, 4095, 4096, 4097, 65_535, 131_072, LEN - 1, LEN] {
            for len in [0, 1, 13, 4096, 4097, 70_000, LEN] {
                let len = len.min(LEN - offset);
                fs::write(&path, &bytes).unwrap();
                let array = MmapArray::<u8>::options().offset(offset as u64).shape(len).open_snapshot(&path).unwrap();
                assert_eq!((array.byte_offset(), array.path()), (offset as u64, Some(&*path)));
                let look = || {
                    assert!(*array == bytes[offset..offset + len], "{len} bytes from byte {offset} on");
                    forget(&array);
                    assert!(*array == bytes[offset..offset + len], "{len} bytes from byte {offset} on");
                };
                look();
                ruin(&path, look);
            }
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "the files that were made have no names");
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn writes_through_a_map_do_not_show() {
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, noise(100_000)).unwrap();
        // SAFETY: the array has no reference to its elements while they are written otherwise, nor others to them.
        let mut source = unsafe { MmapArray::<u8>::open_mut(&path) }.unwrap();
        source[50_000] = 1;
        let options = MmapArray::<u8>::options().offset(13);
        let before = options.open_snapshot(&path).unwrap();
        source.fill(2);
        let between = options.open_snapshot(&path).unwrap();
        source.fill(3);
        source.flush().unwrap();
        assert_eq!((before[0], before[50_000 - 13]), (noise(14)[13], 1));
        assert!(between.iter().all(|&byte| byte == 2));
        assert_eq!(options.load(&path).unwrap()[0], 3);
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn elements_of_all_kinds_are_where_they_were() {
        let folder = folder();
        let path = folder.path().join("file");
        let numbers: Vec<u64> = (0..20_000_u64).map(|n| n * n).collect();
        let file: Vec<u8> =
            [&[0; 4104][..], &numbers.iter().flat_map(|n| n.to_ne_bytes()).collect::<Vec<u8>>()].concat();
        fs::write(&path, &file).unwrap();
        let raw = MmapArray::<u64>::options().offset(4104).shape([100, 200]).order(Order::F);
        let native = raw.open_snapshot(&path).unwrap();
        assert_eq!((native[[1, 0]], native[[0, 1]], native.order()), (1, 10_000, Order::F));
        let misaligned = MmapArray::<u64>::options().offset(4105).shape(10).open_snapshot(&path).unwrap_err();
        assert_eq!(misaligned.kind(), ErrorKind::Misaligned);
        let dtype = Le::<u64>::dtype();
        let dynamic = DynArray::options(dtype).offset(4104).shape([None, Some(200)]).open_snapshot(&path).unwrap();
        ruin(&path, || {
            assert_eq!(*native, numbers);
            let view = dynamic.view();
            let rows = view.typed::<Le<u64>>().unwrap();
            assert_eq!((rows.shape(), rows.get([99, 199]).map(Le::get)), (&[100, 200][..], Some(19_999 * 19_999)));
        });
        let le: Vec<u8> = [&[9; 13][..], &(0..3000_u64).flat_map(u64::to_le_bytes).collect::<Vec<_>>()].concat();
        fs::write(&path, &le).unwrap();
        let odd = MmapArray::<Le<u64>>::options().offset(13).open_snapshot(&path).unwrap();
        ruin(&path, || assert!(odd.iter().enumerate().all(|(n, le)| le.get() == n as u64)));
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn npy_files_and_their_windows_stay() {
        let folder = folder();
        let path = folder.path().join("file.npy");
        let numbers: Vec<u32> = (0..30_000).collect();
        let table = ArrayView::from_slice(&numbers, [3000, 10]).unwrap();
        npy::save(&path, &table).unwrap();
        let whole = npy::options::<u32>().open_snapshot(&path).unwrap();
        let rows = npy::options::<u32>().rows(1001..2001).populate().open_snapshot(&path).unwrap();
        let segment = npy::options::<u32>().segment(2, 7).open_snapshot(&path).unwrap();
        let none = npy::options::<u32>().rows(5..5).open_snapshot(&path).unwrap();
        let stated = npy::dyn_options().rows(2999..).open_snapshot(&path).unwrap();
        let wrong = npy::options::<f32>().open_snapshot(&path).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::DTypeMismatch);
        let copy = npy::options::<u32>().segment(2, 7).load(&path).unwrap();
        ruin(&path, || {
            assert_eq!((whole.shape(), &*whole), (&[3000, 10][..], &numbers[..]));
            assert_eq!((rows.shape(), &*rows), (&[1000, 10][..], &numbers[10_010..20_010]));
            assert_eq!((segment.shape(), &*segment), (copy.shape(), &*copy));
            assert_eq!((none.shape(), none.len()), (&[0, 10][..], 0));
            assert_eq!(stated.view().typed::<u32>().unwrap().to_vec(), numbers[29_990..]);
        });

        // Column by column, so that rows do not lie together.
        let mut columns = npy::create_options::<u32>([3000, 10]).order(Order::F).scratch_in(&folder).unwrap();
        columns.view_mut().copy_from(&table);
        columns.persist(&path).unwrap();
        let window = npy::options::<u32>().rows(7..9).strided().open_snapshot(&path).unwrap();
        ruin(&path, || {
            let view = window.view();
            assert_eq!((view.shape(), view.to_vec()), (&[2, 10][..], numbers[70..90].to_vec()));
        });

        npy::save(&path, &ArrayView::<f64>::from_slice(&[], [0, 3]).unwrap()).unwrap();
        assert_eq!(npy::options::<f64>().open_snapshot(&path).unwrap().shape(), [0, 3]);
    }

    #[test]
    #[cfg(feature = "npz")]
    #[ignore = "started by tests that mount a disk"]
    fn stored_members_of_archives_stay() {
        use mmap_array::npz::{Archive, Writer};
        let folder = folder();
        let path = folder.path().join("file.npz");
        let numbers: Vec<i16> = (0..9000).collect();
        let mut writer = Writer::create(&path).unwrap();
        writer.add("other", &[7_u8; 5000][..]).unwrap();
        writer.add("x", &numbers[..]).unwrap();
        writer.finish().unwrap();
        let archive = Archive::open(&path).unwrap();
        let member = archive.member("x").unwrap();
        let whole = npy::options::<i16>().open_snapshot(member).unwrap();
        let rows = npy::options::<i16>().rows(8000..).open_snapshot_in(member, &folder).unwrap();
        let locked = npy::options::<i16>().lock_range().open_snapshot(member).unwrap_err();
        assert_eq!(locked.kind(), ErrorKind::Unsupported, "{locked}");
        ruin(&path, || {
            assert_eq!(*whole, numbers);
            assert_eq!(*rows, numbers[8000..]);
        });
    }

    /// Also from a folder that may not be written, from a file that is open and has no name any more, and by a link.
    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn the_folder_is_the_file_s_own_unless_another_is_given() {
        let (folder, elsewhere) = (folder(), tempfile::tempdir().unwrap());
        let path = folder.path().join("file");
        fs::write(&path, [5; 5000]).unwrap();
        let options = MmapArray::<u8>::options();
        let is_fives = |opened: Result<MmapArray<u8>, Error>| assert_eq!(*opened.unwrap(), [5; 5000]);

        let link = elsewhere.path().join("link");
        symlink(&path, &link).unwrap();
        is_fives(options.open_snapshot(&link));
        let file = File::open(&path).unwrap();
        is_fives(options.open_snapshot(&file));

        for other in [elsewhere.path(), Path::new("/dev/shm")] {
            let error = options.open_snapshot_in(&path, other).unwrap_err();
            assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::CrossesDevices), "{error}");
            assert_eq!(error.path(), Some(&*path));
            assert!(error.to_string().contains(&*other.to_string_lossy()), "{error}");
        }
        let error = options.open_snapshot_in(&path, "no/such/folder").unwrap_err();
        assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::NotFound), "{error}");

        let inside = path.strip_prefix(env::var_os("DISK").unwrap()).unwrap();
        let read_only = PathBuf::from(env::var_os("READ_ONLY").unwrap()).join(inside);
        let error = options.open_snapshot(&read_only).unwrap_err();
        assert_eq!(error.io_error().map(io::Error::kind), Some(io::ErrorKind::ReadOnlyFilesystem), "{error}");
        assert!(error.to_string().contains("`open_snapshot_in` takes another"), "{error}");
        match options.open_snapshot_in(&read_only, &folder) {
            // Linux before 5.18 shares no blocks between two mounts of one file system.
            Err(error) if error.io_error().is_some_and(|error| error.kind() == io::ErrorKind::CrossesDevices) => {}
            opened => is_fives(opened),
        }

        fs::remove_file(&path).unwrap();
        is_fives(options.open_snapshot(&file));
        is_fives(options.open_snapshot_in(&file, &folder));
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn no_way_leads_to_the_file_that_is_mapped() {
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, [5; 5000]).unwrap();
        let array = MmapArray::<u8>::options().open_snapshot(&path).unwrap();
        assert_eq!(array[4999], 5);
        let nameless = |found: &Path| found.starts_with(&folder) && found.to_string_lossy().ends_with("(deleted)");
        for open in fs::read_dir("/proc/self/fd").unwrap() {
            // One is the folder that is being read, and gone.
            let Ok(leads_to) = fs::read_link(open.unwrap().path()) else { continue };
            assert!(!nameless(&leads_to), "{leads_to:?}");
        }
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mapped: Vec<_> = maps.lines().filter(|line| line.contains(folder.path().to_str().unwrap())).collect();
        // Of the source nothing is mapped.
        assert!(mapped.len() == 1 && mapped[0].ends_with("(deleted)") && mapped[0].contains(" r--s "), "{mapped:?}");
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn a_lock_is_held_while_the_snapshot_is_taken() {
        let folder = folder();
        let path = folder.path().join("file");
        fs::write(&path, [5; 5000]).unwrap();
        let options = MmapArray::<u8>::options().offset(4000).lock_range();
        // SAFETY: whoever uses the file takes a lock, or a snapshot.
        let writer = || unsafe { options.open_mut(&path) };
        let array = options.open_snapshot(&path).unwrap();
        let writing = writer().unwrap();
        assert_eq!(options.open_snapshot(&path).unwrap_err().kind(), ErrorKind::Locked);
        drop(writing);
        options.open_snapshot(&path).unwrap();
        let file = File::open(&path).unwrap();
        assert_eq!(options.open_snapshot(&file).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(*array, [5; 1000]);
    }

    /// Whoever shortens the file while a snapshot is taken gets an error told, and no signal sent.
    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn a_file_that_is_cut_meanwhile_is_an_error() {
        let folder = folder();
        let path = folder.path().join("file");
        const LEN: u64 = 100_000;
        let ones = [1; LEN as usize];
        fs::write(&path, ones).unwrap();
        let done = AtomicBool::new(false);
        let opened = thread::scope(|scope| {
            scope.spawn(|| {
                let file = File::options().write(true).open(&path).unwrap();
                let mut len = 1;
                while !done.load(Ordering::Relaxed) {
                    file.set_len(len).unwrap();
                    file.write_all_at(&ones[len as usize..], len).unwrap();
                    // Whole for about as long as a snapshot takes.
                    thread::sleep(Duration::from_micros(len % 1000));
                    len = len * 31 % LEN;
                }
            });
            let until = Instant::now() + Duration::from_secs(5);
            let mut opened: Vec<Result<bool, Error>> = Vec::new();
            while opened.iter().filter(|opened| opened.is_ok()).count() < 300 && Instant::now() < until {
                let offset = opened.len() as u64 * 12_345 % (LEN - 5000);
                let array = MmapArray::<u8>::options().offset(offset).shape(5000).open_snapshot(&path);
                opened.push(array.map(|array| array.iter().all(|&byte| byte <= 1)));
                // An error takes much less time than a snapshot.
                thread::sleep(Duration::from_micros(50));
            }
            done.store(true, Ordering::Relaxed);
            opened
        });
        let taken = opened.iter().filter(|opened| opened.is_ok()).count();
        println!("{taken} snapshots and {} errors", opened.len() - taken);
        assert!(taken > 0);
        for opened in opened {
            match opened {
                Ok(is_whole) => assert!(is_whole),
                Err(error) => assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}"),
            }
        }
    }

    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn a_disk_that_gets_full_is_not_in_the_way() {
        let folder = folder();
        let path = folder.path().join("file");
        let bytes = noise(1 << 20);
        fs::write(&path, &bytes).unwrap();
        let array = MmapArray::<u8>::options().open_snapshot(&path).unwrap();
        let filler = File::create(folder.path().join("filler")).unwrap();
        let (mut end, mut step) = (0, 64 << 20);
        while step >= 4096 {
            match rustix::fs::fallocate(&filler, rustix::fs::FallocateFlags::empty(), end, step) {
                Ok(()) => end += step,
                Err(_) => step /= 2,
            }
        }
        forget(&array);
        assert!(*array == bytes[..]);
        // There is no room for the blocks that this needs.
        let file = File::options().write(true).open(&path).unwrap();
        let written = file.write_all_at(&vec![0; 1 << 20], 0).and_then(|()| file.sync_all());
        println!("written to the full disk: {written:?}");
        forget(&array);
        assert!(*array == bytes[..]);
    }

    /// On Btrfs, files that are written in place can share blocks with files of their kind alone.
    #[test]
    #[ignore = "started by tests that mount a disk"]
    fn files_without_copy_on_write_stay_too() {
        let folder = folder();
        let set = |path: &Path, new: IFlags| {
            let file = File::open(path).unwrap();
            let flags = ioctl_getflags(&file).unwrap();
            ioctl_setflags(&file, flags | new).and_then(|()| Ok(ioctl_getflags(&file)?.contains(new)))
        };
        let inner = |name: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        let (plain, in_place) = (inner("plain"), inner("in_place"));
        let (compressed, never_compressed) = (inner("compressed"), inner("never_compressed"));
        if set(&in_place, IFlags::NOCOW) != Ok(true) {
            return println!("left out: this file system has no such files");
        }
        assert_eq!(set(&compressed, IFlags::COMPRESSED), Ok(true));
        // FS_NOCOMP_FL
        assert_eq!(set(&never_compressed, IFlags::from_bits_retain(0x400)), Ok(true));
        let bytes = noise(100_001);
        for from in [&plain, &in_place, &compressed, &never_compressed] {
            for to in [&plain, &in_place, &compressed, &never_compressed] {
                let path = from.join("file");
                fs::write(&path, &bytes).unwrap();
                let array = MmapArray::<u8>::options().offset(4097).open_snapshot_in(&path, to).unwrap();
                ruin(&path, || {
                    forget(&array);
                    assert!(*array == bytes[4097..], "from {from:?} to {to:?}");
                });
            }
        }
    }
}
