//! What is saved, streamed and appended is, byte for byte, what `np.save` makes of the same view, and NumPy reads it.

use crate::python::Python;
use bytemuck::{AnyBitPattern, NoUninit};
use mmap_array::{
    Be, DType, DynView, Element, Le, Order,
    element::{Bool, Bytes},
    npy,
};
use std::fs;
use std::io::Cursor;

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.trim_matches('-').as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn text(hexadecimal: &str) -> String {
    String::from_utf8(bytes(hexadecimal)).unwrap()
}

fn lens(text: &str) -> Vec<usize> {
    text.trim_matches('-').split_terminator(',').map(|len| len.parse().unwrap()).collect()
}

/// A view of an array, and the file that NumPy makes of it.
struct Case {
    dtype: DType,
    shape: Vec<usize>,
    data: Vec<u8>,
    steps: String,
    /// The view's dtype and shape, and its bytes in C order.
    view: (DType, Vec<usize>, Vec<u8>),
    file: Vec<u8>,
}

impl Case {
    fn view(&self) -> DynView<'_> {
        let mut view = DynView::from_bytes(&self.data, &self.dtype, &self.shape).unwrap();
        for step in self.steps.split_terminator(';') {
            let (name, args) = step.split_once(' ').unwrap_or((step, ""));
            let places: Vec<usize> = args.split(' ').filter_map(|place| place.parse().ok()).collect();
            view = match name {
                "field" => view.field(args).unwrap(),
                "transpose" => view.t(),
                "permute" => view.permute_axes(places),
                "range" => view.slice_axis(places[0], places[1]..places[2]),
                "step" => view.step_axis(places[0], args.split_once(' ').unwrap().1.parse().unwrap()),
                "index" => view.index_axis(places[0], places[1]),
                _ => panic!("{step:?}"),
            };
        }
        view
    }
}

fn cases(seed: u32, count: usize) -> Option<Vec<Case>> {
    let folder = tempfile::tempdir().unwrap();
    let args = [seed.to_string(), count.to_string(), folder.path().to_str().unwrap().to_owned()];
    let printed = Python::get()?.run(include_str!("npy_io.py"), args);
    let cases: Vec<Case> = (printed.lines().enumerate())
        .map(|(number, line)| {
            let [descr, shape, data, steps, view @ ..] = &line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            Case {
                dtype: DType::from_descr(&text(descr)).unwrap(),
                shape: lens(shape),
                data: bytes(data),
                steps: text(steps),
                view: (DType::from_descr(&text(view[0])).unwrap(), lens(view[1]), bytes(view[2])),
                file: fs::read(folder.path().join(format!("{number}.npy"))).unwrap(),
            }
        })
        .collect();
    assert_eq!(cases.len(), count);
    Some(cases)
}

/// What is done with views of a type that is known when compiled.
trait Typed {
    fn with<T: Element + AnyBitPattern + NoUninit>(&mut self, case: &Case);
}

