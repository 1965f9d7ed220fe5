//! Arrays that many workers fill part by part, some of whom die.

#![cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple", windows))]

use mmap_array::array::Typed;
use mmap_array::npy::{self, FillOptions, Npy};
use mmap_array::{CreateOptions, Error, ErrorKind, Le, Order, view::IntoShape};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    (folder, path)
}

fn sidecar(path: &Path) -> PathBuf {
    path.with_file_name(".array.npy.fill")
}

/// A job of 20 rows in 6 parts.
fn job(path: &Path) -> FillOptions<'_, Le<u32>> {
    job_of(path, [20, 3])
}

/// A job of 6 parts of an array of another shape.
fn job_of(path: &Path, shape: impl IntoShape) -> FillOptions<'_, Le<u32>> {
    job_by(path, npy::create_options(shape))
}

/// A job of 6 parts of any array.
fn job_by<'a>(path: &Path, options: CreateOptions<Typed<Le<u32>>, Npy>) -> FillOptions<'a, Le<u32>> {
    options.fill(path).parts(6)
}

fn fill(options: FillOptions<'_, Le<u32>>) -> Result<usize, Error> {
    options.run(|part| {
        let first = part.rows().start * 3;
        part.iter_mut().zip(first..).for_each(|(number, index)| number.set(index as u32));
        Ok(())
    })
}

#[track_caller]
fn assert_filled(path: &Path) {
    assert!(!sidecar(path).exists());
    // SAFETY: nobody writes or truncates the file any more.
    let array = unsafe { npy::open::<Le<u32>>(path) }.unwrap();
    assert_eq!(array.shape(), [20, 3]);
    assert!(array.iter().map(|number| number.get()).eq(0..60));
}

#[track_caller]
fn assert_refused(options: FillOptions<'_, Le<u32>>, kind: ErrorKind, text: &str) {
    let error = options.open().unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(text), "{error}");
}

