//! The layers of `src/`: a file uses what stands in its own layer or one below it, and no files use each other in a
//! circle.
//!
//! What a file uses is read from its text: paths from `crate`, `super` and `self`, and from modules that it declares or
//! imports. Comments, texts, and what is compiled for tests only do not count. A name that a module only passes on
//! (`pub use`) leads to the file that defines it, and passing it on is no use of it. Methods are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The layers, ground floor first, by the first part of a file's module path.
const LAYERS: &[&[&str]] = &[
    &["error", "access", "field", "print", "nearest"],
    &["shape"],
    &["region"],
    &["dtype"],
    &["element"],
    &["view"],
    &["array", "io", "packed"],
    &["dynamic"],
    &["npy", "npz", "tar"],
    &["interop"],
];

/// Files that stand above all layers.
const ROOF: &[&str] = &["lib", "guide"];

#[test]
fn no_file_uses_one_above_it_and_none_use_each_other() {
    let sources = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 50, "the sources are read");
    let faults = House::new(&sources).faults();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// The source files below a folder, by their module paths: `view/raw` for `view/raw.rs`.
fn read(folder: &Path) -> BTreeMap<String, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let parts = path.strip_prefix(folder).unwrap().with_extension("");
                let name: Vec<_> = parts.iter().map(|part| part.to_str().unwrap()).collect();
                found.insert(name.join("/"), fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// What the parser tells apart in a file.
#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    /// `::`
    Joint,
    Mark(char),
}

/// The names and marks of a text, without comments and literals.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let (mut tokens, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        let c = chars[i];
        if c == '/' && at(i + 1) == '/' {
            while i < chars.len() && chars[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= chars.len() {
                    break;
                }
            }
        } else if c == '"' {
            i += 1;
            while i < chars.len() && chars[i] != '"' {
                i += if chars[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if c == '\'' {
            // A character, or a lifetime, whose name is no name here.
            let end = if at(i + 1) == '\\' { (i + 3..).find(|&i| matches!(at(i), '\'' | '\0')) } else { Some(i + 2) };
            let end = end.unwrap_or(chars.len());
            i += 1;
            if at(end) == '\'' {
                i = end + 1;
            } else {
                while at(i).is_alphanumeric() || at(i) == '_' {
                    i += 1;
                }
            }
        } else if c.is_alphanumeric() || c == '_' {
            let start = i;
            while at(i).is_alphanumeric() || at(i) == '_' {
                i += 1;
            }
            let name: String = chars[start..i].iter().collect();
            let hashes = (i..).take_while(|&i| at(i) == '#').count();
            if matches!(name.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                i += hashes + 1;
                while i < chars.len() && !chars[i..].starts_with(&end) {
                    i += 1;
                }
                i += end.len();
            } else if name == "r" && at(i) == '#' {
                i += 1;
            } else if !c.is_ascii_digit() {
                tokens.push(Token::Name(name));
            }
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push(Token::Joint);
            i += 2;
        } else {
            if !c.is_whitespace() && c != '$' {
                tokens.push(Token::Mark(c));
            }
            i += 1;
        }
    }
    tokens
}

/// The position behind what ends an item that begins at `start`: a semicolon, or braces.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark(c @ ('}' | ')' | ']')) => {
                depth -= 1;
                if depth == 0 && *c == '}' {
                    return index + 1;
                }
            }
            Token::Mark(';') if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The position of the bracket that closes the one at `open`.
fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Mark('{' | '(' | '[') => depth += 1,
            Token::Mark('}' | ')' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len()
}

