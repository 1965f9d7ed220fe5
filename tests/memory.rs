//! The memory that is taken beyond what is asked for, whatever the size of files and arrays: less than 1 MiB.
//!
//! What is asked for are loaded arrays, which are maps of memory of their own and not counted here, and returned
//! vectors. The limits of `npy::open` and of hostile headers are those of the fuzz targets.

use cap::Cap;
use mmap_array::access::Shared;
#[cfg(feature = "npz")]
use mmap_array::npz::{Archive, Writer};
use mmap_array::packed::Packing;
use mmap_array::view::Ragged;
use mmap_array::{ArrayView, DynArray, Le, MmapArray, Order, Result, SharedArray, npy};
use std::alloc::System;
use std::fs::{self, File};
#[cfg(any(feature = "flate2", feature = "tar"))]
use std::io::Read;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "npz")]
#[allow(dead_code)]
mod compressed;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, usize::MAX);

const MIB: usize = 1 << 20;

/// The size of arrays and files: much more than the memory that may be taken.
const LEN: usize = 8 << 20;

/// A folder, as long as no other test measures.
fn folder() -> (MutexGuard<'static, ()>, tempfile::TempDir) {
    static ALONE: Mutex<()> = Mutex::new(());
    (ALONE.lock().unwrap_or_else(PoisonError::into_inner), tempfile::tempdir().unwrap())
}

/// Runs a function that may have so many more bytes at one time than there are now. A larger allocation aborts the
/// test.
fn within<R>(bytes: usize, f: impl FnOnce() -> R) -> R {
    HEAP.set_limit(HEAP.allocated() + bytes).unwrap();
    let result = f();
    HEAP.set_limit(usize::MAX).unwrap();
    result
}

/// Makes a file of zeros.
fn zeros(path: &Path, len: usize) {
    File::create(path).unwrap().set_len(len as u64).unwrap();
}

/// A header of 128 bytes, as NumPy's, or without a space.
fn header(descr: &str, order: Order, shape: &[usize], spare: bool) -> Vec<u8> {
    let shape: String = shape.iter().map(|len| format!("{len}, ")).collect();
    let fortran = if order == Order::F { "True" } else { "False" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    if spare {
        text = format!("{text:117}");
    }
    [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16 + 1).to_le_bytes(), text.as_bytes(), b"\n"].concat()
}

/// Makes a `.npy` file of `LEN` bytes of zeros as numbers of eight bytes, in rows of 1,024.
fn numbers(path: &Path) {
    let header = header("<f8", Order::C, &[LEN >> 13, 1 << 10], true);
    fs::write(path, &header).unwrap();
    File::options().write(true).open(path).unwrap().set_len((header.len() + LEN) as u64).unwrap();
}

/// Bytes of a file of `LEN` bytes that others may change.
fn shared(folder: &Path) -> SharedArray<u8> {
    let path = folder.join("shared");
    zeros(&path, LEN);
    MmapArray::<u8>::options().open_shared(&path).unwrap()
}

type F8 = Le<f64>;

fn sum(array: &SharedArray<F8>) -> f64 {
    array.read(|view| view.sum()).unwrap()
}

#[test]
fn windows_of_large_files_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let path = folder.path().join("a.npy");
    numbers(&path);
    within(MIB, || {
        let options = npy::options::<F8>();
        for window in [options, options.rows(5..), options.elements(100..), options.segment(1, 2)] {
            assert_eq!(sum(&window.open_shared(&path).unwrap()), 0.0);
            // SAFETY: nobody else writes or truncates the file.
            let array = unsafe { window.open(&path) }.unwrap();
            assert_eq!(array.view().mean(), Some(0.0));
            assert!(window.load(&path).unwrap().len() >= LEN >> 4);
        }
        let columns = npy::dyn_options().open_shared(&path).unwrap();
        let means = columns.read(|view| view.typed::<F8>().unwrap().slice((.., ..10)).mean_axis(0)).unwrap().unwrap();
        assert_eq!(means.1, [0.0; 10]);
        let raw = MmapArray::<F8>::options().offset(128).shape([None, Some(3)]).order(Order::F);
        assert!(raw.open_shared(&path).is_err());
        let raw = MmapArray::<F8>::options().offset(128).shape([Some(1 << 10), None]).order(Order::F);
        assert_eq!(sum(&raw.open_shared(&path).unwrap()), 0.0);
    });
}

