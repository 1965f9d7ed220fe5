//! What a file is, for programs: a line of JSON.

use super::jsonl::write_text;
use super::source::{Source, open_archive, split};
use super::{Failure, told};
use mmap_array::npy::{FromHeader, Npy};
use mmap_array::{Options, Order};
use std::ffi::OsStr;
use std::io::Write;
use std::rc::Rc;

/// Writes the line of an array. `file` is its name, if there are several files.
pub(crate) fn write(source: &Source, file: Option<&str>, out: &mut impl Write) -> Result<(), Failure> {
    source.check()?;
    let described = described(source)?;
    write_names(file, None, out)?;
    out.write_all(&described)?;
    Ok(())
}

/// Writes a line for each member of an archive, which says what is wrong with those that cannot be read.
pub(crate) fn write_members(
    file: &OsStr,
    options: Options<FromHeader, Npy>,
    name: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let archive = Rc::new(open_archive(&split(file).0)?);
    for (number, member) in archive.members().enumerate() {
        let source = Source::member(options, archive.clone(), number);
        let described = source.and_then(|source| source.check().and_then(|()| described(&source)));
        write_names(name, Some(member.name()), out)?;
        match described {
            Ok(described) => out.write_all(&described)?,
            Err(failure) => {
                out.write_all(b"\"error\":")?;
                write_text(&failure.text, out)?;
                out.write_all(b"}\n")?;
            }
        }
    }
    Ok(())
}

/// The beginning of a line.
fn write_names(file: Option<&str>, member: Option<&str>, out: &mut impl Write) -> Result<(), Failure> {
    out.write_all(b"{")?;
    for (key, name) in [("file", file), ("member", member)] {
        if let Some(name) = name {
            write!(out, "\"{key}\":")?;
            write_text(name, out)?;
            out.write_all(b",")?;
        }
    }
    Ok(())
}

/// The rest of a line.
fn described(source: &Source) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let version = source.version.map_or_else(|| "null".into(), |(major, minor)| format!("[{major},{minor}]"));
    write!(out, "\"version\":{version},\"descr\":")?;
    let descr = source.dtype.descr().map_err(|error| Failure::new(format!("{}: {}", source.name, told(&error))))?;
    write_text(&descr, &mut out)?;
    let shape: Vec<String> = source.shape.iter().map(usize::to_string).collect();
    let offset = source.data_offset.map_or_else(|| "null".into(), |offset| offset.to_string());
    writeln!(
        out,
        ",\"fortran_order\":{},\"shape\":[{}],\"data_offset\":{offset},\"itemsize\":{},\"nbytes\":{}}}",
        source.order == Order::F,
        shape.join(","),
        source.dtype.itemsize(),
        source.nbytes
    )?;
    Ok(out)
}
