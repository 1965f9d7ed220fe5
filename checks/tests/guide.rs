//! The programs of the guide compile as a reader sees them, without the lines that only their tests need, and those of
//! the cookbook are short.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The whole programs of a page, as they are seen.
fn programs(page: &str) -> Vec<String> {
    let blocks = page.split("```").skip(1).step_by(2);
    let code = blocks.filter_map(|block| block.split_once('\n')).filter(|(language, _)| !language.starts_with("text"));
    let seen = code.map(|(_, code)| {
        let lines = code.lines().filter(|line| *line != "#" && !line.starts_with("# "));
        lines.collect::<Vec<_>>().join("\n")
    });
    seen.filter(|code| code.contains("fn main()")).collect()
}

/// The page says both.
#[test]
fn the_cookbook_has_23_programs_of_at_most_twenty_lines() {
    let page = include_str!("../../src/guide/cookbook.md");
    assert!(page.starts_with("Twenty-three tasks, each a whole program of at most twenty lines."));
    let programs = programs(page);
    assert_eq!((page.matches("\n## ").count(), programs.len()), (23, 23));
    for program in programs {
        // Blank lines count, too.
        let lines = program.lines().count();
        assert!(lines <= 20, "{lines} lines:\n{program}");
    }
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    ignore = "the compiler is called on x86-64 Linux only, since elsewhere this may be another machine's program"
)]
fn programs_compile_as_they_are_seen() {
    if env::var_os("RUSTC_BOOTSTRAP").is_some() {
        return eprintln!("left out, since RUSTC_BOOTSTRAP is set, as for a standard library built anew");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let sources = folder.path().join("src");
    fs::create_dir_all(sources.join("bin")).unwrap();
    let mut count = 0;
    for page in ["README.md", "src/guide/tutorial.md", "src/guide/cookbook.md"] {
        for program in programs(&fs::read_to_string(root.join(page)).unwrap()) {
            fs::write(sources.join("bin").join(format!("program{count}.rs")), program).unwrap();
            count += 1;
        }
    }
    assert!(count >= 25, "{count} programs");
    let manifest = format!(
        "[package]\nname = \"guide\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[dependencies]\n\
         mmap-array = {{ path = {root:?}, features = [\"npz\"] }}\n\n[workspace]\n"
    );
    fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    // The versions that are there already.
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guide");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let output = cargo
        .args(["check", "--quiet", "--offline", "--bins"])
        .env("CARGO_TARGET_DIR", target)
        .env_remove("RUSTFLAGS")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("warning"), "{said}");
}
