//! A Python with packages, made by the first that asks for it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fs, io};

/// A Python interpreter that has the packages of a `requirements.txt`.
pub(crate) struct Python {
    interpreter: PathBuf,
}

impl Python {
    /// The interpreter with the packages that a text pins, in a folder of its own under `folder`, which is made where
    /// it is not there; `None` where the tests that need it are to be left out. A program has one.
    ///
    /// # Panics
    ///
    /// Where there is no Python, or its packages cannot be installed.
    pub(crate) fn with(requirements: &str, folder: &Path) -> Option<&'static Self> {
        static PYTHON: OnceLock<Option<Python>> = OnceLock::new();
        let python = PYTHON.get_or_init(|| {
            if env::var_os("WITHOUT_PYTHON").is_some_and(|value| !value.is_empty() && value != "0") {
                return None;
            }
            let made = Self::make(requirements, folder);
            Some(made.unwrap_or_else(|error| {
                panic!(
                    "{error}\n\nThis test compares with NumPy. It needs Python 3.11 or newer with its `venv` module \
                     (on Debian: apt install python3-venv) and, the first time, the network. To leave such tests out, \
                     set WITHOUT_PYTHON=1."
                )
            }))
        });
        if python.is_none() {
            eprintln!("left out: WITHOUT_PYTHON is set");
        }
        python.as_ref()
    }

    /// Makes the environment beside its place and moves it there, so that of many processes one makes what all use.
    fn make(requirements: &str, folder: &Path) -> Result<Self, String> {
        let mut hasher = DefaultHasher::new();
        requirements.hash(&mut hasher);
        let place = folder.join(format!("{:016x}", hasher.finish()));
        if !place.exists() {
            let text = |error: io::Error| format!("cannot make {}: {error}", place.display());
            let beside = folder.join(format!("new-{}", std::process::id()));
            fs::create_dir_all(&beside).map_err(text)?;
            let pinned = beside.join("requirements.txt");
            fs::write(&pinned, requirements).map_err(text)?;
            let made = system_python()
                .and_then(|mut system| finished(system.args(["-m", "venv"]).arg(&beside)))
                .and_then(|_| {
                    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "-r"];
                    finished(command(&interpreter(&beside)).args(pip).arg(&pinned))
                });
            // Where another process was first, its environment is as good.
            if made.is_err() || fs::rename(&beside, &place).is_err() {
                let _ = fs::remove_dir_all(&beside);
            }
            made?;
        }
        let python = Self { interpreter: interpreter(&place) };
        finished(command(&python.interpreter).args(["-c", "import numpy"]))
            .map_err(|error| format!("{error}\nIf {} is broken, delete it.", place.display()))?;
        Ok(python)
    }

    /// The interpreter as a command, to be given arguments.
    pub(crate) fn command(&self) -> Command {
        command(&self.interpreter)
    }

    /// Runs a program, with `sys.argv[1:]` as given, and returns what it prints.
    ///
    /// # Panics
    ///
    /// If it fails, with what it says.
    #[track_caller]
    pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(&self, program: &str, args: impl IntoIterator<Item = A>) -> String {
        match finished(self.command().args(["-c", program]).args(args)) {
            Ok(printed) => printed,
            Err(error) => panic!("{error}"),
        }
    }
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}

/// A command that none of the caller's own Python settings reach, and that speaks UTF-8.
fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONPATH").env_remove("PYTHONHOME").env("PYTHONUTF8", "1").stdin(Stdio::null());
    command
}

fn system_python() -> Result<Command, String> {
    let names = ["python3", "python"];
    let works = |name: &&str| {
        let check = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))";
        command(Path::new(name)).args(["-c", check]).output().is_ok_and(|output| output.status.success())
    };
    let name = names.into_iter().find(works).ok_or("there is no Python 3.11 or newer on the PATH")?;
    Ok(command(Path::new(name)))
}

/// What a command prints, or why it failed.
fn finished(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{:?} failed:\n{said}", command.get_program()));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("{:?} prints no UTF-8: {error}", command.get_program()))
}
