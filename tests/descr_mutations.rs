//! Texts of dtypes with random mistakes in them. None may panic or hang, and what is read must be written as text that
//! reads the same.
//!
//! The mistakes come from a fixed seed, so a failure comes again.

mod mutations;

use mmap_array::DType;
use mutations::{Random, TEXTS, TOKENS, mutated};

/// Whether the text is read; what is read is shown, written, and read again.
fn check(text: &str) -> bool {
    let Ok(dtype) = DType::from_descr(text) else { return false };
    let _ = (dtype.to_c(), format!("{dtype:?}"));
    if let Ok(descr) = dtype.descr() {
        let again = DType::from_descr(&descr).unwrap_or_else(|error| panic!("{text:?} is written {descr:?}: {error}"));
        assert_eq!(again, dtype, "{text:?} is written {descr:?}");
        assert_eq!(again.descr().unwrap(), descr, "{text:?}");
        assert_eq!(dtype.to_string().parse::<DType>().unwrap(), dtype, "{text:?}");
    }
    true
}

#[test]
fn no_mistake_in_a_text_panics_or_changes_the_dtype() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut read = 0;
    for text in TEXTS {
        assert!(check(text), "{text}: {}", DType::from_descr(text).unwrap_err());
    }
    for _ in 0..40_000 {
        read += usize::from(check(&mutated(random.among(TEXTS), &mut random)));
    }
    // Mistakes of which none were read would test little.
    assert!(read > 1_000, "{read} were read");
}

#[test]
fn no_sequence_of_tokens_panics() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..20_000 {
        let text: String = (0..=random.below(12)).map(|_| random.among(TOKENS)).collect();
        check(&text);
        check(&format!("[('a', '{text}')]"));
        check(&format!("[('{text}', '<i4')]"));
        check(&format!("[('a', '<i4', {text})]"));
        let _ = text.parse::<DType>();
    }
}

#[test]
fn every_beginning_of_a_text_is_refused_or_read() {
    for text in TEXTS {
        for (end, _) in text.char_indices() {
            check(&text[..end]);
            check(&text[end..]);
        }
    }
}

/// As large as a header may get without the caller's leave, and ten times that: the time must grow with the length.
#[test]
fn long_texts_take_no_longer_than_their_length() {
    for length in [10_000, 100_000] {
        for (start, repeated) in [
            ("", "["),
            ("", "'"),
            ("", "''"),
            ("", "#"),
            ("", "\\\n"),
            ("", "-"),
            ("", "1"),
            ("", "a"),
            ("'", "\\x41"),
            ("[", "[],"),
            ("[('a', [", "('', '|V1'), "),
            ("[", "('a', '<i4'), "),
            ("[('a', '<i4', (", "1, "),
            ("[('a', '<i4', (", "'' "),
        ] {
            check(&format!("{start}{}", repeated.repeat(length / repeated.len())));
        }
        let fields: Vec<String> = (0..length / 20).map(|i| format!("('f{i}', '<i4')")).collect();
        let flat = format!("[{}]", fields.join(", "));
        assert!(check(&flat));
        assert!(check(&format!("{}{flat}{}", "[('a', ".repeat(60), ")]".repeat(60))));
    }
}
