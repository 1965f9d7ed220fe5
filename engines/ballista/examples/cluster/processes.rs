//! A scheduler and executors, each a process on this machine.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A cluster, whose processes are killed when it is dropped.
pub(crate) struct Cluster {
    pub(crate) port: u16,
    folder: PathBuf,
    executors: Vec<Child>,
    scheduler: Child,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

pub(crate) fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not appear within 60 seconds");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Cluster {
    /// Starts a scheduler, and one executor in each of the working directories, by a program that has the commands of
    /// `npy-ballista`. Their logs are in the folder.
    pub(crate) fn start(program: &Path, folder: &Path, directories: &[&Path]) -> Self {
        let port = free_port();
        let command = |name: String| {
            let log = File::create(folder.join(format!("{name}.log"))).expect("a log");
            let mut command = Command::new(program);
            command.env("RUST_LOG", "warn").stdout(log.try_clone().expect("a log")).stderr(log);
            command
        };
        let mut scheduler = command("scheduler".to_owned());
        scheduler.args(["scheduler", "--timeout", "5", "--port", &port.to_string()]).current_dir(directories[0]);
        let scheduler = scheduler.spawn().expect("the scheduler starts");
        let mut cluster = Self { port, folder: folder.to_owned(), executors: Vec::new(), scheduler };
        wait_for("the scheduler", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        for (number, directory) in directories.iter().enumerate() {
            let mut executor = command(format!("executor-{number}"));
            let (flight, grpc) = (free_port(), free_port());
            executor.args(["executor", "--tasks", "1", "--heartbeat", "1", "--scheduler-port", &port.to_string()]);
            executor.args(["--port", &flight.to_string(), "--grpc-port", &grpc.to_string(), "--work-dir"]);
            executor.arg(cluster.work_dir(number)).current_dir(directory);
            cluster.executors.push(executor.spawn().expect("an executor starts"));
            wait_for("an executor", || TcpStream::connect(("127.0.0.1", flight)).is_ok());
        }
        cluster
    }

    /// Returns the folder of an executor's intermediate results.
    fn work_dir(&self, executor: usize) -> PathBuf {
        self.folder.join(format!("work-{executor}"))
    }

    /// Kills the last executor and deletes its intermediate results, as if its machine were lost.
    pub(crate) fn kill_one(&mut self) {
        let mut executor = self.executors.pop().expect("an executor");
        executor.kill().and_then(|()| executor.wait()).expect("it ends");
        let _ = fs::remove_dir_all(self.work_dir(self.executors.len()));
    }

    /// Returns the number of files and folders of an executor's intermediate results.
    pub(crate) fn parts(&self, executor: usize) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| 1 + count(&entry.path())).sum()
        }
        count(&self.work_dir(executor))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in self.executors.iter_mut().chain([&mut self.scheduler]) {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
                if entry.path().extension().is_some_and(|extension| extension == "log") {
                    eprintln!("{}:\n{}", entry.path().display(), fs::read_to_string(entry.path()).unwrap_or_default());
                }
            }
        }
    }
}
