//! Every portion of a file reads and writes as plain file I/O does: offsets around zero, alignments, pages and 64 KiB,
//! by lengths, by element types, by modes.

use bytemuck::{AnyBitPattern, Pod, Zeroable};
use mmap_array::array::Typed;
use mmap_array::{
    ArrayView, Error, ErrorKind, MmapArray, MmapArrayMut, Options, Result,
    access::{CopyOnWrite, Exclusive, Load, ReadOnly, ReadWrite, Stable},
};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::{TempDir, tempdir};

/// The most that maps are aligned to anywhere: the allocation granularity of Windows, and the largest pages of PowerPC.
const GRANULARITY: usize = 65536;

/// The length of the file: beyond the third granule, and a multiple of nothing.
const FILE_LEN: usize = 3 * GRANULARITY + 4096 + 37;

#[derive(Clone, Copy, PartialEq, Debug, Zeroable, Pod)]
#[repr(C, packed)]
struct Packed {
    tag: u8,
    value: f64,
    count: u32,
}

/// With padding, so for reading only.
#[derive(Clone, Copy, AnyBitPattern)]
#[repr(C)]
struct Padded {
    tag: u8,
    value: f64,
}

/// Bytes that follow no period of the grid's, made once. 0x7f and 0xff are left out, without which no float is a NaN.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        match (state >> 24) as u8 {
            0x7f | 0xff => 0x55,
            byte => byte,
        }
    };
    std::iter::repeat_with(next).take(2 * FILE_LEN).collect()
});

fn old_bytes() -> Vec<u8> {
    NOISE[..FILE_LEN].to_vec()
}

/// Other bytes than the file has had, and others at each `turn`.
fn new_bytes(len: usize, turn: usize) -> &'static [u8] {
    &NOISE[FILE_LEN / 2 + turn % 4099..][..len]
}

fn offsets() -> impl Iterator<Item = usize> {
    let around = [0, 4096, 16384, GRANULARITY, 2 * GRANULARITY].into_iter().flat_map(|at: usize| {
        let first = at.saturating_sub(1);
        first..at + 2
    });
    let small = [2, 3, 4, 7, 8, 9];
    let end = [33, 17, 16, 13, 8, 1, 0].map(|before| FILE_LEN - before);
    around.chain(small).chain(end).chain([FILE_LEN + 1, FILE_LEN + GRANULARITY])
}

/// Numbers of elements; `None` are all to the end of the file.
fn lengths(size: usize) -> impl Iterator<Item = Option<usize>> {
    let pages = [4096, GRANULARITY].into_iter().flat_map(move |bytes| bytes / size - 1..bytes / size + 2);
    [0, 1, 2, 3, 7, 8, 9].into_iter().chain(pages).map(Some).chain([None])
}

/// A portion of the file, as elements of one type.
#[derive(Clone, Copy, Debug)]
struct Case {
    offset: usize,
    len: Option<usize>,
    size: usize,
    align: usize,
}

impl Case {
    fn all<T>() -> impl Iterator<Item = Self> {
        let (size, align) = (size_of::<T>(), align_of::<T>());
        offsets().flat_map(move |offset| lengths(size).map(move |len| Self { offset, len, size, align }))
    }

    fn options<T>(self) -> Options<Typed<T>> {
        let options = MmapArray::options().offset(self.offset as u64);
        match self.len {
            Some(len) => options.shape(len),
            None => options,
        }
    }

    /// The number of elements there are, whether they fit or not.
    fn elements(self) -> usize {
        self.len.unwrap_or(FILE_LEN.saturating_sub(self.offset) / self.size)
    }

    fn end(self) -> usize {
        self.offset + self.elements() * self.size
    }

    fn is_aligned(self) -> bool {
        self.offset % self.align == 0 || self.elements() == 0
    }

    /// What keeps the bytes from being opened, whatever the alignment.
    fn misfits(self) -> Vec<ErrorKind> {
        if self.end() > FILE_LEN {
            vec![ErrorKind::PastEnd]
        } else if self.len.is_none() && self.end() < FILE_LEN {
            vec![ErrorKind::PartialElement]
        } else {
            vec![]
        }
    }

