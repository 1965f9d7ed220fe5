//! A file, or any portion of it, as a typed, shaped array that is never loaded, only mapped: `numpy.memmap` for Rust.
//!
//! ```
//! use bytemuck::{Pod, Zeroable};
//! use mmap_array::{Error, MmapArray, field};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("image.bmp");
//! # std::fs::write(&path, vec![7; 54 + 480 * 640 * 4])?;
//!
//! #[derive(Clone, Copy, Zeroable, Pod)]
//! #[repr(C)]
//! struct Rgba { r: u8, g: u8, b: u8, a: u8 }
//!
//! let image = MmapArray::<Rgba>::options().offset(54).shape([480, 640]).open_shared(&path)?;
//! assert_eq!(image.at([479, 639])?.a, 7);
//! let mean = image.read(|view| view.project(field!(Rgba, r)).mean())?; //  arr["r"].mean()
//! assert_eq!(mean, Some(7.0));
//! let words = image.try_read(|view| {
//!     let words = view.view_as::<u32>()?; //                               arr.view(np.uint32)
//!     Ok::<_, Error>(words.slice((10..20, ..5)).to_vec())
//! })?;
//! assert_eq!(words, [0x0707_0707; 50]);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! # The file, the array, the view
//!
//! - A [`SharedArray`] is a portion of a file that others may write, append to and cut meanwhile: elements of a type, at
//!   any byte offset, of any shape, in C or Fortran order. It lends a view to a closure, and says afterwards whether
//!   anything was lost. Opening costs the same for a megabyte and a terabyte. [`Options`] and [`CreateOptions`] list the
//!   ways to open and create.
//! - A [`MmapArray`] owns elements that nobody else changes: a copy in memory, a file of its own, a snapshot, or, by an
//!   `unsafe` call, the file itself. It dereferences to the slice of its elements.
//! - An [`ArrayView`] borrows elements, with strides in bytes: cut, turned, projected onto a field of its records or seen
//!   as another type without a copy. Elements come and go by value, so no alignment is ever wrong.
//! - Arrays cut into parts by value ([`into_parts`](MmapArray::into_parts)) go to threads without lifetimes, and each
//!   part writes back only its own bytes.
//! - A [`DynArray`] and its [`DynView`] are the same of a [`DType`] that is known only when the program runs; what they
//!   hold is found field by field, printed, converted, or turned into a typed view once it is known.
//! - [`npy`] opens and creates NumPy's own files, windows of them counted in elements, `npz` (with the feature of that
//!   name) opens members of its archives in place, and [`fromfile`] and [`tofile`](ArrayView::tofile) do without a map.
//! - [`npy::fill`](npy::fill()) has processes and threads fill one file part by part, any of which may be killed. The
//!   [guide](guide::processes) says which way to take for many writers.
//!
//! # When it is safe
//!
//! A file belongs to the machine: others may change it at any moment, and cut it. There are three doors.
//!
//! | door | elements come | `unsafe` |
//! | --- | --- | --- |
//! | [`open_shared`](Options::open_shared), [`open_shared_mut`](Options::open_shared_mut), [`open_or_create_shared`](CreateOptions::open_or_create_shared) | by value, of any file, and what was lost is an error | no |
//! | [`load`](Options::load), [`scratch`](CreateOptions::scratch), [`anonymous`](CreateOptions::anonymous), [`open_snapshot`](Options::open_snapshot), [`open_sealed`](Options::open_sealed) | by reference, where nobody else can change them | no |
//! | [`open`](Options::open), [`open_mut`](Options::open_mut), [`open_cow`](Options::open_cow), [`create`](CreateOptions::create) and its like | by reference, of the file itself | yes, by one contract, [told here](MmapArray#safety): while the array lives, nobody else writes the elements, and nobody makes the file shorter |
//!
//! Everything after the opening is safe, whatever the file holds and whatever the arguments are. More is in the guide:
//! [why](guide::safety), and how to [read what others write](guide::sharing).
//!
//! # When it is fast
//!
//! Opening takes some microseconds, for a window of a terabyte as for one of a megabyte; the elements are read from the
//! disk as they are touched, page by page, and again from memory by whoever comes next. A loop over the slice or over a
//! view costs what the same loop by hand costs, and [`sum`](ArrayView::sum) and its like less. So: open the window and
//! not the file, go through it in storage order, say what comes ([`prefetch`](MmapArray::prefetch),
//! [`advise`](MmapArray::advise)) where the disk is slow, and copy ([`fromfile`]) what is small or read once. A
//! [`SharedArray`] asks one question for each operation, half a microsecond: ask for much at once.
//!
//! More on all this, with figures, and on many writers of one file is in the [`guide`].
//!
//! # What the types forbid
//!
//! A read-only array cannot be written ([`Exclusive`](access::Exclusive)), an element type with padding cannot be
//! written at all ([`Load`](access::Load)), and a type of no bytes is no element:
//!
//! ```
//! let array = mmap_array::MmapArrayMut::<[u8; 1]>::anonymous([10]);
//! ```
//!
//! compiles. An element of no bytes does not, since a file would hold any number of them:
//!
//! ```compile_fail
//! let array = mmap_array::MmapArrayMut::<[u8; 0]>::anonymous([10]);
//! ```
//!
//! # Elements
//!
//! Any struct of bytes and numbers is an element ([`Pod`]; to read only, [`AnyBitPattern`]), and so
//! are the types that NumPy's files are made of. All of them take any bits, and the values are checked where they are
//! asked for. bytemuck is re-exported, so that records need no second dependency:
//!
//! [`Pod`]: https://docs.rs/bytemuck/1/bytemuck/trait.Pod.html
//! [`AnyBitPattern`]: https://docs.rs/bytemuck/1/bytemuck/trait.AnyBitPattern.html
//!
//! ```
//! # #[cfg(feature = "derive")] {
//! use mmap_array::bytemuck::{self, Pod, Zeroable};
//! use mmap_array::{Be, MmapArrayMut, Record};
//!
//! #[derive(Clone, Copy, Zeroable, Pod, Record)]
//! #[bytemuck(crate = "bytemuck")]
//! #[repr(C, packed)]
//! struct Trade { t: Be<i64>, px: Be<f32> }
//!
//! let trades = MmapArrayMut::<Trade>::anonymous(2)?;
//! assert_eq!(trades.to_string(), "[(0, 0.) (0, 0.)]");
//! # }
//! # Ok::<(), mmap_array::Error>(())
//! ```
//!
//! | NumPy | here |
//! | --- | --- |
//! | `i1` to `i8`, `u1` to `u8`, `f4`, `f8` | `i8` to `i64`, `u8` to `u64`, `f32`, `f64` |
//! | `>f8`, `<i4` on any machine and unaligned | [`Be<f64>`](Be), [`Le<i32>`](Le): [`Endian`](element::Endian) |
//! | `V3`, `V5` to `V7` that are integers | [`I24`](element::I24), [`U24`](element::U24), [`I40`](element::I40) to [`U56`](element::U56), of either order by `Le` and `Be` |
//! | `f2`; `c8`, `c16` | `half::f16`; `num_complex::Complex`, with the features `half` and `num-complex` |
//! | `f16` of x86, `f12` of i386, `f16` of AArch64: `longdouble` | [`LongDouble`](element::LongDouble), [`LongDouble96`](element::LongDouble96), [`Binary128`](element::Binary128), converted and printed |
//! | ml_dtypes' `bfloat16`, `V2` in files | `half::bf16`, with the feature `half` |
//! | ml_dtypes' `float8_e4m3fn`, `float8_e5m2` and six more, `V1` or `f1` in files | `float8::F8E4M3`, `float8::F8E5M2` and `element::Float8E4M3Fnuz` with its like, with the feature `float8` |
//! | `?` | [`Bool`](element::Bool) |
//! | `S5`, `U5`, `V5` | [`Bytes<5>`](element::Bytes), [`Ucs4<5>`](element::Ucs4), [`Void<5>`](element::Void) |
//! | `M8[ns]`, `m8[25s]` | [`DateTime64<Nanosecond>`](element::DateTime64), [`TimeDelta64<Second, 25>`](element::TimeDelta64), of a [`unit`](mod@element::unit); with the feature `chrono` to and from that crate's types |
//! | `(3,)f4` | `[f32; 3]` |
//!
//! # Features
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `derive`, on by default | `#[derive(Record)]` for structs whose fields have names |
//! | `npz` | the module `npz`: NumPy's archives |
//! | `ndarray` | views as ndarray's and the other way round, without a copy |
//! | `arrow` | rows as Arrow's columns, without a copy where they lie as Arrow has them; Arrow's batches as records |
//! | `rayon` | elements, views along an axis and chunks for all processors; `par_prefetch` |
//! | `serde` | [`DType`] and [`npy::Header`] as their texts in serde's formats; [`Order`], [`Endianness`](dtype::Endianness), [`TimeUnit`](dtype::TimeUnit) |
//! | `stable_deref_trait` | `StableDeref` for arrays: owners kept beside what borrows from them |
//! | `half`, `float8`, `num-complex`, `chrono` | the element types `f16` and `bf16`, floats of 8 bits, `Complex<f32>` and `Complex<f64>`; times as chrono's |
//!
//! # From NumPy
//!
//! Every row of these tables runs as a test beside NumPy, on the same files, and gives the same. What stands here for
//! NumPy's names is [`MmapArray`] and [`ArrayView`], and [`DynArray`] and [`DynView`] where the dtype is known only
//! when the program runs.
//!
//! ## Open
//!
//! `f` is the path of a file, `new` one where nothing is yet, `T` a type and `dtype` the same in NumPy. NumPy's maps are
//! slices of the file itself; here these are `unsafe`, by [one contract](MmapArray#safety), where a row does not say
//! that it is safe. Without `unsafe` the same options open a file by [`open_shared`](Options::open_shared).
//!
//! | NumPy | here |
//! | --- | --- |
//! | `np.memmap(f, dtype, "r")` | `MmapArray::<T>::open(f)?` |
//! | `np.memmap(f, dtype, "r", offset=8, shape=(4, 6))` | `MmapArray::<T>::options().offset(8).shape([4, 6]).open(f)?` |
//! | `np.memmap(f, dtype, "r", 8, (4, 6), order="F")` | `MmapArray::<T>::options().offset(8).shape([4, 6]).order(Order::F).open(f)?` |
//! | `np.memmap(f, dtype, "r").reshape(-1, 2)` | `MmapArray::<T>::options().shape([None, Some(2)]).open(f)?` |
//! | `np.memmap(f, dtype, "r+")`, `np.memmap(f)` | `MmapArray::<T>::open_mut(f)?`, `MmapArray::<u8>::open_mut(f)?` |
//! | `np.memmap(f, dtype, "r+", 8, (4, 6))`, which makes a short file longer | `MmapArray::<T>::options().offset(8).shape([4, 6]).open_mut(f)?`, which does not |
//! | `np.memmap(f, dtype, "c")` | `MmapArray::<T>::options().open_cow(f)?` |
//! | `np.memmap(new, dtype, "w+", shape=(4, 6))` | `MmapArray::<T>::create_options([4, 6]).create(new)?` |
//! | `np.memmap(open(f, "rb"), dtype, "r")` | `MmapArray::<T>::options().open(&File::open(f)?)?` |
//! | `np.memmap(f, ">f4", "r", offset=1, shape=5)` | `MmapArray::<Be<f32>>::options().offset(1).shape(5).open(f)?` |
//! | `np.memmap(f, [("a", "<u2"), ("b", "<f4")], "r", 8, 16)` | for a dtype that is known when the program runs: `DynArray::options("[('a', '<u2'), ('b', '<f4')]".parse()?).offset(8).shape(16).open(f)?` |
//! | `np.memmap(TemporaryFile(), dtype, "w+", shape=(4, 6))` | `MmapArrayMut::<T>::scratch([4, 6])?` |
//! | `np.zeros((4, 6), dtype)` | `MmapArrayMut::<T>::anonymous([4, 6])?` |
//! | `np.zeros((4, 6), dtype).tofile(new)` | safe: `MmapArrayMut::<T>::scratch([4, 6])?.persist(new)?` |
//! | `np.fromfile(f, dtype)`, `np.fromfile(f, dtype, count=5, offset=8)` | `fromfile::<T>(f, 0, None)?`, `fromfile::<T>(f, 8, 5)?` |
//! | `np.fromfile(f, dtype, offset=8).reshape(4, 6)` | `MmapArray::<T>::options().offset(8).shape([4, 6]).load(f)?` |
//!
//! ## Files that others write and cut
//!
//! `arr` is the [`SharedArrayMut<T>`](SharedArrayMut) that `MmapArray::<T>::options().offset(8).shape([4, 6]).open_shared_mut(f)?`
//! opens without `unsafe`. All that views have there is in `read`.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr.sum()` | `arr.read(\|view\| view.sum())?` |
//! | `arr[2, 3]`, `arr[:, 3].copy()` | `arr.at([2, 3])?`, `arr.read(\|view\| view.index_axis(1, 3).to_vec())?` |
//! | `arr[1:3].max()` | `arr.read(\|view\| view.rows(1..3).max().unwrap())?` |
//! | `np.array(arr)` | `arr.load()?` |
//! | `[rows.sum() for rows in (arr[:3], arr[3:])]` | `arr.chunks(3).map(\|rows\| Ok(rows?.sum())).collect::<Result<Vec<_>, Error>>()?` |
//! | `str(arr)` | `arr.read(\|view\| view.to_string())?` |
//! | `arr[2, 3] = 5`, `arr[...] = 1` | `arr.set([2, 3], 5.0)?`, `arr.fill(1.0)?` |
//! | `arr[2, 3] += 1`, by which several processes lose some | `arr.fetch_add([2, 3], 1.0)?`, which loses none |
//! | `arr.tofile(new)` | `arr.tofile(new)?` |
//!
//! ## The array
//!
//! `arr` is the `MmapArray<T>` of the second row of all. It is the slice of all its elements too, so `arr.len()` is
//! NumPy's `arr.size`. The mode is in the type: [`ReadOnly`](access::ReadOnly), [`ReadWrite`](access::ReadWrite) or
//! [`CopyOnWrite`](access::CopyOnWrite).
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr.filename`, `arr.offset` | `arr.path()`, `arr.byte_offset()` |
//! | `assert arr.mode == "r"` | `let arr: MmapArray<T, ReadOnly> = arr` |
//! | `arr.dtype` | `T::dtype()` |
//! | `arr.shape`, `arr.ndim`, `arr.strides` | `arr.shape()`, `arr.ndim()`, `arr.view().strides()` |
//! | `len(arr)` | `arr.shape()[0]` |
//! | `arr.size`, `arr.itemsize`, `arr.nbytes` | `arr.len()`, `size_of::<T>()`, `size_of_val(&arr[..])` |
//! | `arr.flags.c_contiguous` | `arr.order() == Order::C` |
//! | `str(arr)` | `arr.to_string()` |
//! | `arr.tobytes()` | `bytemuck::cast_slice::<T, u8>(&arr)` |
//! | `np.asarray(arr)` | `arr.view().into_ndarray::<Ix2>()?` |
//!
//! ## Index, slice, turn
//!
//! Indices are not negative, and a range outside its axis panics, as a slice's does. The array itself is the slice of
//! its elements in storage order; its view knows the shape.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr[2, 3]`, `arr.flat[7]` | `arr[[2, 3]]`, `arr[7]` |
//! | `arr[2]`, `arr[:, 3]` | `arr.view().index_axis(0, 2)`, `arr.view().index_axis(1, 3)` |
//! | `arr[-1]` | `arr.view().index_axis(0, arr.shape()[0] - 1)` |
//! | `arr[1:3]`, `arr[:, 2:]` | `arr.view().rows(1..3)`, `arr.view().slice_axis(1, 2..)` |
//! | `arr[1:99]` | `arr.view().rows(1..99.min(arr.shape()[0]))` |
//! | `arr[1:3, :4]`, `arr[:, 5]` | `arr.view().slice((1..3, ..4))`, `arr.view().slice((.., 5))` |
//! | `arr[::2]`, `arr[:, ::-1]` | `arr.view().step_axis(0, 2)`, `arr.view().step_axis(1, -1)` |
//! | `arr.T`, `arr.transpose(1, 0)` | `arr.view().t()`, `arr.view().permute_axes([1, 0])` |
//! | `arr.reshape(2, 12)`, `arr.reshape(-1)` | `arr.view().reshape([2, 12])?`, `arr.view().reshape([None])?` |
//! | `arr[:, np.newaxis]` | `arr.view().insert_axis(1)?` |
//! | `[row.max() for row in arr]` | `arr.view().axis_iter(0).filter_map(\|row\| row.max()).collect::<Vec<_>>()` |
//! | `list(arr.flat)` | `arr.view().iter().collect::<Vec<_>>()` |
//! | `arr[arr > 7]` | `arr.view().iter().filter(\|&x\| x > 7.0).collect::<Vec<_>>()` |
//! | `np.array_split(arr, 3)[1]` | `arr.into_parts(3)?.remove(1)`, each part for a thread of its own |
//! | `arr.view(np.uint32)`, `arr.view("u1")` | `arr.view().view_as::<u32>()?`, owned: `arr.cast::<u8>()?` |
//!
//! ## Numbers
//!
//! Along axes the elements are gone through once, as they lie in the file. What is not here, ndarray has, with the feature
//! `ndarray`.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr.sum()`, `arr.mean()` | `arr.view().sum()`, `arr.view().mean()` |
//! | `arr.min()`, `arr.max()` | `arr.view().min()`, `arr.view().max()` |
//! | `arr.sum(axis=0)`, `arr.max(axis=(0, 1))` | `arr.view().sum_axis(0)?.1`, `arr.view().max_axis([0, 1])?.1` |
//! | `arr.mean(axis=1, dtype="f8")` | `arr.view().mean_axis(1)?.1` |
//! | `arr.argmin()`, `arr.argmax(axis=0)` | `arr.view().argmin()`, `arr.view().argmax_axis(0)?.1` |
//! | `arr.any()`, `arr.all(axis=1)` | `arr.view().any()`, `arr.view().all_axis(1)?.1` |
//! | `np.count_nonzero(arr)` | `arr.view().count_nonzero()` |
//! | `arr.var(dtype="f8")`, `arr.std(dtype="f8", ddof=1)` | `arr.view().var(0)`, `arr.view().std(1)` |
//! | `np.nansum(arr)`, `np.nanmin(arr)` | `arr.view().nan_sum()`, `arr.view().nan_min()` |
//! | `np.histogram(arr, [0, 9, 99])[0].astype("u8")` | `arr.view().histogram(&[0.0, 9.0, 99.0])?` |
//! | `np.vdot(arr.astype("f8"), arr.astype("f8"))` | `arr.view().dot(&arr.view())?` |
//! | `arr.astype("f8")`, `arr.copy()` | `arr.view().to_vec_as::<f64>()`, `arr.view().to_vec()` |
//! | `arr.view(">f4").astype("f4")` | `arr.view().view_as::<Be<f32>>()?.to_native_vec()` |
//! | `arr.view(">i4")[2, 3]` | `arr.view().view_as::<Be<i32>>()?.at([2, 3]).get()` |
//! | `np.array_equal(arr, arr.T)` | `arr.view() == arr.view().t()` |
//!
//! ## Records
//!
//! `np.dtype([…])` is a `#[repr(C, packed)]` struct with `#[derive(Record)]`, and with `align=True` a `#[repr(C)]` one,
//! whose padding is written out as fields: `#[record(pad)] _pad: [u8; 7]`. Here it is `Star`, of the fields `id`,
//! `tag`, `rgb` and `pos`, which has `x` and `y`. `Name` has `id` and `tag`. A field's path is checked by the compiler
//! with [`project`](MmapArray::project), when the program runs with [`field`](MmapArray::field).
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr.dtype`, `arr.dtype.names` | `Star::dtype()`, `Star::dtype().fields()` |
//! | `arr["id"]`, `arr["pos"]["x"]` | `arr.project(field!(Star, id))`, `arr.project(field!(Star, pos.x))` |
//! | `arr["id"]`, `arr["pos"]["x"]` by a name from outside | `arr.field::<u32>("id")?`, `arr.field::<f32>("pos.x")?` |
//! | `arr[["id", "tag"]]` | `arr.fields::<Name>()?` |
//! | `arr["rgb"]` | `arr.project(field!(Star, rgb)).unpack()?` |
//! | `arr[3]`, `arr[3]["id"]`, `arr[3]["pos"]["y"]` | `arr[3]`, `arr[3].id`, `arr[3].pos.y` |
//! | `arr.view(np.recarray).id`, `arr.view(np.recarray)[3].id` | `arr.project(field!(Star, id))`, `arr[3].id` |
//! | `arr[arr["id"] > 3]` | `arr.iter().copied().filter(\|star\| star.id > 3).collect::<Vec<_>>()` |
//! | `arr[arr["tag"] == b"K1"]["id"]` | `arr.iter().filter(\|star\| star.tag == "K1").map(\|star\| star.id).collect::<Vec<_>>()` |
//! | `arr["pos"]["y"].min()` | `arr.project(field!(Star, pos.y)).min()` |
//! | `arr["id"] += 1` | `arr.view_mut().project(field!(Star, id)).map_in_place(\|id\| id + 1)` |
//! | `arr["pos"]["x"][2:] = 0.5` | `arr.view_mut().field::<f32>("pos.x")?.rows(2..).fill(0.5)` |
//! | `arr[3]["tag"] = b"F5"` | `arr[3].tag = Bytes::new("F5")?` |
//! | `str(arr)` | `arr.to_string()` |
//!
//! ## Records of a dtype that is known when the program runs
//!
//! `arr` is the [`DynArray`] of the same file.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr.dtype`, `arr.dtype.names` | `arr.dtype()`, `arr.dtype().fields()` |
//! | `arr["id"]`, `arr["pos"]["x"]` | `arr.field("id")?`, `arr.field("pos.x")?` |
//! | `arr[["id", "tag"]]` | `arr.view().view_as(&arr.dtype().select(["id", "tag"])?)?` |
//! | `arr[3]`, `arr["id"][3]` | `arr.at([3])`, `arr.field("id")?.at([3])` |
//! | `arr[1:4]["rgb"][:, 0]` | `arr.view().rows(1..4).field("rgb")?.slice((.., 0))` |
//! | `arr["id"].astype("f8")` | `arr.field("id")?.to_vec_as::<f64>()?` |
//! | `arr["pos"]["x"].sum()`, `arr["id"].max()` | `arr.field("pos.x")?.sum()?`, `arr.field("id")?.max()?` |
//! | `arr["rgb"].min(axis=0)` | `arr.field("rgb")?.min_axis(0)?.1` |
//! | `arr.tobytes()`, `str(arr)` | `arr.as_bytes()`, `arr.to_string()` |
//!
//! ## Write
//!
//! `arr` is an `MmapArrayMut<f32>`.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `arr[2, 3] = 5`, `arr[...] = 1` | `arr[[2, 3]] = 5.0`, `arr.fill(1.0)` |
//! | `arr[:, 3] = 0` | `arr.view_mut().index_axis(1, 3).fill(0.0)` |
//! | `arr += 1` | `arr.view_mut().map_in_place(\|x\| x + 1.0)` |
//! | `arr -= arr.min(axis=0)` | `let least = arr.view().min_axis(0)?.1; arr.view_mut().map_rows_in_place(\|row\| row.iter_mut().zip(&least).for_each(\|(x, least)\| *x -= least))` |
//! | `arr[2:] = arr[:2]` | `let (from, mut to) = arr.view_mut().split_at(0, 2); to.copy_from(&from)` |
//! | `arr.flush()`, `arr[1:3].flush()` | `arr.flush()?`, `arr.flush_rows(1..3)?` |
//! | `del arr` | `arr.close()?` |
//! | longer by two rows: `arr = np.memmap(f, "f4", "r+", 8, (6, 6))` | `arr.grow(2)?` |
//! | `arr.tofile(new)`, `arr[:, ::2].tofile(new)` | `arr.tofile(new)?`, `arr.view().step_axis(1, 2).tofile(new)?` |
//! | `arr.tofile(open(new, "wb"))` | `arr.view().write_to(&mut File::create(new)?)?` |
//!
//! ## `.npy`
//!
//! `f` and `new` are paths again, and `arr` is an array of any kind. A dtype of objects is refused: nothing is
//! unpickled.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `np.load(f, mmap_mode="r")` | `npy::open::<T>(f)?` |
//! | `np.load(f, mmap_mode="r+")`, `np.load(f, mmap_mode="c")` | `npy::open_mut::<T>(f)?`, `npy::options::<T>().open_cow(f)?` |
//! | `np.load(f, mmap_mode="r")` | of the dtype that the file has: `npy::dyn_options().open(f)?` |
//! | `np.load(f, mmap_mode="r")[1:3]` | `npy::options::<T>().rows(1..3).open(f)?`, which maps no more |
//! | `np.array_split(np.load(f, mmap_mode="r+"), 3)[1]` | `npy::options::<T>().segment(1, 3).open_mut(f)?`, one for each process |
//! | `np.load(f, mmap_mode="r").dtype` | `npy::header(f)?.dtype()` |
//! | `np.load(f)`, `np.load(f).astype("f8")` | `npy::load::<T>(f)?`, `npy::dyn_options().load(f)?.view().to_vec_as::<f64>()?` |
//! | `np.load(open(f, "rb"))` | `npy::options::<T>().load_from(File::open(f)?)?` |
//! | `np.save(new, arr)`, `np.save(new, arr[:, ::2])` | `npy::save(new, &arr)?`, `npy::save(new, &arr.view().step_axis(1, 2))?` |
//! | `np.save(open(new, "wb"), arr)` | `npy::save_to(&mut File::create(new)?, &arr)?` |
//! | `np.save(f, np.concatenate([np.load(f), arr]))` | `npy::append(f, &arr)?` |
//! | `np.lib.format.open_memmap(f)`, `np.lib.format.open_memmap(f, mode="r")` | `npy::open_mut::<T>(f)?`, `npy::open::<T>(f)?` |
//! | `np.lib.format.open_memmap(new, "w+", dtype, (4, 6))` | `npy::create::<T>(new, [4, 6])?` |
//! | `np.lib.format.open_memmap(new, "w+", dtype, (4, 6), fortran_order=True)` | `npy::create_options::<T>([4, 6]).order(Order::F).create(new)?` |
//! | `np.lib.format.open_memmap(new, "w+", dtype, (4, 6), version=(2, 0))` | `npy::create_options::<T>([4, 6]).version(2, 0).create(new)?` |
//! | `np.lib.format.open_memmap(f, max_header_size=20_000)` | `npy::options::<T>().max_header(20_000).open_mut(f)?` |
//! | `np.save(new, np.zeros((4, 6), dtype))` | safe: `npy::create_options::<T>([4, 6]).scratch()?.persist(new)?` |
//! | `np.lib.format.open_memmap(new, "w+", arr.dtype, arr.shape)` | `npy::create::<T>(new, arr.shape())?` |
//!
//! ## `.npz`
//!
//! With the feature `npz`. Members that are deflated, as by `np.savez_compressed`, are loaded; those that are stored
//! can be mapped too, at whatever byte NumPy has put them.
//!
//! | NumPy | here |
//! | --- | --- |
//! | `np.load(f).files` | `npz::Archive::open(f)?.members().map(\|member\| member.name()).collect::<Vec<_>>()` |
//! | `np.load(f)["x"]` | `npy::load::<f32>(npz::Archive::open(f)?.member("x")?)?` |
//! | `np.load(f)["x"]` | mapped: `npy::open::<Le<f32>>(npz::Archive::open(f)?.member("x")?)?` |
//! | `np.load(f)["x"][1:3]` | mapped: `npy::options::<Le<f32>>().rows(1..3).open(npz::Archive::open(f)?.member("x")?)?` |
//! | `np.savez(new, x=arr)` | `let mut writer = npz::Writer::create(new)?; writer.add("x", &arr)?; writer.finish()?` |