/// The tokens without the items that are compiled for tests only, and the names of the test modules that are files.
fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let (mut kept, mut files, mut i) = (Vec::new(), Vec::new(), 0);
    while i < tokens.len() {
        if tokens[i] == Token::Mark('#') && tokens.get(i + 1) == Some(&Token::Mark('[')) {
            let mut end = closing(tokens, i + 1);
            let name = |text: &str| Token::Name(text.into());
            let attribute = &tokens[i + 2..end.min(tokens.len())];
            let for_tests = attribute.first() == Some(&name("cfg"))
                && attribute.contains(&name("test"))
                && !attribute.contains(&name("not"));
            if for_tests || *attribute == [name("test")] {
                // Further attributes are the item's too.
                while tokens.get(end + 1) == Some(&Token::Mark('#')) {
                    end = closing(tokens, end + 2);
                }
                let after = item_end(tokens, end + 1);
                if let [Token::Name(word), Token::Name(file), Token::Mark(';')] = &tokens[end + 1..after] {
                    if word == "mod" {
                        files.push(file.clone());
                    }
                }
                i = after;
                continue;
            }
        }
        kept.push(tokens[i].clone());
        i += 1;
    }
    (kept, files)
}

/// A path as it is written, from the module it is written in.
#[derive(Clone, Debug, PartialEq)]
struct Written {
    /// The module, which may be one within the file.
    within: Vec<String>,
    parts: Vec<String>,
}

/// A name that `use` brings into a module.
struct Import {
    /// The name, or `*`.
    name: String,
    from: Written,
    public: bool,
}

/// What a file says.
#[derive(Default)]
struct File {
    imports: Vec<Import>,
    /// Paths outside of `use`.
    paths: Vec<Written>,
    /// Every name outside of `use`.
    names: BTreeSet<String>,
    /// The names of what is defined in it.
    defined: BTreeSet<String>,
    /// The modules in it, those of other files among them.
    modules: Vec<Vec<String>>,
}

impl File {
    fn read(module: &[String], tokens: &[Token]) -> Self {
        let mut file = Self::default();
        let (mut within, mut depths, mut depth) = (module.to_vec(), Vec::new(), 0);
        let mut i = 0;
        while i < tokens.len() {
            match &tokens[i] {
                Token::Mark('{') => depth += 1,
                Token::Mark('}') => {
                    depth -= 1;
                    if depths.last() == Some(&depth) {
                        depths.pop();
                        within.pop();
                    }
                }
                Token::Name(word) if word == "use" && i + 1 < tokens.len() && !is_mark(tokens, i + 1, '<') => {
                    let end = item_end_of_use(tokens, i);
                    let public = matches!(i.checked_sub(1).map(|i| &tokens[i]), Some(Token::Mark(')')))
                        || matches!(i.checked_sub(1).map(|i| &tokens[i]), Some(Token::Name(word)) if word == "pub");
                    file.push_use(&within, public, &tokens[i + 1..end]);
                    i = end;
                    continue;
                }
                Token::Name(word) if word == "mod" => {
                    if let Some(Token::Name(name)) = tokens.get(i + 1) {
                        let inner: Vec<String> = within.iter().cloned().chain([name.clone()]).collect();
                        file.modules.push(inner.clone());
                        if is_mark(tokens, i + 2, '{') {
                            depths.push(depth);
                            within = inner;
                        }
                        i += 2;
                        continue;
                    }
                }
                Token::Name(word) => {
                    let kinds = ["struct", "enum", "union", "trait", "type", "fn", "const", "static", "macro_rules"];
                    if kinds.contains(&word.as_str()) {
                        let next = tokens[i + 1..].iter().take(2).find_map(|token| match token {
                            Token::Name(name) => Some(name.clone()),
                            _ => None,
                        });
                        file.defined.extend(next);
                    }
                    let joined = i.checked_sub(1).is_some_and(|before| tokens[before] == Token::Joint);
                    let mut parts = vec![word.clone()];
                    while let (Some(Token::Joint), Some(Token::Name(part))) = (tokens.get(i + 1), tokens.get(i + 2)) {
                        parts.push(part.clone());
                        i += 2;
                    }
                    if !joined {
                        file.names.insert(word.clone());
                    }
                    if parts.len() > 1 && !joined {
                        file.paths.push(Written { within: within.clone(), parts });
                    }
                }
                _ => {}
            }
            i += 1;
        }
        file
    }