    /// The array, if the portion can be opened; where it cannot, the error must be one that it has.
    fn expect<T, A>(self, opened: Result<MmapArray<T, A>>, file: &TestFile) -> Option<MmapArray<T, A>> {
        let mut wrong = self.misfits();
        if !self.is_aligned() {
            wrong.push(ErrorKind::Misaligned);
        }
        match opened {
            Ok(array) => {
                assert_eq!(wrong, [], "{self:?} was opened");
                assert_eq!(array.shape(), [self.elements()], "{self:?}");
                assert_eq!(array.byte_offset(), self.offset as u64, "{self:?}");
                Some(array)
            }
            Err(error) => {
                assert!(wrong.contains(&error.kind()), "{self:?} was refused with: {error}");
                assert_eq!(error.path(), Some(file.path.as_path()));
                if error.kind() == ErrorKind::Misaligned {
                    self.check_misaligned(&error);
                }
                None
            }
        }
    }

    fn check_misaligned(self, error: &Error) {
        let next = self.offset.next_multiple_of(self.align);
        assert!(error.to_string().contains(&format!("next aligned offset is {next})")), "{self:?}: {error}");
        assert_eq!(error.byte_range(), Some(self.offset as u64..self.end() as u64), "{self:?}");
    }

    /// Some elements at both ends and in between: each in turn would take long under emulation.
    fn sample(self) -> impl Iterator<Item = usize> {
        let len = self.elements();
        (0..len.min(10)).chain((10..len).step_by(251)).chain(len.saturating_sub(10)..len)
    }
}

/// A file, and the bytes that it must have.
struct TestFile {
    _folder: TempDir,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl TestFile {
    fn new(bytes: Vec<u8>) -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("data");
        fs::write(&path, &bytes).unwrap();
        Self { _folder: folder, path, bytes }
    }

    /// Holds the whole file against a plain `read` of it.
    fn check(&self, case: Case) {
        let read = fs::read(&self.path).unwrap();
        if read != self.bytes {
            let differs = read.iter().zip(&self.bytes).position(|(read, expected)| read != expected);
            panic!("of {} bytes in the file, byte {differs:?} differs after {case:?}", read.len());
        }
    }
}

fn open<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArray<T>>
where
    ReadOnly: Stable<T>,
{
    // SAFETY: each test has files of its own, which it leaves alone while they are mapped.
    unsafe { options.open(path) }
}

fn open_mut<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArrayMut<T>>
where
    ReadWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.open_mut(path) }
}

fn open_cow<T>(options: Options<Typed<T>>, path: &Path) -> Result<MmapArray<T, CopyOnWrite>>
where
    CopyOnWrite: Stable<T>,
{
    // SAFETY: as for `open`.
    unsafe { options.open_cow(path) }
}

fn written<T, A: Load<T>>(view: &ArrayView<'_, T, A>) -> Vec<u8> {
    let mut bytes = Vec::new();
    view.write_to(&mut bytes).unwrap();
    bytes
}

/// Reads the grid; `same` tells whether an element has the bytes.
fn reads<T: AnyBitPattern, const SIZE: usize>(same: impl Fn(&T, &[u8]) -> bool) {
    let file = TestFile::new(old_bytes());
    for case in Case::all::<T>() {
        if let Some(array) = case.expect(open(case.options::<T>(), &file.path), &file) {
            let expected = &file.bytes[case.offset..case.end()];
            assert!(written(&array.view()) == expected, "{case:?}");
            assert_eq!(array.len(), case.elements());
            for index in case.sample() {
                let bytes = &expected[index * SIZE..][..SIZE];
                assert!(same(&array[index], bytes), "element {index} of {case:?}");
                assert!(same(&array.view().at([index]), bytes), "element {index} of the view of {case:?}");
            }
        }
        if !case.misfits().is_empty() {
            continue;
        }
        // As bytes the portion opens wherever it lies, and reads as the type all the same.
        let bytes = open(case.options::<[u8; SIZE]>(), &file.path).unwrap();
        let expected = &file.bytes[case.offset..case.end()];
        assert!(bytes.as_flattened() == expected, "{case:?}");
        let view = bytes.view().view_as::<T>().unwrap();
        assert_eq!(view.shape(), [case.elements()]);
        assert!(written(&view) == expected, "{case:?}");
        for index in case.sample() {
            assert!(same(&view.at([index]), &expected[index * SIZE..][..SIZE]), "element {index} of {case:?}");
        }
    }
}

