//! `.npy` files read and written without a map: saved, loaded, streamed, and added to.

use bytemuck::{AnyBitPattern, NoUninit, Pod, Zeroable};
use mmap_array::{
    ArrayView, Be, DType, DynView, Element, ErrorKind, Le, Order, Result,
    dtype::RecordField,
    element::{Bool, Bytes, Number},
    field, npy,
};
use std::fs;
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

mod saved;
use saved::{folder, saved};

/// The shape and the elements in C order.
fn load_bytes<T: Element + AnyBitPattern + NoUninit>(mut file: &[u8]) -> Result<(Vec<usize>, Vec<T>)> {
    let array = npy::options::<T>().load_from(&mut file)?;
    Ok((array.shape().to_vec(), array.view().to_vec()))
}

/// The shape and the elements in C order, converted to numbers of another type.
fn load_bytes_as<T: Number>(mut file: &[u8]) -> Result<(Vec<usize>, Vec<T>)> {
    let array = npy::dyn_options().load_from(&mut file)?;
    Ok((array.shape().to_vec(), array.view().to_vec_as::<T>()?))
}

#[test]
fn arrays_views_slices_vectors_and_single_elements_are_saved() {
    let (_folder, path) = folder();
    let numbers = [1, 2, 3, 4, 5, 6].map(Le::<i32>::new);
    npy::save(&path, &numbers[..]).unwrap();
    let file = fs::read(&path).unwrap();
    assert_eq!(&file[128..], (1..7_i32).flat_map(i32::to_le_bytes).collect::<Vec<_>>());
    // SAFETY: nobody else uses the file, here and below.
    let array = unsafe { npy::open_mut::<Le<i32>>(&path) }.unwrap();
    // SAFETY: as above.
    let any = unsafe { npy::dyn_options().open(&path) }.unwrap();
    let view = ArrayView::from_slice(&numbers, 6).unwrap();
    let forms = [saved(&numbers), saved(&numbers.to_vec()), saved(&array), saved(&array.view()), saved(&any)];
    assert!(forms.iter().chain([&saved(&any.view()), &saved(&view)]).all(|form| *form == file));
    assert_eq!(load_bytes::<Le<i32>>(&saved(&numbers[1])).unwrap(), (vec![], vec![Le::new(2)]));
    let pairs = view.reshape([3, 2]).unwrap();
    let (shape, elements) = load_bytes::<[Le<i32>; 2]>(&saved(&pairs)).unwrap();
    assert_eq!((shape, elements[2]), (vec![3], [5, 6].map(Le::new)));
    assert_eq!(saved(&vec![[Le::new(1_i32), Le::new(2)]; 3])[..128], saved(&pairs)[..128]);
}

#[test]
fn a_view_of_any_strides_is_loaded_as_it_was_saved() {
    #[derive(Clone, Copy, Zeroable, Pod)]
    #[repr(C, packed)]
    struct Packed {
        tag: u8,
        value: [u8; 3],
        rest: [u8; 9],
    }

    fn check<T: Element + AnyBitPattern + NoUninit + PartialEq + std::fmt::Debug>(view: ArrayView<'_, T>) {
        let elements = view.to_vec();
        assert_eq!(load_bytes::<T>(&saved(&view)).unwrap(), (view.shape().to_vec(), elements));
    }

    // More than is written at once, in elements of odd sizes.
    let bytes: Vec<u8> = (0..13 * 300 * 500_u32).map(|n| (n % 251) as u8).collect();
    let records: &[Packed] = bytemuck::cast_slice(&bytes);
    let view = ArrayView::from_slice(records, [300, 500]).unwrap();
    for view in
        [view.clone(), view.slice((10..290, ..7)), view.step_axis(0, -3), view.step_axis(1, 2).t(), view.rows(..0)]
    {
        check(view.project(field!(Packed, tag)));
        check(view.view_as::<Bytes<13>>().unwrap());
        check(view.t().project(field!(Packed, value)).view_as::<Bytes<3>>().unwrap());
        check(view.index_axis(1, 0).project(field!(Packed, rest)).view_as::<Bytes<9>>().unwrap());
    }
    check(view.index_axis(0, 299).index_axis(0, 499).view_as::<Bytes<13>>().unwrap());
}