    /// Adds what a `use` brings in; the tokens are those between `use` and the semicolon.
    fn push_use(&mut self, within: &[String], public: bool, tokens: &[Token]) {
        let mut stack: Vec<Vec<String>> = vec![Vec::new()];
        let mut parts: Vec<String> = Vec::new();
        let mut i = 0;
        let push = |parts: &[String], alias: Option<&String>, imports: &mut Vec<Import>| {
            let mut parts = parts.to_vec();
            if parts.last().is_some_and(|last| last == "self") && parts.len() > 1 {
                parts.pop();
            }
            if let Some(name) = alias.or(parts.last()).cloned() {
                imports.push(Import { name, from: Written { within: within.to_vec(), parts }, public });
            }
        };
        let mut alias = None;
        while i < tokens.len() {
            match &tokens[i] {
                Token::Name(word) if word == "as" => {
                    if let Some(Token::Name(name)) = tokens.get(i + 1) {
                        alias = Some(name.clone());
                        i += 1;
                    }
                }
                Token::Name(word) => parts.push(word.clone()),
                Token::Mark('*') => parts.push("*".into()),
                Token::Mark('{') => {
                    stack.push(parts.clone());
                }
                Token::Mark(c @ (',' | '}')) => {
                    let outer = stack.last().cloned().unwrap_or_default();
                    if parts.len() > outer.len() {
                        push(&parts, alias.take().as_ref(), &mut self.imports);
                    }
                    parts = outer;
                    if *c == '}' {
                        stack.pop();
                        // What stood in the braces has been added.
                        parts = stack.last().cloned().unwrap_or_default();
                    }
                }
                _ => {}
            }
            i += 1;
        }
        if !parts.is_empty() {
            push(&parts, alias.take().as_ref(), &mut self.imports);
        }
    }
}

fn is_mark(tokens: &[Token], index: usize, mark: char) -> bool {
    tokens.get(index) == Some(&Token::Mark(mark))
}

/// The position of the semicolon of a `use`.
fn item_end_of_use(tokens: &[Token], start: usize) -> usize {
    (start..tokens.len()).find(|&index| tokens[index] == Token::Mark(';')).unwrap_or(tokens.len())
}

/// All files, and the modules that they make.
struct House {
    files: BTreeMap<String, File>,
    /// The file of every module.
    modules: BTreeMap<Vec<String>, String>,
}

impl House {
    fn new(sources: &BTreeMap<String, String>) -> Self {
        let split = |name: &str| -> Vec<String> {
            if name == "lib" { Vec::new() } else { name.split('/').map(str::to_owned).collect() }
        };
        let mut parsed = BTreeMap::new();
        let mut tests = BTreeSet::new();
        for (name, text) in sources {
            let (tokens, files) = without_tests(&tokens(text));
            let module = split(name);
            tests.extend(files.into_iter().map(|file| [module.clone(), vec![file]].concat().join("/")));
            parsed.insert(name.clone(), tokens);
        }
        let (mut files, mut modules) = (BTreeMap::new(), BTreeMap::new());
        for (name, tokens) in parsed.into_iter().filter(|(name, _)| !tests.contains(name)) {
            let module = split(&name);
            let file = File::read(&module, &tokens);
            for inner in &file.modules {
                modules.entry(inner.clone()).or_insert_with(|| name.clone());
            }
            files.insert(name, file);
        }
        for name in files.keys() {
            modules.insert(split(name), name.clone());
        }
        Self { files, modules }
    }

    /// The whole path of a written one; `None` of one into another crate.
    fn whole(&self, file: &str, written: &Written) -> Option<Vec<String>> {
        let (mut path, mut rest) = (written.within.clone(), &written.parts[..]);
        match rest.first()?.as_str() {
            "crate" => {
                path.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    path.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let inner: Vec<String> = path.iter().cloned().chain([first.to_owned()]).collect();
                if !self.modules.contains_key(&inner) {
                    let imports = &self.files[file].imports;
                    let import = imports
                        .iter()
                        .find(|import| import.name == first && import.from.within == path && import.from != *written)?;
                    // A module under its name here; what else is imported counts where it is.
                    path = self.whole(file, &import.from)?;
                    self.modules.get(&path)?;
                    rest = &rest[1..];
                }
            }
        }
        path.extend(rest.iter().cloned());
        Some(path)
    }

