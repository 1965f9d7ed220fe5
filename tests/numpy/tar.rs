//! Archives that Python's `tarfile` wrote, with the members that it finds.

use crate::python::Python;
use mmap_array::tar::Archive;
use mmap_array::{ErrorKind, npy};

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn archives_of_every_format_read_as_in_python() {
    let Some(python) = Python::get() else { return };
    for what in ["ustar", "gnu", "pax", "gnu-big", "pax-big"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tar");
        python.run(include_str!("tar.py"), [what.as_ref(), path.as_os_str()]);
        let printed = python.run(include_str!("tar.py"), ["read".as_ref(), path.as_os_str()]);
        let archive = Archive::open(&path).unwrap();
        archive.check().unwrap();
        let members: Vec<_> = archive.members().collect();
        assert!(members.len() >= 3 && members.len() == printed.lines().count(), "{what}");
        for (member, line) in members.into_iter().zip(printed.lines()) {
            let fields: Vec<&str> = line.split('\t').collect();
            let [name, start, size, last, descr, shape, text] = fields[..] else { panic!("{line:?}") };
            assert_eq!(
                (member.name(), member.offset().to_string(), member.size().to_string()),
                (name, start.to_owned(), size.to_owned())
            );
            assert_eq!(archive.member(name).unwrap().offset().to_string(), last, "{what}: {name}");
            if descr.is_empty() {
                continue;
            }
            let loaded = npy::dyn_options().load(member).unwrap();
            assert_eq!(loaded.dtype().descr().unwrap(), descr, "{what}: {name}");
            assert_eq!(format!("{:?}", loaded.shape()), shape, "{what}: {name}");
            assert_eq!(loaded.to_string().replace('\n', "\\n"), text, "{what}: {name}");
            let shared = npy::dyn_options().open_shared(member).unwrap();
            assert_eq!(shared.read(|view| view.to_string()).unwrap(), loaded.to_string());
            // SAFETY: nobody else uses the file.
            let mapped = unsafe { npy::dyn_options().open(member) }.unwrap();
            assert!(mapped.view() == loaded.view().view(), "{what}: {name}");
            assert_eq!(mapped.byte_offset(), member.offset() + npy::header(member).unwrap().data_offset());
            assert_eq!(mapped.byte_offset() % 64, 0, "NumPy aligns the elements, and tar the member");
        }
        if !what.ends_with("big") {
            // A hard link to the last of the names.
            let target = archive.members().rev().find(|member| member.name().ends_with(".npy")).unwrap();
            assert_eq!(archive.member("hard").unwrap().offset(), target.offset(), "{what}");
            for (name, expected) in [("soft", "symbolic link to \"tttt"), ("fifo", "type '6'")] {
                let error = archive.member(name).unwrap_err();
                assert!(error.kind() == ErrorKind::Archive && error.to_string().contains(expected), "{error}");
            }
        }
    }
}