#[test]
fn arrays_at_a_byte_of_another_file_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let path = folder.path().join("many");
    let header = header("<f8", Order::C, &[LEN >> 3], true);
    let mut file = File::create(&path).unwrap();
    let step = (header.len() + LEN) as u64;
    for array in 0..3 {
        io::Seek::seek(&mut file, io::SeekFrom::Start(array * step)).unwrap();
        file.write_all(&header).unwrap();
    }
    file.set_len(3 * step).unwrap();
    within(MIB, || {
        for (array, place) in npy::headers(&path).unwrap().zip(0..3) {
            let (at, header) = array.unwrap();
            assert_eq!((at, header.nbytes()), (place * step, LEN as u64));
            let options = npy::options::<F8>().at(at);
            assert_eq!(sum(&options.open_shared(&path).unwrap()), 0.0);
            assert_eq!(options.load(&path).unwrap().len(), LEN >> 3);
        }
    });
}

#[test]
fn truncated_files_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let path = folder.path().join("a.npy");
    for order in [Order::C, Order::F] {
        let whole = if order == Order::C { [LEN >> 12, 1 << 10] } else { [1 << 10, LEN >> 12] };
        let header = header("<f8", order, &whole, true);
        fs::write(&path, &header).unwrap();
        File::options().write(true).open(&path).unwrap().set_len((header.len() + LEN + 100) as u64).unwrap();
        let options = npy::options::<F8>().allow_truncated();
        within(MIB, || {
            assert_eq!(sum(&options.open_shared(&path).unwrap()), 0.0);
            assert_eq!(options.load(&path).unwrap().len(), LEN >> 3);
        });
        // Of a stream, what is there is counted first, in a vector that grows.
        let mut file = File::open(&path).unwrap();
        assert_eq!(within(MIB + 2 * LEN, || options.load_from(&mut file)).unwrap().len(), LEN >> 3);
    }
}

#[test]
fn arrays_that_become_longer_and_shorter_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let (path, bytes) = (folder.path().join("a.npy"), shared(folder.path()));
    let (raw, options) = (folder.path().join("raw"), MmapArray::<u8>::options());
    zeros(&raw, LEN);
    for spare in [true, false] {
        let header = header("|u1", Order::C, &[LEN / 2], spare);
        fs::write(&path, &header).unwrap();
        File::options().write(true).open(&path).unwrap().set_len((header.len() + LEN / 2) as u64).unwrap();
        // Without a spare byte, the array is written anew.
        assert_eq!(within(MIB, || npy::append(&path, &bytes)).unwrap(), LEN / 2 + LEN);
    }
    within(MIB, || {
        // SAFETY: nobody else uses the files.
        let mut array = unsafe { npy::open_mut::<u8>(&path) }.unwrap();
        assert_eq!(array.shrink(LEN).unwrap(), LEN / 2);
        assert_eq!(array.grow(LEN).unwrap(), LEN / 2 + LEN);
        let every_second = |view: ArrayView<'_, u8, Shared>| options.append(&raw, &view.step_axis(0, -2));
        assert_eq!(bytes.try_read(every_second).unwrap(), LEN + LEN / 2);
        // SAFETY: as above.
        let mut array = unsafe { options.open_mut(&raw) }.unwrap();
        assert_eq!(array.shrink(LEN).unwrap(), LEN / 2);
        assert_eq!(fs::metadata(&raw).unwrap().len(), (LEN / 2) as u64);
    });
    let any = npy::dyn_options().open_shared(&path).unwrap();
    let dtype = any.dtype().clone();
    within(MIB, || {
        let options = DynArray::options(dtype);
        assert_eq!(any.try_read(|view| options.append(&raw, &view)).unwrap(), 2 * LEN);
        // Under another name, since Windows does not replace a file that is mapped.
        npy::save(folder.path().join("b.npy"), &any).unwrap();
        bytes.read(|view| view.tofile(&raw)).unwrap().unwrap();
    });
}

#[test]
fn many_files_as_one_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let paths: Vec<PathBuf> = (0..3).map(|file| folder.path().join(format!("{file}.npy"))).collect();
    paths.iter().for_each(|path| numbers(path));
    within(MIB, || {
        let all = npy::concat::<F8>(&paths).unwrap();
        assert_eq!(all.shape(), [3 * (LEN >> 13), 1 << 10]);
        assert_eq!(all.at([LEN >> 12, 3]).unwrap(), 0.0);
        assert_eq!((all.sum().unwrap(), all.mean().unwrap(), all.argmax().unwrap()), (0.0, Some(0.0), Some(0)));
        assert_eq!(all.mean_axis(0).unwrap().1, vec![0.0; 1 << 10]);
        let rows = all.rows(1000..3000);
        assert_eq!(rows.iter().map(Result::unwrap).filter(|number| number.get() == 0.0).count(), 2000 << 10);
        assert_eq!(rows.load().unwrap().len(), 2000 << 10);
        assert_eq!(all.blocks().map(|block| sum(&block.unwrap())).sum::<f64>(), 0.0);
    });
}

