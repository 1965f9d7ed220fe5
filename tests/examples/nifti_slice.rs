//! `nifti_slice`, against nibabel: on the scans that it comes with, and on volumes that it writes.

#[allow(dead_code)]
#[path = "../../examples/nifti_slice.rs"]
mod example;

use crate::cutter::Cutter;
use crate::python::Python;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

fn printed(file: &Path, folder: &Path) -> Result<String, String> {
    let mut out = Vec::new();
    let saved = example::save_slices(file, folder, &mut out);
    saved.map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
}

/// Of each file a line: path, shape, dtype, first byte, and scaling. The slices are in a folder beside it.
const NIBABEL: &str = r#"
import glob, gzip, os, sys
import nibabel as nib, numpy as np

folder = sys.argv[1]
data = os.path.dirname(nib.__file__) + '/tests/data'
for name in ['anatomical', 'functional', 'reoriented_anat_moved', 'resampled_anat_moved', 'example4d']:
    packed = glob.glob(f'{data}/{name}.nii*')[0]
    with (gzip.open if packed.endswith('.gz') else open)(packed, 'rb') as file:
        open(f'{folder}/{name}.nii', 'wb').write(file.read())

rng = np.random.default_rng(7)
kinds = ['u1', 'i1', 'u2', 'i2', 'u4', 'i4', 'u8', 'i8', 'f4', 'f8', 'c8', 'c16',
         [(c, 'u1') for c in 'RGB'], [(c, 'u1') for c in 'RGBA']]
for order in '<>':
    for number, kind in enumerate(kinds):
        dtype = np.dtype(kind)
        for shape in [(7, 6, 5), (4, 3, 1, 6), (5, 2), (2, 1, 3, 2, 1, 3, 2)]:
            bytes_ = rng.integers(0, 120, (*shape, dtype.itemsize), dtype='u1')
            header = nib.Nifti1Header(endianness=order)
            header.set_data_dtype(dtype)
            image = nib.Nifti1Image(bytes_.view(dtype)[..., 0], np.eye(4), header)
            nib.save(image, f'{folder}/{"le" if order == "<" else "be"}{number}.{len(shape)}.nii')
    # Stored as integers, with a scaling that nibabel chooses.
    for dtype in ['i2', 'u1']:
        header = nib.Nifti1Header(endianness=order)
        header.set_data_dtype(dtype)
        image = nib.Nifti1Image(rng.random((6, 5, 4)) * 1000, np.eye(4), header)
        nib.save(image, f'{folder}/scaled{dtype}{"le" if order == "<" else "be"}.nii')

