//! Every row of the tables of `guide::numpy` runs: what stands under NumPy in Python, what stands beside it in Rust,
//! both on the same files, and both give the same and leave the same files.
//!
//! The rows are in [`rows`], and the page has these and no others.

mod rows;
mod show;

use crate::python::Python;
use mmap_array::{element::Bytes, npy};
use rows::{Pos, Star};
use show::Shown;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PROGRAM: &str = include_str!("table.py");

/// The table under one heading of the page.
struct Table {
    heading: &'static str,
    /// What comes before the NumPy side of each row.
    python: &'static str,
    rows: Vec<Vec<Pair>>,
}

/// Two expressions that are equal. A row of the table may have several.
struct Pair {
    numpy: &'static str,
    rust: &'static str,
    /// `None` where a feature that it needs is left out.
    run: Option<Run>,
}

/// Runs code on the files in a folder, and shows its value.
type Run = fn(&Path) -> Result<Shown, Box<dyn Error>>;

/// As `make` in `table.py`.
fn make(folder: &Path) {
    let numbers: Vec<[f32; 6]> =
        (0..4).map(|row| std::array::from_fn(|column| ((row * 6 + column) * 7 + 5) as f32 % 24.0)).collect();
    let bytes = [&[0; 8], bytemuck::cast_slice(&numbers)].concat();
    fs::write(folder.join("numbers.f4"), bytes).unwrap();
    npy::save(folder.join("numbers.npy"), &numbers).unwrap();
    #[cfg(feature = "npz")]
    {
        let mut writer = mmap_array::npz::Writer::create(folder.join("numbers.npz")).unwrap();
        writer.add("x", &numbers).unwrap();
        writer.add("n", &vec![0_i64, 1, 2]).unwrap();
        writer.finish().unwrap();
    }
    let tags = ["G2V", "", "M5.5", "B8", "K1", "A0"];
    let stars: [Star; 6] = std::array::from_fn(|i| Star {
        id: [3, 1, 4, 1, 5, 9][i],
        tag: Bytes::new(tags[i]).unwrap(),
        rgb: [0, 1, 2].map(|channel| 3 * i as u8 + channel),
        pos: Pos { x: i as f32 / 4.0, y: i as f32 * -2.5 },
    });
    fs::write(folder.join("stars"), bytemuck::bytes_of(&stars)).unwrap();
}

/// A folder for each pair.
fn folders(count: usize) -> (TempDir, Vec<PathBuf>) {
    let all = tempfile::tempdir().unwrap();
    let folders: Vec<PathBuf> = (0..count).map(|number| all.path().join(number.to_string())).collect();
    folders.iter().for_each(|folder| fs::create_dir(folder).unwrap());
    (all, folders)
}

/// The files in a folder, by name, and those in archives, whose own bytes have the time of their writing among them.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.ends_with(".npz") {
            #[cfg(feature = "npz")]
            for member in mmap_array::npz::Archive::open(&path).unwrap().members() {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut member.reader().unwrap(), &mut bytes).unwrap();
                files.insert(format!("{name}:{}", member.name()), bytes);
            }
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// Without white space, in which the page and `stringify!` differ, and without a statement's end.
fn squeezed(text: &str) -> String {
    text.trim_end_matches(';').split_whitespace().collect()
}

/// The pieces of code in a cell.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(squeezed).collect()
}

/// The rows of the tables of the page: heading, code in the one cell, code in the other.
fn page() -> Vec<(String, Vec<String>, Vec<String>)> {
    let page = include_str!("../../src/guide/numpy.md").lines().map(str::trim);
    let mut heading = String::new();
    let mut rows = Vec::new();
    // Before it, types are compared.
    for line in page.skip_while(|line| *line != "# Open") {
        if let Some(title) = line.strip_prefix("# ") {
            heading = title.to_owned();
        }
        let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) else { continue };
        let row = row.replace(r"\|", "\0");
        let cells: Vec<String> = row.split('|').map(|cell| cell.replace('\0', "|")).collect();
        let [numpy, here] = &cells[..] else { panic!("a row of {} cells: {line}", cells.len()) };
        if [numpy.trim(), here.trim()] != ["NumPy", "here"] && numpy.trim() != "---" {
            rows.push((heading.clone(), code(numpy), code(here)));
        }
    }
    rows
}