    /// The file that defines what a path leads to; `None` where it is a module.
    fn definer(&self, path: &[String], seen: &mut Vec<Vec<String>>) -> Option<String> {
        if seen.iter().any(|other| other == path) {
            return None;
        }
        seen.push(path.to_vec());
        let depth = (0..=path.len()).rev().find(|&depth| self.modules.contains_key(&path[..depth]))?;
        let (module, rest) = path.split_at(depth);
        let name = rest.first()?;
        let file = &self.modules[module];
        if name == "*" {
            return Some(file.clone());
        }
        let imports = self.files[file].imports.iter().filter(|import| import.from.within == module);
        for import in imports {
            if import.name == *name || import.name == "*" {
                let mut path = match self.whole(file, &import.from) {
                    Some(path) => path,
                    None => continue,
                };
                if import.name == "*" {
                    path.pop();
                    path.push(name.clone());
                    if let Some(found) = self.definer(&path, seen) {
                        if self.files[&found].defined.contains(name) {
                            return Some(found);
                        }
                    }
                    continue;
                }
                path.extend(rest[1..].iter().cloned());
                return self.definer(&path, seen);
            }
        }
        Some(file.clone())
    }

    /// The files that each file uses.
    fn uses(&self) -> BTreeMap<&str, BTreeSet<String>> {
        let uses = self.files.iter().map(|(name, file)| {
            let passed_on = |import: &&Import| import.public && !file.names.contains(&import.name);
            let imports = file.imports.iter().filter(|import| !passed_on(import)).map(|import| &import.from);
            let found = imports.chain(&file.paths).filter_map(|written| {
                let path = self.whole(name, written)?;
                self.definer(&path, &mut Vec::new())
            });
            (name.as_str(), found.filter(|found| found != name && !ROOF.contains(&found.as_str())).collect())
        });
        uses.collect()
    }

    /// What is wrong.
    fn faults(&self) -> Vec<String> {
        let layer = |file: &str| {
            let first = file.split('/').next().unwrap_or(file);
            LAYERS.iter().position(|layer| layer.contains(&first))
        };
        let mut faults = Vec::new();
        let mut uses = self.uses();
        for name in ROOF {
            uses.remove(name);
        }
        for (name, used) in &uses {
            let Some(own) = layer(name) else {
                faults.push(format!("{name} is in no layer"));
                continue;
            };
            for other in used {
                if layer(other).is_none_or(|other| other > own) {
                    faults.push(format!("{name} uses {other}, which is above it"));
                }
            }
        }
        for circle in circles(&uses) {
            let edges = circle.iter().flat_map(|name| {
                let within = uses[name.as_str()].iter().filter(|other| circle.contains(*other));
                within.map(move |other| format!("\n    {name} uses {other}"))
            });
            faults.push(format!("in a circle: {}{}", circle.join(", "), edges.collect::<String>()));
        }
        faults
    }
}

/// The sets of files that use each other, each of two files at least.
fn circles(uses: &BTreeMap<&str, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached = |start: &str| {
        let (mut found, mut left) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(name) = left.pop() {
            for next in uses.get(name.as_str()).into_iter().flatten() {
                if found.insert(next.clone()) {
                    left.push(next.clone());
                }
            }
        }
        found
    };
    let all: BTreeMap<&str, BTreeSet<String>> = uses.keys().map(|&name| (name, reached(name))).collect();
    let circles: BTreeSet<Vec<String>> = all
        .iter()
        .filter(|(name, reached)| reached.contains(**name))
        .map(|(&name, reached)| reached.iter().filter(|other| all[other.as_str()].contains(name)).cloned().collect())
        .collect();
    circles.into_iter().collect()
}

#[cfg(test)]
mod parser {
    use super::*;

    fn faults(sources: &[(&str, &str)]) -> Vec<String> {
        let sources = sources.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        House::new(&sources).faults()
    }

    fn uses(sources: &[(&str, &str)], file: &str) -> Vec<String> {
        let sources = sources.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect();
        House::new(&sources).uses()[file].iter().cloned().collect()
    }