fn elements_of<T: Pod>(bytes: &[u8]) -> Vec<T> {
    let mut elements = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    bytemuck::cast_slice_mut(&mut elements).copy_from_slice(bytes);
    elements
}

/// Stores elements through indices, views and the slice, so that each way is taken at each place of the grid.
fn store<T: Pod, A: Exclusive<T>>(array: &mut MmapArray<T, A>, elements: &[T]) {
    let Some(last) = elements.len().checked_sub(1) else { return };
    array.copy_from_slice(elements);
    array[[0]] = elements[0];
    array.view_mut().set([last], elements[last]);
}

fn writes<T: Pod, const SIZE: usize>() {
    let mut file = TestFile::new(old_bytes());
    for (turn, case) in Case::all::<T>().enumerate() {
        let aligned = case.expect(open_mut(case.options::<T>(), &file.path), &file);
        if case.misfits().is_empty() {
            let bytes = new_bytes(case.elements() * SIZE, turn);
            let elements = elements_of::<T>(bytes);
            match aligned {
                Some(mut array) => store(&mut array, &elements),
                None => {
                    let mut array = open_mut(case.options::<[u8; SIZE]>(), &file.path).unwrap();
                    let mut view = array.view_mut().view_as::<T>().unwrap();
                    view.copy_from(&ArrayView::from_slice(&elements, elements.len()).unwrap());
                }
            }
            file.bytes[case.offset..case.end()].copy_from_slice(bytes);
        }
        file.check(case);
    }
}

fn copies_on_write<T: Pod, const SIZE: usize>() {
    let file = TestFile::new(old_bytes());
    for (turn, case) in Case::all::<T>().enumerate() {
        let Some(mut array) = case.expect(open_cow(case.options::<T>(), &file.path), &file) else { continue };
        assert!(bytemuck::cast_slice::<T, u8>(&array) == &file.bytes[case.offset..case.end()], "{case:?}");
        let bytes = new_bytes(case.elements() * SIZE, turn);
        store(&mut array, &elements_of(bytes));
        assert!(written(&array.freeze().view()) == bytes, "{case:?}");
        file.check(case);
    }
}

macro_rules! grid {
    ($($module:ident: $element:ty),*) => {$(
        mod $module {
            use super::*;

            #[test]
            fn read_as_a_plain_read_does() {
                reads::<$element, { size_of::<$element>() }>(|element, bytes| bytemuck::bytes_of(element) == bytes);
            }

            #[test]
            fn write_their_own_bytes_and_no_others() {
                writes::<$element, { size_of::<$element>() }>();
            }

            #[test]
            fn copied_on_write_leave_the_file_as_it_was() {
                copies_on_write::<$element, { size_of::<$element>() }>();
            }
        }
    )*};
}
grid!(
    u8_elements: u8,
    i8_elements: i8,
    u16_elements: u16,
    i32_elements: i32,
    u64_elements: u64,
    f32_elements: f32,
    f64_elements: f64,
    byte_triples: [u8; 3],
    float_triples: [f32; 3],
    packed_records: Packed
);

#[test]
fn records_with_padding_read_as_a_plain_read_does() {
    const VALUE: usize = offset_of!(Padded, value);
    reads::<Padded, { size_of::<Padded>() }>(|record, bytes| {
        let value = bytes[VALUE..VALUE + 8].try_into().unwrap();
        record.tag == bytes[0] && record.value == f64::from_ne_bytes(value)
    });
}

