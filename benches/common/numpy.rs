//! NumPy in a separate process, which executes operations and measures them.

use crate::python::Python;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

/// A program that reads commands line by line: an array to open, an operation on it, a number of calls to time.
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
    /// Starts NumPy, or returns `None` if Python is disabled. Files are in `folder`, whose path must be UTF-8.
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

    /// Opens an array, given as an expression of `folder`.
    pub(crate) fn open(&mut self, array: &str) -> io::Result<()> {
        self.ask(&format!("open {array}")).map(drop)
    }

    /// Runs an operation, an expression of `a`, on the array opened last, and returns the bytes of the result.
    pub(crate) fn run(&mut self, operation: &str) -> io::Result<Vec<u8>> {
        self.ask(&format!("do {operation}"))?;
        fs::read(self.folder.join("answer"))
    }

    /// Returns the average seconds per call of that operation.
    pub(crate) fn time(&mut self, calls: u32) -> io::Result<f64> {
        let nanoseconds: u64 = self.ask(&format!("time {calls}"))?.parse().map_err(io::Error::other)?;
        Ok(nanoseconds as f64 / 1e9 / f64::from(calls))
    }
}

impl Drop for Numpy<'_> {
    fn drop(&mut self) {
        // It would end by itself once its input is closed, but that is dropped only after this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