#[test]
fn elements_of_no_bytes_are_a_header() {
    let dtype = DType::from_descr("'|V0'").unwrap();
    let file = saved(&DynView::from_bytes(&[], &dtype, [1 << 30, 3]).unwrap());
    assert_eq!((file.len(), npy::Header::read(&mut &file[..]).unwrap().shape()), (128, &[1 << 30, 3][..]));
}

#[test]
fn a_file_in_fortran_order_is_loaded_in_c_order() {
    let numbers: Vec<Be<u16>> = (0..24).map(Be::new).collect();
    let view = ArrayView::from_slice(&numbers, [4, 3, 1, 2]).unwrap();
    let file = saved(&view.t());
    assert_eq!(npy::Header::read(&mut &file[..]).unwrap().order(), Order::F);
    assert_eq!(load_bytes::<Be<u16>>(&file).unwrap(), (vec![2, 1, 3, 4], view.t().to_vec()));
    let native: Vec<f32> = view.t().to_native_vec().into_iter().map(f32::from).collect();
    assert_eq!(load_bytes_as::<f32>(&file).unwrap(), (vec![2, 1, 3, 4], native));
    // The axis of an element that is an array varies slowest there, so its parts do not lie together.
    assert_eq!(load_bytes::<[Be<u16>; 4]>(&file).unwrap_err().kind(), ErrorKind::DTypeMismatch);
}

#[test]
fn another_type_is_refused_before_an_element_is_read() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![Be::new(1.5_f64); 3]).unwrap();
    let error = npy::load::<Le<f64>>(&path).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*path)));
    assert!(error.to_string().contains("the elements are >f8, not <f8"), "{error}");
    let any = npy::dyn_options().load(&path).unwrap();
    assert_eq!((any.shape(), any.view().to_vec_as::<i8>().unwrap()), (&[3][..], vec![1; 3]));
    let file = saved(&vec![Bytes::<3>::default(); 2]);
    for error in [load_bytes::<Bool>(&file[..128]).unwrap_err(), load_bytes_as::<Bool>(&file).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::DTypeMismatch, "{error}");
    }
}

#[test]
fn a_file_that_ends_early_is_an_error_that_names_the_bytes() {
    let file = saved(&vec![[Le::new(1_i32), Le::new(2)]; 6]);
    for len in 0..file.len() {
        let error = load_bytes::<Le<i32>>(&file[..len]).unwrap_err();
        if len < 128 {
            assert_eq!(error.kind(), ErrorKind::Header, "{len}: {error}");
        } else {
            assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(128..176)), "{len}: {error}");
            assert!(error.to_string().contains(&format!("the file ends at byte {len}")), "{error}");
            assert_eq!(load_bytes_as::<u8>(&file[..len]).unwrap_err().kind(), ErrorKind::PastEnd);
        }
    }
    // What follows is not read.
    let more = [&file[..], b"more"].concat();
    let mut reader = &more[..];
    assert_eq!(npy::options::<[Le<i32>; 2]>().load_from(&mut reader).unwrap().shape(), [6]);
    assert_eq!(reader, b"more");
}

#[test]
fn a_header_that_claims_more_than_there_is_takes_no_memory() {
    for shape in [[1 << 30, 1 << 10], [1 << 20, 1 << 30]] {
        let mut file = npy::Header::new(u8::dtype(), shape, Order::C).unwrap().to_bytes().unwrap();
        file.extend([7; 100]);
        // On 32 bits it is known without reading.
        let kinds = [ErrorKind::PastEnd, ErrorKind::Overflow];
        assert!(kinds.contains(&load_bytes::<u8>(&file).unwrap_err().kind()));
        assert!(kinds.contains(&load_bytes_as::<u8>(&file).unwrap_err().kind()));
    }
}