/// Of files of a stack, which are given by name, only the names are returned.
#[test]
fn the_files_of_a_stack_take_less_than_1_mib() {
    const FILES: usize = 10_000;
    let (_alone, folder) = folder();
    let count = b"K\x03".repeat(FILES);
    let pickle = [&b"\x80\x04}(\x8c\x06chunks("[..], &count, b"t\x85\x8c\x04axisK\0u."].concat();
    fs::write(folder.path().join("info"), pickle).unwrap();
    // The names besides.
    let names = FILES * (2 * size_of::<PathBuf>() + 2 * folder.path().as_os_str().len() + 32);
    assert_eq!(within(MIB + names, || npy::stack(&folder)).unwrap().len(), FILES);
    let too_long = folder.path().join("info");
    zeros(&too_long, LEN);
    // No more is read of it than 2 MiB.
    let error = within(3 * MIB, || npy::stack(&folder)).unwrap_err();
    assert!(error.to_string().contains("the pickle has more than 2097152 bytes"), "{error}");
    // Dicts, and values that are stored to be used again.
    for hostile in [&b"}"[..], b"}\x94", b")\x85", b"\x8c\0\x94"] {
        let pickle = [b"\x80\x04", &hostile.repeat(2 * MIB / hostile.len() - 1)[..]].concat();
        fs::write(&too_long, pickle).unwrap();
        let error = within(10 * MIB, || npy::stack(&folder)).unwrap_err();
        assert!(error.to_string().contains("which no stack needs"), "{error}");
    }
}

#[test]
fn ragged_rows_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let (data, path) = (shared(folder.path()), folder.path().join("offsets"));
    let offsets: Vec<u8> = (0..=LEN as u32 / 16).flat_map(|row| (row * 16).to_le_bytes()).collect();
    fs::write(&path, offsets).unwrap();
    let offsets = MmapArray::<Le<u32>>::options().open_shared(&path).unwrap();
    within(MIB, || {
        let read = |data: ArrayView<'_, u8, Shared>, offsets: ArrayView<'_, Le<u32>, Shared>| {
            let rows = Ragged::new(data, offsets)?;
            rows.check()?;
            assert_eq!(rows.iter().map(|row| row.unwrap().len()).sum::<usize>(), LEN);
            rows.row(rows.len() - 1).map(|row| row.sum())
        };
        let last = data.try_read(|data| offsets.try_read(|offsets| read(data, offsets)));
        assert_eq!(last.unwrap(), 0);
    });
}

#[test]
fn elements_with_strides_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let _bytes = shared(folder.path());
    let path = folder.path().join("shared");
    let options = MmapArray::<F8>::options();
    for (offset, strides) in [(3, [24, 8]), ((LEN - 24) as u64, [-24, 8]), (1, [8, 8 * (LEN as isize / 16)])] {
        let options = options.offset(offset).shape([LEN / 32, 2]).strides(strides);
        within(MIB, || {
            assert_eq!(sum(&options.open_shared(&path).unwrap()), 0.0);
            assert_eq!(options.load(&path).unwrap().view().len(), LEN / 16);
        });
        // Of a stream, the bytes from the first element to the last are held.
        let mut file = File::open(&path).unwrap();
        assert_eq!(within(MIB + 2 * LEN, || options.load_from(&mut file)).unwrap().view().len(), LEN / 16);
    }
}

#[test]
fn packed_pixels_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let bytes = shared(folder.path());
    for packing in [Packing::Mipi, Packing::Msb, Packing::Lsb] {
        for (bits, rows) in [(10, 1), (12, 16), (14, 1)] {
            let len = LEN / rows;
            let mut pixels = vec![7; rows * (len * 8 / bits as usize - 8)];
            // Of one row, and of a part of rows that are turned.
            let unpack = |view: ArrayView<'_, u8, Shared>| {
                packing.unpack_rows(bits, &view.reshape([rows, len])?.step_axis(1, -1), &mut pixels)?;
                packing.unpack_rows(bits, &view.reshape([rows, len])?, &mut pixels)
            };
            within(MIB, || bytes.try_read(unpack)).unwrap();
            assert!(pixels.iter().all(|&pixel| pixel == 0));
        }
    }
}

