//! `elf_symbols`, against `object` and `readelf`.

#[allow(dead_code)]
#[path = "../../examples/elf_symbols.rs"]
mod example;

use example::list;
use std::fs;
use std::path::Path;

fn listed(path: &Path) -> Result<String, String> {
    let mut out = Vec::new();
    match list(path, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => {
            assert!(out.is_empty(), "what fails prints nothing");
            Err(error.to_string())
        }
    }
}

/// Size, address and name of each function listed.
fn rows(text: &str) -> Vec<(u64, u64, String)> {
    let rows = text.lines().skip_while(|line| !line.ends_with("  Name")).skip(1);
    rows.map(|row| {
        let mut columns = row.trim_start().splitn(3, "  ");
        let mut next = || columns.next().unwrap();
        (next().parse().unwrap(), u64::from_str_radix(next(), 16).unwrap(), next().into())
    })
    .collect()
}

/// A program of symbols alone, in this machine's byte order: header, names, 30 functions between other symbols, and
/// section headers, all but the first at odd bytes.
fn program(bits: u8, table: u32) -> Vec<u8> {
    let word = |value: u64| match bits {
        32 => (value as u32).to_ne_bytes().to_vec(),
        _ => value.to_ne_bytes().to_vec(),
    };
    let (header_size, section_size) = if bits == 32 { (52, 40) } else { (64, 64) };
    let mut names = vec![0, 0];
    let mut symbols = Vec::new();
    for number in 0..90_u32 {
        let (info, section) = match number % 3 {
            0 => (0x12, 1_u16), // a global function
            1 => (0x11, 1),     // a global variable
            _ => (0x12, 0),     // a function of another program
        };
        let (name, size, address) = ((names.len() as u32).to_ne_bytes(), word(u64::from(number % 45)), word(4096));
        let ends = [&[info, 0], &section.to_ne_bytes()[..]].concat();
        symbols.push(match bits {
            32 => [&name[..], &address, &size, &ends].concat(),
            _ => [&name[..], &ends, &address, &size].concat(),
        });
        names.extend(format!("function {number}\0").bytes());
    }
    if names.len() % 2 == 1 {
        names.push(0);
    }
    let (names_at, record) = (header_size + 1, symbols[0].len());
    let symbols = symbols.concat();
    let symbols_at = names_at + names.len();
    let section = |kind: u32, offset: usize, size: usize, link: u32, entry_size: usize| {
        let [offset, size, entry_size] = [offset, size, entry_size].map(|value| word(value as u64));
        let (none, zero) = ([0; 4], word(0));
        let link = link.to_ne_bytes();
        [&none[..], &kind.to_ne_bytes(), &zero, &zero, &offset, &size, &link, &none, &zero, &entry_size].concat()
    };
    let sections = [
        section(0, 0, 0, 0, 0),
        section(3, names_at, names.len(), 0, 0),
        section(table, symbols_at, symbols.len(), 1, record),
    ];
    let ident = [0x7f, b'E', b'L', b'F', bits / 32, if cfg!(target_endian = "little") { 1 } else { 2 }, 1];
    let halves = |values: &[u16]| values.iter().flat_map(|value| value.to_ne_bytes()).collect::<Vec<u8>>();
    let header = [
        &ident[..],
        &[0; 9],
        &halves(&[3, 62]),
        &1_u32.to_ne_bytes(),
        &word(0x1234),
        &word(0),
        &word((symbols_at + symbols.len()) as u64),
        &[0; 4],
        &halves(&[header_size as u16, 0, 0, section_size, 3, 0]),
    ];
    let header = header.concat();
    assert_eq!(header.len(), header_size);
    [header, vec![0], names, symbols, sections.concat()].concat()
}

#[test]
fn symbols_at_odd_bytes_are_listed_in_both_classes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    for (bits, table, name) in [(32, 2, ".symtab"), (32, 11, ".dynsym"), (64, 2, ".symtab"), (64, 11, ".dynsym")] {
        fs::write(&path, program(bits, table)).unwrap();
        let text = listed(&path).unwrap();
        assert!(
            text.starts_with(&format!("ELF{bits}, x86-64, entry 0x1234, 3 sections\n{name}: 90 records")),
            "{text}"
        );
        // 0 and 45 have no size; of the others, equal in size by twos, the largest, those of lower index first.
        let numbers = (1..15).rev().flat_map(|k| [3 * k, 3 * k + 45]).take(20);
        let expected: Vec<_> = numbers.map(|n| (n % 45, 4096, format!("function {n}"))).collect();
        assert_eq!(rows(&text), expected);
    }
}

