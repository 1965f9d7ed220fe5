//! Standard input and pipes, as files that can be read from any byte.

use super::Failure;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// A file by its path, or what a pipe has brought in a temporary file.
pub(crate) struct Spooled {
    /// What it is called in arguments.
    shown: OsString,
    path: OsString,
    /// The temporary file, and its name, if it has one, by which it is deleted with this.
    _file: Option<(File, Option<TempPath>)>,
}

impl Spooled {
    pub(crate) fn path(&self) -> &OsStr {
        &self.path
    }

    /// A text, with the name that the arguments have in place of the temporary file's.
    pub(crate) fn rename(&self, text: &str) -> String {
        match self.path == self.shown {
            true => text.to_owned(),
            false => text.replace(&*self.path.to_string_lossy(), &self.shown.to_string_lossy()),
        }
    }

    pub(crate) fn renamed(&self, failure: Failure) -> Failure {
        Failure { text: self.rename(&failure.text), ..failure }
    }
}

/// The file that an argument names, as one that is read from any byte: what a pipe brings is copied first.
pub(crate) fn regular(argument: &OsStr) -> Result<Spooled, Failure> {
    let file = |path: &OsStr| Spooled { shown: argument.to_owned(), path: path.to_owned(), _file: None };
    if argument == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::new("-: standard input is a terminal; give it a file, by `<FILE` or from a pipe"));
        }
        let input = Path::new("/dev/stdin");
        return match input.is_file() {
            true => Ok(file(input.as_os_str())),
            false => copied(argument, io::stdin().lock()),
        };
    }
    let path = Path::new(argument);
    if !is_pipe(path) {
        return Ok(file(argument));
    }
    // Those that a shell has opened have a writer. Another one may never get it.
    if ["/dev/", "/proc/"].iter().any(|folder| path.starts_with(folder)) {
        return copied(argument, File::open(path)?);
    }
    let shown = path.display();
    Err(Failure::new(format!("{shown}: it is a pipe, which is read from standard input: mmap-inspect - <{shown}")))
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    path.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo())
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

fn copied(argument: &OsStr, mut input: impl Read) -> Result<Spooled, Failure> {
    let failed = |error: io::Error| no_room(&argument.to_string_lossy(), "it cannot be copied", &error);
    let (mut file, path, name) = temporary().map_err(failed)?;
    io::copy(&mut input, &mut file).map_err(failed)?;
    Ok(Spooled { shown: argument.to_owned(), path, _file: Some((file, name)) })
}

/// A temporary file, its path, and its name. On Linux it has none, so that nothing is left of it if the program is
/// killed.
fn temporary() -> io::Result<(File, OsString, Option<TempPath>)> {
    #[cfg(target_os = "linux")]
    {
        use std::os::fd::AsRawFd;
        let file = tempfile::tempfile()?;
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        if Path::new(&path).is_file() {
            return Ok((file, path.into(), None));
        }
    }
    let (file, name) = NamedTempFile::new()?.into_parts();
    Ok((file, name.as_os_str().to_owned(), Some(name)))
}

/// The failure to write a temporary file.
pub(crate) fn no_room(name: &str, what: &str, error: &io::Error) -> Failure {
    let folder = env::temp_dir();
    let text = "which the environment variable TMPDIR can name";
    Failure::new(format!("{name}: into the temporary folder {}, {text}, {what}: {error}", folder.display()))
}
