//! Files on `hugetlbfs`, whose pages are of 2 MiB: they are mapped, lost and replaced whole.

use super::faults::maps_of;
use super::mounts::{self, Mounts};
use super::{cut, truncated};
use mmap_array::{ArrayView, ErrorKind, MmapArray, Result, SharedArray, SharedArrayMut};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::{env, fs};

const HUGE: usize = 2 << 20;

/// Has the system set pages apart, of which a file system of the test's own has four, and gives them back. Others who
/// do so wait.
const WITH_HUGE_PAGES: &str = r#"
count=/proc/sys/vm/nr_hugepages
test -r $count || { echo "the system has no huge pages" >&2; exit 77; }
exec 9<$count && flock 9 || exit 77
before=$(cat $count) || exit 77
trap 'echo $before >$count' EXIT
echo $((before + 4)) >$count
test "$(cat $count)" -ge $((before + 4)) || { echo "the system has no memory in huge pages" >&2; exit 77; }
mount -t hugetlbfs -o pagesize=2M,size=8M none "$FOLDER" || exit 77
"$0" "$TEST" --ignored --nocapture --test-threads=1
code=$?
umount "$FOLDER"
exit $code
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
fn huge_pages_are_lost_whole_run_out_and_are_given_back() {
    mounts::run(Mounts::OfRoot, "huge::mounted::", WITH_HUGE_PAGES);
}

/// Tests that run one after another on four huge pages.
mod mounted {
    use super::*;

    fn path(name: &str) -> PathBuf {
        Path::new(&env::var_os("FOLDER").unwrap()).join(name)
    }

    /// A file of so many pages, which can be written by maps alone.
    fn file(name: &str, pages: usize) -> PathBuf {
        let path = path(name);
        File::create_new(&path).unwrap().set_len((pages * HUGE) as u64).unwrap();
        path
    }

    fn open(path: &Path) -> Result<SharedArray<u8>> {
        MmapArray::<u8>::options().open_shared(path)
    }

    fn open_mut(path: &Path) -> Result<SharedArrayMut<u8>> {
        MmapArray::<u8>::options().open_shared_mut(path)
    }

    #[test]
    #[ignore = "started by the test that mounts huge pages"]
    fn pages_are_lost() {
        let path = file("lost", 4);
        let written = open_mut(&path).unwrap();
        written
            .write(|view| (0..4).for_each(|page| view.rows(page * HUGE..(page + 1) * HUGE).fill(page as u8 + 1)))
            .unwrap();
        written.flush().unwrap();
        let mut array = open(&path).unwrap();
        let sum = |pages: std::ops::Range<u128>| pages.map(|page| (page + 1) * HUGE as u128).sum::<u128>();
        assert_eq!(array.read(|view| view.sum()).unwrap(), sum(0..4));
        assert_eq!(array.load().unwrap().sum(), sum(0..4));
        cut(&path, 2 * HUGE as u64);
        // In the middle of a page, which must be replaced from its beginning.
        truncated(array.read(|view| view.at([3 * HUGE + 5000])), &path, 2 * HUGE as u64);
        truncated(array.read(|view| view.sum()), &path, 2 * HUGE as u64);
        assert_eq!(array.clone().into_rows(..2 * HUGE).read(|view| view.sum()).unwrap(), sum(0..2));
        truncated(written.write(|view| view.set([3 * HUGE + 5000], 9)), &path, 2 * HUGE as u64);
        truncated(written.write(|view| view.fill(5)), &path, 2 * HUGE as u64);
        assert_eq!(array.clone().into_rows(..2 * HUGE).read(|view| view.sum()).unwrap(), 5 * 2 * HUGE as u128);
        assert!(array.refresh().unwrap());
        assert_eq!((array.len(), array.read(|view| view.sum()).unwrap()), (2 * HUGE, 5 * 2 * HUGE as u128));
        // What is stored to the pages that were lost is nobody's.
        cut(&path, 4 * HUGE as u64);
        assert_eq!(written.check().unwrap_err().kind(), ErrorKind::Truncated);
        assert_eq!(open(&path).unwrap().read(|view| view.sum()).unwrap(), 5 * 2 * HUGE as u128);
        cut(&path, 0);
        truncated(array.at([0]), &path, 0);
        truncated(written.set([0], 1), &path, 0);
        fs::remove_file(&path).unwrap();
    }

    #[test]
    #[ignore = "started by the test that mounts huge pages"]
    fn pages_run_out() {
        // Pages are set apart for a map when it is made: of a file that has more than there are there is none.
        let large = file("large", 5);
        for error in [open(&large).map(drop), open_mut(&large).map(drop)].map(Result::unwrap_err) {
            assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*large)), "{error}");
        }
        // A file that is cut gives them back. So its map has none when it is longer again, if others have taken them.
        let path = file("first", 4);
        let (array, written) = (open(&path).unwrap(), open_mut(&path).unwrap());
        written.fill(1).unwrap();
        cut(&path, 2 * HUGE as u64);
        let other = open_mut(&file("other", 2)).unwrap();
        other.fill(2).unwrap();
        cut(&path, 4 * HUGE as u64);
        let (read, set) = (array.read(|view| view.at([2 * HUGE + 5])), written.set([3 * HUGE + 5], 3));
        for result in [read.map(drop), set] {
            let error = result.unwrap_err();
            assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)), "{error}");
            let first = error.byte_range().unwrap().start as usize;
            assert!(first == 2 * HUGE || first == 3 * HUGE, "{error}");
        }
        let good = written.clone().into_rows(..2 * HUGE);
        good.fill(4).unwrap();
        assert_eq!(array.clone().into_rows(..2 * HUGE).read(|view| view.sum()).unwrap(), 4 * 2 * HUGE as u128);
        assert_eq!(other.read(|view| view.sum()).unwrap(), 2 * 2 * HUGE as u128);
        for name in ["large", "first", "other"] {
            fs::remove_file(self::path(name)).unwrap();
        }
    }

    #[test]
    #[ignore = "started by the test that mounts huge pages"]
    fn windows() {
        let path = file("windows", 4);
        let all = MmapArray::<u16>::options().open_shared_mut(&path).unwrap();
        let numbers: Vec<u16> = (0..all.len()).map(|at| (at % 60_000) as u16).collect();
        all.copy_from(&ArrayView::from_slice(&numbers, all.len()).unwrap()).unwrap();
        let before = maps_of(&path);
        assert_eq!(before, 1);
        for (offset, len) in [(0, 1), (0, 100), (5000, 3000), (HUGE - 2, 2), (HUGE, HUGE / 2), (2 * HUGE + 4096, 4097)]
        {
            let options = MmapArray::<u16>::options().offset(offset as u64).shape(len);
            for writable in [false, true] {
                let values = match writable {
                    false => options.open_shared(&path).and_then(|window| window.read(|view| view.to_vec())),
                    true => options.open_shared_mut(&path).and_then(|window| window.read(|view| view.to_vec())),
                };
                let wanted = &numbers[offset / 2..offset / 2 + len];
                assert!(values.unwrap() == wanted, "{len} elements at byte {offset}");
                assert_eq!(maps_of(&path), before, "{len} elements at byte {offset}: maps that are left");
            }
        }
        fs::remove_file(path).unwrap();
    }
}
