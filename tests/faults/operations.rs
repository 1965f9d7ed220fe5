//! All that writes, with what is to come of it.

use mmap_array::npy::{self, Writer};
#[cfg(feature = "npz")]
use mmap_array::npz;
use mmap_array::{ArrayView, Error, MmapArray};
use std::fs;
use std::path::Path;

pub(crate) struct Operation {
    pub(crate) name: &'static str,
    /// The target as it is before: `None` where there is none.
    old: Option<Vec<u8>>,
    new: Vec<u8>,
    /// What of the target is compared.
    seen: fn(&Path) -> Vec<u8>,
    /// A file beside the target that says that it is neither the old nor the new one yet.
    beside: Option<&'static str>,
    /// Whether it has said, when it is over, that all is on the disk.
    pub(crate) is_durable: bool,
    /// Whether it is an error that the target is there.
    pub(crate) is_new_only: bool,
    /// Whether the target stays the same file.
    pub(crate) is_in_place: bool,
    pub(crate) prepare: Box<dyn Fn(&Path)>,
    pub(crate) run: Box<Run>,
}

type Run = dyn Fn(&Path) -> Result<(), Error> + Sync;

impl Operation {
    fn found(&self, folder: &Path) -> Option<Vec<u8>> {
        let target = folder.join("target");
        target.exists().then(|| (self.seen)(&target))
    }

    pub(crate) fn is_new(&self, folder: &Path) -> bool {
        self.found(folder).as_ref() == Some(&self.new)
    }

    #[track_caller]
    pub(crate) fn assert_new(&self, folder: &Path, what: &str) {
        assert!(self.is_new(folder), "{what}: {}", self.describe(folder));
    }

    #[track_caller]
    pub(crate) fn assert_old_or_new(&self, folder: &Path, what: &str) {
        let found = self.found(folder);
        let is_told = self.beside.is_some_and(|beside| folder.join(beside).exists());
        assert!(found == self.old || self.is_new(folder) || is_told, "{what}: {}", self.describe(folder));
    }

    fn describe(&self, folder: &Path) -> String {
        match self.found(folder) {
            None => "there is no target".to_owned(),
            Some(found) if Some(&found) == self.old.as_ref() => "the target is the old one".to_owned(),
            Some(found) => format!("the target has {} bytes: {:?}…", found.len(), &found[..found.len().min(200)]),
        }
    }
}

fn whole(target: &Path) -> Vec<u8> {
    fs::read(target).unwrap()
}

/// The header without its padding, and the elements.
fn array(target: &Path) -> Vec<u8> {
    let header = npy::header(target).unwrap();
    let elements = npy::load::<u8>(target).unwrap();
    [header.to_string().as_bytes(), &elements[..]].concat()
}

/// The names and the elements of the members.
#[cfg(feature = "npz")]
fn members(target: &Path) -> Vec<u8> {
    let archive = npz::Archive::open(target).unwrap();
    let member = |member: npz::Member<'_>| [member.name().as_bytes(), &npy::load::<u8>(member).unwrap()[..]].concat();
    archive.members().flat_map(member).collect()
}

