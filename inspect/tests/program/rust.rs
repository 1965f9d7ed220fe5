//! The Rust that is printed compiles, and opens the files.

use crate::inspected;
use crate::python::Python;
use std::env;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    ignore = "the compiler is called on x86-64 Linux only, since elsewhere this may be another machine's program"
)]
fn structs_of_a_grid_of_dtypes_compile_and_open_their_files() {
    let Some(python) = Python::get() else { return };
    if env::var_os("RUSTC_BOOTSTRAP").is_some() {
        return eprintln!("left out, since RUSTC_BOOTSTRAP is set, as for a standard library built anew");
    }
    let folder = tempfile::tempdir().unwrap();
    python.run(include_str!("rust.py"), [folder.path()]);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();

    // A program that opens each as what is printed of it, and prints it, as the array without a type does.
    let (mut program, mut body) = (String::from("#![allow(dead_code)]\n"), String::new());
    let (mut structs, mut packed) = (0, 0);
    for (number, path) in files.iter().enumerate() {
        let source = inspected([path.as_os_str(), "--rust".as_ref()]).unwrap();
        let source = source.replace("\nstruct ", "\npub struct ").replace("type Element", "pub type Element");
        structs += usize::from(source.contains("struct Row"));
        packed += usize::from(source.contains("packed"));
        let name = if source.contains("type Element") { "Element" } else { "Row" };
        write!(program, "mod m{number} {{\n{source}\n}}\n").unwrap();
        writeln!(body, "    opens::<m{number}::{name}>({path:?}, &mut wrong);").unwrap();
    }
    write!(
        program,
        "
fn opens<T: mmap_array::Element + bytemuck::Pod>(path: &str, wrong: &mut usize) {{
    let expected = mmap_array::npy::dyn_options().load(path).unwrap();
    let printed = mmap_array::npy::options::<T>().open_shared(path);
    let printed = printed.map(|array| array.read(|view| view.to_string()).unwrap());
    let printed = printed.unwrap_or_else(|error| error.to_string());
    if printed != expected.to_string() {{
        *wrong += 1;
        println!(\"{{path}}: {{printed}}\\n{{expected}}\");
    }}
}}

fn main() {{
    let mut wrong = 0;
{body}    println!(\"{{wrong}} wrong\");
}}
"
    )
    .unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let project = folder.path().join("project");
    fs::create_dir_all(project.join("src")).unwrap();
    fs::write(project.join("src").join("main.rs"), program).unwrap();
    let manifest = format!(
        "[package]\nname = \"structs\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\nbytemuck = \"1\"\nhalf = \"2\"\n\
         num-complex = \"0.4\"\nmmap-array = {{ path = {root:?}, features = [\"half\", \"num-complex\"] }}\n\n[workspace]\n\n\
         [profile.dev]\ndebug = false\n"
    );
    fs::write(project.join("Cargo.toml"), manifest).unwrap();
    // The versions that are there already.
    fs::copy(root.join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("structs");
    cargo.args(["run", "--quiet", "--offline"]).env("CARGO_TARGET_DIR", target).current_dir(&project);
    let output = cargo.env_remove("RUSTFLAGS").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed.lines().last(), Some("0 wrong"), "{printed}");
    assert!(structs > 80 && packed > 20 && files.len() - structs > 30, "{structs} structs, {packed} of them packed");
}
