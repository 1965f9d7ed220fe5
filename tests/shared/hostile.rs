//! Files that a saboteur cuts, extends, overwrites and replaces while they are read in every way.
//!
//! Every element is 0 or says its own index and in which state of the file it was written, so that a value which the
//! file never held is found. Files are never cut below a floor, and no loss may be told before it. How many rounds
//! there are says `SHARED_ROUNDS`.

#[cfg(feature = "npz")]
use mmap_array::ArrayView;
use mmap_array::{DynArray, Error, ErrorKind, MmapArray, Result, SharedArray, npy, shared};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Elements of each file but the sparse one.
const LEN: usize = 20_000;
/// Bytes of the sparse one.
const SPARSE: u64 = 64 << 30;
const INDEX: u64 = (1 << 40) - 1;

/// Numbers without a pattern.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Raw,
    Npy,
    #[cfg(feature = "npz")]
    Npz,
    Sparse,
}

#[cfg(feature = "npz")]
const KINDS: [Kind; 4] = [Kind::Raw, Kind::Npy, Kind::Npz, Kind::Sparse];
#[cfg(not(feature = "npz"))]
const KINDS: [Kind; 3] = [Kind::Raw, Kind::Npy, Kind::Sparse];

/// The element at an index in a state of the file, from 1 to 255.
fn element(index: u64, state: u64) -> u64 {
    index | state << 40
}

/// Whether the file may have held it there.
fn was_held(index: u64, element: u64) -> bool {
    element == 0 || (element & INDEX == index && element >> 40 != 0)
}

fn elements(state: u64) -> Vec<u64> {
    (0..LEN as u64).map(|index| element(index, state)).collect()
}

/// A whole file in a state.
#[cfg_attr(not(feature = "npz"), allow(unused_variables))]
fn image(kind: Kind, state: u64, folder: &Path) -> Vec<u8> {
    let elements = elements(state);
    match kind {
        Kind::Raw => bytemuck::cast_slice(&elements).to_vec(),
        Kind::Npy => {
            let mut bytes = Vec::new();
            npy::save_to(&mut bytes, &elements).unwrap();
            bytes
        }
        #[cfg(feature = "npz")]
        Kind::Npz => {
            let path = folder.join("new.npz");
            let mut writer = mmap_array::npz::Writer::create(&path).unwrap();
            writer.add("a", &ArrayView::from_slice(&elements, LEN).unwrap()).unwrap();
            writer.finish().unwrap();
            fs::read(&path).unwrap()
        }
        Kind::Sparse => Vec::new(),
    }
}

/// Changes the file in every way that there is, until told to stop.
fn sabotage(kind: Kind, path: &Path, floor: u64, seed: u64, stop: impl Fn() -> bool) {
    let mut random = Random(seed | 1);
    let folder = path.parent().unwrap();
    let images: Vec<_> = (1..5).map(|state| image(kind, state, folder)).collect();
    let full = if kind == Kind::Sparse { SPARSE } else { images[0].len() as u64 };
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    while !stop() {
        let image = &images[random.below(4) as usize];
        // Between elements, which lie at multiples of 8 in all of these files: each comes and goes whole.
        let (a, b) = (random.below(full / 8 + 1) * 8, random.below(full / 8 + 1) * 8);
        match random.below(6) {
            0 | 1 => file.set_len(floor.max(a)).unwrap(),
            2 => file.set_len(full).unwrap(),
            3 if kind == Kind::Sparse => {
                let index = random.below(SPARSE / 8);
                file.write_all_at(&element(index, 1 + random.below(255)).to_ne_bytes(), index * 8).unwrap();
            }
            3 => file.write_all_at(&image[a.min(b) as usize..a.max(b) as usize], a.min(b)).unwrap(),
            4 if kind != Kind::Sparse => file.write_all_at(image, 0).unwrap(),
            5 if kind != Kind::Sparse => {
                let new = folder.join("replacement");
                fs::write(&new, image).unwrap();
                fs::rename(&new, path).unwrap();
                file = OpenOptions::new().read(true).write(true).open(path).unwrap();
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_micros(random.below(400)));
    }
}

/// A saboteur in a process of its own, where a test program can start itself, and else in a thread.
enum Saboteur<'a> {
    Process(Child),
    Thread(&'a AtomicBool),
}

impl Drop for Saboteur<'_> {
    fn drop(&mut self) {
        match self {
            Self::Process(child) => {
                drop(child.stdin.take());
                child.wait().unwrap();
            }
            Self::Thread(stop) => stop.store(true, Ordering::SeqCst),
        }
    }
}

