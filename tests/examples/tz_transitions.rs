//! `tz_transitions`, against Python's zoneinfo and `zdump`.

#[allow(dead_code)]
#[path = "../../examples/tz_transitions.rs"]
mod example;

use super::python::Python;
use example::list;
use std::fs;
use std::path::Path;

fn listed(path: &Path, years: &str) -> Result<String, String> {
    let mut out = Vec::new();
    match list(path, years, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => {
            assert!(out.is_empty(), "what fails prints nothing");
            Err(error.to_string())
        }
    }
}

/// The lines about times, and the rule if there is one.
fn rows(text: &str) -> Vec<&str> {
    text.lines().skip_while(|line| !line.starts_with("From")).skip(1).filter(|line| !line.is_empty()).collect()
}

/// All zone files of the machine, where it has them, and of the package tzdata, each content once: first path, then
/// lines as `rows` has them. Files in which leap seconds count are left out, since this reader does not know them.
const PYTHON: &str = r#"
import datetime, os, tzdata, zoneinfo
import numpy as np
from zoneinfo._common import load_data

def hours(seconds):
    sign, seconds = "-" if seconds < 0 else "+", abs(seconds)
    return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"

epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
known = set()
for top in "/usr/share/zoneinfo", os.path.join(os.path.dirname(tzdata.__file__), "zoneinfo"):
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != "right"]
        for path in sorted(os.path.join(folder, name) for name in files):
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                content = file.read()
                if content[:4] != b"TZif" or content in known:
                    continue
                known.add(content)
                file.seek(0)
                kinds, times, offsets, dst, names, rule = load_data(file)
                file.seek(0)
                zone = zoneinfo.ZoneInfo.from_file(file)
            print("file", path)
            row = lambda kind: f"{hours(offsets[kind]):<9}  {'dst' if dst[kind] else 'std'}  {names[kind]}"
            print(f"{'':<20}  {row(0)}")
            for k, (time, kind) in enumerate(zip(times, kinds)):
                print(f"{str(np.datetime64(time, 's')):<20}  {row(kind)}")
                # The other reader, which is written in C, agrees on what the clocks show before and from then on.
                for seconds, shown in (time - 1, kinds[k - 1] if k else None), (time, kind):
                    if shown is not None and abs(seconds) < 2**35:
                        local = (epoch + datetime.timedelta(seconds=seconds)).astimezone(zone)
                        assert local.utcoffset().total_seconds() == offsets[shown], path
                        assert local.tzname() == names[shown], path
            if rule:
                print("then", rule.decode())
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn every_zone_of_the_machine_is_what_python_reads() {
    let Some(python) = Python::get() else { return };
    let printed = python.run(PYTHON, [""; 0]);
    let (mut zones, mut transitions) = (0, 0);
    for zone in printed.split("file ").skip(1) {
        let (path, expected) = zone.split_once('\n').unwrap();
        let text = listed(Path::new(path), "..").unwrap_or_else(|error| panic!("{error}"));
        let expected: Vec<&str> = expected.lines().collect();
        assert_eq!(rows(&text), expected, "{path}");

        // Of a range of years: what the clocks show when it begins, and what comes in it.
        let times = expected.iter().filter(|row| !row.starts_with([' ', 't']));
        let in_years = times.filter(|row| ("1940".."1950").contains(&row.split('-').next().unwrap())).copied();
        let text = listed(Path::new(path), "1940..1950").unwrap();
        let found: Vec<&str> = rows(&text).into_iter().filter(|row| !row.starts_with([' ', 't'])).collect();
        assert_eq!(found, in_years.collect::<Vec<_>>(), "{path}");
        zones += 1;
        transitions += expected.len();
    }
    assert!(zones > 300 && transitions > 10_000, "{zones} {transitions}");
}

