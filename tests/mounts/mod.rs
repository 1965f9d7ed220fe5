//! File systems of a test's own: mounted for one program, out of sight of all others, and gone with it.

use std::env;
use std::process::Command;

/// Who may mount.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "not every test needs both")]
pub(crate) enum Mounts {
    /// What anybody may, in a name space of their own: memory, FUSE.
    OfAnybody,
    /// What only the administrator may: images of disks.
    OfRoot,
}

/// Runs ignored tests of this program, `$TEST`, in a folder of their own, `$FOLDER`: by a shell script that mounts
/// something there and then starts the program, which is `$0`.
///
/// Where nothing can be mounted the tests are left out: where the script ends with 77, or there is no `unshare`.
pub(crate) fn run(mounts: Mounts, test: &str, script: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("unshare");
    match mounts {
        Mounts::OfAnybody => command.args(["--map-root-user", "--mount"]),
        Mounts::OfRoot => command.arg("--mount"),
    };
    command.args(["sh", "-c", script]).arg(env::current_exe().unwrap());
    command.env("FOLDER", folder.path()).env("TEST", test);
    match command.output() {
        Ok(done) if done.status.success() => {}
        Ok(done) => {
            let told = String::from_utf8_lossy(&done.stderr);
            let left_out = done.status.code() == Some(77) || told.contains("unshare");
            assert!(left_out, "{}: {told}\n{}", done.status, String::from_utf8_lossy(&done.stdout));
            println!("left out: no file system can be mounted here: {told}");
        }
        Err(error) => println!("left out: {error}"),
    }
}