#[test]
#[ignore = "started by the test below with what it is to do"]
fn saboteur() {
    let what = |name: &str| std::env::var(name).unwrap();
    let number = |name: &str| what(name).parse::<u64>().unwrap();
    let kind = KINDS[number("SABOTEUR_KIND") as usize];
    let done = std::sync::Arc::new(AtomicBool::new(false));
    let input = done.clone();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        input.store(true, Ordering::SeqCst);
    });
    let stop = || done.load(Ordering::SeqCst);
    sabotage(kind, Path::new(&what("SABOTEUR_PATH")), number("SABOTEUR_FLOOR"), number("SABOTEUR_SEED"), stop);
}

fn process(kind: usize, path: &Path, floor: u64, seed: u64) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "hostile::saboteur", "--ignored"]);
    child.env("SABOTEUR_KIND", kind.to_string()).env("SABOTEUR_PATH", path);
    child.env("SABOTEUR_FLOOR", floor.to_string()).env("SABOTEUR_SEED", seed.to_string());
    child.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// What an error may be of a file that is changed: nothing is wrong with it but what the saboteur did.
fn check_error(error: &Error, floor: u64) {
    use ErrorKind::*;
    let start = error.byte_range().map_or(0, |bytes| bytes.start);
    match error.kind() {
        Truncated => assert!(start >= floor, "below {floor}: {error}"),
        PastEnd | Header | Archive | PartialElement | EmptyFile | Shape | OutOfRange | Changed | Unsupported => {}
        _ => panic!("{error}"),
    }
}

/// Reads the array, whose first element is the file's element `first`, in a way; whether nothing was lost.
fn read(array: &SharedArray<u64>, first: u64, way: u64, random: &mut Random) -> Result<()> {
    let (len, held) = (array.len() as u64, |at: usize, value: u64| {
        assert!(was_held(first + at as u64, value), "element {at} of {first}.. is {value:#x}");
    });
    let sane = |value: u64| assert!(value == 0 || (value & INDEX) < first + len, "{value:#x}");
    match way {
        0 => array.read(|view| view.to_vec())?.into_iter().enumerate().for_each(|(at, value)| held(at, value)),
        1 => array.read(|view| view.iter().collect::<Vec<_>>())?.into_iter().enumerate().for_each(|(a, v)| held(a, v)),
        2 => {
            let rows = 1 + random.below(3000) as usize;
            for (number, chunk) in array.chunks(rows).enumerate() {
                chunk?.iter().enumerate().for_each(|(at, &value)| held(number * rows + at, value));
            }
        }
        3 => {
            let at = random.below(len) as usize;
            held(at, array.at(at)?);
        }
        4 => array.load()?.iter().enumerate().for_each(|(at, &value)| held(at, value)),
        5 => {
            let (low, high) = array.read(|view| (view.min(), view.max()))?;
            low.into_iter().chain(high).for_each(sane);
        }
        6 => {
            let sum = array.read(|view| view.sum())?;
            assert!(sum <= u128::from(u64::MAX >> 8) * u128::from(len));
        }
        7 => {
            let step = 1 + random.below(9) as isize;
            let values = array.read(|view| view.step_axis(0, -step).to_vec())?;
            let last = len as usize - 1;
            values.into_iter().enumerate().for_each(|(n, value)| held(last - n * step as usize, value));
        }
        8 => {
            let mut bytes = Vec::new();
            let written = array.try_read(|view| view.write_to(&mut bytes));
            written?;
            let values = bytes.chunks_exact(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().unwrap()));
            values.enumerate().for_each(|(at, value)| held(at, value));
        }
        9 => {
            let view = array.view();
            let values: Vec<_> = view.iter().collect();
            array.check()?;
            values.into_iter().enumerate().for_each(|(at, value)| held(at, value));
        }
        10 => {
            let equal = shared::read((array, array), |(left, right)| left.len() == right.to_vec().len())?;
            assert!(equal);
        }
        11 => array.read_unchanged(|view| view.to_vec())?.into_iter().enumerate().for_each(|(at, v)| held(at, v)),
        12 => drop(array.read(|view| view.to_string())?),
        _ => {
            let halves = array.try_read(|view| {
                view.view_as::<[u32; 2]>().map(|view| view.iter().map(|half| half[0]).fold(0, u32::wrapping_add))
            })?;
            std::hint::black_box(halves);
        }
    }
    Ok(())
}