#[test]
fn a_job_leaves_the_array_and_nothing_else() {
    let (folder, path) = folder();
    fill(job(&path)).unwrap();
    assert_filled(&path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_array_has_its_name_from_the_beginning_and_what_is_not_done_is_told_beside_it() {
    let (_folder, path) = folder();
    let job = job(&path).open().unwrap();
    assert_eq!(npy::header(&path).unwrap().shape(), [20, 3]);
    job.claim().unwrap().unwrap().done().unwrap();
    let text = fs::read_to_string(sidecar(&path)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2],
        ["mmap-array fill, version 1", "{'descr': '<u4', 'fortran_order': False, 'shape': (20, 3), }"]
    );
    assert_eq!((lines[2], &lines[3][..6], lines[4]), ("parts: 6", "file: ", "#....."));
}

#[test]
fn parts_are_those_of_array_split() {
    let (_folder, path) = folder();
    let job = job(&path).open().unwrap();
    let parts: Vec<_> = std::iter::from_fn(|| job.try_claim().unwrap()).collect();
    let rows: Vec<_> = parts.iter().map(|part| part.rows()).collect();
    assert_eq!(rows, [0..4, 4..8, 8..11, 11..14, 14..17, 17..20]);
    assert!(parts.iter().all(|part| part.shape() == [part.rows().len(), 3] && part.view().shape() == part.shape()));
}

#[test]
fn rows_of_a_part_are_at_most_those_that_were_asked_for() {
    for (rows, parts) in [(1, 20), (7, 3), (10, 2), (20, 1), (usize::MAX, 1)] {
        let (_folder, path) = folder();
        assert_eq!(job(&path).rows_per_part(rows).open().unwrap().progress().unwrap(), (0, parts));
        fill(job(&path).rows_per_part(rows)).unwrap();
        assert_filled(&path);
    }
}

#[test]
fn there_are_no_more_parts_than_rows() {
    let (_folder, path) = folder();
    assert_eq!(job(&path).parts(1000).open().unwrap().progress().unwrap(), (0, 20));
    fill(job(&path).parts(1000)).unwrap();
    assert_filled(&path);
}

#[test]
fn a_claimed_part_is_nobody_elses_until_it_is_dropped() {
    let (_folder, path) = folder();
    let (one, other) = (job(&path).parts(1).open().unwrap(), job(&path).parts(1).open().unwrap());
    let claim = one.try_claim().unwrap().unwrap();
    assert!(other.try_claim().unwrap().is_none(), "another open file");
    assert!(one.try_claim().unwrap().is_none(), "the same open file");
    assert!(!one.is_complete() && !other.is_complete());
    drop(claim);
    let claim = other.try_claim().unwrap().unwrap();
    assert!(one.try_claim().unwrap().is_none());
    claim.done().unwrap();
    assert!(one.try_claim().unwrap().is_none() && one.is_complete());
    assert!(other.claim().unwrap().is_none() && other.is_complete());
    assert!(!sidecar(&path).exists());
}

#[test]
fn workers_may_lock_the_elements_too() {
    let (_folder, path) = folder();
    let job = || job_by(&path, npy::create_options([20, 3]).lock_range());
    let (first, second) = (job().open().unwrap(), job().open().unwrap());
    let claim = first.claim().unwrap().unwrap();
    // The elements of the first part are locked, and no matter of who joins.
    let third = job().open().unwrap();
    assert_eq!([&second, &third].map(|job| job.claim().unwrap().unwrap().rows()), [4..8, 4..8]);
    drop(claim);
    fill(job().threads(2)).unwrap();
    assert_filled(&path);
}

#[test]
fn a_part_whose_elements_a_reader_has_locked_is_left_for_later() {
    let (_folder, path) = folder();
    let job = || job_by(&path, npy::create_options([20, 3]).lock_range());
    let opened = job().open().unwrap();
    let reader = npy::options::<Le<u32>>().segment(2, 6).lock_range().open_shared(&path).unwrap();
    let claims: Vec<_> = std::iter::from_fn(|| opened.try_claim().unwrap()).collect();
    assert_eq!(claims.iter().map(|claim| claim.rows().start).collect::<Vec<_>>(), [0, 4, 11, 14, 17]);
    assert!(!opened.is_complete());
    drop(claims);
    thread::scope(|scope| {
        let filling = scope.spawn(|| fill(job()).unwrap());
        while opened.progress().unwrap().0 < 5 {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(!filling.is_finished());
        drop(reader);
        assert_eq!(filling.join().unwrap(), 6);
    });
    assert_filled(&path);
}

/// In memory, so that nobody waits for a disk.
#[cfg(target_os = "linux")]
#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "so many parts take an emulator minutes")]
fn whoever_watches_many_parts_reads_no_more_for_it() {
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else { return println!("left out: no /dev/shm") };
    // Of this thread alone.
    let read = || {
        let told = fs::read_to_string("/proc/thread-self/io").unwrap();
        told.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse::<usize>().unwrap()
    };
    const PARTS: usize = 10_000;
    let path = folder.path().join("array.npy");
    let (before, mut told) = (read(), Vec::new());
    let job = npy::fill::<u8>(&path, [PARTS]).rows_per_part(1).progress(|done, _| told.push(done));
    assert_eq!(job.run(|_| Ok::<_, Error>(())).unwrap(), PARTS);
    assert!(told.len() > PARTS / 2 && told.is_sorted() && told.last() == Some(&PARTS), "{}", told.len());
    let each = (read() - before) / PARTS;
    assert!(each < 16 << 10, "{each} bytes were read for each part");
}

#[test]
fn a_part_that_another_holds_is_waited_for_and_taken_over() {
    let (_folder, path) = folder();
    let (one, other) = (job(&path).parts(1).open().unwrap(), job(&path).parts(1).open().unwrap());
    let mut claim = one.claim().unwrap().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let claim = other.claim().unwrap().unwrap();
            let seen = claim[59].get();
            claim.done().unwrap();
            seen
        });
        thread::sleep(Duration::from_millis(100));
        assert!(!waiting.is_finished());
        claim[59].set(7);
        drop(claim);
        assert_eq!(waiting.join().unwrap(), 0, "what was not done is nowhere");
    });
}

#[test]
fn threads_and_jobs_of_one_process_each_fill_their_own_parts() {
    let (_folder, path) = folder();
    let seen = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let options = job(&path).rows_per_part(1).threads(3);
                let fill = options.run(|part| {
                    let row = part.rows().start;
                    seen.lock().unwrap().push(row);
                    (0..3).for_each(|k| part[k].set((row * 3 + k) as u32));
                    Ok::<_, Error>(())
                });
                fill.unwrap();
                // Each returns only once the whole is done.
                assert_filled(&path);
            });
        }
    });
    let mut seen = seen.into_inner().unwrap();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..20), "each part was filled once");
}

