//! The records of zip files that are written here: [APPNOTE.TXT], the specification of the format.
//!
//! [APPNOTE.TXT]: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

use byteorder::{ByteOrder, LittleEndian};

/// The first bytes of the records.
pub(super) const LOCAL: [u8; 4] = *b"PK\x03\x04";
pub(super) const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
pub(super) const ENTRY: [u8; 4] = *b"PK\x01\x02";
pub(super) const END64: [u8; 4] = *b"PK\x06\x06";
pub(super) const LOCATOR: [u8; 4] = *b"PK\x06\x07";
pub(super) const END: [u8; 4] = *b"PK\x05\x06";

/// The sizes of the records without names, extra fields and comments.
pub(super) const LOCAL_LEN: usize = 30;
pub(super) const ENTRY_LEN: usize = 46;
pub(super) const END64_LEN: usize = 56;
pub(super) const LOCATOR_LEN: usize = 20;
pub(super) const END_LEN: usize = 22;

/// The flags of a member: its sizes are behind its bytes, and its name is UTF-8.
pub(super) const HAS_DESCRIPTOR: u16 = 1 << 3;
pub(super) const IS_UTF8: u16 = 1 << 11;

/// The extra field with numbers of 64 bits.
const ZIP64: u16 = 1;

/// The extra field that [aligns the members of Android's archives]: the alignment, and zeros.
///
/// [aligns the members of Android's archives]: https://android.googlesource.com/platform/tools/base/+/refs/heads/main/apkzlib/README.md
const ALIGNING: u16 = 0xd935;

/// The time of members: the first of all, 1980-01-01, as in the archives of NumPy.
pub(super) const EPOCH: [u8; 4] = [0, 0, 0x21, 0];

/// A member, as its records describe it.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: [u8; 4],
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    pub(super) name: Vec<u8>,
    /// The offset of the local header.
    pub(super) offset: u64,
}

/// Bytes that are made field by field.
struct Fields(Vec<u8>);

