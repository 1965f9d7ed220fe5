//! Every link from a page of the project to one of its files leads somewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// The pages below a folder, but for those of other projects and of builds.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap_or_default());
        if entry.file_type().unwrap().is_dir() {
            if !name.starts_with('.') && !["target", "corpus", "artifacts"].contains(&name.as_str()) {
                pages(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The targets of the links in a text, without those in code.
fn targets(text: &str) -> Vec<&str> {
    let plain = text.split("```").step_by(2).flat_map(str::lines);
    let links = plain.flat_map(|line| line.split("](").skip(1));
    links.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target).collect()
}

#[test]
fn links_to_files_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    pages(root, &mut found);
    let (mut links, mut broken) = (0, Vec::new());
    for page in &found {
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
    assert!(links > 15 || !root.join(".ci").exists(), "{links} links in {} pages", found.len());
}