#[test]
fn a_job_ends_once_however_many_threads_see_its_end() {
    for _ in 0..30 {
        let (folder, path) = folder();
        fill(job(&path).parts(2).threads(4)).unwrap();
        assert_filled(&path);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn a_restart_does_only_what_is_missing() {
    let (_folder, path) = folder();
    let failing = job(&path).run(|part| match part.rows().start {
        11 => Err(std::io::Error::other("not this one")),
        first => {
            part.iter_mut().zip(first * 3..).for_each(|(number, index)| number.set(index as u32));
            Ok(())
        }
    });
    assert_eq!(failing.unwrap_err().to_string(), "not this one");
    assert!(sidecar(&path).exists());
    let done = AtomicUsize::new(0);
    let rest = job(&path).run(|part| {
        done.fetch_add(1, Ordering::Relaxed);
        let first = part.rows().start * 3;
        part.iter_mut().zip(first..).for_each(|(number, index)| number.set(index as u32));
        Ok::<_, Error>(())
    });
    assert_eq!((rest.unwrap(), done.into_inner()), (3, 3));
    assert_filled(&path);
}

#[test]
fn the_error_of_one_thread_stops_the_others() {
    let (_folder, path) = folder();
    let begun = AtomicUsize::new(0);
    let failing = job(&path).rows_per_part(1).threads(2).run(|_| match begun.fetch_add(1, Ordering::Relaxed) {
        0 => Err(job(&path).parts(0).open().unwrap_err()),
        _ => {
            thread::sleep(Duration::from_millis(50));
            Ok(())
        }
    });
    assert_eq!(failing.unwrap_err().kind(), ErrorKind::OutOfRange);
    assert!(begun.into_inner() < 15);
    // What failed is free again.
    let rest = job(&path).rows_per_part(1).open().unwrap();
    let claims: Vec<_> = std::iter::from_fn(|| rest.try_claim().unwrap()).collect();
    assert_eq!(rest.progress().unwrap().0 + claims.len(), 20);
}

#[test]
fn a_panic_of_one_thread_stops_the_others() {
    let (_folder, path) = folder();
    const MOMENT: Duration = Duration::from_millis(20);
    for in_main in [false, true] {
        let (main, begun, gone) = (thread::current().id(), AtomicUsize::new(0), AtomicBool::new(false));
        let panicking = std::panic::catch_unwind(|| {
            job(&path).rows_per_part(1).threads(2).run(|_| {
                begun.fetch_add(1, Ordering::Relaxed);
                if (thread::current().id() == main) != in_main {
                    // The other one goes on until it sees this.
                    (0..200).take_while(|_| !gone.load(Ordering::Relaxed)).for_each(|_| thread::sleep(MOMENT));
                    thread::sleep(MOMENT);
                    return Ok::<_, Error>(());
                }
                gone.store(true, Ordering::Relaxed);
                std::panic::resume_unwind(Box::new("as it was to be"))
            })
        });
        assert_eq!(panicking.unwrap_err().downcast_ref(), Some(&"as it was to be"));
        assert!(begun.into_inner() < 15);
    }
    let rest = job(&path).rows_per_part(1).open().unwrap();
    let claims: Vec<_> = std::iter::from_fn(|| rest.try_claim().unwrap()).collect();
    assert_eq!(rest.progress().unwrap().0 + claims.len(), 20, "what was not done is free again");
}

#[test]
fn there_are_no_more_threads_than_parts() {
    let (_folder, path) = folder();
    fill(job(&path).threads(usize::MAX)).unwrap();
    assert_filled(&path);
}

#[test]
fn progress_goes_from_what_was_done_to_all() {
    let (_folder, path) = folder();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    let mut told = Vec::new();
    // The first part is done, and wrong; that is the earlier worker's affair.
    fill(job(&path).threads(2).progress(|done, parts| told.push((done, parts)))).unwrap();
    assert_eq!((told[0], told[told.len() - 1]), ((1, 6), (6, 6)));
    assert!(told.is_sorted_by(|a, b| a < b));
    told.clear();
    fill(job(&path).progress(|done, parts| told.push((done, parts)))).unwrap();
    assert_eq!(told, [(6, 6)], "of a complete array");
}

#[test]
fn a_complete_array_is_left_as_it_is() {
    let (_folder, path) = folder();
    fill(job(&path)).unwrap();
    let never = job(&path).run(|_| -> Result<(), Error> { panic!("nothing is to be done") });
    assert_eq!(never.unwrap(), 0);
    assert_filled(&path);
    // Another cut is no matter any more, another array is.
    fill(job(&path).parts(3)).unwrap();
    assert_refused(job_of(&path, [3, 20]), ErrorKind::Header, "[20, 3]");
    let other = npy::fill::<f32>(&path, [20, 3]).open();
    assert_eq!(other.unwrap_err().kind(), ErrorKind::DTypeMismatch);
    assert_filled(&path);
}

#[test]
fn an_array_that_no_job_has_completed_is_refused() {
    let (folder, path) = folder();
    // SAFETY: nobody else uses the file, and the array goes at once.
    drop(unsafe { npy::create::<Le<u32>>(&path, [20, 3]) }.unwrap());
    assert_refused(job(&path), ErrorKind::Sidecar, "no job has completed it");
    // As is one whose sidecar is gone, or that was copied without it.
    fs::remove_file(&path).unwrap();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    let copy = folder.path().join("copy.npy");
    fs::copy(&path, &copy).unwrap();
    assert_refused(job(&copy), ErrorKind::Sidecar, ".copy.npy.fill");
    assert_eq!(fill(job(&path)).unwrap(), 5);
    fs::remove_file(&copy).unwrap();
    // A copy of a complete one is complete.
    fs::copy(&path, &copy).unwrap();
    assert_eq!(fill(job(&copy)).unwrap(), 0);
    // The mark is all that tells it from what NumPy writes.
    let mut bytes = fs::read(&path).unwrap();
    let mut saved = Vec::new();
    npy::save_to(&mut saved, &npy::load::<Le<u32>>(&path).unwrap().view()).unwrap();
    assert_eq!(std::mem::replace(&mut bytes[125], b' '), b'\t');
    assert_eq!(bytes, saved);
}

#[test]
fn a_job_that_died_between_the_mark_and_its_end_is_ended_by_the_next() {
    let (folder, path) = folder();
    fill(job(&path)).unwrap();
    let complete = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let opened = job(&path).open().unwrap();
    while let Some(claim) = opened.try_claim().unwrap() {
        let last = claim.rows().end == 20;
        claim.done().unwrap();
        if last {
            break;
        }
    }
    assert!(!opened.is_complete());
    drop(opened);
    File::options().write(true).open(&path).unwrap().write_all(&complete).unwrap();
    assert_eq!(fill(job(&path)).unwrap(), 0);
    assert_filled(&path);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_array_that_is_moved_together_with_its_sidecar_goes_on() {
    let (folder, path) = folder();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    let moved = folder.path().join("below").join("other.npy");
    fs::rename(&path, &moved).unwrap();
    fs::rename(sidecar(&path), moved.with_file_name(".other.npy.fill")).unwrap();
    assert_eq!(fill(job(&moved)).unwrap(), 5);
    assert_eq!(fs::read_dir(folder.path().join("below")).unwrap().count(), 1);
}

#[test]
fn all_workers_together_fill_each_part_once() {
    let (_folder, path) = folder();
    let workers = || [(); 4].map(|()| fill(job(&path).rows_per_part(1).threads(2)).unwrap());
    let counts: Vec<usize> = thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(workers)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().sum::<usize>(), 20, "{counts:?}");
    assert_filled(&path);
}

#[test]
fn a_job_that_is_to_begin_anew_refuses_an_array_without_a_sidecar() {
    let (folder, path) = folder();
    // SAFETY: nobody else uses the file, and the array goes at once.
    drop(unsafe { npy::create::<Le<u32>>(&path, [20, 3]) }.unwrap());
    let assert_exists = || {
        let before = fs::read(&path).unwrap();
        let error = fill(job(&path).create_new()).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Io, Some(&*path)), "{error}");
        let text = error.to_string();
        assert!(text.contains(".array.npy.fill") && text.contains("delete it to begin anew"), "{text}");
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (before, 1));
    };
    assert_exists();
    fs::remove_file(&path).unwrap();
    assert_eq!(fill(job(&path).create_new()).unwrap(), 6);
    assert_filled(&path);
    // The worker that comes when all is done.
    assert_exists();
    fs::write(&path, "some text").unwrap();
    assert_exists();
}