/// A reader and writer that stops, is interrupted, and fails after some bytes.
struct Odd<T> {
    inner: T,
    left: usize,
    calls: usize,
}

impl<T> Odd<T> {
    fn new(inner: T, left: usize) -> Self {
        Self { inner, left, calls: 0 }
    }

    fn count(&mut self, len: usize) -> io::Result<usize> {
        self.calls += 1;
        match (self.left, self.calls % 3) {
            (0, _) => Err(io::ErrorKind::BrokenPipe.into()),
            (_, 0) => Err(io::ErrorKind::Interrupted.into()),
            (left, _) => {
                let count = len.min(left).min(5);
                self.left -= count;
                Ok(count)
            }
        }
    }
}

impl<T: Read> Read for Odd<T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.count(buffer.len())?;
        self.inner.read(&mut buffer[..count])
    }
}

impl<T: Write> Write for Odd<T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.count(buffer.len())?;
        self.inner.write(&buffer[..count])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Seek> Seek for Odd<T> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.inner.seek(position)
    }
}

#[test]
fn readers_and_writers_may_do_little_at_once_and_their_errors_are_told() {
    let array = vec![[Le::new(1_u32), Le::new(2)]; 10];
    let file = saved(&array);
    let mut odd = Odd::new(Vec::new(), usize::MAX);
    npy::save_to(&mut odd, &array).unwrap();
    assert_eq!(odd.inner, file);
    let loaded = npy::options::<Le<u32>>().load_from(&mut Odd::new(&file[..], usize::MAX)).unwrap();
    assert_eq!((loaded.shape(), loaded.view().to_vec()), (&[10, 2][..], array.concat()));
    for left in [0, 5, 9, 100, 128, 200] {
        let errors = [
            npy::options::<Le<u32>>().load_from(&mut Odd::new(&file[..], left)).unwrap_err(),
            npy::save_to(&mut Odd::new(Vec::new(), left), &array).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.to_string().contains("pipe"), "{error}");
        }
    }
}

/// A reader that says it has read more than it was asked for.
struct Boasting<'a>(&'a [u8]);

impl Read for Boasting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Ok(buffer.len() + (1 << 20)),
            count => Ok(count),
        }
    }
}

#[test]
fn a_reader_that_boasts_is_not_believed() {
    let file = saved(&vec![Le::new(1_u32); 1 << 10]);
    for len in [128, 129, 200] {
        let errors = [
            npy::options::<Le<u32>>().load_from(&mut Boasting(&file[..len])).unwrap_err(),
            npy::dyn_options().load_from(&mut Boasting(&file[..len])).unwrap_err(),
        ];
        assert!(errors.iter().all(|error| error.kind() == ErrorKind::Io), "{errors:?}");
    }
}

#[test]
#[cfg(unix)]
fn an_array_is_loaded_from_a_pipe() {
    let (_folder, path) = folder();
    let numbers: Vec<Le<u32>> = (0..200_000).map(Le::new).collect();
    npy::save(&path, &numbers).unwrap();
    let mut cat = std::process::Command::new("cat").arg(&path).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let loaded = npy::options::<Le<u32>>().load_from(cat.stdout.as_mut().unwrap()).unwrap();
    assert!(cat.wait().unwrap().success() && loaded.shape() == [200_000] && loaded[..] == numbers);
}

/// A file of the numbers 0 to 23.
fn counted(shape: [usize; 2], order: Order) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = folder();
    let mut array = npy::create_options::<Le<i32>>(shape).order(order).scratch_in(folder.path()).unwrap();
    array.iter_mut().zip(0..).for_each(|(number, index)| number.set(index));
    array.persist(&path).unwrap();
    (folder, path)
}