/// Has a case done, where its type is one of these.
fn typed(case: &Case, work: &mut impl Typed) {
    match case.view.0.to_string().as_str() {
        "|b1" => work.with::<Bool>(case),
        "|i1" => work.with::<i8>(case),
        "|u1" => work.with::<u8>(case),
        "<i2" => work.with::<Le<i16>>(case),
        ">i2" => work.with::<Be<i16>>(case),
        ">u2" => work.with::<Be<u16>>(case),
        "<i4" => work.with::<Le<i32>>(case),
        ">i4" => work.with::<Be<i32>>(case),
        "<f4" => work.with::<Le<f32>>(case),
        "<i8" => work.with::<Le<i64>>(case),
        ">u8" => work.with::<Be<u64>>(case),
        "<f8" => work.with::<Le<f64>>(case),
        ">f8" => work.with::<Be<f64>>(case),
        "|S3" => work.with::<Bytes<3>>(case),
        "|S5" => work.with::<Bytes<5>>(case),
        _ => {}
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn a_view_is_saved_as_numpy_saves_it() {
    struct Save(usize, usize);

    impl Typed for Save {
        fn with<T: Element + AnyBitPattern + NoUninit>(&mut self, case: &Case) {
            let mut file = Vec::new();
            npy::save_to(&mut file, &case.view().typed::<T>().unwrap()).unwrap();
            assert!(file == case.file, "{}: {}", case.dtype, case.steps);
            self.0 += 1;
        }
    }

    let Some(cases) = cases(1, 3000) else { return };
    let (folder, mut saved) = (tempfile::tempdir().unwrap(), Save(0, 0));
    let path = folder.path().join("array.npy");
    for case in &cases {
        let view = case.view();
        assert_eq!((view.dtype(), view.shape()), (&case.view.0, &case.view.1[..]), "{}: {}", case.dtype, case.steps);
        npy::save(&path, &view).unwrap();
        assert!(fs::read(&path).unwrap() == case.file, "{}: {} {:?}", case.dtype, case.steps, case.view.1);
        saved.1 += usize::from(npy::header(&path).unwrap().order() == Order::F);
        typed(case, &mut saved);
    }
    assert!(saved.0 > 1500 && saved.1 > 100, "{} typed ones, {} in Fortran order", saved.0, saved.1);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn what_numpy_has_saved_is_loaded_in_c_order() {
    struct Load(usize);

    impl Typed for Load {
        fn with<T: Element + AnyBitPattern + NoUninit>(&mut self, case: &Case) {
            let (_, shape, bytes) = &case.view;
            let mut reader = &[&case.file[..], b"more"].concat()[..];
            let array = npy::options::<T>().load_from(&mut reader).unwrap();
            assert_eq!((array.shape(), reader), (&shape[..], &b"more"[..]));
            let elements = array.view().to_vec();
            assert!(bytemuck::cast_slice::<T, u8>(&elements) == bytes, "{}: {}", case.dtype, case.steps);
            self.0 += usize::from(npy::Header::read(&mut &case.file[..]).unwrap().order() == Order::F);
            // The bytes as they would be in an array.
            let view = DynView::from_bytes(bytes, &case.view.0, shape).unwrap();
            if let Ok(numbers) = view.to_vec_as::<f64>() {
                let any = npy::dyn_options().load_from(&mut &case.file[..]).unwrap();
                let loaded = any.view().to_vec_as::<f64>().unwrap();
                assert_eq!((any.shape(), format!("{loaded:?}")), (&shape[..], format!("{numbers:?}")));
            }
        }
    }

    let Some(cases) = cases(2, 2000) else { return };
    let mut loaded = Load(0);
    cases.iter().for_each(|case| typed(case, &mut loaded));
    assert!(loaded.0 > 50, "{} in Fortran order", loaded.0);
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn rows_written_one_after_another_are_what_numpy_saves_at_once() {
    struct Write(usize);

    impl Typed for Write {
        fn with<T: Element + AnyBitPattern + NoUninit>(&mut self, case: &Case) {
            let Some((&rows, row_shape)) = case.view.1.split_first() else { return };
            if npy::Header::read(&mut &case.file[..]).unwrap().order() == Order::F {
                return;
            }
            let view = case.view().typed::<T>().unwrap();
            let mut writer = npy::Writer::<T, _>::new(Cursor::new(Vec::new()), row_shape).unwrap();
            // The first as a view, the next by elements, the rest at run time.
            let (first, second) = (rows / 3, rows - rows / 3);
            writer.write_rows(&view.rows(..first)).unwrap();
            match row_shape.contains(&0) {
                false => writer.extend(view.rows(first..second)).unwrap(),
                true => writer.write_rows(&view.rows(first..second)).unwrap(),
            }
            writer.write_rows(&case.view().rows(second..)).unwrap();
            assert_eq!(writer.rows(), rows);
            assert!(writer.finish().unwrap().into_inner() == case.file, "{}: {}", case.dtype, case.steps);
            self.0 += 1;
        }
    }

    let Some(cases) = cases(3, 2000) else { return };
    let mut written = Write(0);
    cases.iter().for_each(|case| typed(case, &mut written));
    assert!(written.0 > 500, "{}", written.0);
}

/// Saves what `np.save` makes of arrays of several dtypes in both orders: of the first rows, of the others in any
/// strides, and of all.
const SAVE_PARTS: &str = r#"
import sys
import numpy as np

for number, dtype in enumerate(["<i4", ">f8", "|S3", [("a", "|u1"), ("b", "<f8")], "<c16", "|V0"]):
    for order in "CF":
        dtype = np.dtype(dtype)
        # Elements of no bytes are in both orders, and so in C order.
        if order == "F" and dtype.itemsize == 0:
            continue
        whole = np.ndarray(144, dtype, np.random.default_rng(number).bytes(144 * dtype.itemsize))
        whole = whole.reshape((12, 4, 3) if order == "C" else (3, 4, 12), order=order)
        rows = (lambda part: whole[part]) if order == "C" else (lambda part: whole[..., part])
        for split in [0, 2, 9, 11, 12]:
            if order == "F" and split == 0:
                continue
            folder = f"{sys.argv[1]}/{number}-{order}-{split}"
            np.save(folder + "-old.npy", rows(slice(None, split)))
            np.save(folder + "-more.npy", rows(slice(split, None)).copy("F" if order == "C" else "C"))
            np.save(folder + "-new.npy", whole)
            print(folder)
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn what_is_appended_to_is_what_numpy_saves_at_once() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let printed = python.run(SAVE_PARTS, [folder.path()]);
    assert_eq!(printed.lines().count(), 6 * 5 + 5 * 4);
    for name in printed.lines() {
        let [old, more, new] = ["old", "more", "new"].map(|part| format!("{name}-{part}.npy"));
        // SAFETY: nobody else uses the file.
        let more = unsafe { npy::dyn_options().open(&more) }.unwrap();
        assert_eq!(npy::append(&old, &more).unwrap(), 12);
        assert!(fs::read(&old).unwrap() == fs::read(&new).unwrap(), "{name}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn numpy_reads_what_an_append_leaves_wherever_it_stops() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("array.npy");
    npy::save(&path, &vec![[Le::new(1_u16), Le::new(2)]; 9]).unwrap();
    let old = fs::read(&path).unwrap();
    npy::append(&path, &vec![[Le::new(3_u16), Le::new(4)]; 3]).unwrap();
    let new = fs::read(&path).unwrap();
    // The header last, as the unit tests of `append` see it; before it any part of the rows, or zeros in their place,
    // behind a header that says that there may be some.
    let mut states = vec![new.clone()];
    let old = [&old[..126], b"\t\n", &old[128..]].concat();
    for end in old.len()..=new.len() {
        states.push([&old[..], &new[old.len()..end]].concat());
        states.push([&old[..], &vec![0; end - old.len()]].concat());
    }
    for (number, state) in states.iter().enumerate() {
        fs::write(folder.path().join(format!("{number}.npy")), state).unwrap();
    }
    let program = "import sys, numpy as np\n\
                   for number in range(int(sys.argv[2])):\n\
                   \tfor mode in [None, 'r']:\n\
                   \t\tprint(np.load(f'{sys.argv[1]}/{number}.npy', mmap_mode=mode).tolist())";
    let printed = python.run(program, [folder.path().to_str().unwrap(), &states.len().to_string()]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 2 * states.len());
    let (old, new) = ([[1, 2]; 9].to_vec(), [&[[1, 2]; 9][..], &[[3, 4]; 3]].concat());
    for (number, line) in lines.into_iter().enumerate() {
        assert_eq!(line, format!("{:?}", if number < 2 { &new } else { &old }), "{number}");
    }
}