#[test]
fn a_job_that_is_to_begin_anew_is_joined_and_goes_on_as_long_as_it_is_not_complete() {
    let (_folder, path) = folder();
    let first = job(&path).create_new().open().unwrap();
    let claim = first.claim().unwrap().unwrap();
    let second = job(&path).create_new().open().unwrap();
    second.try_claim().unwrap().unwrap().done().unwrap();
    // The first one dies.
    drop(claim);
    drop(first);
    assert_eq!(job(&path).create_new().open().unwrap().progress().unwrap(), (1, 6));
    assert_eq!(fill(job(&path)).unwrap(), 5);
    // Of those who joined in time all see that it is complete.
    assert!(second.claim().unwrap().is_none() && second.is_complete());
}

#[test]
fn of_many_jobs_that_are_to_begin_anew_one_does_and_the_others_join_or_are_late() {
    for _ in 0..20 {
        let (_folder, path) = folder();
        let count = |filled: Result<usize, Error>| match filled {
            Ok(filled) => filled,
            Err(error) => {
                assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
                0
            }
        };
        let filled: usize = thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| count(fill(job(&path).create_new())))).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(filled, 6);
        assert_filled(&path);
    }
}

#[test]
fn a_job_of_another_shape_type_order_or_cut_is_refused_and_the_first_goes_on() {
    let (_folder, path) = folder();
    let first = job(&path).open().unwrap();
    let f = npy::create_options([20, 30]).order(Order::F);
    assert_refused(
        job(&path).parts(5),
        ErrorKind::Sidecar,
        "`{'descr': '<u4', 'fortran_order': False, 'shape': (20, 3), }, parts: 6`, and this one is `{'descr'",
    );
    assert_refused(job_of(&path, [21, 3]), ErrorKind::Sidecar, "(21, 3)");
    assert_refused(job_by(&path, f), ErrorKind::Sidecar, "True");
    let other = npy::fill::<f64>(&path, [20, 3]).parts(6).open();
    assert_eq!(other.unwrap_err().kind(), ErrorKind::Sidecar);
    assert!(first.try_claim().unwrap().is_some());
    fill(job(&path)).unwrap();
    assert_filled(&path);
}

