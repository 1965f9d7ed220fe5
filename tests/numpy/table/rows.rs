//! The rows of the tables of `guide::numpy`, in their order.
//!
//! On the left NumPy, as a text; on the right the crate, as code. Several pairs separated by commas are one row. A pair
//! that needs a feature has `#[cfg(feature = "…")]` before it. Code in parentheses is an expression, whose value is
//! compared with NumPy's; code in braces are statements, after which the files are compared. Before both come the
//! statements at the head of the table.

#![allow(
    dead_code,
    clippy::len_zero,
    clippy::unit_arg,
    clippy::useless_vec,
    unused_mut,
    unused_unsafe,
    unused_variables
)]

use super::show::Show;
use super::{Pair, Table};
use bytemuck::{Pod, Zeroable};
use mmap_array::{
    Be, DynArray, Element, Error, MmapArray, MmapArrayMut, Order, Record, access::ReadOnly, element::Bytes, field,
    fromfile, npy,
};
#[cfg(feature = "npz")]
use mmap_array::{Le, npz};
#[cfg(feature = "ndarray")]
use ndarray::Ix2;
use std::fs::File;

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C)]
pub(super) struct Pos {
    pub(super) x: f32,
    pub(super) y: f32,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(super) struct Star {
    pub(super) id: u32,
    pub(super) tag: Bytes<4>,
    pub(super) rgb: [u8; 3],
    pub(super) pos: Pos,
}

#[derive(Clone, Copy, Zeroable, Pod, Record)]
#[repr(C, packed)]
pub(super) struct Name {
    id: u32,
    tag: Bytes<4>,
}

macro_rules! run {
    ({ $($before:tt)* } ($($value:tt)+)) => {{
        $($before)*
        // SAFETY: nobody else uses the files in the folder of a pair.
        Ok(unsafe { Show::show($($value)+) })
    }};
    ({ $($before:tt)* } { $($statements:tt)+ }) => {{
        $($before)*
        // SAFETY: as above.
        unsafe { $($statements)+ }
        Ok(Vec::new())
    }};
}

macro_rules! text {
    ($(($($code:tt)+))? $({ $($statements:tt)+ })?) => { stringify!($($($code)+)? $($($statements)+)?) };
}

macro_rules! tables {
    ($($heading:literal
        numpy $python:literal
        here |$folder:ident| $before:tt
        rows { $( $( $(#[cfg($($cfg:tt)+)])? $numpy:literal => $code:tt ),+ ; )+ }
    )+) => {
        pub(super) fn tables() -> Vec<Table> {
            vec![$(
                Table { heading: $heading, python: $python, rows: vec![$(vec![$({
                    let mut pair = Pair { numpy: $numpy, rust: text!($code), run: None };
                    $(#[cfg($($cfg)+)])?
                    {
                        pair.run = Some(|$folder| run!($before $code));
                    }
                    pair
                }),+]),+] }
            ),+]
        }
    };
}

tables! {
"Open"
numpy r#"
f, new, dtype = folder + "/numbers.f4", folder + "/new", np.dtype("f4")
"#
here |folder| {
    type T = f32;
    let (f, new) = (&folder.join("numbers.f4"), &folder.join("new"));
}
rows {
    r#"np.memmap(f, dtype, "r")"# => (MmapArray::<T>::open(f)?);
    r#"np.memmap(f, dtype, "r", offset=8, shape=(4, 6))"# =>
        (MmapArray::<T>::options().offset(8).shape([4, 6]).open(f)?);
    r#"np.memmap(f, dtype, "r", 8, (4, 6), order="F")"# =>
        (MmapArray::<T>::options().offset(8).shape([4, 6]).order(Order::F).open(f)?);
    r#"np.memmap(f, dtype, "r").reshape(-1, 2)"# => (MmapArray::<T>::options().shape([None, Some(2)]).open(f)?);
    r#"np.memmap(f, dtype, "r+")"# => (MmapArray::<T>::open_mut(f)?), "np.memmap(f)" => (MmapArray::<u8>::open_mut(f)?);
    r#"np.memmap(f, dtype, "r+", 8, (4, 6))"# => (MmapArray::<T>::options().offset(8).shape([4, 6]).open_mut(f)?);
    r#"np.memmap(f, dtype, "c")"# => (MmapArray::<T>::options().open_cow(f)?);
    r#"np.memmap(new, dtype, "w+", shape=(4, 6))"# => (MmapArray::<T>::create_options([4, 6]).create(new)?);
    r#"np.memmap(open(f, "rb"), dtype, "r")"# => (MmapArray::<T>::options().open(&File::open(f)?)?);
    r#"np.memmap(f, ">f4", "r", offset=1, shape=5)"# => (MmapArray::<Be<f32>>::options().offset(1).shape(5).open(f)?);
    r#"np.lib.stride_tricks.as_strided(np.memmap(f, dtype, "r", 8), (5, 4), (16, 4))"# =>
        (MmapArray::<T>::options().offset(8).shape([5, 4]).strides([16, 4]).open(f)?.view());
    r#"np.memmap(f, [("a", "<u2"), ("b", "<f4")], "r", 8, 16)"# =>
        (DynArray::options("[('a', '<u2'), ('b', '<f4')]".parse()?).offset(8).shape(16).open(f)?);
    r#"np.memmap(TemporaryFile(), dtype, "w+", shape=(4, 6))"# => (MmapArrayMut::<T>::scratch([4, 6])?);
    r#"np.zeros((4, 6), dtype)"# => (MmapArrayMut::<T>::anonymous([4, 6])?);
    r#"np.zeros((4, 6), dtype).tofile(new)"# => { MmapArrayMut::<T>::scratch([4, 6])?.persist(new)?; };
    r#"np.fromfile(f, dtype)"# => (fromfile::<T>(f, 0, None)?),
    r#"np.fromfile(f, dtype, count=5, offset=8)"# => (fromfile::<T>(f, 8, 5)?);
    r#"np.fromfile(f, dtype, offset=8).reshape(4, 6)"# => (MmapArray::<T>::options().offset(8).shape([4, 6]).load(f)?);
}

"Files that others write and truncate"
numpy r#"
f, new = folder + "/numbers.f4", folder + "/new"
arr = np.memmap(f, "f4", "r+", 8, (4, 6))
"#
here |folder| {
    type T = f32;
    let (f, new) = (&folder.join("numbers.f4"), &folder.join("new"));
    let arr = MmapArray::<T>::options().offset(8).shape([4, 6]).open_shared_mut(f)?;
}
rows {
    "arr.sum()" => (arr.read(|view| view.sum())?);
    "arr[2, 3]" => (arr.at([2, 3])?), "arr[:, 3].copy()" => (arr.read(|view| view.index_axis(1, 3).to_vec())?);
    "arr[1:3].max()" => (arr.read(|view| view.rows(1..3).max().unwrap())?);
    "np.array(arr)" => (arr.load()?);
    "[rows.sum() for rows in (arr[:3], arr[3:])]" =>
        (arr.chunks(3).map(|rows| Ok(rows?.sum())).collect::<Result<Vec<_>, Error>>()?);
    "str(arr)" => (arr.read(|view| view.to_string())?);
    "arr[2, 3] = 5" => { arr.set([2, 3], 5.0)?; }, "arr[...] = 1" => { arr.fill(1.0)?; };
    "arr[2, 3] += 1" => { arr.fetch_add([2, 3], 1.0)?; };
    "arr.tofile(new)" => { arr.tofile(new)?; };
}

"The array"
numpy r#"
arr = np.memmap(folder + "/numbers.f4", "f4", "r", 8, (4, 6))
"#
here |folder| {
    type T = f32;
    // SAFETY: nobody else uses the file.
    let arr = unsafe { MmapArray::<T>::options().offset(8).shape([4, 6]).open(folder.join("numbers.f4"))? };
}
rows {
    "arr.filename" => (arr.path()), "arr.offset" => (arr.byte_offset());
    r#"assert arr.mode == "r""# => { let arr: MmapArray<T, ReadOnly> = arr; };
    "arr.dtype" => (T::dtype());
    "arr.shape" => (arr.shape()), "arr.ndim" => (arr.ndim()), "arr.strides" => (arr.view().strides());
    "len(arr)" => (arr.shape()[0]);
    "arr.size" => (arr.len()), "arr.itemsize" => (size_of::<T>()), "arr.nbytes" => (size_of_val(&arr[..]));
    "arr.flags.c_contiguous" => (arr.order() == Order::C);
    "str(arr)" => (arr.to_string());
    "arr.tobytes()" => (bytemuck::cast_slice::<T, u8>(&arr));
    #[cfg(feature = "ndarray")] "np.asarray(arr)" => (arr.view().into_ndarray::<Ix2>()?);
}

"Index, slice, transpose"
numpy r#"
arr = np.memmap(folder + "/numbers.f4", "f4", "r", 8, (4, 6))
"#
here |folder| {
    // SAFETY: nobody else uses the file.
    let arr = unsafe { MmapArray::<f32>::options().offset(8).shape([4, 6]).open(folder.join("numbers.f4"))? };
}
rows {
    "arr[2, 3]" => (arr[[2, 3]]), "arr.flat[7]" => (arr[7]);
    "arr[2]" => (arr.view().index_axis(0, 2)), "arr[:, 3]" => (arr.view().index_axis(1, 3));
    "arr[-1]" => (arr.view().index_axis(0, arr.shape()[0] - 1));
    "arr[1:3]" => (arr.view().rows(1..3)), "arr[:, 2:]" => (arr.view().slice_axis(1, 2..));
    "arr[1:99]" => (arr.view().rows(1..99.min(arr.shape()[0])));
    "arr[1:3, :4]" => (arr.view().slice((1..3, ..4))), "arr[:, 5]" => (arr.view().slice((.., 5)));
    "arr[::2]" => (arr.view().step_axis(0, 2)), "arr[:, ::-1]" => (arr.view().step_axis(1, -1));
    "arr.T" => (arr.view().t()), "arr.transpose(1, 0)" => (arr.view().permute_axes([1, 0]));
    "arr.reshape(2, 12)" => (arr.view().reshape([2, 12])?), "arr.reshape(-1)" => (arr.view().reshape([None])?);
    "arr[:, np.newaxis]" => (arr.view().insert_axis(1)?);
    "[row.max() for row in arr]" => (arr.view().axis_iter(0).filter_map(|row| row.max()).collect::<Vec<_>>());
    "list(arr.flat)" => (arr.view().iter().collect::<Vec<_>>());
    "arr[arr > 7]" => (arr.view().iter().filter(|&x| x > 7.0).collect::<Vec<_>>());
    "np.array_split(arr, 3)[1]" => (arr.into_parts(3)?.remove(1));
    "arr.view(np.uint32)" => (arr.view().view_as::<u32>()?), r#"arr.view("u1")"# => (arr.cast::<u8>()?);
}

"Numbers"
numpy r#"
arr = np.memmap(folder + "/numbers.f4", "f4", "r", 8, (4, 6))
"#
here |folder| {
    // SAFETY: nobody else uses the file.
    let arr = unsafe { MmapArray::<f32>::options().offset(8).shape([4, 6]).open(folder.join("numbers.f4"))? };
}
rows {
    "arr.sum()" => (arr.view().sum()), "arr.mean()" => (arr.view().mean());
    "arr.min()" => (arr.view().min()), "arr.max()" => (arr.view().max());
    "arr.sum(axis=0)" => (arr.view().sum_axis(0)?.1), "arr.max(axis=(0, 1))" => (arr.view().max_axis([0, 1])?.1);
    r#"arr.mean(axis=1, dtype="f8")"# => (arr.view().mean_axis(1)?.1);
    "arr.argmin()" => (arr.view().argmin()), "arr.argmax(axis=0)" => (arr.view().argmax_axis(0)?.1);
    "arr.any()" => (arr.view().any()), "arr.all(axis=1)" => (arr.view().all_axis(1)?.1);
    "np.count_nonzero(arr)" => (arr.view().count_nonzero());
    r#"arr.var(dtype="f8")"# => (arr.view().var(0)), r#"arr.std(dtype="f8", ddof=1)"# => (arr.view().std(1));
    "np.nansum(arr)" => (arr.view().nan_sum()), "np.nanmin(arr)" => (arr.view().nan_min());
    r#"np.histogram(arr, [0, 9, 99])[0].astype("u8")"# => (arr.view().histogram(&[0.0, 9.0, 99.0])?);
    r#"np.vdot(arr.astype("f8"), arr.astype("f8"))"# => (arr.view().dot(&arr.view())?);
    r#"arr.astype("f8")"# => (arr.view().to_vec_as::<f64>()), "arr.copy()" => (arr.view().to_vec());
    r#"arr.view(">f4").astype("f4")"# => (arr.view().view_as::<Be<f32>>()?.to_native_vec());
    r#"arr.view(">i4")[2, 3]"# => (arr.view().view_as::<Be<i32>>()?.at([2, 3]).get());
    "np.array_equal(arr, arr.T)" => (arr.view() == arr.view().t());
}

"Records"
numpy r#"
arr = np.memmap(folder + "/stars", STAR, "r+")
"#
here |folder| {
    // SAFETY: nobody else uses the file.
    let mut arr = unsafe { MmapArray::<Star>::open_mut(folder.join("stars"))? };
}
rows {
    r#"arr.dtype"# => (Star::dtype()), r#"arr.dtype.names"# => (Star::dtype().fields());
    r#"arr["id"]"# => (arr.project(field!(Star, id))), r#"arr["pos"]["x"]"# => (arr.project(field!(Star, pos.x)));
    r#"arr["id"]"# => (arr.field::<u32>("id")?), r#"arr["pos"]["x"]"# => (arr.field::<f32>("pos.x")?);
    r#"arr[["id", "tag"]]"# => (arr.fields::<Name>()?);
    r#"arr["rgb"]"# => (arr.project(field!(Star, rgb)).unpack()?);
    r#"arr[3]"# => (arr[3]), r#"arr[3]["id"]"# => (arr[3].id), r#"arr[3]["pos"]["y"]"# => (arr[3].pos.y);
    r#"arr.view(np.recarray).id"# => (arr.project(field!(Star, id))), r#"arr.view(np.recarray)[3].id"# => (arr[3].id);
    r#"arr[arr["id"] > 3]"# => (arr.iter().copied().filter(|star| star.id > 3).collect::<Vec<_>>());
    r#"arr[arr["tag"] == b"K1"]["id"]"# =>
        (arr.iter().filter(|star| star.tag == "K1").map(|star| star.id).collect::<Vec<_>>());
    r#"arr["pos"]["y"].min()"# => (arr.project(field!(Star, pos.y)).min());
    r#"arr["id"] += 1"# => { arr.view_mut().project(field!(Star, id)).map_in_place(|id| id + 1); };
    r#"arr["pos"]["x"][2:] = 0.5"# => { arr.view_mut().field::<f32>("pos.x")?.rows(2..).fill(0.5); };
    r#"arr[3]["tag"] = b"F5""# => { arr[3].tag = Bytes::new("F5")?; };
    "str(arr)" => (arr.to_string());
}

"Records of a dtype that is known when the program runs"
numpy r#"
arr = np.memmap(folder + "/stars", STAR, "r")
"#
here |folder| {
    let dtype = Star::dtype();
    // SAFETY: nobody else uses the file.
    let arr = unsafe { DynArray::options(dtype).open(folder.join("stars"))? };
}
rows {
    "arr.dtype" => (arr.dtype()), "arr.dtype.names" => (arr.dtype().fields());
    r#"arr["id"]"# => (arr.field("id")?), r#"arr["pos"]["x"]"# => (arr.field("pos.x")?);
    r#"arr[["id", "tag"]]"# => (arr.view().view_as(&arr.dtype().select(["id", "tag"])?)?);
    "arr[3]" => (arr.at([3])), r#"arr["id"][3]"# => (arr.field("id")?.at([3]));
    r#"arr[1:4]["rgb"][:, 0]"# => (arr.view().rows(1..4).field("rgb")?.slice((.., 0)));
    r#"arr["id"].astype("f8")"# => (arr.field("id")?.to_vec_as::<f64>()?);
    r#"arr["pos"]["x"].sum()"# => (arr.field("pos.x")?.sum()?), r#"arr["id"].max()"# => (arr.field("id")?.max()?);
    r#"arr["rgb"].min(axis=0)"# => (arr.field("rgb")?.min_axis(0)?.1);
    "arr.tobytes()" => (arr.as_bytes()), "str(arr)" => (arr.to_string());
}

"Write"
numpy r#"
f, new = folder + "/numbers.f4", folder + "/new"
arr = np.memmap(f, "f4", "r+", 8, (4, 6))
"#
here |folder| {
    let new = &folder.join("new");
    // SAFETY: nobody else uses the file.
    let mut arr = unsafe { MmapArray::<f32>::options().offset(8).shape([4, 6]).open_mut(folder.join("numbers.f4"))? };
}
rows {
    "arr[2, 3] = 5" => { arr[[2, 3]] = 5.0; }, "arr[...] = 1" => { arr.fill(1.0); };
    "arr[:, 3] = 0" => { arr.view_mut().index_axis(1, 3).fill(0.0); };
    "arr += 1" => { arr.view_mut().map_in_place(|x| x + 1.0); };
    "arr -= arr.min(axis=0)" => {
        let least = arr.view().min_axis(0)?.1;
        arr.view_mut().map_rows_in_place(|row| row.iter_mut().zip(&least).for_each(|(x, least)| *x -= least));
    };
    "arr[2:] = arr[:2]" => { let (from, mut to) = arr.view_mut().split_at(0, 2); to.copy_from(&from); };
    "arr.flush()" => { arr.flush()?; }, "arr[1:3].flush()" => { arr.flush_rows(1..3)?; };
    "del arr" => { arr.close()?; };
    r#"arr = np.memmap(f, "f4", "r+", 8, (6, 6))"# => { arr.grow(2)?; };
    r#"with open(f, "r+") as file: file.truncate(56)"# => { arr.shrink(2)?; };
    "arr.tofile(new)" => { arr.tofile(new)?; }, "arr[:, ::2].tofile(new)" => { arr.view().step_axis(1, 2).tofile(new)?; };
    r#"arr.tofile(open(new, "wb"))"# => { arr.view().write_to(&mut File::create(new)?)?; };
}

"`.npy`"
numpy r#"
f, new, dtype = folder + "/numbers.npy", folder + "/new.npy", np.dtype("f4")
arr = np.memmap(folder + "/numbers.f4", dtype, "r", 8, (4, 6))
"#
here |folder| {
    type T = f32;
    let (f, new) = (&folder.join("numbers.npy"), &folder.join("new.npy"));
    // SAFETY: nobody else uses the file.
    let arr = unsafe { MmapArray::<T>::options().offset(8).shape([4, 6]).open(folder.join("numbers.f4"))? };
}
rows {
    r#"np.load(f, mmap_mode="r")"# => (npy::open::<T>(f)?);
    r#"np.load(f, mmap_mode="r+")"# => (npy::open_mut::<T>(f)?),
    r#"np.load(f, mmap_mode="c")"# => (npy::options::<T>().open_cow(f)?);
    r#"np.load(f, mmap_mode="r")"# => (npy::dyn_options().open(f)?);
    r#"np.load(f, mmap_mode="r")[1:3]"# => (npy::options::<T>().rows(1..3).open(f)?);
    r#"np.array_split(np.load(f, mmap_mode="r+"), 3)[1]"# => (npy::options::<T>().segment(1, 3).open_mut(f)?);
    r#"np.load(f, mmap_mode="r").dtype"# => (npy::header(f)?.dtype());
    "np.load(f)" => (npy::load::<T>(f)?),
    r#"np.load(f).astype("f8")"# => (npy::dyn_options().load(f)?.view().to_vec_as::<f64>()?);
    r#"np.load(open(f, "rb"))"# => (npy::options::<T>().load_from(File::open(f)?)?);
    "np.concatenate([np.load(f), np.load(f)])" => (npy::concat::<T>([f, f])?.load()?);
    "np.save(new, arr)" => { npy::save(new, &arr)?; }, "np.save(new, arr[:, ::2])" => { npy::save(new, &arr.view().step_axis(1, 2))?; };
    r#"np.save(open(new, "wb"), arr)"# => { npy::save_to(&mut File::create(new)?, &arr)?; };
    "np.save(f, np.concatenate([np.load(f), arr]))" => { npy::append(f, &arr)?; };
    "np.lib.format.open_memmap(f)" => (npy::open_mut::<T>(f)?),
    r#"np.lib.format.open_memmap(f, mode="r")"# => (npy::open::<T>(f)?);
    r#"np.lib.format.open_memmap(new, "w+", dtype, (4, 6))"# => (npy::create::<T>(new, [4, 6])?);
    r#"np.lib.format.open_memmap(new, "w+", dtype, (4, 6), fortran_order=True)"# =>
        (npy::create_options::<T>([4, 6]).order(Order::F).create(new)?);
    r#"np.lib.format.open_memmap(new, "w+", dtype, (4, 6), version=(2, 0))"# =>
        (npy::create_options::<T>([4, 6]).version(2, 0).create(new)?);
    "np.lib.format.open_memmap(f, max_header_size=20_000)" => (npy::options::<T>().max_header(20_000).open_mut(f)?);
    "np.save(new, np.zeros((4, 6), dtype))" => { npy::create_options::<T>([4, 6]).scratch()?.persist(new)?; };
    r#"np.lib.format.open_memmap(new, "w+", arr.dtype, arr.shape)"# => (npy::create::<T>(new, arr.shape())?);
}

"`.npz`"
numpy r#"
f, new = folder + "/numbers.npz", folder + "/new.npz"
arr = np.memmap(folder + "/numbers.f4", "f4", "r", 8, (4, 6))
"#
here |folder| {
    let (f, new) = (&folder.join("numbers.npz"), &folder.join("new.npz"));
    // SAFETY: nobody else uses the file.
    let arr = unsafe { MmapArray::<f32>::options().offset(8).shape([4, 6]).open(folder.join("numbers.f4"))? };
}
rows {
    #[cfg(feature = "npz")]
    r#"np.load(f).files"# =>
        (npz::Archive::open(f)?.members().map(|member| member.name()).collect::<Vec<_>>());
    #[cfg(feature = "npz")]
    r#"np.load(f)["x"]"# => (npy::load::<f32>(npz::Archive::open(f)?.member("x")?)?);
    #[cfg(feature = "npz")]
    r#"np.load(f)["x"]"# => (npy::open::<Le<f32>>(npz::Archive::open(f)?.member("x")?)?);
    #[cfg(feature = "npz")]
    r#"np.load(f)["x"][1:3]"# =>
        (npy::options::<Le<f32>>().rows(1..3).open(npz::Archive::open(f)?.member("x")?)?);
    #[cfg(feature = "npz")]
    r#"np.savez(new, x=arr)"# =>
        { let mut writer = npz::Writer::create(new)?; writer.add("x", &arr)?; writer.finish()?; };
    #[cfg(feature = "npz")]
    r#"np.savez_compressed(new, x=arr)"# =>
        { let mut writer = npz::Writer::create(new)?; writer.add_compressed("x", &arr)?; writer.finish()?; };
}
}
