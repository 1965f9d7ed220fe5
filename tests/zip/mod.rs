//! Zip files by hand: members in each form that there is, and archives of which one record is damaged.

use std::ops::Range;

/// Returns the checksum of zip files.
pub(crate) fn crc(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in data {
        crc ^= u32::from(byte);
        (0..8).for_each(|_| crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 });
    }
    !crc
}

/// Where the sizes of a member are.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sizes {
    /// In its header, or in the extra field for numbers of 64 bits.
    InFront { long: bool },
    /// In a descriptor, with its signature or without.
    Behind { signed: bool, long: bool },
}

/// A member, with the places of its records.
pub(crate) struct Entry {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header: usize,
    /// Where its bytes end and its descriptor begins, if it has one.
    pub(crate) data_end: usize,
}

/// Returns a member. What is deflated is stored in one block.
pub(crate) fn entry(name: &str, data: &[u8], deflated: bool, sizes: Sizes) -> Entry {
    let len = data.len() as u16;
    let packed = match deflated {
        true => [&[1][..], &len.to_le_bytes(), &(!len).to_le_bytes(), data].concat(),
        false => data.to_vec(),
    };
    let (size, compressed) = (data.len() as u64, packed.len() as u64);
    let number = |long: bool, number: u64| number.to_le_bytes()[..if long { 8 } else { 4 }].to_vec();
    let is_behind = matches!(sizes, Sizes::Behind { .. });
    let mut bytes = b"PK\x03\x04\x14\0".to_vec();
    bytes.extend([u8::from(is_behind) << 3, 0, u8::from(deflated) << 3, 0, 0, 0, 0x21, 0]);
    let mut extra = Vec::new();
    match sizes {
        Sizes::InFront { long } => {
            bytes.extend(crc(data).to_le_bytes());
            bytes.extend(if long { vec![0xff; 8] } else { [number(false, compressed), number(false, size)].concat() });
            if long {
                extra = [vec![1, 0, 16, 0], number(true, size), number(true, compressed)].concat();
            }
        }
        Sizes::Behind { .. } => bytes.extend([0; 12]),
    }
    bytes.extend((name.len() as u16).to_le_bytes());
    bytes.extend((extra.len() as u16).to_le_bytes());
    bytes.extend(name.as_bytes());
    bytes.extend(extra);
    let header = bytes.len();
    bytes.extend(packed);
    let data_end = bytes.len();
    if let Sizes::Behind { signed, long } = sizes {
        bytes.extend(if signed { &b"PK\x07\x08"[..] } else { &[] });
        bytes.extend(crc(data).to_le_bytes());
        bytes.extend([number(long, compressed), number(long, size)].concat());
    }
    Entry { bytes, header, data_end }
}

/// Returns a directory of members of these names, whose numbers are not those of any archive.
pub(crate) fn directory(names: &[String]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend(b"PK\x01\x02\x14\0\x14\0");
        bytes.extend([0; 20]);
        bytes.extend((name.len() as u16).to_le_bytes());
        bytes.extend([0; 16]);
        bytes.extend(name.as_bytes());
    }
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0; 18]);
    bytes
}

/// An archive of which one record is damaged.
pub(crate) struct Damaged {
    pub(crate) bytes: Vec<u8>,
    /// The members that are whole, with their bytes.
    pub(crate) whole: Vec<(String, Vec<u8>)>,
    /// Whether the damaged member contains an archive.
    pub(crate) is_nested: bool,
}

/// The bytes of a member: none of them confirms a header that is not theirs.
fn data(choose: &mut impl FnMut(u64) -> u64) -> (Vec<u8>, bool) {
    let len = choose(100) as usize;
    match choose(5) {
        // It does not end in what begins the next record, so that its checksum tells where it ends.
        0 => ([vec![b'P'; len], vec![0]].concat(), false),
        1 => (b"PK\x03\x04 and PK\x07\x08 PK\x01\x02".repeat(len / 30), false),
        2 => {
            let mut bytes = Vec::new();
            for inner in 0..=choose(3) {
                let content = vec![inner as u8; choose(20) as usize];
                bytes.extend(entry(&format!("inner{inner}"), &content, choose(2) == 0, sizes(choose)).bytes);
            }
            if choose(2) == 0 {
                bytes.extend(directory(&["inner".to_owned()]));
            }
            (bytes, true)
        }
        3 => (vec![0; len], false),
        _ => ((0..len).map(|_| choose(64) as u8).collect(), false),
    }
}