#[test]
fn windows_are_loaded_as_they_are_opened() {
    for order in [Order::C, Order::F] {
        let (_folder, path) = counted([6, 4], order);
        let file = fs::read(&path).unwrap();
        let (options, any) = (npy::options::<Le<i32>>, npy::dyn_options);
        for (options, any) in [
            (options(), any()),
            (options().rows(1..3), any().rows(1..3)),
            (options().rows(5..), any().rows(5..)),
            (options().rows(..0), any().rows(..0)),
            (options().rows(6..), any().rows(6..)),
            (options().elements(5..9), any().elements(5..9)),
            (options().elements(24..), any().elements(24..)),
            (options().elements(3..).shape([2, 5]), any().elements(3..).shape([2, 5])),
            (options().segment(1, 4), any().segment(1, 4)),
            (options().segment(7, 8), any().segment(7, 8)),
        ] {
            // SAFETY: nobody else uses the file.
            let opened = unsafe { options.strided().open(&path) }.unwrap();
            let mut handle = fs::File::open(&path).unwrap();
            handle.seek(SeekFrom::Start(77)).unwrap();
            let typed = [
                options.load(&path).unwrap(),
                options.load(&handle).unwrap(),
                options.load_from(&mut &file[..]).unwrap(),
                options.load_from(Trickle(&file)).unwrap(),
            ];
            for loaded in &typed {
                assert_eq!((loaded.shape(), loaded.order(), loaded.path()), (opened.shape(), order, None));
                assert!(loaded.view() == opened.view(), "{order:?} {options:?}");
            }
            assert!(cfg!(windows) || handle.stream_position().unwrap() == 77);
            let strided = [options.strided().load(&path), options.strided().load_from(&mut &file[..])];
            assert!(strided.iter().all(|loaded| loaded.as_ref().unwrap().view() == opened.view()));
            for loaded in [any.load(&path), any.load(&handle), any.load_from(&mut &file[..])].map(Result::unwrap) {
                assert_eq!((loaded.shape(), loaded.order()), (opened.shape(), order));
                assert!(loaded.typed::<Le<i32>>().unwrap() == opened.view(), "{order:?} {any:?}");
                assert_eq!(loaded.as_bytes(), Some(bytemuck::cast_slice(&typed[0][..])), "they lie together");
            }
        }
    }
}

/// A reader that gives one byte at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

#[test]
fn windows_that_are_not_there_are_not_loaded() {
    for order in [Order::C, Order::F] {
        let (_folder, path) = counted([6, 4], order);
        let file = fs::read(&path).unwrap();
        let options = npy::options::<Le<i32>>;
        for (options, kind) in [
            (options().rows(5..7), ErrorKind::OutOfRange),
            (options().rows(7..), ErrorKind::OutOfRange),
            (options().elements(25..), ErrorKind::OutOfRange),
            (options().elements(20..25), ErrorKind::OutOfRange),
            (options().elements(20..).shape(5), ErrorKind::OutOfRange),
            (options().elements(1..).shape([None, Some(8)]), ErrorKind::Shape),
            (options().segment(4, 4), ErrorKind::OutOfRange),
            (options().max_header(9), ErrorKind::Header),
        ] {
            let error = options.load(&path).unwrap_err();
            assert_eq!((error.kind(), error.path()), (kind, Some(&*path)), "{error}");
            let error = options.load_from(&mut &file[..]).unwrap_err();
            assert_eq!((error.kind(), error.path()), (kind, None), "{error}");
        }
        // A window that is there, of a file that ends before its array does.
        fs::write(&path, &file[..file.len() - 1]).unwrap();
        for options in [options(), options().rows(..1), options().elements(..1), options().segment(0, 6)] {
            let error = options.load(&path).unwrap_err();
            assert_eq!((error.kind(), error.byte_range()), (ErrorKind::PastEnd, Some(128..224)), "{error}");
        }
        // Of a reader, too, whose end nobody knows, whether the window is there or not.
        let reader = &file[..200];
        for options in
            [options().elements(..18), options().elements(17..20), options().rows(1..6), options().elements(20..)]
        {
            let error = options.load_from(reader).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PastEnd, "{error}");
        }
    }
}