#[test]
fn a_sidecar_that_is_damaged_or_no_sidecar_is_refused_and_stays() {
    let (_folder, path) = folder();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    let (array, good) = (fs::read(&path).unwrap(), fs::read(sidecar(&path)).unwrap());
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let cases: [(Vec<u8>, &str); 8] = [
        (good[..good.len() - 1].to_vec(), "bytes and a job of 6 parts takes"),
        ([&good[..], b"."].concat(), "bytes and a job of 6 parts takes"),
        (with(good.len() - 2, b'x'), "the mark of part 4"),
        (with(good.len() - 1, 0), "is 0x00"),
        (with(20, b'?'), "begins with"),
        (good[..40].to_vec(), "another job"),
        (b"my own notes".to_vec(), "begins with \"my own notes\""),
        (vec![0xff; 1 << 20], "begins with"),
    ];
    for (bytes, text) in cases {
        fs::write(sidecar(&path), &bytes).unwrap();
        let error = job(&path).open().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Sidecar, Some(&*sidecar(&path))), "{error}");
        assert!(error.to_string().replace(',', "").contains(text) && error.to_string().contains("delete"), "{error}");
        let fault = if text == "another job" { io::ErrorKind::InvalidInput } else { io::ErrorKind::InvalidData };
        assert_eq!(io::Error::from(error).kind(), fault, "{text}");
        assert_eq!((fs::read(sidecar(&path)).unwrap(), fs::read(&path).unwrap()), (bytes, array.clone()));
    }
    // Of every length but none, and with any byte wrong, other than marks that are as good as before.
    let cut = (1..good.len()).map(|len| good[..len].to_vec());
    let wrong = (0..good.len()).flat_map(|at| [0x01, 0x80, 0xff].map(|bits| with(at, good[at] ^ bits)));
    for bytes in cut.chain(wrong) {
        fs::write(sidecar(&path), &bytes).unwrap();
        let error = job(&path).open().unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Sidecar, Some(&*sidecar(&path))), "{error}");
    }
    fs::write(sidecar(&path), &good).unwrap();
    assert_eq!(job(&path).open().unwrap().progress().unwrap(), (1, 6));
}

#[test]
fn a_sidecar_that_stays_empty_is_refused_in_the_end() {
    let (_folder, path) = folder();
    File::create(sidecar(&path)).unwrap();
    assert_refused(job(&path), ErrorKind::Sidecar, "delete");
}