#[test]
#[cfg(feature = "npz")]
fn archives_of_large_arrays_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let (path, array) = (folder.path().join("a.npz"), shared(folder.path()));
    for append in [false, true] {
        within(MIB, || {
            let mut writer = if append { Writer::append(&path).unwrap() } else { Writer::create(&path).unwrap() };
            let name = |method: &str| format!("{method} {append}");
            writer.add(&name("stored"), &array).unwrap();
            writer.add_compressed(&name("deflated"), &array).unwrap();
            writer.finish().unwrap();
        });
    }
    let members = |archive: &Archive| {
        for member in archive.members() {
            assert!(member.is_npy().unwrap());
            let count = io::copy(&mut member.reader().unwrap(), &mut io::sink()).unwrap();
            assert_eq!(count, 128 + LEN as u64);
            assert_eq!(npy::load::<u8>(member).unwrap().len(), LEN);
        }
        archive.members().len()
    };
    for open in [Archive::open, Archive::recover] {
        within(MIB, || assert_eq!(members(&open(&path).unwrap()), 4));
    }
    // Without the directory at its end, and in the middle of the last member.
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() - 1000).unwrap();
    within(MIB, || assert_eq!(members(&Archive::recover(&path).unwrap()), 3));
    file.set_len(LEN as u64 / 2).unwrap();
    within(MIB, || assert_eq!(Archive::recover(&path).unwrap().members().len(), 0));
}

#[test]
#[cfg(feature = "npz")]
fn members_are_removed_in_less_than_1_mib() {
    let (_alone, folder) = folder();
    let (path, array) = (folder.path().join("a.npz"), shared(folder.path()));
    let mut writer = Writer::create(&path).unwrap();
    ["a", "b", "c"].iter().for_each(|name| writer.add(name, &array).unwrap());
    writer.finish().unwrap();
    within(MIB, || {
        let mut writer = Writer::append(&path).unwrap();
        writer.remove("a").unwrap();
        writer.remove("b").unwrap();
        writer.add_compressed("a", &array).unwrap();
        writer.finish().unwrap();
        let archive = Archive::open(&path).unwrap();
        assert_eq!(archive.members().map(|member| member.name()).collect::<Vec<_>>(), ["c", "a"]);
    });
}

#[test]
#[cfg(feature = "tar")]
fn members_of_tar_archives_take_less_than_1_mib() {
    use mmap_array::tar::Archive;
    let (_alone, folder) = folder();
    let path = folder.path().join("a.tar");
    let header = header("<f8", Order::C, &[LEN >> 3], true);
    let mut builder = tar::Builder::new(File::create(&path).unwrap());
    for name in ["a.npy", "b.npy", "c.npy"] {
        let mut tar = tar::Header::new_gnu();
        tar.set_size((header.len() + LEN) as u64);
        tar.set_mode(0o644);
        builder.append_data(&mut tar, name, header.chain(io::repeat(0).take(LEN as u64))).unwrap();
    }
    builder.finish().unwrap();
    within(MIB, || {
        let archive = Archive::open(&path).unwrap();
        archive.check().unwrap();
        assert_eq!(archive.members().count(), 3);
        for member in archive.members() {
            assert_eq!(npy::header(member).unwrap().nbytes(), LEN as u64);
            assert_eq!(sum(&npy::options::<F8>().open_shared(member).unwrap()), 0.0);
            assert_eq!(npy::load::<F8>(member).unwrap().len(), LEN >> 3);
            let count = io::copy(&mut member.reader().unwrap(), &mut io::sink()).unwrap();
            assert_eq!(count, 128 + LEN as u64);
        }
    });
}

/// Reads a compressed file of a header and `LEN` bytes of zeros in each way.
#[cfg(any(feature = "flate2", feature = "ruzstd"))]
fn read_compressed(path: &Path, bytes: usize) {
    within(bytes, || {
        let mut reader = npy::reader(path).unwrap();
        assert_eq!(npy::Header::read(&mut reader).unwrap().nbytes(), LEN as u64);
        assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), LEN as u64);
        drop(reader);
        assert_eq!(npy::load::<F8>(path).unwrap().len(), LEN >> 3);
        assert_eq!(npy::options::<F8>().elements(1000..).load(path).unwrap().len(), (LEN >> 3) - 1000);
        let mut reader = npy::reader(path).unwrap();
        assert_eq!(npy::options::<F8>().load_from(&mut reader).unwrap().len(), LEN >> 3);
    });
}