    #[test]
    fn a_use_of_what_is_above_is_a_fault() {
        let above = ("shape", "use crate::view::{self, ArrayView as View}; fn f(_: View) {}");
        let view = ("view", "pub struct ArrayView;");
        assert_eq!(faults(&[above, view]), ["shape uses view, which is above it"]);
        let below = [("shape", "pub struct Axes;"), ("view", "use crate::shape::Axes; struct V(Axes);")];
        assert_eq!(faults(&below), [""; 0]);
        assert_eq!(faults(&[("attic", "")]), ["attic is in no layer"]);
    }

    #[test]
    fn paths_in_code_count_and_those_in_comments_texts_and_tests_do_not() {
        let text = r##"
            // crate::view::A
            /* crate::view::A /* nested */ crate::view::A */
            const T: &str = "crate::view::A \" crate::view::A"; const R: &str = r#"crate::view::A " "#;
            const C: [char; 3] = ['"', '\'', '\u{22}'];
            fn f<'a>(x: &'a u8) {}
            #[cfg(test)]
            mod tests { use crate::view::A; fn g() { crate::view::A; } }
            #[cfg(all(test, feature = "x"))]
            #[allow(unused)]
            use crate::view::A;
            #[cfg(test)]
            mod more;
        "##;
        let sources = [("shape", text), ("shape/more", "use crate::view::A;"), ("view", "pub struct A;")];
        assert_eq!(faults(&sources), [""; 0]);
        let code = format!("{text} fn h<'a>() -> Option<crate::view::A> {{ None }}");
        assert_eq!(faults(&[("shape", code.as_str()), ("view", "pub struct A;")]).len(), 1);
        let not = ("shape", "#[cfg(not(test))] use crate::view::A;");
        assert_eq!(faults(&[not, ("view", "pub struct A;")]).len(), 1);
    }

    #[test]
    fn names_that_are_passed_on_lead_to_where_they_are_defined() {
        let sources = [
            ("lib", "mod view; pub use view::Deep;"),
            ("view", "mod a; pub(crate) mod b; pub use a::{Deep, Other as Renamed}; pub struct Own;"),
            ("view/a", "pub use super::b::Deep; pub struct Other; macro_rules! m { () => {} } pub(crate) use m;"),
            ("view/b", "pub struct Deep; pub fn free() {}"),
            ("array", "use crate::Deep; struct A(Deep);"),
            ("dynamic", "use crate::view::{Own, Renamed}; use crate::view; fn f(_: Own) { view::b::free() }"),
            ("npy", "use crate::view::b; mod inner { use super::b::Deep; struct I(super::super::view::Own, Deep); }"),
            ("npz", "use crate::view::*; fn f() { crate::view::a::m!() }"),
        ];
        assert_eq!(uses(&sources, "array"), ["view/b"]);
        assert_eq!(uses(&sources, "dynamic"), ["view", "view/a", "view/b"]);
        assert_eq!(uses(&sources, "npy"), ["view", "view/b"]);
        assert_eq!(uses(&sources, "npz"), ["view", "view/a"]);
        // To pass on is no use, unless the name is used as well.
        assert_eq!(uses(&sources, "view"), [""; 0]);
        assert_eq!(
            uses(&[("view", "mod a; pub use a::A; fn f(_: A) {}"), ("view/a", "pub struct A;")], "view"),
            ["view/a"]
        );
        // A module that is declared leads to its file where it is used.
        let child = [("view", "mod a; fn f() { a::g() }"), ("view/a", "pub(super) fn g() {}")];
        assert_eq!(uses(&child, "view"), ["view/a"]);
    }

    #[test]
    fn files_that_use_each_other_are_a_fault() {
        let sources = [
            ("view", "mod a; mod b; mod c; use a::A; pub struct V(A);"),
            ("view/a", "use super::b; pub struct A(b::B);"),
            ("view/b", "use crate::view::V; pub struct B(V);"),
            ("view/c", "use super::V; struct C(V);"),
        ];
        let found = faults(&sources);
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("in a circle: view, view/a, view/b\n    view uses view/a"), "{found:?}");
    }
}