#[test]
fn the_page_has_the_rows_that_run_here_and_no_others() {
    let row = |table: &Table, row: &Vec<Pair>| {
        let numpy = row.iter().map(|pair| squeezed(pair.numpy)).collect::<Vec<_>>();
        (table.heading.to_owned(), numpy, row.iter().map(|pair| squeezed(pair.rust)).collect::<Vec<_>>())
    };
    let tables = rows::tables();
    let ours: Vec<_> = tables.iter().flat_map(|table| table.rows.iter().map(|of| row(table, of))).collect();
    let page = page();
    for row in &page {
        assert!(ours.contains(row), "on the page, but not run: {row:#?}");
    }
    for row in &ours {
        assert!(page.contains(row), "run, but not on the page: {row:#?}");
    }
    assert_eq!(page, ours, "in another order");
}

#[test]
fn every_row_runs() {
    let tables = rows::tables();
    let pairs: Vec<&Pair> = tables.iter().flat_map(|table| table.rows.iter().flatten()).collect();
    let (_all, folders) = folders(pairs.len());
    for (pair, folder) in pairs.iter().zip(&folders) {
        // Files that are little-endian because the machine that writes them is.
        if cfg!(target_endian = "big") && pair.rust.contains("Le<") {
            continue;
        }
        make(folder);
        if let Some(Err(error)) = pair.run.map(|run| run(folder)) {
            panic!("{}: {error}", pair.rust);
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_row_gives_what_numpy_gives() {
    let Some(python) = Python::get() else { return };
    let order = python.run("import sys; print(sys.byteorder)", [""; 0]);
    if (order.trim() == "big") != cfg!(target_endian = "big") {
        // Most rows name no byte order, and mean the machine's.
        return eprintln!("left out: this Python's byte order is another");
    }
    let tables = rows::tables();
    let pairs: Vec<_> =
        tables.iter().flat_map(|table| table.rows.iter().flatten().map(move |pair| (table, pair))).collect();
    let ((_all, here), (_all_of_numpy, numpys)) = (folders(pairs.len()), folders(pairs.len()));
    python.run(PROGRAM, [Path::new("make")].into_iter().chain(here.iter().chain(&numpys).map(PathBuf::as_path)));
    let (_made, made) = folders(1);
    make(&made[0]);
    assert_eq!(files(&made[0]), files(&here[0]));

    let mut args = vec!["run"];
    for ((table, pair), folder) in pairs.iter().zip(&numpys) {
        args.extend([folder.to_str().unwrap(), table.python, pair.numpy]);
    }
    let printed = python.run(PROGRAM, args);
    let mut traits = vec![Vec::new(); pairs.len()];
    for line in printed.lines() {
        let [number, name, text] = line.splitn(3, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        traits[number.parse::<usize>().unwrap()].push((name, text));
    }
    let mut wrong = Vec::new();
    for (number, (_, Pair { numpy, rust, run })) in pairs.iter().enumerate() {
        let Some(run) = run else { continue };
        let shown = run(&here[number]).unwrap_or_else(|error| panic!("{rust}: {error}"));
        // Nothing, only where both are statements.
        assert_eq!(shown.is_empty(), traits[number].is_empty(), "{numpy}\n{rust}");
        let maps = traits[number].iter().any(|&(name, _)| name == "mode");
        for (name, text) in shown {
            // Where NumPy does not map, it has no place in a file.
            if ["file", "offset", "mode"].contains(&name) && !maps && numpy.contains("np.load") {
                continue;
            }
            let text = text.replace('\n', "\\n");
            if !traits[number].contains(&(name, &text)) {
                wrong.push(format!("{numpy}\n{rust}\n    {name}: {text}\n    NumPy's: {:?}", traits[number]));
            }
        }
        if files(&here[number]) != files(&numpys[number]) {
            wrong.push(format!("{numpy}\n{rust}\n    leave other files"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