#[test]
#[cfg(feature = "flate2")]
fn files_of_gzip_take_less_than_1_mib() {
    let (_alone, folder) = folder();
    let path = folder.path().join("a.npy.gz");
    let header = header("<f8", Order::C, &[LEN >> 3], true);
    let mut encoder = flate2::write::GzEncoder::new(File::create(&path).unwrap(), flate2::Compression::fast());
    io::copy(&mut header.chain(io::repeat(0).take(LEN as u64)), &mut encoder).unwrap();
    encoder.finish().unwrap();
    read_compressed(&path, MIB);
}

/// Returns a frame of Zstandard with a window of `1 << exponent` bytes, of a header and `LEN` bytes of zeros.
#[cfg(feature = "ruzstd")]
fn frame(exponent: u8) -> Vec<u8> {
    let header = header("<f8", Order::C, &[LEN >> 3], true);
    let block = |kind: usize, len: usize, is_last: bool| {
        (usize::from(is_last) | kind << 1 | len << 3).to_le_bytes()[..3].to_vec()
    };
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3];
    frame.extend(block(0, header.len(), false));
    frame.extend(&header);
    let most = 1 << exponent.min(17);
    for end in (1..=LEN / most).map(|count| count * most) {
        frame.extend(block(1, most, end == LEN));
        frame.push(0);
    }
    frame
}

/// What a file refers to has to be held: the window, for which the decoder takes up to three times as much memory.
#[test]
#[cfg(feature = "ruzstd")]
fn files_of_zstandard_take_less_than_1_mib_and_three_times_their_window() {
    let (_alone, folder) = folder();
    let path = folder.path().join("a.npy.zst");
    for exponent in [10, 17, 19, 21, 23] {
        fs::write(&path, frame(exponent)).unwrap();
        read_compressed(&path, MIB + (3 << exponent));
    }
    // The largest, of which no more is held than there is in the file.
    fs::write(&path, frame(27)).unwrap();
    read_compressed(&path, MIB + 3 * LEN);
    fs::write(&path, frame(28)).unwrap();
    let error = within(MIB, || npy::load::<F8>(&path)).unwrap_err();
    assert!(error.to_string().contains("is larger than 134217728 bytes"), "{error}");
}

/// What the [table](mmap_array::npz) says of the memory of each decoder.
#[test]
#[cfg(any(feature = "bzip2", feature = "lzma-rust2", all(feature = "npz", feature = "ruzstd")))]
fn members_take_less_than_1_mib_and_what_their_decoder_needs() {
    let (_alone, _folder) = folder();
    let member = |method: u16, packed: &[u8], size: usize, crc: u32, memory: usize| {
        let (_folder, path) = compressed::archive(method, packed, size as u32, crc);
        within(MIB + memory, || {
            let archive = Archive::open(&path).unwrap();
            let member = archive.member("member").unwrap();
            assert_eq!(io::copy(&mut member.reader().unwrap(), &mut io::sink()).unwrap(), size as u64);
            assert_eq!(MmapArray::<u8>::options().load(member).unwrap().len(), size);
        });
    };
    #[cfg(any(feature = "bzip2", feature = "ruzstd"))]
    let crc = |bytes: &mut dyn Read| {
        let mut crc = flate2::CrcReader::new(io::BufReader::new(bytes));
        io::copy(&mut crc, &mut io::sink()).unwrap();
        crc.crc().sum()
    };
    #[cfg(feature = "bzip2")]
    {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        io::copy(&mut io::repeat(7).take(LEN as u64), &mut encoder).unwrap();
        let packed = encoder.finish().unwrap();
        member(12, &packed, LEN, crc(&mut io::repeat(7).take(LEN as u64)), 4_000_000);
    }
    #[cfg(feature = "ruzstd")]
    {
        let mut whole = header("<f8", Order::C, &[LEN >> 3], true);
        whole.resize(whole.len() + LEN, 0);
        member(93, &frame(20), whole.len(), crc(&mut &whole[..]), 3 << 20);
    }
    #[cfg(feature = "lzma-rust2")]
    {
        // A member of 3,000 bytes that asks for a dictionary of 4 GiB.
        let mut packed = compressed::bytes(compressed::LZMA);
        packed[5..9].fill(0xff);
        member(14, &packed, 3000, compressed::CRC, 0);
    }
}
