//! The description of an array for programs: a line of JSON.

use super::gathered::Gathered;
use super::jsonl::write_text;
use super::ragged::Ragged;
use super::source::{Behind, Several, Source};
use super::spool::Spooled;
use super::{Failure, told};
use mmap_array::npy::{self, FromHeader, Npy};
use mmap_array::{Options, Order};
use std::fmt::Write as _;
use std::io::Write;
use std::rc::Rc;

/// Writes the line that describes an array. `file` is the name of its file, if there are several.
pub(crate) fn write(
    source: &Source,
    ragged: Option<&Ragged>,
    file: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let described = checked(source, ragged)?;
    write_names(file, None, out)?;
    out.write_all(&described)?;
    Ok(())
}

/// Writes a line for each of several arrays. The line of an array that cannot be read says what is wrong.
pub(crate) fn write_several(
    several: &Several,
    options: Options<FromHeader, Npy>,
    spooled: &Spooled,
    file: Option<&str>,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut line = |name: Option<Name<'_>>, described: Result<Vec<u8>, Failure>| {
        write_names(file, name, out)?;
        match described {
            Ok(described) => out.write_all(&described)?,
            Err(failure) => {
                out.write_all(b"\"error\":")?;
                write_text(&spooled.rename(&failure.text), out)?;
                out.write_all(b"}\n")?;
            }
        }
        Ok::<_, Failure>(())
    };
    let told = |source: Source| checked(&source, None).map_err(|failure| source.about(failure));
    match several {
        Several::Members(archive) => {
            archive.members().enumerate().try_for_each(|(number, member)| {
                let source = Source::member(options, Rc::clone(archive), number);
                line(Some(Name::Member(member.name())), source.and_then(told))
            })?;
            archive.damage().map_or(Ok(()), |damage| line(None, Err(Failure::new(damage))))
        }
        Several::Arrays(path, most) => npy::headers(path)?.max_header(*most).try_for_each(|found| match found {
            Ok((byte, _)) => {
                let source = Source::npy(path.clone(), options, byte);
                line(Some(Name::At(byte)), source.and_then(told))
            }
            Err(error) => line(None, Err(error.into())),
        }),
    }
}

/// The name or the position by which an array differs from others in its file.
enum Name<'a> {
    Member(&'a str),
    At(u64),
}

/// Writes the beginning of a line.
fn write_names(file: Option<&str>, name: Option<Name<'_>>, out: &mut impl Write) -> Result<(), Failure> {
    out.write_all(b"{")?;
    let mut text = |key: &str, name: &str| {
        write!(out, "\"{key}\":")?;
        write_text(name, out)?;
        out.write_all(b",")
    };
    file.map_or(Ok(()), |file| text("file", file))?;
    match name {
        Some(Name::Member(name)) => text("member", name)?,
        Some(Name::At(byte)) => write!(out, "\"at\":{byte},")?,
        None => {}
    }
    Ok(())
}

/// Returns the rest of a line, or an error if anything is wrong except that the file ends before the array does.
fn checked(source: &Source, ragged: Option<&Ragged>) -> Result<Vec<u8>, Failure> {
    if source.complete_rows()?.is_none() {
        source.check(None)?;
    }
    described(source, ragged)
}

/// Returns the rest of a line.
fn described(source: &Source, ragged: Option<&Ragged>) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let version = source.version.map_or_else(|| "null".into(), |(major, minor)| format!("[{major},{minor}]"));
    write!(out, "\"version\":{version},\"descr\":")?;
    let descr = source.dtype.descr().map_err(|error| Failure::new(format!("{}: {}", source.name, told(&error))))?;
    write_text(&descr, &mut out)?;
    let shape: Vec<String> = source.shape.iter().map(usize::to_string).collect();
    let offset = source.data_offset.map_or_else(|| "null".into(), |offset| offset.to_string());
    let mark = if source.complete_rows()?.is_some() { ",\"truncated\":true" } else { "" };
    let mut more = source.gathered().map_or_else(String::new, Gathered::to_json);
    if let Some(Behind { bytes, .. }) = source.behind()? {
        let _ = write!(more, ",\"behind\":{bytes}");
    }
    if let Some(ragged) = ragged {
        let _ = write!(more, ",\"ragged_rows\":{}", ragged.len());
    }
    writeln!(
        out,
        ",\"fortran_order\":{},\"shape\":[{}],\"data_offset\":{offset},\"itemsize\":{},\"nbytes\":{}{mark}{more}}}",
        source.order == Order::F,
        shape.join(","),
        source.dtype.itemsize(),
        source.nbytes
    )?;
    Ok(out)
}