fn sizes(choose: &mut impl FnMut(u64) -> u64) -> Sizes {
    let (long, signed) = (choose(2) == 0, choose(2) == 0);
    if choose(2) == 0 { Sizes::InFront { long } } else { Sizes::Behind { signed, long } }
}

/// What may be in front of an archive and between members: nothing, bytes, or what looks like headers of members.
fn junk(choose: &mut impl FnMut(u64) -> u64) -> Vec<u8> {
    let header = |flags: u8, size: u8, name: u8| {
        [
            &b"PK\x03\x04\x14\0"[..],
            &[flags, 0, 0, 0, 0, 0, 0x21, 0],
            &[7; 4],
            &[size, 2, 0, 0].repeat(2),
            &[1, name, 0, 0],
        ]
        .concat()
    };
    match choose(6) {
        0 => header(8, 0, 0),
        1 => header(0, choose(256) as u8, 0),
        2 => header(8, 0, 0xff),
        3 => (0..choose(50)).map(|byte| byte as u8).collect(),
        _ => Vec::new(),
    }
}

/// Makes an archive of several members, which others may follow as where members were added later, and damages one
/// record. Returns nothing if damage makes a header that another record confirms.
pub(crate) fn damaged(choose: &mut impl FnMut(u64) -> u64) -> Option<Damaged> {
    let count = 2 + choose(5) as usize;
    let victim = choose(count as u64) as usize;
    let what = choose(4);
    let mut bytes = junk(choose);
    let is_plain = bytes.is_empty();
    let (mut whole, mut names, mut is_nested) = (Vec::new(), Vec::new(), false);
    let mut range: Range<usize> = 0..0;
    let mut end = 0;
    for index in 0..count {
        let name = format!("m{index}");
        let (mut data, nested) = data(choose);
        let (deflated, mut sizes) = (choose(2) == 0, sizes(choose));
        // What nothing follows is confirmed by its signature, or by its checksum.
        if index + 1 == victim || what == 3 {
            data.push(1);
            if let Sizes::Behind { signed, .. } = &mut sizes {
                *signed = true;
            }
        }
        let entry = entry(&name, &data, deflated, sizes);
        let start = bytes.len();
        bytes.extend(&entry.bytes);
        if index == victim && what < 3 {
            let is_behind = entry.data_end < entry.bytes.len() && what == 2;
            range = if is_behind { start + entry.data_end..bytes.len() } else { start..start + entry.header };
            (is_nested, end) = (nested, start + entry.data_end);
        } else {
            whole.push((name.clone(), data));
        }
        names.push(name);
        if index == count / 2 && choose(2) == 0 || index + 1 == count {
            let start = bytes.len();
            bytes.extend(directory(&names));
            if what == 3 && range.is_empty() {
                range = start..bytes.len();
            }
        }
    }
    let place = range.start + choose(range.len() as u64) as usize;
    match choose(5) {
        0 => bytes[place] = choose(256) as u8,
        1 => bytes[place..range.end.min(place + 4)].fill(0),
        2 => bytes[place..range.end.min(place + 8)].fill(0xff),
        3 => drop(bytes.splice(place..place, (0..choose(9)).map(|byte| byte as u8))),
        _ => bytes[place] ^= 1 << choose(8),
    }
    let leads_to_record =
        |at: usize, end: usize| stated_end(&bytes, at).is_some_and(|stated| stated != end && is_record(&bytes, stated));
    let is_confirmed = leads_to_record(range.start, end) || !is_plain && leads_to_record(0, 0);
    (!is_confirmed).then_some(Damaged { bytes, whole, is_nested })
}

/// Returns where the bytes of a member end, as its header states.
fn stated_end(bytes: &[u8], at: usize) -> Option<usize> {
    let header = bytes.get(at..at + 30).filter(|header| header.starts_with(b"PK\x03\x04") && header[6] & 8 == 0)?;
    let number = |at: usize, len: usize| {
        let bytes = bytes.get(at..at + len)?;
        Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    };
    let extra = at as u64 + 30 + number(at + 26, 2)?;
    let start = extra + number(at + 28, 2)?;
    let size = match number(at + 18, 4)? {
        0xffff_ffff if header[22..26] == [0xff; 4] => number(extra as usize + 12, 8)?,
        0xffff_ffff => number(extra as usize + 4, 8)?,
        size => size,
    };
    start.checked_add(size).and_then(|end| end.try_into().ok())
}

fn is_record(bytes: &[u8], at: usize) -> bool {
    at == bytes.len() || bytes.get(at..).is_some_and(|bytes| bytes.starts_with(b"PK"))
}