#[test]
fn what_comes_out_of_a_reader_is_loaded_whatever_its_size() {
    // More than the memory that is taken before anything comes.
    let numbers: Vec<Le<u64>> = (0..5_000_000).map(Le::new).collect();
    let view = ArrayView::from_slice(&numbers, [5000, 1000]).unwrap();
    let file = saved(&view);
    let loaded = npy::options::<Le<u64>>().load_from(&mut &file[..]).unwrap();
    assert!(loaded.shape() == [5000, 1000] && loaded[..] == numbers);
    let turned = saved(&view.t());
    let rows = npy::options::<Le<u64>>().rows(7..991).load_from(&mut &turned[..]).unwrap();
    assert!(rows.order() == Order::F && rows.view() == view.t().rows(7..991));
    // Nothing behind the array is read.
    let more = [&turned[..], b"more"].concat();
    let mut reader = &more[..];
    assert_eq!(npy::options::<Le<u64>>().rows(..990).load_from(&mut reader).unwrap().shape(), [990, 5000]);
    assert_eq!(reader, b"more");
    let cut = npy::options::<Le<u64>>().load_from(&mut &file[..30_000_000]).unwrap_err();
    assert_eq!((cut.kind(), cut.byte_range()), (ErrorKind::PastEnd, Some(128..40_000_128)));
}

#[test]
fn arrays_that_follow_one_another_are_loaded_one_after_another() {
    let (_folder, path) = folder();
    let mut file = fs::File::create(&path).unwrap();
    npy::save_to(&mut file, &[[1_u8, 2], [3, 4]]).unwrap();
    npy::save_to(&mut file, &[Be::new(5_i16); 3]).unwrap();
    npy::save_to(&mut file, &ArrayView::<u8>::from_slice(&[], [2, 0]).unwrap()).unwrap();
    npy::save_to(&mut file, &[Le::new(0.5_f64)]).unwrap();
    drop(file);
    let mut file = fs::File::open(&path).unwrap();
    assert_eq!(*npy::options::<u8>().load_from(&mut file).unwrap(), [1, 2, 3, 4]);
    assert_eq!(npy::dyn_options().load_from(&mut file).unwrap().to_string(), "[5 5 5]");
    assert_eq!(npy::options::<u8>().load_from(&mut file).unwrap().shape(), [2, 0]);
    assert_eq!(npy::options::<Le<f64>>().load_from(&mut file).unwrap()[0].get(), 0.5);
    assert_eq!(npy::dyn_options().load_from(&mut file).unwrap_err().kind(), ErrorKind::Header);
    // By its name, or lent, a file is read from its beginning on.
    assert_eq!(npy::load::<u8>(&path).unwrap().shape(), [2, 2]);
    assert_eq!(npy::load::<u8>(&file).unwrap().shape(), [2, 2]);
}

#[test]
#[cfg(target_os = "linux")]
fn a_pipe_with_a_name_is_loaded_and_not_opened() {
    let (folder, path) = counted([6, 4], Order::F);
    let pipe = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    // SAFETY: nothing is mapped.
    let error = unsafe { npy::open::<Le<i32>>(&pipe) }.unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotRegularFile, Some(&*pipe)));
    let through = |load: &dyn Fn()| {
        std::thread::scope(|scope| {
            // What does not read to the end breaks the pipe.
            scope.spawn(|| fs::write(&pipe, fs::read(&path).unwrap()));
            load();
        });
    };
    through(&|| {
        let loaded = npy::load::<Le<i32>>(&pipe).unwrap();
        assert_eq!((loaded.shape(), loaded.order(), loaded[23].get()), (&[6, 4][..], Order::F, 23));
    });
    through(&|| {
        let rows = npy::dyn_options().rows(1..3).load(&pipe).unwrap();
        assert_eq!(rows.to_string(), "[[ 1  7 13 19]\n [ 2  8 14 20]]");
    });
    through(&|| {
        let file = fs::File::open(&pipe).unwrap();
        assert_eq!(npy::load::<Le<i32>>(&file).unwrap().len(), 24);
    });
    through(&|| {
        let error = npy::load::<Le<u32>>(&pipe).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::DTypeMismatch, Some(&*pipe)));
    });
}