#[test]
fn a_sidecar_cut_under_a_worker_is_an_error() {
    let (_folder, path) = folder();
    let job = job(&path).open().unwrap();
    let claim = job.claim().unwrap().unwrap();
    File::options().write(true).open(sidecar(&path)).unwrap().set_len(10).unwrap();
    assert_eq!(job.try_claim().unwrap_err().path(), Some(&*sidecar(&path)));
    drop(claim);
}

#[test]
fn marks_of_a_file_that_was_replaced_do_not_count() {
    let (_folder, path) = folder();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    let copy = path.with_extension("copy");
    fs::copy(&path, &copy).unwrap();
    fs::rename(&copy, &path).unwrap();
    assert_refused(job(&path), ErrorKind::Sidecar, "replaced or copied");
    assert!(path.exists() && sidecar(&path).exists());
}

#[test]
fn what_is_missing_is_found_among_many_parts() {
    const LEFT: [usize; 6] = [0, 4095, 4096, 5000, 12_287, 14_999];
    let (_folder, path) = folder();
    let job = || job_of(&path, [15_000, 1]).rows_per_part(1);
    job().open().unwrap();
    let mut bytes = fs::read(sidecar(&path)).unwrap();
    let marks = bytes.len() - 15_000;
    (0..15_000).filter(|part| !LEFT.contains(part)).for_each(|part| bytes[marks + part] = b'#');
    fs::write(sidecar(&path), bytes).unwrap();
    let joined = job().open().unwrap();
    let claims: Vec<_> = std::iter::from_fn(|| joined.try_claim().unwrap()).collect();
    assert!(claims.iter().map(|claim| claim.rows().start).eq(LEFT));
    assert!(!joined.is_complete());
    claims.into_iter().for_each(|claim| claim.done().unwrap());
    // From the middle on, and from the beginning again.
    assert!(joined.claim().unwrap().is_none() && joined.is_complete());
    assert!(!sidecar(&path).exists());
}

#[test]
fn a_job_whose_array_is_gone_begins_anew_unless_parts_of_it_are_done() {
    let (_folder, path) = folder();
    drop(job(&path).open().unwrap());
    fs::remove_file(&path).unwrap();
    job(&path).open().unwrap().claim().unwrap().unwrap().done().unwrap();
    let moved = path.with_extension("moved");
    fs::rename(&path, &moved).unwrap();
    assert_refused(job(&path), ErrorKind::Sidecar, "of which 1 parts are done, does not exist; move this file");
    fs::rename(&moved, &path).unwrap();
    assert_eq!(fill(job(&path)).unwrap(), 5, "what was done is known");
    fs::remove_file(&path).unwrap();
    fill(job(&path)).unwrap();
    assert_filled(&path);
}

#[test]
fn an_array_that_becomes_longer_is_not_filled_in_the_wrong_places() {
    let (_folder, path) = folder();
    let opened = job(&path).open().unwrap();
    let first = opened.claim().unwrap().unwrap();
    let rows = [[Le::new(7_u32); 3]; 2];
    let error = npy::append(&path, &rows).unwrap_err();
    assert!(error.kind() == ErrorKind::Sidecar && error.to_string().contains("is being filled"), "{error}");
    first.done().unwrap();
    let before = fs::read(&path).unwrap();
    // SAFETY: nobody maps the file else.
    let mut longer = unsafe { npy::open_mut::<Le<u32>>(&path) }.unwrap();
    longer.grow(10).unwrap();
    let error = opened.claim().unwrap_err();
    assert!(error.kind() == ErrorKind::Header && error.to_string().contains("[30, 3]"), "{error}");
    assert_eq!(opened.progress().unwrap(), (1, 6));
    assert_eq!(fs::read(&path).unwrap()[128..before.len()], before[128..], "the others' parts are as they were");
}

#[test]
fn an_array_that_became_longer_when_all_its_parts_were_done_is_not_complete() {
    let (_folder, path) = folder();
    let opened = job(&path).open().unwrap();
    let parts: Vec<_> = (0..6).map(|_| opened.claim().unwrap().unwrap()).collect();
    // SAFETY: nobody maps the file else.
    let mut longer = unsafe { npy::open_mut::<Le<u32>>(&path) }.unwrap();
    longer.grow(4).unwrap();
    parts.into_iter().for_each(|part| part.done().unwrap());
    assert_eq!(opened.claim().unwrap_err().kind(), ErrorKind::Header);
    assert!(sidecar(&path).exists() && !opened.is_complete());
}

