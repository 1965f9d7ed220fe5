//! The program: its arguments, its streams and its exit status. The library of this package does the work.
#![forbid(unsafe_code)]

use mmap_inspect::{Terminal, run};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let stdout = io::stdout().lock();
    let terminal = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let terminal = terminal.map(|(width, height)| Terminal { columns: width.0.into(), lines: height.0.into() });
    match run(std::env::args_os(), terminal, stdout) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to tell whoever has closed this stream too.
            let _ = writeln!(io::stderr(), "{failure}");
            ExitCode::from(failure.status)
        }
    }
}