#[test]
fn elements_with_padding_are_loaded_by_their_dtype() {
    #[derive(Clone, Copy, AnyBitPattern)]
    #[repr(C)]
    struct Padded {
        tag: u8,
        value: u32,
    }

    impl Element for Padded {
        fn dtype() -> DType {
            let field = |name: &str, offset, dtype| RecordField::new(name, offset, dtype);
            DType::record([field("tag", 0, u8::dtype()), field("value", 4, u32::dtype())], 8).unwrap()
        }
    }

    let dtype = Padded::dtype();
    let bytes: Vec<u8> = (0..24).collect();
    let (_folder, path) = folder();
    npy::save(&path, &DynView::from_bytes(&bytes, &dtype, 3).unwrap()).unwrap();
    let any = npy::dyn_options().load(&path).unwrap();
    let typed = any.typed::<Padded>().unwrap();
    assert_eq!((typed.at(2).tag, typed.at(1).value), (16, u32::from_ne_bytes([12, 13, 14, 15])));
}

#[test]
#[cfg(unix)]
fn what_is_no_file_is_read_and_written_by_functions_that_errors_name() {
    // SAFETY: nothing is mapped.
    let error = unsafe { npy::open::<u8>("/dev/null") }.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    assert!(error.to_string().contains("`npy::load`"), "{error}");
    let error = npy::save("/dev/null", &1_u8).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotRegularFile);
    assert!(error.to_string().contains("`npy::save_to`"), "{error}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let error = npy::save_to(&mut full, &[1_u8, 2, 3]).unwrap_err();
    assert_eq!((error.kind(), io::Error::from(error).kind()), (ErrorKind::Io, io::ErrorKind::StorageFull));
    let mut writer = npy::Writer::<u8, _>::new(full, ()).unwrap();
    writer.extend([7; 100]).unwrap();
    assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn what_cannot_be_saved_leaves_the_target_as_it_was() {
    let (folder, path) = folder();
    npy::save(&path, &[1_u8, 2]).unwrap();
    let file = fs::read(&path).unwrap();
    // A dtype that no header can tell: fields that are not in the order of their bytes.
    let dtype: DType = "[('a', '|u1'), ('b', '|u1')]".parse().unwrap();
    let dtype = dtype.select(["b", "a"]).unwrap();
    let error = npy::save(&path, &DynView::from_bytes(&[0; 4], &dtype, 2).unwrap()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::DType, Some(&*path)));
    for bad in [folder.path().to_path_buf(), path.join("array.npy"), folder.path().join("none/array.npy")] {
        assert!(npy::save(&bad, &[1_u8]).is_err_and(|error| error.path() == Some(&*bad)));
        assert!(npy::Writer::<u8>::create(&bad, ()).is_err_and(|error| error.path() == Some(&*bad)));
        assert!(npy::append(&bad, &[1_u8]).is_err_and(|error| error.path() == Some(&*bad)));
        assert!(npy::load::<u8>(&bad).is_err_and(|error| error.path() == Some(&*bad)));
    }
    assert_eq!((fs::read(&path).unwrap(), fs::read_dir(&folder).unwrap().count()), (file, 1));
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not replace files that are mapped")]
fn an_array_may_be_saved_over_the_file_it_is_mapped_from() {
    let (_folder, path) = folder();
    npy::save(&path, &vec![[1_u8, 2, 3], [4, 5, 6]]).unwrap();
    // SAFETY: nobody writes the elements; the file is replaced.
    let array = unsafe { npy::open::<u8>(&path) }.unwrap();
    npy::save(&path, &array.view().t()).unwrap();
    let loaded = npy::load::<u8>(&path).unwrap();
    assert_eq!((loaded.shape(), loaded.view().to_vec()), (&[3, 2][..], vec![1, 4, 2, 5, 3, 6]));
    assert_eq!(array[..], [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a_writer_makes_the_file_that_is_saved_at_once() {
    let (folder, path) = folder();
    let rows: Vec<[Le<f32>; 3]> = (0..100_u8).map(|n| [n, n, 1].map(f32::from).map(Le::new)).collect();
    let mut writer = npy::Writer::<Le<f32>>::create(&path, [3]).unwrap();
    writer.write_rows(&rows[..10]).unwrap();
    writer.write_rows(&ArrayView::from_slice(&rows[10..20], 10).unwrap().unpack().unwrap()).unwrap();
    writer.extend(rows[20..].iter().flatten().copied()).unwrap();
    assert_eq!((writer.rows(), path.exists()), (100, false));
    writer.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), saved(&rows));
    // Elements that are whole rows, over a file that is there, and of no row.
    let mut writer = npy::Writer::<[Le<f32>; 3]>::create(&path, ()).unwrap();
    writer.extend(rows[..7].iter().copied()).unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), saved(&rows));
    npy::Writer::<[Le<f32>; 3]>::create(&path, ()).unwrap().finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), saved(&rows[..0]));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_writer_begins_where_its_writer_is_and_ends_behind_the_array() {
    let mut out = Cursor::new(b"before".to_vec());
    out.set_position(6);
    let mut writer = npy::Writer::<u8, _>::new(out, [2]).unwrap();
    writer.write_rows(&[[1_u8, 2], [3, 4]]).unwrap();
    let mut out = writer.finish().unwrap();
    out.write_all(b"after").unwrap();
    let array = saved(&vec![[1_u8, 2], [3, 4]]);
    assert_eq!(out.into_inner(), [b"before", &array[..], b"after"].concat());
}