#[test]
fn an_array_of_no_elements_opens_in_every_mode_at_the_end_of_a_file_of_whole_pages() {
    let file = TestFile::new(vec![7; 2 * GRANULARITY]);
    for offset in [0, 1, 4096, GRANULARITY, 2 * GRANULARITY - 1, 2 * GRANULARITY] {
        let options = || MmapArray::<u64>::options().offset(offset as u64).shape([0, 5]);
        let arrays = (open(options(), &file.path), open_mut(options(), &file.path), open_cow(options(), &file.path));
        assert_eq!(arrays.0.unwrap().shape(), [0, 5]);
        assert_eq!(arrays.1.unwrap().shape(), [0, 5]);
        assert_eq!(arrays.2.unwrap().shape(), [0, 5]);
    }
    let rest = MmapArray::<u64>::options().offset(2 * GRANULARITY as u64);
    assert_eq!(open(rest, &file.path).unwrap().shape(), [0]);
}

#[test]
fn an_empty_array_that_cannot_grow_at_a_misaligned_offset_leaves_its_file_as_it_was() {
    let file = TestFile::new(vec![7; 9]);
    let mut array = open_mut(MmapArray::<u32>::options().offset(9).shape(0), &file.path).unwrap();
    assert_eq!(array.grow(2).unwrap_err().kind(), ErrorKind::Misaligned);
    assert_eq!(array.shape(), [0]);
    drop(array);
    assert_eq!(fs::read(&file.path).unwrap(), file.bytes);
}

#[test]
fn an_offset_beyond_the_end_is_past_the_end_in_every_mode_whatever_the_length() {
    let file = TestFile::new(vec![7; GRANULARITY]);
    for offset in [GRANULARITY as u64 + 1, 1 << 40, u64::MAX] {
        for len in [Some(0), Some(1), Some(isize::MAX as usize), None] {
            let options = || {
                let options = MmapArray::<u8>::options().offset(offset);
                if let Some(len) = len { options.shape(len) } else { options }
            };
            let errors = [
                open(options(), &file.path).map(drop).unwrap_err(),
                open_mut(options(), &file.path).map(drop).unwrap_err(),
                open_cow(options(), &file.path).map(drop).unwrap_err(),
            ];
            for error in errors {
                assert_eq!(error.kind(), ErrorKind::PastEnd, "{offset} {len:?}");
                assert_eq!(error.path(), Some(file.path.as_path()));
                assert_eq!(error.byte_range().unwrap().start, offset);
            }
        }
    }
}

#[test]
#[cfg_attr(windows, ignore = "files are not sparse under Windows and Wine: this one would be written in full, 5 GiB")]
#[cfg_attr(
    target_arch = "powerpc",
    ignore = "qemu-user maps the offset modulo 4 GiB for 32-bit guests, QEMU bug 1761153"
)]
fn an_offset_above_four_gib_is_found_where_seek_finds_it() {
    const FOUR: u64 = 4 << 30;
    const FIVE: u64 = 5 << 30;
    let folder = tempdir().unwrap();
    let path = folder.path().join("sparse");
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(&path).unwrap();
    file.set_len(FIVE).unwrap();
    let read = |file: &mut File, offset: u64| {
        let mut bytes = [0; 56];
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.read_exact(&mut bytes).unwrap();
        bytes
    };
    for (turn, offset) in [FOUR - 16, FOUR, FOUR + 8, FOUR + 4096, FOUR + 65536 + 24, FIVE - 48].into_iter().enumerate()
    {
        // Eight bytes of each side with it, which must stay.
        let before = read(&mut file, offset - 8);
        let bytes = new_bytes(40, 100 * turn);
        let options = || MmapArray::<u64>::options().offset(offset).shape(5);
        open_mut(options(), &path).unwrap().copy_from_slice(&elements_of(bytes));
        let after = read(&mut file, offset - 8);
        assert_eq!(after[8..48], *bytes, "{offset}");
        assert_eq!((&after[..8], &after[48..]), (&before[..8], &before[48..]), "{offset}");

        let bytes = new_bytes(40, 1000 + 100 * turn);
        file.seek(SeekFrom::Start(offset)).unwrap();
        file.write_all(bytes).unwrap();
        let array = open(options(), &path).unwrap();
        assert_eq!(bytemuck::cast_slice::<u64, u8>(&array), bytes, "{offset}");
        assert_eq!(array.byte_offset(), offset);
    }
    let tail = open(MmapArray::<u64>::options().offset(FIVE - 48), &path).unwrap();
    assert_eq!(tail.shape(), [6]);
}
