//! Standard input and pipes, as files that can be read from any byte.

use super::Failure;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// A file by its path, or what a pipe has brought in a temporary file, and perhaps a member of it.
pub(crate) struct Spooled {
    /// What the file is called in arguments.
    shown: OsString,
    /// Its path.
    path: OsString,
    /// The argument with that path.
    argument: OsString,
    /// The temporary file, and its name, if it has one, by which it is deleted with this.
    _file: Option<(File, Option<TempPath>)>,
}

impl Spooled {
    /// What to open: the path, and behind a colon the member that the argument names.
    pub(crate) fn argument(&self) -> &OsStr {
        &self.argument
    }

    /// A text, with the name that the arguments have in place of the temporary file's.
    pub(crate) fn rename(&self, text: &str) -> String {
        if self.path == self.shown {
            return text.to_owned();
        }
        let (path, shown) = (self.path.to_string_lossy(), self.shown.to_string_lossy());
        let mut renamed = String::new();
        let mut end = 0;
        for (at, _) in text.match_indices(&*path) {
            let rest = &text[at + path.len()..];
            // It is not that of another one, whose number begins so.
            if !rest.starts_with(|next: char| next.is_ascii_digit()) {
                renamed += &text[end..at];
                renamed += &shown;
                end = at + path.len();
            }
        }
        renamed + &text[end..]
    }

    pub(crate) fn renamed(&self, failure: Failure) -> Failure {
        Failure { text: self.rename(&failure.text), ..failure }
    }

    /// With a member, which the argument names behind a colon.
    fn with_member(mut self, member: Option<&str>) -> Self {
        if let Some(member) = member {
            self.argument.push(":");
            self.argument.push(member);
        }
        self
    }
}

/// The path of standard input, by which arguments name its members too: `/dev/stdin:x`.
pub(crate) const STDIN: &str = "/dev/stdin";

/// The file that an argument names, as one that is read from any byte: what a pipe brings is copied first.
pub(crate) fn regular(argument: &OsStr) -> Result<Spooled, Failure> {
    let (file, member) = pipe_of(argument);
    let plain = |path: &OsStr| Spooled {
        shown: file.to_owned(),
        path: path.to_owned(),
        argument: path.to_owned(),
        _file: None,
    };
    if file == "-" {
        if io::stdin().is_terminal() {
            return Err(Failure::new("-: standard input is a terminal; give it a file, by `<FILE` or from a pipe"));
        }
        let input = Path::new(STDIN);
        return match input.is_file() && !has_hidden_content(input) {
            true => Ok(plain(input.as_os_str()).with_member(member)),
            false => Ok(copied(file, io::stdin().lock())?.with_member(member)),
        };
    }
    let path = Path::new(file);
    let Some(what) = special(path) else {
        return match has_hidden_content(path) {
            true => copied(file, File::open(path)?),
            false => Ok(plain(file)),
        };
    };
    // Those that a shell has opened have a writer. Another one may never get it.
    if what == "a pipe" && is_of_shell(path) {
        return Ok(copied(file, File::open(path)?)?.with_member(member));
    }
    let shown = path.display();
    Err(Failure::new(format!("{shown}: it is {what}, which is read from standard input: mmap-inspect - <{shown}")))
}

/// Whether an argument is standard input, or a member of it.
pub(crate) fn is_stdin(argument: &OsStr) -> bool {
    pipe_of(argument).0 == "-" || argument == STDIN
}

/// Standard input, or a pipe, and the member that stands behind a colon; of any other argument all of it.
fn pipe_of(argument: &OsStr) -> (&OsStr, Option<&str>) {
    let Some(text) = argument.to_str() else { return (argument, None) };
    if let Some(member) = text.strip_prefix(STDIN).and_then(|rest| rest.strip_prefix(':')) {
        return (OsStr::new("-"), Some(member));
    }
    let mut places = text.match_indices(':').map(|(at, _)| (OsStr::new(&text[..at]), &text[at + 1..]));
    let is_pipe = |file: &OsStr| is_of_shell(Path::new(file)) && special(Path::new(file)) == Some("a pipe");
    places.find(|(file, _)| is_pipe(file)).map_or((argument, None), |(file, member)| (file, Some(member)))
}

fn is_of_shell(path: &Path) -> bool {
    ["/dev/", "/proc/"].iter().any(|folder| path.starts_with(folder))
}

/// What a file is that cannot be read from any byte.
#[cfg(unix)]
fn special(path: &Path) -> Option<&'static str> {
    use std::os::unix::fs::FileTypeExt;
    let kind = path.metadata().ok()?.file_type();
    match () {
        () if kind.is_fifo() => Some("a pipe"),
        () if kind.is_char_device() || kind.is_block_device() => Some("a device"),
        () => None,
    }
}

#[cfg(not(unix))]
fn special(_: &Path) -> Option<&'static str> {
    None
}

/// Whether a file has content although its length is 0, as those of `/proc`.
fn has_hidden_content(path: &Path) -> bool {
    let is_empty = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0);
    is_empty && File::open(path).and_then(|mut file| file.read(&mut [0])).is_ok_and(|count| count > 0)
}

fn copied(argument: &OsStr, mut input: impl Read) -> Result<Spooled, Failure> {
    let failed = |error: io::Error| no_room(&argument.to_string_lossy(), "it cannot be copied", &error);
    let (mut file, path, name) = temporary().map_err(failed)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => file.write_all(&buffer[..count]).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::new(format!("{}: {error}", argument.to_string_lossy()))),
        }
    }
    Ok(Spooled { shown: argument.to_owned(), argument: path.clone(), path, _file: Some((file, name)) })
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