#[test]
fn a_writer_that_can_only_append_is_refused() {
    let (_folder, path) = folder();
    let open = || fs::File::options().create(true).append(true).open(&path).unwrap();
    let mut writer = npy::Writer::<u8, _>::new(open(), ()).unwrap();
    writer.extend([1, 2, 3]).unwrap();
    let error = writer.finish().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.to_string().contains("append mode"), "{error}");
}

#[test]
fn rows_that_are_none_of_a_writer_s_are_refused_and_change_nothing() {
    let mut writer = npy::Writer::<Le<u16>, _>::new(Cursor::new(Vec::new()), [2, 3]).unwrap();
    let row = [[Le::new(7_u16); 3]; 2];
    for (refused, kind) in [
        (writer.write_rows(&vec![[[Be::new(7_u16); 3]; 2]]), ErrorKind::DTypeMismatch),
        (writer.write_rows(&row), ErrorKind::Shape),
        (writer.write_rows(&[[row[0]; 3]]), ErrorKind::Shape),
        (writer.write_rows(&Le::new(7_u16)), ErrorKind::Shape),
    ] {
        assert_eq!(refused.unwrap_err().kind(), kind);
    }
    let error = writer.write_rows(&row).unwrap_err();
    assert!(error.to_string().contains("expected rows of shape [n, 2, 3], found [2, 3]"), "{error}");
    writer.extend(row[0]).unwrap();
    let error = writer.write_rows(&[row]).unwrap_err();
    assert!(error.to_string().contains("row 0 is incomplete: it has 3 of 6 elements"), "{error}");
    writer.extend(row[1]).unwrap();
    writer.write_rows(&[row]).unwrap();
    assert_eq!(writer.finish().unwrap().into_inner(), saved(&vec![row; 2]));

    let mut writer = npy::Writer::<u8, _>::new(Cursor::new(Vec::new()), 2).unwrap();
    writer.extend([1, 2, 3]).unwrap();
    assert_eq!((writer.rows(), writer.finish().unwrap_err().kind()), (1, ErrorKind::Shape));
    // Rows of no elements are counted where they are rows.
    let mut writer = npy::Writer::<u8, _>::new(Cursor::new(Vec::new()), [0]).unwrap();
    assert_eq!(writer.extend([1]).unwrap_err().kind(), ErrorKind::Shape);
    writer.write_rows(&ArrayView::<u8>::from_slice(&[], [5, 0]).unwrap()).unwrap();
    assert_eq!(load_bytes::<u8>(&writer.finish().unwrap().into_inner()).unwrap(), (vec![5, 0], vec![]));
    for shape in [[None, Some(2)], [Some(2), None]] {
        assert!(npy::Writer::<u8, _>::new(Cursor::new(Vec::new()), shape).is_err_and(|e| e.kind() == ErrorKind::Shape));
    }
}