#[test]
fn a_broken_program_is_an_error_or_another_list_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("program");
    let list = |program: &[u8]| {
        fs::write(&path, program).unwrap();
        listed(&path)
    };
    for bits in [32, 64] {
        let whole = program(bits, 2);
        // What is missing is missed at any length: the section headers are at the end.
        for len in (0..300).chain(whole.len() - 300..whole.len()) {
            let error = list(&whole[..len]).unwrap_err();
            let at_the_end = error.contains("the file ends at byte") || error.contains("the end of the file at byte");
            assert!(at_the_end, "{len}: {error}");
        }
        // The header, the first name, and from the last symbol on the section headers.
        for byte in (0..80).chain(whole.len() - 220..whole.len()) {
            for value in [0, 0xff, whole[byte] ^ 1, whole[byte] ^ 0x80] {
                let mut broken = whole.clone();
                broken[byte] = value;
                match list(&broken) {
                    Ok(text) => assert!(rows(&text).len() <= 20, "{byte}: {text}"),
                    Err(error) => assert!(error.contains("program: "), "{byte}: {error}"),
                }
            }
        }
    }
    let mut endless = program(64, 2);
    let names_size = endless.len() - 2 * 64 + 32;
    endless[names_size..names_size + 8].fill(0xff);
    assert!(list(&endless).unwrap_err().contains("the names"));
    let mut foreign = program(64, 2);
    foreign[5] ^= 3;
    assert!(list(&foreign).unwrap_err().contains("byte order"));
    assert!(list(&program(64, 3)).unwrap_err().contains("has no symbol table"));
    assert!(list(b"#!/bin/sh\nexit\n").unwrap_err().contains("ends at byte 15"));
    assert!(list(b"#!/bin/sh\nexit 0\n").unwrap_err().contains("not an ELF file"));
    assert!(listed(folder.path()).unwrap_err().contains("a directory"));
}

#[cfg(target_os = "linux")]
#[test]
fn the_functions_of_real_programs_are_those_that_others_find() {
    use std::path::PathBuf;
    let itself = std::env::current_exe().unwrap();
    let mut programs = vec![itself.clone()];
    programs.extend(["/bin/sh", "/bin/ls", "/usr/bin/env", "/usr/bin/python3", "/usr/bin/gdb"].map(PathBuf::from));
    for path in programs.iter().filter(|path| path.exists()) {
        compare(path);
    }
    assert!(!rows(&listed(&itself).unwrap()).is_empty());
}

/// Compares the list of a program with what the `object` crate makes of it, and with `readelf` where it is installed.
#[cfg(target_os = "linux")]
fn compare(path: &Path) {
    use object::{Object, ObjectSymbol, SymbolFlags};
    let data = fs::read(path).unwrap();
    let file = match object::File::parse(&*data) {
        Ok(file) if file.symbol_table().or(file.dynamic_symbol_table()).is_some() => file,
        // A script, or a program stripped of everything.
        _ => return assert!(listed(path).is_err(), "{}", path.display()),
    };
    if file.is_little_endian() != cfg!(target_endian = "little") {
        // A program of the machine that emulates this one.
        assert!(listed(path).unwrap_err().contains("byte order"));
        return;
    }
    let text = listed(path).unwrap();
    assert!(text.starts_with(&format!("ELF{}, ", if file.is_64() { 64 } else { 32 })), "{text}");
    assert!(text.contains(&format!("entry {:#x}, ", file.entry())), "{text}");

    let table = if file.symbol_table().is_some() { ".symtab" } else { ".dynsym" };
    let symbols = if table == ".symtab" { file.symbols() } else { file.dynamic_symbols() };
    let mut expected: Vec<_> = symbols
        .filter(|symbol| matches!(symbol.flags(), SymbolFlags::Elf { st_info, .. } if st_info.0 & 0xf == 2))
        .filter(|symbol| symbol.size() > 0 && !symbol.is_undefined())
        .map(|symbol| (symbol.size(), symbol.address(), symbol.name().unwrap().to_string()))
        .collect();
    // A sort that keeps equal ones as they come, by the index.
    expected.sort_by_key(|&(size, address, _)| (std::cmp::Reverse(size), address));
    assert!(text.contains(&format!(", {} functions", expected.len())), "{}: {text}", path.display());
    expected.truncate(20);
    assert_eq!(rows(&text), expected, "{}", path.display());
    compare_with_readelf(path, table, &expected);
}

#[cfg(target_os = "linux")]
fn compare_with_readelf(path: &Path, table: &str, expected: &[(u64, u64, String)]) {
    let Ok(output) = std::process::Command::new("readelf").arg("-sW").arg(path).env("LC_ALL", "C").output() else {
        println!("left out: no readelf");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().skip_while(|line| !line.starts_with(&format!("Symbol table '{table}'")));
    let mut found = Vec::new();
    for line in lines.skip(2).take_while(|line| !line.is_empty()) {
        // Num: Value Size Type Bind Vis Ndx Name[@VERSION]
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, address, size, "FUNC", _, _, index, name, ..] = columns[..] else { continue };
        let size = match size.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
            None => size.parse().unwrap(),
        };
        if index != "UND" && size > 0 {
            let name = name.split('@').next().unwrap().to_string();
            found.push((size, u64::from_str_radix(address, 16).unwrap(), name));
        }
    }
    found.sort_by_key(|&(size, address, _)| (std::cmp::Reverse(size), address));
    found.truncate(20);
    let expected =
        expected.iter().map(|(size, address, name)| (*size, *address, name.split('@').next().unwrap().into()));
    assert_eq!(found, expected.collect::<Vec<_>>(), "{}", path.display());
}