/// The operation of adding members to an archive of one, and of replacing that one.
#[cfg(feature = "npz")]
fn adding() -> Operation {
    let write = |mut writer: npz::Writer, names: &[&str]| {
        for name in names {
            writer.add(name, &[name.as_bytes()[0]; LEN][..])?;
        }
        writer.finish()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let [old, new] = [&["a"][..], &["b", "c", "a"]].map(|names| {
        write(npz::Writer::create(file.path()).unwrap(), names).unwrap();
        (fs::read(file.path()).unwrap(), members(file.path()))
    });
    Operation {
        name: "npz_append",
        old: Some(old.1),
        new: new.1,
        seen: members,
        beside: None,
        is_durable: true,
        is_new_only: false,
        is_in_place: true,
        prepare: Box::new(move |folder| fs::write(folder.join("target"), &old.0).unwrap()),
        run: Box::new(move |folder| {
            let target = folder.join("target");
            // What is done is not done twice.
            if npz::Archive::open(&target)?.members().len() > 1 {
                return Ok(());
            }
            let mut writer = npz::Writer::append(&target)?;
            writer.remove("a")?;
            // More than what there is room for at first.
            writer.add("b", &[b'b'; LEN][..])?;
            writer.add_compressed("large", &vec![0_u8; 1 << 20])?;
            writer.add("noise", &(0..40_000_u64).map(|n| (n * n) ^ (n << 50)).collect::<Vec<_>>())?;
            writer.remove("large")?;
            writer.remove("noise")?;
            write(writer, &["c", "a"])
        }),
    }
}

const LEN: usize = 5000;

fn saved(rows: &[[u8; LEN]]) -> Vec<u8> {
    let mut bytes = Vec::new();
    npy::save_to(&mut bytes, rows).unwrap();
    bytes
}

/// An operation on a target that is not there, or is an array of others.
fn making(
    name: &'static str,
    replaces: bool,
    new: Vec<u8>,
    run: impl Fn(&Path) -> Result<(), Error> + Sync + 'static,
) -> Operation {
    let old = replaces.then(|| saved(&[[9; LEN]; 3]));
    let before = old.clone();
    let prepare = move |folder: &Path| {
        if let Some(old) = &before {
            fs::write(folder.join("target"), old).unwrap();
        }
    };
    Operation {
        name,
        old,
        new,
        seen: whole,
        beside: None,
        is_durable: true,
        is_in_place: false,
        is_new_only: !replaces && (name.starts_with("create_new") || name.starts_with("persist_new")),
        prepare: Box::new(prepare),
        run: Box::new(move |folder| run(&folder.join("target"))),
    }
}

/// An operation on an array, of which another is made of more or fewer rows.
fn changing(name: &'static str, rows: usize, run: impl Fn(&Path) -> Result<(), Error> + Sync + 'static) -> Operation {
    let all = |rows: usize| -> Vec<[u8; LEN]> { (0..rows).map(|row| [row as u8 % 3; LEN]).collect() };
    let as_seen = |bytes: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        array(file.path())
    };
    let old = saved(&all(3));
    Operation {
        name,
        old: Some(as_seen(&old)),
        new: as_seen(&saved(&all(rows))),
        seen: array,
        beside: None,
        is_durable: true,
        is_new_only: false,
        is_in_place: true,
        prepare: Box::new(move |folder| fs::write(folder.join("target"), &old).unwrap()),
        run: Box::new(move |folder| {
            let target = folder.join("target");
            // What is done is not done twice.
            if npy::header(&target)?.shape()[0] == rows { Ok(()) } else { run(&target) }
        }),
    }
}