impl Fields {
    fn u16(mut self, number: u16) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

/// Returns a number in its field of 32 bits, which says if another field has it.
fn short(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Returns the version of the format that a reader needs.
fn version(zip64: bool) -> u16 {
    if zip64 { 45 } else { 20 }
}

impl Record {
    /// Returns the local header, with sizes of 64 bits if asked for, and with further extra fields.
    pub(super) fn local(&self, zip64: bool, extra: &[u8]) -> Vec<u8> {
        let sizes = match zip64 {
            true => Fields(Vec::new()).u16(ZIP64).u16(16).u64(self.size).u64(self.compressed).0,
            false => Vec::new(),
        };
        let size = |size: u64| if zip64 { u32::MAX } else { size as u32 };
        let fields = Fields(LOCAL.to_vec()).u16(version(zip64)).u16(self.flags).u16(self.method).bytes(&self.time);
        let fields = fields.u32(self.crc).u32(size(self.compressed)).u32(size(self.size));
        let fields = fields.u16(self.name.len() as u16).u16((sizes.len() + extra.len()) as u16);
        fields.bytes(&self.name).bytes(&sizes).bytes(extra).0
    }

    /// Returns the record in the directory.
    pub(super) fn entry(&self) -> Vec<u8> {
        let numbers = [self.size, self.compressed, self.offset];
        let long = numbers.iter().filter(|&&number| short(number) == u32::MAX);
        let long = long.fold(Fields(Vec::new()), |fields, &number| fields.u64(number)).0;
        let extra = match long.len() {
            0 => Vec::new(),
            len => Fields(Vec::new()).u16(ZIP64).u16(len as u16).bytes(&long).0,
        };
        let version = version(!extra.is_empty());
        // Made on a Unix, where permissions are those that Python gives a member: read and write, for the owner.
        let (made_by, attributes) = (3 << 8 | version, 0o600 << 16);
        let fields = Fields(ENTRY.to_vec()).u16(made_by).u16(version).u16(self.flags).u16(self.method);
        let fields = fields.bytes(&self.time).u32(self.crc).u32(short(self.compressed)).u32(short(self.size));
        let fields = fields.u16(self.name.len() as u16).u16(extra.len() as u16).u16(0).u16(0).u16(0).u32(attributes);
        fields.u32(short(self.offset)).bytes(&self.name).bytes(&extra).0
    }
}

/// Returns the extra field that aligns the bytes of a member to 64 bytes; empty if none is needed. Without it, they
/// would begin at byte `start`.
pub(super) fn aligning(start: u64) -> Vec<u8> {
    const ALIGNMENT: u64 = 64;
    /// The size of the field without zeros.
    const LEAST: u64 = 6;
    if start % ALIGNMENT == 0 {
        return Vec::new();
    }
    let zeros = (start + LEAST).next_multiple_of(ALIGNMENT) - start - LEAST;
    let fields = Fields(Vec::new()).u16(ALIGNING).u16(2 + zeros as u16).u16(ALIGNMENT as u16);
    fields.bytes(&vec![0; zeros as usize]).0
}

/// The location of a directory, as stated by the records at its end.
pub(super) struct Directory {
    pub(super) count: u64,
    pub(super) len: u64,
    pub(super) offset: u64,
}

impl Directory {
    /// Returns whether numbers of 64 bits are needed.
    pub(super) fn is_zip64(&self) -> bool {
        self.count >= u16::MAX.into() || short(self.len) == u32::MAX || short(self.offset) == u32::MAX
    }

    /// Returns the records at the end of the directory, which are to be at byte `at`, with numbers of 64 bits if asked
    /// for.
    pub(super) fn end(&self, at: u64, zip64: bool, comment: &[u8]) -> Vec<u8> {
        let mut fields = Fields(Vec::new());
        if zip64 {
            let (made_by, version) = (3 << 8 | version(true), version(true));
            fields = fields.bytes(&END64).u64(END64_LEN as u64 - 12).u16(made_by).u16(version).u32(0).u32(0);
            fields = fields.u64(self.count).u64(self.count).u64(self.len).u64(self.offset);
            fields = fields.bytes(&LOCATOR).u32(0).u64(at).u32(1);
        }
        let count = u16::try_from(self.count).unwrap_or(u16::MAX);
        let fields = fields.bytes(&END).u16(0).u16(0).u16(count).u16(count).u32(short(self.len));
        fields.u32(short(self.offset)).u16(comment.len() as u16).bytes(comment).0
    }
}

/// Returns the number of 16 bits at a place of a record.
pub(super) fn u16_at(record: &[u8], at: usize) -> u16 {
    LittleEndian::read_u16(&record[at..at + 2])
}

/// Returns the number of 32 bits at a place of a record.
pub(super) fn u32_at(record: &[u8], at: usize) -> u32 {
    LittleEndian::read_u32(&record[at..at + 4])
}

/// Returns the number of 64 bits at a place of a record.
pub(super) fn u64_at(record: &[u8], at: usize) -> u64 {
    LittleEndian::read_u64(&record[at..at + 8])
}

/// Returns the length of a record of the directory, whose first [`ENTRY_LEN`] bytes are given.
pub(super) fn entry_len(entry: &[u8]) -> usize {
    ENTRY_LEN + [28, 30, 32].iter().map(|&at| usize::from(u16_at(entry, at))).sum::<usize>()
}

/// Adds to the offset of a member in a record of the directory, whose first [`ENTRY_LEN`] bytes are given. Returns
/// `false` if its field of 32 bits cannot have the new one.
pub(super) fn shift(entry: &mut [u8], by: u64) -> bool {
    let (old, fits) = (u32_at(entry, 42), |offset: &u32| *offset != u32::MAX);
    let new = Some(old).filter(fits).zip(u32::try_from(by).ok()).and_then(|(old, by)| old.checked_add(by));
    let new = if by == 0 { Some(old) } else { new.filter(fits) };
    if let Some(new) = new {
        LittleEndian::write_u32(&mut entry[42..46], new);
    }
    new.is_some()
}

/// Returns the sizes of a member, compressed and not, from its local header's fields and extra fields.
pub(super) fn local_sizes(fixed: &[u8], mut extra: &[u8]) -> (u64, u64) {
    let (compressed, size) = (u32_at(fixed, 18), u32_at(fixed, 22));
    let (mut sizes, wanted) = ((u64::from(compressed), u64::from(size)), [size, compressed]);
    while extra.len() >= 4 {
        let (id, len) = (u16_at(extra, 0), usize::from(u16_at(extra, 2)));
        let Some(mut content) = extra.get(4..4 + len) else { break };
        if id == ZIP64 {
            for (number, short) in [&mut sizes.1, &mut sizes.0].into_iter().zip(wanted) {
                if short == u32::MAX && content.len() >= 8 {
                    *number = u64_at(content, 0);
                    content = &content[8..];
                }
            }
        }
        extra = &extra[4 + len..];
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_padding_is_aligned() {
        for start in 0..200 {
            let field = aligning(start);
            assert_eq!((start + field.len() as u64) % 64, 0, "{start}");
            assert!(field.len() < 70 && (field.is_empty() || usize::from(u16_at(&field, 2)) == field.len() - 4));
        }
    }

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for (compressed, size) in [(0, 0), (5, 7), (7, u64::from(u32::MAX)), (1 << 40, 3)] {
            for zip64 in [false, true] {
                let (name, time) = (b"x.npy".to_vec(), EPOCH);
                let record = Record { flags: 0, method: 8, time, crc: 1, compressed, size, name, offset: 1 << 33 };
                if zip64 || short(compressed.max(size)) != u32::MAX {
                    let local = record.local(zip64, &aligning(1));
                    let end = LOCAL_LEN + 5 + usize::from(u16_at(&local, 28));
                    assert_eq!(local.len(), end);
                    assert_eq!(local_sizes(&local, &local[LOCAL_LEN + 5..]), (compressed, size));
                }
                let entry = record.entry();
                assert_eq!(entry_len(&entry), entry.len());
            }
        }
    }
}