#[test]
fn a_writer_that_has_failed_is_not_finished() {
    let out = Odd::new(Cursor::new(Vec::new()), 1000);
    let mut writer = npy::Writer::<[u8; 1 << 10], _>::new(out, ()).unwrap();
    let error = writer.extend((0..100).map(|_| [7; 1 << 10])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(writer.extend([[7; 1 << 10]]).unwrap_err().to_string().contains("an earlier write failed"));
    assert!(writer.finish().is_err_and(|error| error.to_string().contains("an earlier write failed")));
}

/// Programs that are killed by the system, or refused by it, as they write more than a file may have.
#[cfg(target_os = "linux")]
mod limited {
    use super::*;
    use std::process::{Command, ExitStatus, Stdio};

    /// Rows that need many times what the limit is.
    fn rows() -> Vec<[u8; 1000]> {
        (0..5000_u32).map(|n| [n as u8; 1000]).collect()
    }

    #[test]
    #[ignore = "started by the tests below with what it is to do"]
    fn child() {
        let (path, task) = (std::env::var("NPY_PATH").unwrap(), std::env::var("NPY_TASK").unwrap());
        let result = match task.as_str() {
            "save" => npy::save(&path, &rows()),
            "append" => npy::append(&path, &rows()).map(drop),
            _ => {
                let mut writer = npy::Writer::<[u8; 1000]>::create(&path, ()).unwrap();
                writer.write_rows(&rows()).and_then(|()| writer.finish()).map(drop)
            }
        };
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Io);
    }

    /// Runs the child with files of at most a few hundred kilobytes, and `trap` before it.
    fn run(trap: &str, task: &str, path: &std::path::Path) -> ExitStatus {
        let script = format!("{trap} ulimit -c 0; ulimit -f 300; exec \"$0\" --exact limited::child --ignored");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(std::env::current_exe().unwrap());
        shell.env("NPY_PATH", path).env("NPY_TASK", task).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().unwrap()
    }

    #[test]
    #[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
    fn a_disk_that_is_full_before_the_end_leaves_the_file_as_it_was() {
        for task in ["save", "append", "write"] {
            let (folder, path) = folder();
            npy::save(&path, &rows()[..3]).unwrap();
            assert!(run("trap '' XFSZ;", task, &path).success(), "{task}");
            assert_eq!(fs::read(&path).unwrap(), saved(&rows()[..3]), "{task}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{task}");
        }
    }

    #[test]
    #[cfg_attr(not(target_arch = "x86_64"), ignore = "under an emulator a test program cannot start itself")]
    fn a_program_that_is_killed_as_it_writes_leaves_the_old_array() {
        use std::os::unix::process::ExitStatusExt;
        const SIGXFSZ: i32 = 25;
        for task in ["save", "append", "write"] {
            let (_folder, path) = folder();
            npy::save(&path, &rows()[..3]).unwrap();
            assert_eq!(run("", task, &path).signal(), Some(SIGXFSZ), "{task}");
            let loaded = npy::load::<[u8; 1000]>(&path).unwrap();
            assert_eq!((loaded.shape(), &loaded[..]), (&[3][..], &rows()[..3]), "{task}");
            let file = fs::read(&path).unwrap();
            if task == "append" {
                // What was added lies behind the array, and goes with the next.
                assert!(file.len() > 100_000);
                assert_eq!(npy::append(&path, &rows()[3..4]).unwrap(), 4);
                assert_eq!(fs::read(&path).unwrap(), saved(&rows()[..4]));
            } else {
                assert_eq!(file, saved(&rows()[..3]), "{task}");
                // Nothing gets the name, either, where there was no file.
                let none = path.with_extension("none");
                assert_eq!(run("", task, &none).signal(), Some(SIGXFSZ), "{task}");
                assert!(!none.exists(), "{task}");
            }
        }
    }
}