pub(crate) fn all() -> Vec<Operation> {
    let rows = || [[1; LEN], [2; LEN]];
    let zeros = || saved(&[[0; LEN]; 2]);
    #[cfg(feature = "npz")]
    let archive = || {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = npz::Writer::create(file.path()).unwrap();
        writer.add("a", &rows()[..]).unwrap();
        writer.finish().unwrap();
        fs::read(file.path()).unwrap()
    };
    let mut all = Vec::new();
    for replaces in [false, true] {
        let named = |new, old| if replaces { old } else { new };
        all.push(making(named("save", "save_over"), replaces, saved(&rows()), move |target| {
            npy::save(target, &rows()[..])
        }));
        all.push(making(named("tofile", "tofile_over"), replaces, rows().concat(), move |target| {
            ArrayView::from_slice(&rows(), 2)?.tofile(target)
        }));
        all.push(making(named("writer", "writer_over"), replaces, saved(&rows()), move |target| {
            let mut writer = Writer::<[u8; LEN]>::create(target, ())?;
            writer.extend(rows())?;
            writer.finish().map(drop)
        }));
        #[cfg(feature = "npz")]
        all.push(making(named("npz", "npz_over"), replaces, archive(), move |target| {
            let mut writer = npz::Writer::create(target)?;
            writer.add("a", &rows()[..])?;
            writer.finish().map(drop)
        }));
        all.push(making(named("persist_new", "persist_over"), replaces, saved(&rows()), move |target| {
            let folder = target.parent().unwrap();
            let mut array = npy::create_options::<[u8; LEN]>(2).scratch_in(folder)?;
            array.copy_from_slice(&rows());
            let named = if replaces { array.persist(target) } else { array.persist_new(target) };
            named.map(drop).map_err(Error::from)
        }));
        all.push(making(named("create_new", "create"), replaces, zeros(), move |target| {
            let options = npy::create_options::<u8>([2, LEN]);
            if replaces {
                // SAFETY: nobody else uses the file.
                return unsafe { options.create(target) }.map(drop);
            }
            // SAFETY: as above.
            unsafe { options.create_new(target) }.map(drop)
        }));
    }
    all.push(making("open_or_create", false, zeros(), |target| {
        npy::create_options::<u8>([2, LEN]).reserve().open_or_create_shared(target).map(drop)
    }));
    all.push(making("open_or_create_raw", false, vec![0; 2 * LEN], |target| {
        MmapArray::<u8>::create_options([2, LEN]).reserve().open_or_create_shared(target).map(drop)
    }));
    let mut filled = saved(&[[1; LEN], [1; LEN], [1; LEN]]);
    // The mark of a complete array.
    filled[125] = b'\t';
    let fill = making("fill", false, filled, |target| {
        let job = npy::fill::<u8>(target, [3, LEN]).parts(3);
        job.run(|part| {
            part.fill(1);
            Ok::<_, Error>(())
        })
        .map(drop)
    });
    all.push(Operation { beside: Some(".target.fill"), ..fill });
    all.push(changing("append", 5, |target| npy::append(target, &[[0_u8; LEN], [1; LEN]][..]).map(drop)));
    // Of a header that has no room for two digits.
    let anew = changing("append_anew", 10, |target| {
        let rows: Vec<[u8; LEN]> = (3..10).map(|row| [row % 3; LEN]).collect();
        npy::append(target, &rows).map(drop)
    });
    let prepare = |folder: &Path| {
        let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (3, {LEN}), }}\n");
        let start = [&b"\x93NUMPY\x01\0"[..], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat();
        fs::write(folder.join("target"), [&start[..], &saved(&[[0; LEN], [1; LEN], [2; LEN]])[128..]].concat())
            .unwrap();
    };
    all.push(Operation { prepare: Box::new(prepare), ..anew });
    all.push(changing("grow", 4, |target| {
        // SAFETY: nobody else uses the file.
        let mut array = unsafe { npy::open_mut::<u8>(target) }?;
        array.grow(1).map(drop)
    }));
    #[cfg(feature = "npz")]
    all.push(adding());
    all.push(Operation {
        name: "grow_raw",
        old: Some(vec![7; LEN]),
        new: [vec![7; LEN], vec![0; LEN]].concat(),
        seen: whole,
        beside: None,
        // As for `File::set_len`: `flush` says so.
        is_durable: false,
        is_new_only: false,
        is_in_place: true,
        prepare: Box::new(|folder| fs::write(folder.join("target"), vec![7; LEN]).unwrap()),
        run: Box::new(|folder| {
            // SAFETY: nobody else uses the file.
            let mut array = unsafe { MmapArray::<u8>::open_mut(folder.join("target")) }?;
            if array.len() == LEN { array.grow(LEN).map(drop) } else { Ok(()) }
        }),
    });
    all.push(Operation {
        name: "append_raw",
        old: Some(vec![7; LEN]),
        new: [vec![7; LEN], vec![8; LEN]].concat(),
        seen: whole,
        beside: None,
        is_durable: true,
        is_new_only: false,
        is_in_place: true,
        prepare: Box::new(|folder| fs::write(folder.join("target"), vec![7; LEN]).unwrap()),
        run: Box::new(|folder| {
            let options = MmapArray::<u8>::options().shape([None, Some(LEN)]);
            let target = folder.join("target");
            // What was torn goes, and what is done is not done twice.
            options.cut_partial_row(&target)?;
            match fs::metadata(&target)?.len() {
                len if len > LEN as u64 => Ok(()),
                _ => options.append(&target, &ArrayView::from_slice(&[8; LEN], [1, LEN])?).map(drop),
            }
        }),
    });
    let shrink = changing("shrink", 2, |_| unreachable!());
    let run = |folder: &Path| {
        let target = folder.join("target");
        if npy::header(&target)?.shape()[0] > 2 {
            // SAFETY: nobody else uses the file.
            return unsafe { npy::open_mut::<u8>(target) }?.shrink(1).map(drop);
        }
        // What was left behind the array goes with the next change of its length.
        npy::append(&target, &[[0_u8; LEN]; 0][..])?;
        assert_eq!(fs::metadata(&target)?.len(), 128 + 2 * LEN as u64);
        Ok(())
    };
    all.push(Operation { run: Box::new(run), ..shrink });
    all.push(Operation {
        name: "shrink_raw",
        old: Some([vec![7; LEN], vec![8; LEN]].concat()),
        new: vec![7; LEN],
        seen: whole,
        beside: None,
        // As for `File::set_len`.
        is_durable: false,
        is_new_only: false,
        is_in_place: true,
        prepare: Box::new(|folder| fs::write(folder.join("target"), [[7; LEN], [8; LEN]].concat()).unwrap()),
        run: Box::new(|folder| {
            // SAFETY: nobody else uses the file.
            let mut array = unsafe { MmapArray::<u8>::open_mut(folder.join("target")) }?;
            if array.len() > LEN { array.shrink(LEN).map(drop) } else { Ok(()) }
        }),
    });
    all
}
