//! Texts of dtypes with mistakes in them: what is read is what NumPy reads, and what NumPy alone reads is known.

use crate::mutations::{Random, TEXTS, TOKENS, mutated};
use crate::python::Python;
use crate::told::{PROGRAM, told};
use mmap_array::DType;
use std::fs;

/// What is refused on purpose, as the head of `src/dtype/descr.rs` has it, by what the errors say.
pub(crate) const REFUSED: &[&str] = &[
    "a subarray outside a record; its axes belong to the array's shape",
    "describes several elements",
    "denotes Python objects",
    "depends on the machine",
    "has a count of units that is less than 1",
    // A tuple without parentheses, of which NumPy takes the first.
    "expected the end of the text",
    "bytes where text is needed",
    // `('x', 'S', 3)`, to NumPy 3 bytes of text.
    "a subarray of elements of 0 bytes",
    "expected a subarray of two parts",
    // An empty string, the list of a record's fields, or a dtype.
    "expected a shape",
    "expected the length of an axis",
    // `['ab']`, to NumPy a field "a" of "b".
    "expected a field",
    "expected the title of a field",
    // A name that no Rust string can hold.
    "half a surrogate pair, which is not a character",
    // NumPy's own numbers of its types.
    "there is no type \"\\t\"",
    "there is no type \"\\n\"",
];

#[test]
#[cfg_attr(windows, ignore = "under Wine there is no Python")]
fn a_text_with_mistakes_is_read_as_numpy_reads_it() {
    let Some(python) = Python::get() else { return };
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let texts: Vec<String> = (0..12_000)
        .map(|i| match i % 4 {
            0 => (0..=random.below(6)).map(|_| random.among(TOKENS)).collect(),
            1 => format!("[('a', {}, {})]", random.among(TOKENS), random.among(TOKENS)),
            _ => mutated(random.among(TEXTS), &mut random),
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("texts");
    let hex = |text: &String| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n";
    fs::write(&path, texts.iter().map(hex).collect::<String>()).unwrap();
    let printed = python.run(PROGRAM, ["try".as_ref(), path.as_os_str()]);
    let lines: Vec<&str> = printed.split_terminator('\n').collect();
    assert_eq!(lines.len(), texts.len());
    let mut read = 0;
    for (text, line) in texts.iter().zip(lines) {
        match DType::from_descr(text) {
            // White space around the text is none of its business here.
            Ok(_) if line.contains("IndentationError") => {}
            Ok(dtype) => {
                // Numbers without an order have the machine's, which may not be Python's.
                let turned = |line: &str| line.split('\t').skip(2).map(str::to_owned).collect::<Vec<_>>();
                assert_eq!(turned(&told(&dtype)), turned(line), "{text:?} is to NumPy: {line}");
                read += 1;
            }
            Err(error) => {
                let known = line.starts_with("refused: ") || REFUSED.iter().any(|why| error.to_string().contains(why));
                assert!(known, "{text:?} is to NumPy {line}, and here: {error}");
            }
        }
    }
    // Mistakes of which none were read would test little.
    assert!(read > 500, "{read} were read");
}