const WAYS: u64 = 14;

/// Opens a window of the file, and the element of the file that it begins with.
fn open(kind: Kind, path: &Path, random: &mut Random) -> Result<(SharedArray<u64>, u64)> {
    let start = random.below(LEN as u64 - 2000);
    let len = 1 + random.below(2000);
    Ok(match kind {
        Kind::Sparse => {
            let start = random.below(SPARSE / 8 - 100_000);
            let len = 1 + random.below(100_000) as usize;
            (MmapArray::options().offset(start * 8).shape(len).open_shared(path)?, start)
        }
        Kind::Raw if random.below(2) == 0 => (MmapArray::options().shape(LEN).open_shared(path)?, 0),
        Kind::Raw => (MmapArray::options().offset(start * 8).shape(len as usize).open_shared(path)?, start),
        Kind::Npy if random.below(2) == 0 => (npy::options().open_shared(path)?, 0),
        Kind::Npy => (npy::options().elements(start..start + len).open_shared(path)?, start),
        #[cfg(feature = "npz")]
        Kind::Npz => {
            let archive = mmap_array::npz::Archive::open(path)?;
            let member = archive.member("a")?;
            (npy::options().rows(start as usize..).open_shared(member)?, start)
        }
    })
}

/// So many rounds with one saboteur: how many operations gave elements, and how many errors.
fn rounds(kind: Kind, count: usize, seed: u64) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    fs::write(&path, image(kind, 1, folder.path())).unwrap();
    if kind == Kind::Sparse {
        File::options().write(true).open(&path).unwrap().set_len(SPARSE).unwrap();
    }
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let floor = [0, 3000, 40_960, 100_000][random.below(4) as usize];
    let place = KINDS.iter().position(|&other| other == kind).unwrap();
    let stop = AtomicBool::new(false);
    let (mut good, mut bad) = (0, 0);
    std::thread::scope(|scope| {
        let saboteur = if cfg!(target_arch = "x86_64") {
            Saboteur::Process(process(place, &path, floor, seed))
        } else {
            let (path, stop) = (&path, &stop);
            scope.spawn(move || sabotage(kind, path, floor, seed, || stop.load(Ordering::SeqCst)));
            Saboteur::Thread(stop)
        };
        for _ in 0..count {
            std::thread::sleep(Duration::from_micros(random.below(300)));
            let (mut array, first) = match open(kind, &path, &mut random) {
                Ok(opened) => opened,
                Err(error) => {
                    check_error(&error, 0);
                    bad += 1;
                    continue;
                }
            };
            for _ in 0..4 {
                let way = random.below(WAYS);
                match read(&array, first, way, &mut random) {
                    Ok(()) => good += 1,
                    Err(error) => {
                        check_error(&error, floor);
                        bad += 1;
                        if array.refresh().is_err() || array.is_empty() {
                            break;
                        }
                    }
                }
            }
        }
        drop(saboteur);
    });
    // What is left is a file like any other.
    let any = DynArray::options("u1".parse().unwrap()).shape([0]).open_shared(&path).unwrap();
    any.check().unwrap();
    let _ = File::open(&path).unwrap().metadata().map(|data| data.len());
    let mut rest = OpenOptions::new().append(true).open(&path).unwrap();
    rest.write_all(b"end").unwrap();
    (good, bad)
}

#[test]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn no_value_is_wrong_and_no_loss_untold_whatever_is_done_to_the_file() {
    let wanted: usize = std::env::var("SHARED_ROUNDS").map_or(200, |rounds| rounds.parse().unwrap());
    let (mut good, mut bad) = (0, 0);
    for (turn, kind) in KINDS.into_iter().cycle().take(wanted.div_ceil(50).max(KINDS.len())).enumerate() {
        let (elements, errors) = rounds(kind, wanted.min(50), turn as u64 + 1);
        println!("{kind:?}: {elements} operations gave elements, {errors} errors");
        (good, bad) = (good + elements, bad + errors);
    }
    assert!(good > wanted / 4 && bad > wanted / 20, "{good} operations gave elements, {bad} errors");
}
