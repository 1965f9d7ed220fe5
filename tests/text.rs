//! The text of the project: lines end where they should, and links from a page to a file of the project lead somewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// The most characters of a line.
const WIDTH: usize = 120;

/// The files below a folder, but for hidden ones, and those of other projects and of builds.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        let hidden = name.starts_with('.') && ![".ci", ".github"].contains(&name.as_str());
        if hidden || ["target", "corpus", "artifacts"].contains(&name.as_str()) {
            continue;
        } else if entry.file_type().unwrap().is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The files of the project.
fn project() -> (&'static Path, Vec<PathBuf>) {
    let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new());
    files(root, &mut found);
    found.sort();
    (root, found)
}

/// What a comment begins with in a file: nothing on a page, all of which is prose. `None` for files of other kinds.
fn comment(path: &Path) -> Option<&'static str> {
    match path.extension().map(|extension| extension.to_str().unwrap_or_default()) {
        Some("md") => Some(""),
        Some("rs") => Some("//"),
        Some("py" | "sh" | "toml" | "yml") => Some("#"),
        // A script.
        None if fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"#!")) => Some("#"),
        _ => None,
    }
}

/// The lines of a text that are comments or prose, or end with a comment, with their numbers. What is between `"""` in
/// a Python program counts as prose.
fn prose<'a>(text: &'a str, mark: &str) -> Vec<(usize, &'a str)> {
    let (mut found, mut within) = (Vec::new(), false);
    let trailing = format!(" {mark} ");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        let ends_so = line.rsplit_once(&trailing).is_some_and(|(_, rest)| rest.starts_with(char::is_alphabetic));
        if within || code.starts_with(mark) || ends_so || mark == "#" && code.starts_with("\"\"\"") {
            found.push((number, line));
        }
        within ^= mark == "#" && line.matches("\"\"\"").count() % 2 == 1;
    }
    found
}

/// Whether a line cannot be broken: it is a row of a table, the target of a link, or one word.
fn is_whole(line: &str) -> bool {
    let words = line.trim_start().trim_start_matches(['/', '!', '#']).trim();
    words.starts_with('|') || words.starts_with('[') && words.contains("]: ") || !words.contains(' ')
}

#[test]
fn comments_and_prose_end_at_120_columns() {
    let (root, found) = project();
    let (mut lines, mut long) = (0, Vec::new());
    for path in &found {
        let Some(mark) = comment(path) else { continue };
        let text = fs::read_to_string(path).unwrap();
        for (number, line) in prose(&text, mark) {
            lines += 1;
            let width = line.chars().count();
            if width > WIDTH && !is_whole(line) {
                long.push(format!("{}:{number}: {width} characters", path.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(long.is_empty(), "comments and prose with more than {WIDTH} characters:\n{}", long.join("\n"));
    assert!(lines > 5_000, "{lines} lines in {} files", found.len());
}

#[test]
fn prose_is_told_from_code() {
    let words = "many words ".repeat(12);
    let numbers = |text: &str, mark| {
        let long = prose(text, mark).into_iter().filter(|(_, line)| line.len() > WIDTH && !is_whole(line));
        long.map(|(number, _)| number).collect::<Vec<_>>()
    };
    let rust = [
        format!("//! {words}"),
        format!("    /// {words}"),
        format!("    // {words}"),
        format!("let a = \"{words}\";"),
        format!("let a = 1; // {words}"),
        format!("/// | {words} |"),
        format!("/// [`name`]: https://example.org/{}", "a".repeat(100)),
        format!("//! https://example.org/{}", "a".repeat(100)),
        "//! short".into(),
    ];
    assert_eq!(numbers(&rust.join("\n"), "//"), [1, 2, 3, 5]);
    let python = [
        format!("\"\"\"{words}"),
        words.clone(),
        "\"\"\"".into(),
        format!("f({words})"),
        format!("# {words}"),
        format!("\"\"\"{words}\"\"\""),
        format!("f({words})"),
    ];
    assert_eq!(numbers(&python.join("\n"), "#"), [1, 2, 5, 6]);
    assert_eq!(numbers(&format!("# {words}\n{words}\n| {words} |\n{}", words.replace(' ', "-")), ""), [1, 2]);
}

/// The targets of the links in a text, without those in code.
fn targets(text: &str) -> Vec<&str> {
    let plain = text.split("```").step_by(2).flat_map(str::lines);
    let links = plain.flat_map(|line| line.split("](").skip(1));
    links.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

#[test]
fn links_to_files_lead_somewhere() {
    let (root, found) = project();
    let pages: Vec<_> =
        found.iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    let (mut links, mut broken) = (0, Vec::new());
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for target in targets(&text) {
            // Those of other sites, within a page, and to items, which rustdoc checks.
            if target.contains("://") || target.starts_with('#') || target.contains("::") {
                continue;
            }
            links += 1;
            let file = target.split('#').next().unwrap_or_default();
            if !page.parent().unwrap().join(file).exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // In the archive of a registry only some of the pages are.
    assert!(links > 15 || !root.join(".ci").exists(), "{links} links in {} pages", pages.len());
}
