//! Measures the first access to the pages of a map, and how much each kind of advice to the system gains.
//!
//! A file of 64 MiB of `f8` is opened, read completely or at a few single elements, and closed: while it is in the page
//! cache and, on Linux, after it was dropped from the page cache. The last table measures writing new memory of that
//! size for the first time. All ways run in turns; a ratio below 1 is faster than access without any advice. On Linux
//! the page faults of each way are counted: minor ones, which find the page in memory, and major ones, which wait for
//! the disk.
//!
//! `cargo bench --bench touching`, with `--features rayon` for `par_prefetch` too. The speed of the disk depends on the
//! machine: a virtual machine may have its files in the memory of its host.

#[allow(dead_code)]
mod common;

use common::{chosen, quartiles, ratios, show};
use mmap_array::array::Typed;
use mmap_array::{MmapArray, MmapArrayMut, Options, array::Advice, fromfile};
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::Path;
use std::time::Instant;

const LEN: usize = (64 << 20) / size_of::<f64>();

/// A way to access the file or memory, with its name.
type Way<'a> = (&'a str, Box<dyn Fn() -> f64 + 'a>);

fn main() -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = &*folder.path().join("numbers");
    fs::write(path, bytemuck::cast_slice(&vec![1.0; LEN]))?;
    fs::File::open(path)?.sync_all()?;

    let whole = |name: &'static str, options: Options<Typed<f64>>, prepare: fn(&MmapArray<f64>)| -> Way<'_> {
        (name, Box::new(move || sum(path, &options, prepare)))
    };
    let options = MmapArray::<f64>::options;
    let ways = || {
        vec![
            whole("nothing said", options(), |_| ()),
            whole("advise(Advice::Sequential)", options(), |array| array.advise(Advice::Sequential).unwrap()),
            whole("prefetch(..)", options(), |array| array.prefetch(..).unwrap()),
            whole("populate()", options().populate(), |_| ()),
            #[cfg(feature = "rayon")]
            whole("par_prefetch(..)", options(), |array| array.par_prefetch(..).unwrap()),
            ("fromfile, no map", Box::new(move || fromfile::<f64>(path, 0, None).unwrap().iter().sum())),
        ]
    };
    let singles = || {
        vec![
            ("nothing said", Box::new(move || single(path, None)) as Box<dyn Fn() -> f64>),
            ("advise(Advice::Random)", Box::new(move || single(path, Some(Advice::Random)))),
        ]
    };
    table("64 MiB in the page cache, summed", 41, None, &ways());
    table("1000 elements of it, far from one another", 41, None, &singles());
    if cfg!(target_os = "linux") {
        table("64 MiB not in the page cache, summed", 21, Some(path), &ways());
        table("1000 elements of it, far from one another", 21, Some(path), &singles());
    }
    let memory: [Way<'_>; 2] = [
        ("nothing said", Box::new(|| written(None))),
        ("advise(Advice::HugePage)", Box::new(|| written(Some(Advice::HugePage)))),
    ];
    table("64 MiB of new memory, written", 41, None, if cfg!(target_os = "linux") { &memory } else { &memory[..1] });
    Ok(())
}

fn sum(path: &Path, options: &Options<Typed<f64>>, prepare: fn(&MmapArray<f64>)) -> f64 {
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let array = unsafe { (*options).open(path) }.expect("the file is there");
    prepare(&array);
    array.view().sum()
}

fn single(path: &Path, advice: Option<Advice>) -> f64 {
    // SAFETY: the file is this program's own, and nothing writes or truncates it.
    let array = unsafe { MmapArray::<f64>::open(path) }.expect("the file is there");
    if let Some(advice) = advice {
        array.advise(advice).expect("the system takes it");
    }
    // A stride that visits pages in no particular order, since it shares no factor with their number.
    (0..1000).map(|k| array[k * 104_729_513 % LEN]).sum()
}

fn written(advice: Option<Advice>) -> f64 {
    let mut array = MmapArrayMut::<f64>::anonymous(LEN).expect("there is memory");
    if let Some(advice) = advice {
        array.advise(advice).expect("the system takes it");
    }
    array.fill(1.0);
    array[LEN - 1]
}

/// Runs all ways in turns and prints a row for each. Before each run, drops the file `dropped` from the page cache.
fn table(title: &str, rounds: usize, dropped: Option<&Path>, ways: &[Way<'_>]) {
    if !chosen(title) {
        return;
    }
    println!("\n{title}\n{:<40} {:>10} {:>8}  {:<16} {:>8} {:>8}", "", "time", "ratio", "quartiles", "minor", "major");
    let mut times = vec![Vec::new(); ways.len()];
    let mut faults = vec![None; ways.len()];
    let expected = ways[0].1();
    for round in 0..rounds {
        for turn in 0..ways.len() {
            let way = (round + turn) % ways.len();
            dropped.into_iter().for_each(drop_from_cache);
            let (before, start) = (page_faults(), Instant::now());
            let result = black_box(ways[way].1());
            times[way].push(start.elapsed().as_secs_f64());
            faults[way] = before.zip(page_faults()).map(|(a, b)| [b[0] - a[0], b[1] - a[1]]);
            assert_eq!(result, expected, "{}", ways[way].0);
        }
    }
    for (k, (name, _)) in ways.iter().enumerate() {
        let [low, ratio, high] = quartiles(ratios(&times[k], &times[0]));
        let time = show(quartiles(times[k].clone())[1]);
        let [minor, major] = faults[k].map_or([String::new(), String::new()], |faults| faults.map(|n| n.to_string()));
        println!("{name:<40} {time:>10} {ratio:>8.3}  {:<16} {minor:>8} {major:>8}", format!("{low:.3} to {high:.3}"));
    }
}

/// Returns the number of minor and major page faults of this process until now.
fn page_faults() -> Option<[u64; 2]> {
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the fields after the name, which is in parentheses.
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some([fields.get(7)?.parse().ok()?, fields.get(9)?.parse().ok()?])
}

#[cfg(target_os = "linux")]
fn drop_from_cache(path: &Path) {
    let file = fs::File::open(path).expect("the file is there");
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).expect("the system takes it");
}

#[cfg(not(target_os = "linux"))]
fn drop_from_cache(_: &Path) {}