for path in sorted(glob.glob(f'{folder}/*.nii')):
    proxy = nib.load(path).dataobj
    stored = np.asarray(proxy.get_unscaled())
    os.mkdir(path + '.expected')
    for axis, n in enumerate(stored.shape):
        np.save(f'{path}.expected/axis{axis}.npy', stored[(slice(None),) * axis + (n // 2,)])
    descr = np.lib.format.dtype_to_descr(stored.dtype)
    print(path, list(stored.shape), descr, proxy.offset, proxy.slope, proxy.inter, sep='\t')
"#;

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn slices_of_real_scans_and_of_every_kind_of_voxel_are_byte_for_byte_those_that_numpy_saves() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut volumes, mut slices, mut scaled) = (0, 0, 0);
    for line in python.run(NIBABEL, [folder.path()]).lines() {
        let [path, shape, descr, offset, slope, inter] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let saved = folder.path().join("saved");
        let text = printed(path.as_ref(), &saved).unwrap();
        let first = text.lines().next().unwrap();
        assert!(first.contains(&format!("{path}: shape {shape}, ")), "{line}: {text}");
        assert!(first.ends_with(&format!(" from byte {offset} on")), "{line}: {text}");
        assert!(first.contains(descr) || descr.starts_with('['), "{line}: {text}");
        let second = text.lines().nth(1).unwrap();
        match second.strip_prefix("scaling value = ") {
            Some(scaling) => {
                let (a, b) = scaling.split_once(" * stored + ").unwrap();
                let number = |text: &str| text.parse::<f64>().unwrap();
                assert_eq!((number(a), number(b)), (number(slope), number(inter)), "{line}");
                scaled += usize::from(number(slope) != 1.0);
            }
            None => assert_eq!((slope, inter), ("1.0", "0.0"), "{line}: {text}"),
        }
        for entry in fs::read_dir(format!("{path}.expected")).unwrap() {
            let expected = entry.unwrap();
            let ours = fs::read(saved.join(expected.file_name())).unwrap();
            assert!(ours == fs::read(expected.path()).unwrap(), "{line}: {expected:?}");
            slices += 1;
        }
        fs::remove_dir_all(saved).unwrap();
        volumes += 1;
    }
    // Five scans; two byte orders of 14 kinds in 2, 3, 4 and 7 axes; two orders of two scaled ones.
    assert_eq!((volumes, slices), (5 + 2 * 14 * 4 + 4, 3 * 3 + 2 * 4 + 2 * 14 * (2 + 3 + 4 + 7) + 4 * 3));
    assert_eq!(scaled, 1 + 4);
}

/// A volume of 3 x 2 x 2 voxels of 16 bits.
fn volume() -> Vec<u8> {
    let mut file = vec![0; 352];
    file[..4].copy_from_slice(&348_i32.to_be_bytes());
    let dim = [3_i16, 3, 2, 2, 1, 1, 1, 1].map(i16::to_be_bytes).concat();
    file[40..56].copy_from_slice(&dim);
    file[70..72].copy_from_slice(&4_i16.to_be_bytes());
    file[108..112].copy_from_slice(&352_f32.to_be_bytes());
    file[344..348].copy_from_slice(b"n+1\0");
    file.extend((0..12).flat_map(i16::to_be_bytes));
    file
}

#[test]
fn what_is_no_single_nifti_1_file_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (path, saved) = (folder.path().join("scan.nii"), folder.path().join("saved"));
    let refused = |start: usize, bytes: &[u8]| {
        let mut file = volume();
        file[start..start + bytes.len()].copy_from_slice(bytes);
        fs::write(&path, file).unwrap();
        let error = printed(&path, &saved).unwrap_err();
        assert!(error.contains("scan.nii"), "{error}");
        assert!(!saved.exists(), "{error}");
        error
    };
    assert!(refused(0, &[0x1f, 0x8b, 8, 0]).contains("decompress it with `gunzip --keep`"));
    assert!(refused(0, &540_i32.to_le_bytes()).contains("a NIfTI-2 file"));
    assert!(refused(0, &540_i32.to_be_bytes()).contains("a NIfTI-2 file"));
    assert!(refused(0, b"\x89PNG").contains(r"expected 348, the size of a NIfTI-1 header, in its first bytes"));
    assert!(refused(344, b"ni1\0").contains("the header of a pair; only single files"));
    assert!(refused(344, b"\0\0\0\0").contains(r#"expected "n+1\0" at byte 344, found "\x00\x00\x00\x00""#));
    for dim in [[-1, 1], [0, 1], [8, 1], [i16::MIN, 1], [3, 0], [3, -2]] {
        let error = refused(40, &dim.map(i16::to_be_bytes).concat());
        assert!(error.contains("expected 1 to 7 axes with voxels"), "{error}");
    }
    assert!(refused(40, &[7_i16; 8].map(i16::to_be_bytes).concat()).contains("ends at byte 376"));
    let most = [7, i16::MAX, i16::MAX, i16::MAX, i16::MAX, i16::MAX, i16::MAX, i16::MAX];
    refused(40, &most.map(i16::to_be_bytes).concat());
    assert!(refused(70, &1536_i16.to_be_bytes()).contains("datatype is 1536; expected numbers of 8 to 64 bits"));
    for offset in [0.0, 348.0, 352.5, -352.0, 1e30, f32::NAN, f32::INFINITY] {
        let error = refused(108, &offset.to_be_bytes());
        assert!(error.contains("expected a byte from 352 on"), "{error}");
    }
    assert!(refused(108, &368_f32.to_be_bytes()).contains("ends at byte 376"));
    assert!(printed(folder.path(), &saved).unwrap_err().contains("a directory"));
    assert!(printed(&folder.path().join("none.nii"), &saved).unwrap_err().contains("none.nii"));
    // A folder that cannot be created.
    fs::write(&path, volume()).unwrap();
    assert!(printed(&path, &path.join("saved")).unwrap_err().contains("saved"));
}

#[test]
fn a_broken_file_is_an_error_or_another_volume_but_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (path, saved) = (folder.path().join("scan.nii"), folder.path().join("saved"));
    let whole = volume();
    fs::write(&path, &whole).unwrap();
    assert!(printed(&path, &saved).unwrap().contains("shape [3, 2, 2], "));
    let mut file = File::options().write(true).open(&path).unwrap();
    let (mut others, mut errors) = (0, 0);
    for (byte, &right) in whole.iter().enumerate() {
        let mut put = |value| {
            file.seek(SeekFrom::Start(byte as u64)).unwrap();
            file.write_all(&[value]).unwrap();
        };
        for value in [0, 0xff, right ^ 1, right ^ 0x80] {
            put(value);
            match printed(&path, &saved) {
                Ok(_) => others += 1,
                Err(error) => {
                    assert!(error.contains("scan.nii"), "{byte}: {error}");
                    errors += 1;
                }
            }
        }
        put(right);
    }
    assert!(others > 1000 && errors > 50, "{others} {errors}");
    for len in (0..whole.len()).rev() {
        file.set_len(len as u64).unwrap();
        let error = printed(&path, &saved).unwrap_err();
        assert!(error.contains("scan.nii"), "{len}: {error}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "Windows does not let mapped files be cut")]
#[cfg_attr(
    not(any(target_arch = "x86", target_arch = "x86_64", target_vendor = "apple")),
    ignore = "qemu's user mode dies of a lost page"
)]
fn a_scan_that_is_cut_meanwhile_is_an_error_and_no_slice_of_zeros() {
    let folder = tempfile::tempdir().unwrap();
    let (path, saved) = (folder.path().join("scan.nii"), folder.path().join("saved"));
    let mut file = volume();
    file[42..48].copy_from_slice(&[40_i16; 3].map(i16::to_be_bytes).concat());
    file.resize(352 + 2 * 40 * 40 * 40, 1);
    fs::write(&path, file).unwrap();
    let error = example::save_slices(&path, &saved, &mut Cutter::new(&path, 5000)).unwrap_err().to_string();
    assert!(error.contains("scan.nii") && error.contains("5000"), "{error}");
    assert_eq!(fs::read_dir(&saved).unwrap().count(), 0);
}

#[test]
fn the_demonstration_prints_the_middle_of_a_ball() {
    let mut out = Vec::new();
    example::demonstrate(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("shape [24, 16, 12]") && out.contains("value = 0.5 * stored + -10.0"), "{out}");
    let row = out.lines().find(|line| line.contains(" 36 ")).unwrap();
    assert!(row.contains(" 0 11 20 27 32 35 36 35 32 27 20 11  0 "), "{out}");
}