/// Zones in which leap seconds count are compared too. `zdump` looks at each half day, so of both it gets a part.
#[test]
#[cfg(target_os = "linux")]
fn zones_with_and_without_leap_seconds_are_what_zdump_prints() {
    let mut paths = Vec::new();
    let mut folders = vec!["/usr/share/zoneinfo".into()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir::<std::path::PathBuf>(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if fs::read(entry.path()).is_ok_and(|file| file.starts_with(b"TZif")) {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    let paths: Vec<_> = paths.into_iter().step_by(9).collect();
    if paths.is_empty() {
        return println!("left out: no zones");
    }
    let Ok(output) =
        std::process::Command::new("zdump").args(["-V", "-c", "1840,2038"]).args(&paths).env("LC_ALL", "C").output()
    else {
        println!("left out: no zdump");
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let dump = String::from_utf8(output.stdout).unwrap();

    // By zone, offset, DST and name, and the time from when on they are so.
    let mut expected = std::collections::HashMap::<&str, Vec<(String, [String; 3])>>::new();
    for line in dump.lines() {
        // /usr/share/zoneinfo/Cuba  Sun Jul 19 05:29:36 1925 UT = Sun Jul 19 00:29:36 1925 CST isdst=0 gmtoff=-18000
        let (path, rest) = line.split_once("  ").unwrap();
        let columns: Vec<&str> = rest.split_whitespace().collect();
        let [_, month, day, time, year, "UT", "=", _, _, _, _, _, name, dst, offset] = columns[..] else {
            panic!("{line}");
        };
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let month = 1 + months.iter().position(|name| *name == month).unwrap();
        let offset = offset.strip_prefix("gmtoff=").unwrap().parse::<i32>().unwrap();
        let dst = if dst == "isdst=0" { "std" } else { "dst" };
        let kind = [offset.to_string(), dst.into(), name.into()];
        let kinds = expected.entry(path).or_default();
        if kinds.last().is_none_or(|(_, last)| *last != kind) {
            kinds.push((format!("{year:0>4}-{month:02}-{day:0>2}T{time}"), kind));
        }
    }
    let mut compared = 0;
    for path in &paths {
        let text = listed(path, "..").unwrap();
        let mut found: Vec<(String, [String; 3])> = Vec::new();
        for row in rows(&text).into_iter().filter(|row| !row.starts_with("then")) {
            let [.., offset, dst, name] = row.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{row}") };
            let parts: Vec<i32> = offset[1..].split(':').map(|part| part.parse().unwrap()).collect();
            let seconds = (3600 * parts[0] + 60 * parts[1] + parts[2]) * if offset.starts_with('-') { -1 } else { 1 };
            let kind = [seconds.to_string(), dst.into(), name.into()];
            if found.last().is_none_or(|(_, last)| *last != kind) {
                found.push((row[..20].trim().into(), kind));
            }
        }
        // A zone that never changes is not listed there.
        let Some(expected) = expected.get(path.to_str().unwrap()) else {
            assert_eq!(found.len(), 1, "{text}");
            continue;
        };
        // Beyond, a file may have more.
        found.retain(|(time, _)| time.as_str() < "2038");
        // There the first kind comes with the second before the first transition, and the rule with many more.
        assert_eq!(found[0].1, expected[0].1, "{text}");
        assert_eq!(found[1..], expected[1..found.len()], "{text}");
        assert!(expected.get(found.len()).is_none_or(|(time, _)| *time > found[found.len() - 1].0), "{text}");
        compared += found.len();
    }
    println!("{} zones, {compared} transitions", paths.len());
}

/// What is behind a header: times with the kinds that begin, kinds, names, and leap seconds.
struct Part {
    bits: u32,
    times: Vec<(i64, u8)>,
    kinds: Vec<(i32, u8, u8)>,
    names: &'static [u8],
    leaps: Vec<(i64, i32)>,
}

impl Part {
    fn bytes(&self, version: u8) -> Vec<u8> {
        let time = |time: i64| time.to_be_bytes()[8 - self.bits as usize / 8..].to_vec();
        let counts = [0, 0, self.leaps.len(), self.times.len(), self.kinds.len(), self.names.len()];
        let mut bytes = [&b"TZif"[..], &[version], &[0; 15]].concat();
        bytes.extend(counts.iter().flat_map(|count| (*count as u32).to_be_bytes()));
        bytes.extend(self.times.iter().flat_map(|(at, _)| time(*at)));
        bytes.extend(self.times.iter().map(|(_, kind)| kind));
        for (offset, dst, name) in &self.kinds {
            bytes.extend([&offset.to_be_bytes()[..], &[*dst, *name]].concat());
        }
        bytes.extend(self.names);
        for (at, correction) in &self.leaps {
            bytes.extend([time(*at), correction.to_be_bytes().to_vec()].concat());
        }
        bytes
    }
}

fn part(bits: u32) -> Part {
    let kinds = vec![(-1234, 0, 0), (3600, 0, 4), (i32::MIN, 7, 5)];
    // The second is one after the beginning of a leap second; the third is at the beginning of one, and shown as the
    // second before it, since there is no 60.
    let times = vec![(-1, 1), (78_796_801, 2), (94_694_401, 1), (2_000_000_002, 0)];
    Part { bits, times, kinds, names: b"LMT\0A\x1b\0", leaps: vec![(78_796_800, 1), (94_694_401, 2)] }
}

/// A file of the second version, whose second part begins at an odd byte.
fn zone() -> Vec<u8> {
    let first = Part { bits: 32, times: vec![], kinds: vec![], names: b"", leaps: vec![] };
    let first = Part { kinds: vec![(0, 0, 0)], names: b"\0", ..first };
    [first.bytes(b'2'), part(64).bytes(b'2'), b"\nA0\n".to_vec()].concat()
}

#[test]
fn tables_at_odd_bytes_are_listed_with_leap_seconds_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zone");
    let expected = [
        "                      -00:20:34  std  LMT",
        "1969-12-31T23:59:59   +01:00:00  std  A\\x1b",
        "1972-07-01T00:00:00   -596523:14:08  dst  \\x1b",
        "1972-12-31T23:59:59   +01:00:00  std  A\\x1b",
        "2033-05-18T03:33:20   -00:20:34  std  LMT",
    ];
    fs::write(&path, zone()).unwrap();
    let text = listed(&path, "..").unwrap();
    let head = "TZif of version 2, 4 times of 64 bits from byte 95 on, 3 kinds, 2 leap seconds";
    assert!(text.starts_with(&format!("{}: {head}\n", path.display())), "{text}");
    assert_eq!(rows(&text), [&expected[..], &["then A0"]].concat());
    let years = |years| rows(&listed(&path, years).unwrap()).iter().map(|row| row[..4].to_string()).collect::<Vec<_>>();
    assert_eq!(years("1972..1973"), ["    ", "1972", "1972", "then"]);
    assert_eq!(years("1973.."), ["    ", "2033", "then"]);
    assert_eq!(years("..1970"), ["    ", "1969", "then"]);
    assert_eq!(years("3000..1000"), ["    ", "then"]);
    assert_eq!(rows(&listed(&path, "1973..1973").unwrap())[0].trim_start(), "+01:00:00  std  A\\x1b");

    fs::write(&path, part(32).bytes(0)).unwrap();
    let text = listed(&path, "..").unwrap();
    assert!(text.contains(": TZif of version 1, 4 times of 32 bits from byte 44 on"), "{text}");
    assert_eq!(rows(&text), expected);
}

#[test]
fn what_is_no_zone_is_an_error_that_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zone");
    let list = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        listed(&path, "..").unwrap_err()
    };
    let of = |change: &dyn Fn(&mut Part)| {
        let mut changed = part(32);
        change(&mut changed);
        changed.bytes(0)
    };
    let put = |at: usize, bytes: &[u8]| {
        let mut changed = zone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let rule = zone().len() - 4;
    for (file, text) in [
        (b"#!/bin/sh".repeat(9), "zone: expected TZif at byte 0, found b'#!/b': not a zoneinfo file"),
        (b"TZif".to_vec(), "the header: "),
        (put(4, b"5"), "zone: the version at byte 4 is 0x35; expected 0 or 0x32 to 0x34"),
        (put(4, b"3"), "zone: the header at byte 51 has another version"),
        (put(51, b"-"), "zone: expected TZif at byte 51, found b'-Zif'"),
        // Four thousand million times, in the first part and in the second.
        (put(32, &[0xff; 4]), "the header: "),
        (put(51 + 32, &[0xff; 4]), "[4294967295] elements of"),
        (put(51 + 36, &[0xff; 4]), "the kinds of time: "),
        (put(51 + 28, &[0xff; 4]), "the leap seconds: "),
        (put(51 + 40, &[0xff; 4]), "the names: "),
        (put(51 + 20, &[0xff; 4]), "the rule at the end: "),
        (put(rule, b"-"), "expected a line feed, a rule and a line feed at byte 180"),
        (put(rule + 3, b"-"), "expected a line feed, a rule and a line feed at byte 180"),
        (of(&|part| part.times[1].1 = 3), "byte 61 refers to kind of time 3, but there are only 3"),
        (of(&|part| part.times[1].0 = -1), "the time at byte 48 is not after the one before it"),
        (of(&|part| part.kinds[0].2 = 7), "a name without a final zero in 7 bytes from byte 82 on"),
        (of(&|part| part.names = b"LMT\0AB"), "a name without a final zero in 6 bytes from byte 82 on"),
        (of(&|part| (part.times, part.kinds) = (vec![], vec![])), "zone: has no kind of time"),
    ] {
        let error = list(&file);
        assert!(error.contains(text) && error.contains("zone: "), "{text}: {error}");
    }
    fs::write(&path, zone()).unwrap();
    assert!(listed(&path, "1980").unwrap_err().contains("expected years as A..B, found \"1980\""));
    assert!(listed(&path, "x..").unwrap_err().contains("\"x\""));
    assert!(listed(&path, "999999999999999..").unwrap_err().contains("exceeds 64 bits"));
    assert!(listed(folder.path(), "..").unwrap_err().contains("a directory"));
}

#[test]
fn a_broken_zone_is_an_error_or_another_list_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zone");
    let whole = zone();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        assert!(listed(&path, "..").unwrap_err().contains("zone: "), "{len}");
    }
    for byte in 0..whole.len() {
        for value in [0, 0x7f, 0x80, 0xff, whole[byte] ^ 1] {
            let mut broken = whole.clone();
            broken[byte] = value;
            fs::write(&path, broken).unwrap();
            match listed(&path, "1970..2030") {
                Ok(text) => assert!(rows(&text).len() <= 6, "{byte}: {text}"),
                Err(error) => assert!(error.contains("zone: "), "{byte}: {error}"),
            }
        }
    }
}
