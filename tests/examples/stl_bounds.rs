//! `stl_bounds`, against trimesh: on a teapot, parts of a robot, and what trimesh writes.

#[allow(dead_code)]
#[path = "../../examples/stl_bounds.rs"]
mod example;

use crate::python::Python;
use example::list;
use std::fs;
use std::path::Path;

fn listed(path: &Path) -> Result<String, String> {
    let mut out = Vec::new();
    match list(path, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).unwrap()),
        Err(error) => {
            assert!(out.is_empty(), "what fails prints nothing");
            Err(error.to_string())
        }
    }
}

/// What is listed under a name.
#[track_caller]
fn value<'a>(text: &'a str, name: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name:<9} ")));
    line.unwrap_or_else(|| panic!("no {name}: {text}"))
}

/// A tetrahedron with its corner at the origin and edges of 3, 4 and 5 along the axes.
fn tetrahedron() -> Vec<u8> {
    let (origin, x, y, z) = ([0.0; 3], [3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 5.0]);
    let triangles = [[origin, y, x], [origin, x, z], [origin, z, y], [x, y, z]];
    let triangle = |corners: [[f32; 3]; 3]| {
        let numbers = corners.concat().into_iter().flat_map(f32::to_le_bytes);
        [0; 12].into_iter().chain(numbers).chain([7, 0]).collect::<Vec<u8>>()
    };
    let mut text = [0; 80];
    text[..10].copy_from_slice(b"solid\x1btetr");
    [&text[..], &4_u32.to_le_bytes(), &triangles.map(triangle).concat()].concat()
}

#[test]
fn a_body_has_its_extent_area_and_volume() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tetrahedron.stl");
    fs::write(&path, tetrahedron()).unwrap();
    let text = listed(&path).unwrap();
    let area = 6.0 + 7.5 + 10.0 + 0.5 * (20_f64.powi(2) + 15_f64.powi(2) + 12_f64.powi(2)).sqrt();
    let expected = format!(
        "header    \"solid?tetr\"\ntriangles 4\nx         0.0 to 3.0\ny         0.0 to 4.0\nz         0.0 to 5.0\n\
         area      {area:?}\nvolume    10.0 if the surface is closed\n"
    );
    assert_eq!(text, expected);

    fs::write(&path, [0; 84]).unwrap();
    let text = listed(&path).unwrap();
    assert!(value(&text, "triangles") == "0" && !text.contains(" to "), "{text}");
}

#[test]
fn a_file_of_another_length_or_kind_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("body.stl");
    let list = |file: &[u8]| {
        fs::write(&path, file).unwrap();
        listed(&path)
    };
    let mut whole = tetrahedron();
    assert!(list(&whole[..83]).unwrap_err().contains("an ASCII STL file"));
    assert!(list(b"solid cube\nendsolid cube\n").unwrap_err().contains("an ASCII STL file"));
    whole[0] = b'S';
    for len in 0..whole.len() {
        let expected = match len {
            0..84 => format!("ends at byte {len}"),
            84 | 134 | 184 | 234 => {
                format!("the header, at byte 80, states 4 triangles, but {} follow it", (len - 84) / 50)
            }
            _ => "not a whole number of".into(),
        };
        let error = list(&whole[..len]).unwrap_err();
        assert!(error.contains(&expected) && error.contains("body.stl"), "{len}: {error}");
    }
    let error = list(&[&whole[..], &[0; 100]].concat()).unwrap_err();
    assert!(error.contains("states 4 triangles, but 6 follow it"), "{error}");
    assert!(list(&[&whole[..], b"\n"].concat()).unwrap_err().contains("1 are left over"));
    for byte in 0..whole.len() {
        for value in [0, 0xff, whole[byte] ^ 1, whole[byte] ^ 0x80] {
            let mut broken = whole.clone();
            broken[byte] = value;
            let listed = list(&broken);
            assert_eq!(listed.is_err(), (80..84).contains(&byte) && value != whole[byte], "{byte}: {listed:?}");
        }
    }
    assert!(listed(folder.path()).unwrap_err().contains("a directory"));
    assert!(listed(&folder.path().join("none")).unwrap_err().contains("cannot open"));
}

/// Of each file: path, number of triangles where the file is binary, extent, area, and the volume where the surface is
/// closed.
const TRIMESH: &str = "
import glob, importlib.util, os, sys, trimesh

folder = sys.argv[1]
trimesh.creation.icosphere(4, radius=1e-3).apply_translation([1e3, -2, 0.1]).export(folder + '/ball.stl')
trimesh.creation.torus(5, 2).export(folder + '/ring.stl')
trimesh.creation.box().export(folder + '/ascii.stl', file_type='stl_ascii')
packages = [importlib.util.find_spec(name).submodule_search_locations[0] for name in ['triangle_mesh_io', 'gym_xarm']]
for path in [path for place in [folder, *packages] for path in glob.glob(place + '/**/*.stl', recursive=True)]:
    mesh = trimesh.load_mesh(path, process=False)
    closed = trimesh.load_mesh(path).is_watertight
    binary = os.path.getsize(path) == 84 + 50 * len(mesh.faces)
    extent = ' '.join(f'{x!r}' for x in mesh.bounds.T.ravel().tolist())
    print(path, len(mesh.faces) if binary else '', extent, mesh.area, mesh.volume if closed else '', sep='\\t')
";

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn real_files_measure_what_trimesh_finds() {
    let Some(python) = Python::get() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (mut binary, mut closed) = (0, 0);
    for line in python.run(TRIMESH, [folder.path()]).lines() {
        let [path, triangles, extent, area, volume] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        if triangles.is_empty() {
            assert!(listed(Path::new(path)).unwrap_err().contains("an ASCII STL file"), "{path}");
            continue;
        }
        let text = listed(Path::new(path)).unwrap();
        assert_eq!(value(&text, "triangles"), triangles, "{path}");
        let found = ["x", "y", "z"].map(|name| value(&text, name).split_once(" to ").unwrap());
        let found = found.into_iter().flat_map(|(min, max)| [min, max]).map(|x| x.parse::<f32>().unwrap());
        let extent = extent.split(' ').map(|x| x.parse::<f64>().unwrap() as f32);
        assert!(found.eq(extent), "{path}: {line}\n{text}");
        check_close(value(&text, "area"), area, path);
        if !volume.is_empty() {
            check_close(value(&text, "volume").split(' ').next().unwrap(), volume, path);
            closed += 1;
        }
        binary += 1;
    }
    // The teapot, 18 parts of the robot, and two of trimesh's own; three parts are not closed.
    assert_eq!((binary, closed), (21, 18));
}

/// Whether two sums of the same numbers, in another order, are the same.
#[track_caller]
fn check_close(found: &str, expected: &str, path: &str) {
    let (found, expected): (f64, f64) = (found.parse().unwrap(), expected.parse().unwrap());
    assert!((found - expected).abs() < 1e-9 * expected.abs(), "{path}: {found} instead of {expected}");
}