#[test]
fn a_worker_of_a_job_that_began_anew_leaves_the_new_one_alone() {
    let (_folder, path) = folder();
    let old = job(&path).open().unwrap();
    fs::rename(&path, path.with_extension("old")).unwrap();
    let new = job(&path).open().unwrap();
    while let Some(part) = old.claim().unwrap() {
        part.done().unwrap();
    }
    assert_eq!(new.progress().unwrap(), (0, 6));
    assert!(sidecar(&path).exists());
    fill(job(&path)).unwrap();
    assert_filled(&path);
}

#[test]
fn arrays_in_fortran_order_are_cut_along_their_last_axis() {
    let (_folder, path) = folder();
    let options = npy::create_options::<Le<u16>>([4, 10]).order(Order::F).align(4096);
    let job = options.fill(&path).rows_per_part(3);
    let run = job.run(|part| {
        assert_eq!(part.shape(), [4, part.rows().len()]);
        for (k, column) in part.rows().enumerate() {
            part[4 * k..][..4].iter_mut().for_each(|number| number.set(column as u16));
        }
        Ok::<_, Error>(())
    });
    run.unwrap();
    // SAFETY: nobody writes or truncates the file.
    let array = unsafe { npy::open::<Le<u16>>(&path) }.unwrap();
    assert_eq!((array.order(), array.byte_offset()), (Order::F, 4096));
    assert!((0..10).all(|column| (0..4).all(|row| array[[row, column]].get() == column as u16)));
}

#[test]
fn elements_that_are_arrays_fill_one_more_axis() {
    let (_folder, path) = folder();
    let job = npy::fill::<[u8; 3]>(&path, [7]).parts(2);
    job.run(|part| {
        part.fill([1, 2, 3]);
        Ok::<_, Error>(())
    })
    .unwrap();
    assert_eq!(npy::header(&path).unwrap().shape(), [7, 3]);
}

#[test]
fn arrays_without_elements_are_complete_at_once_and_those_without_axes_are_refused() {
    for shape in [[0, 3], [3, 0]] {
        let (folder, path) = folder();
        fill(job_of(&path, shape)).unwrap();
        assert_eq!(npy::header(&path).unwrap().shape(), shape);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
    let (folder, path) = folder();
    assert_refused(job_of(&path, ()), ErrorKind::OutOfRange, "without axes");
    assert_refused(job_of(&path, [None, Some(3)]), ErrorKind::Shape, "cannot be inferred");
    assert_refused(job_of(&path, [1; 65]), ErrorKind::Shape, "65");
    assert_refused(job(&path).rows_per_part(0), ErrorKind::OutOfRange, "0 parts");
    assert_refused(job_of(&path, [1 << 25, 1]).rows_per_part(1), ErrorKind::OutOfRange, "33554432 parts");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn errors_name_the_file_before_there_is_one() {
    let (folder, path) = folder();
    for options in [job_of(&path, [usize::MAX, 3]), job_of(&path, [None, Some(3)]), job(&path).parts(0)] {
        assert_eq!(options.open().unwrap_err().path(), Some(&*path));
    }
    let options = npy::create_options([20, 3]).align(3);
    assert_eq!(job_by(&path, options).open().unwrap_err().path(), Some(&*path));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_file_that_is_no_array_is_refused_and_stays() {
    let (folder, path) = folder();
    File::create(&path).unwrap().write_all(b"some text").unwrap();
    assert_refused(job(&path), ErrorKind::Header, "not a `.npy` file");
    assert_refused(job(&path.join("beneath")), ErrorKind::Io, "");
    assert_refused(job(folder.path()), ErrorKind::NotRegularFile, "a directory");
    assert_eq!((fs::read(&path).unwrap(), fs::read_dir(folder.path()).unwrap().count()), (b"some text".to_vec(), 1));
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_leads_to_the_same_job() {
    let (folder, path) = folder();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert_refused(job(&link), ErrorKind::Io, "symbolic link");
    let first = job(&path).parts(1).open().unwrap();
    let claim = first.claim().unwrap().unwrap();
    assert!(job(&link).parts(1).open().unwrap().try_claim().unwrap().is_none());
    drop(claim);
    fill(job(&link).parts(1)).unwrap();
    assert_filled(&path);
}