// On docs.rs each item says which feature it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod access;
pub mod array;
pub mod dtype;
pub mod dynamic;
pub mod element;
mod error;
mod field;
pub mod guide;
#[cfg(any(
    feature = "arrow",
    feature = "ndarray",
    feature = "rayon",
    feature = "serde",
    feature = "stable_deref_trait"
))]
pub mod interop;
mod io;
mod nearest;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod print;
mod region;
mod shape;
pub mod view;

#[doc(inline)]
pub use array::{CreateOptions, MmapArray, MmapArrayMut, Options, SharedArray, SharedArrayMut, shared};
pub use bytemuck;
#[doc(inline)]
pub use dtype::DType;
#[doc(inline)]
pub use dynamic::{DynArray, DynArrayMut, DynView, DynViewMut, SharedDynArray};
#[cfg(feature = "derive")]
pub use element::record::Record;
#[doc(inline)]
pub use element::{Be, Element, Le};
pub use error::{Error, ErrorKind, Result};
pub use io::fromfile;
pub use shape::Order;
#[doc(inline)]
pub use view::{ArrayView, ArrayViewMut};

/// What the code that `#[derive(Record)]` writes calls.
#[doc(hidden)]
pub mod __private {
    pub use crate::element::record::{field, record};
}

/// The README's code, run as a test.
#[cfg(all(doctest, feature = "derive"))]
#[doc = include_str!("../README.md")]
struct Readme;
