//! Standard input and pipes, as files that can be read from any byte.

use super::Failure;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// A file, or a temporary file with the data of a pipe, and possibly a member of it.
pub(crate) struct Spooled {
    /// The name of the file in the arguments.
    shown: OsString,
    /// The path of the file.
    path: OsString,
    /// The argument, with the path in place of the name.
    argument: OsString,
    /// The temporary file, and its path if it has a name; dropping the path deletes the file.
    _file: Option<(File, Option<TempPath>)>,
}

impl Spooled {
    /// Returns what to open: the path, followed by a colon and the member if the argument names one.
    pub(crate) fn argument(&self) -> &OsStr {
        &self.argument
    }

    /// Replaces the path of the temporary file in a text by the name in the arguments.
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
        failure.map_text(|text| self.rename(&text))
    }

    /// Adds the member that the argument names after a colon.
    fn with_member(mut self, member: Option<&str>) -> Self {
        if let Some(member) = member {
            self.argument.push(":");
            self.argument.push(member);
        }
        self
    }
}

/// The path of standard input, by which arguments may also name its members: `/dev/stdin:x`.
pub(crate) const STDIN: &str = "/dev/stdin";

/// Returns the file that an argument names as one that can be read from any byte. The data of a pipe is copied into a
/// temporary file first.
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
        let is_whole = input.is_file() && is_unread() && !has_hidden_content(input) && File::open(input).is_ok();
        return match is_whole {
            true => Ok(plain(input.as_os_str()).with_member(member)),
            false => Ok(copied(file, io::stdin().lock())?.with_member(member)),
        };
    }
    let path = Path::new(file);
    let Some(what) = special(path) else {
        return match has_hidden_content(path) {
            true => copied(file, open(path)?),
            false => Ok(plain(file)),
        };
    };
    // Those that a shell has opened have a writer. Another one may never get it.
    if what == "a pipe" && is_of_shell(path) {
        return Ok(copied(file, open(path)?)?.with_member(member));
    }
    let (shown, member) = (path.display(), member.map_or_else(String::new, |member| format!(":{member}")));
    Err(Failure::new(format!("{shown}: it is {what}; read it from standard input: mmap-inspect -{member} <{shown}")))
}

/// Opens a file.
pub(crate) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| Failure::new(format!("{}: cannot open the file: {error}", path.display())))
}

/// Returns an argument with standard input as `-`.
pub(crate) fn stdin_as_dash(argument: OsString) -> OsString {
    match pipe_of(&argument) {
        (file, Some(member)) if file == "-" => format!("-:{member}").into(),
        (file, None) if file == "-" => file.to_owned(),
        _ => argument,
    }
}

/// Returns whether nothing of standard input has been read.
#[cfg(unix)]
fn is_unread() -> bool {
    use std::io::Seek;
    use std::os::fd::AsFd;
    let input = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    input.and_then(|mut input| input.stream_position()).is_ok_and(|position| position == 0)
}

#[cfg(not(unix))]
fn is_unread() -> bool {
    false
}

/// Returns whether an argument is standard input or a member of it.
pub(crate) fn is_stdin(argument: &OsStr) -> bool {
    pipe_of(argument).0 == "-"
}

/// Splits an argument into standard input or a pipe and the member after a colon. Returns any other argument whole.
fn pipe_of(argument: &OsStr) -> (&OsStr, Option<&str>) {
    let Some(text) = argument.to_str() else { return (argument, None) };
    for stdin in ["-", STDIN] {
        match text.strip_prefix(stdin).map(|rest| (rest, rest.strip_prefix(':'))) {
            Some(("", _)) => return (OsStr::new("-"), None),
            Some((_, Some(member))) => return (OsStr::new("-"), Some(member)),
            _ => {}
        }
    }
    let mut places = text.match_indices(':').map(|(at, _)| (OsStr::new(&text[..at]), &text[at + 1..]));
    let special = places.find(|(file, _)| special(Path::new(file)).is_some());
    special.map_or((argument, None), |(file, member)| (file, Some(member)))
}

/// Returns whether a path is that of a file that a process has open.
fn is_of_shell(path: &Path) -> bool {
    path.starts_with("/dev/fd") || (path.starts_with("/proc") && path.iter().any(|folder| folder == "fd"))
}

/// Returns the kind of a file that cannot be read from any byte, or `None` for other files.
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

/// Returns whether the content of a file is not as long as its length says, as in `/proc` and `/sys`.
fn has_hidden_content(path: &Path) -> bool {
    let Some(metadata) = path.metadata().ok().filter(|metadata| metadata.is_file()) else { return false };
    if metadata.len() > 0 {
        return path.canonicalize().is_ok_and(|path| path.starts_with("/sys"));
    }
    // What cannot be read gets its error when it is copied.
    File::open(path).and_then(|mut file| file.read(&mut [0])).map_or(true, |count| count > 0)
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

/// Creates a temporary file, and returns it, its path, and its name. On Linux with `/proc`, it has no name, so that
/// nothing is left of it if the program is killed.
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

/// Returns the failure to write a temporary file.
pub(crate) fn no_room(name: &str, what: &str, error: &io::Error) -> Failure {
    let folder = env::temp_dir();
    let text = "the environment variable TMPDIR can name another folder";
    Failure::new(format!("{name}: {what} into the temporary folder {}: {error}; {text}", folder.display()))
}
