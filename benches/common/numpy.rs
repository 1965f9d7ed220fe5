//! NumPy in a process of its own, which does what it is told and says how long that took.

use crate::python::Python;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// Reads what to do line by line: an array to open, an operation on it, how often to time that.
const PROGRAM: &str = r#"
import sys, time
import numpy as np

folder = sys.argv[1]
for line in sys.stdin:
    task, _, text = line.rstrip("\n").partition(" ")
    if task == "open":
        array = eval(text)
        answer = "opened"
    elif task == "do":
        operation = eval("lambda a: " + text)
        np.asarray(operation(array)).tofile(folder + "/answer")
        answer = "done"
    else:
        calls = range(int(text))
        start = time.perf_counter_ns()
        for _ in calls:
            operation(array)
        answer = time.perf_counter_ns() - start
    print(answer, flush=True)
"#;

pub(crate) struct Numpy<'a> {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: &'a Path,
}

impl<'a> Numpy<'a> {
    /// `None` where there is to be no Python. Files are looked for in `folder`, which must be UTF-8.
    pub(crate) fn start(folder: &'a Path) -> io::Result<Option<Self>> {
        let Some(python) = Python::get() else { return Ok(None) };
        println!("NumPy {}", python.run("import numpy; print(numpy.__version__, end='')", [""; 0]));
        let mut command = python.command();
        command.args(["-c", PROGRAM]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (Some(questions), Some(answers)) = (child.stdin.take(), child.stdout.take()) else { unreachable!() };
        Ok(Some(Self { child, questions, answers: BufReader::new(answers), folder }))
    }

    fn ask(&mut self, question: &str) -> io::Result<String> {
        writeln!(self.questions, "{question}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(io::Error::other(format!("NumPy ended at: {question}")));
        }
        Ok(answer.trim_end().to_string())
    }

    /// Opens an array, given as an expression in which `folder` is the folder.
    pub(crate) fn open(&mut self, array: &str) -> io::Result<()> {
        self.ask(&format!("open {array}")).map(drop)
    }

    /// What an operation, an expression of `a`, makes of the array opened last: its bytes.
    pub(crate) fn run(&mut self, operation: &str) -> io::Result<Vec<u8>> {
        self.ask(&format!("do {operation}"))?;
        fs::read(self.folder.join("answer"))
    }

    /// The seconds that one of so many calls of that operation takes.
    pub(crate) fn time(&mut self, calls: u32) -> io::Result<f64> {
        let nanoseconds: u64 = self.ask(&format!("time {calls}"))?.parse().map_err(io::Error::other)?;
        Ok(nanoseconds as f64 / 1e9 / f64::from(calls))
    }
}

impl Drop for Numpy<'_> {
    fn drop(&mut self) {
        // It would end by itself with its input, but not before this has.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
