//! Texts of dtypes with random mistakes in them. None may panic or hang, and what is read must be written as text that
//! reads the same.
//!
//! The mistakes come from a fixed seed, so a failure comes again.

use mmap_array::DType;

/// Texts that are read, for mistakes to be made in.
const TEXTS: &[&str] = &[
    "'<f8'",
    "'>M8[25s]'",
    "'datetime64[ns]'",
    "'float64'",
    "[('f0', '|i1'), ('', '|V3'), ('f1', '<i4'), ('f2', '|i1'), ('', '|V3')]",
    "[('', '|V1'), (('aa', 'a'), '<i4'), ('', '|V1'), (('bb', 'b'), '<i4')]",
    "[('p', [('x', '<f4'), ('y', '<f4')], (3,)), ('id', '>u2')]",
    "[('x', ([('a', '|i1'), ('', '|V3'), ('b', '|S7'), ('', '|V3')], (3,)), (4,))]",
    "[['a', u'<i4', 0x2], [r'b\\c', \"<f8\", [+2, 1_0]], ('''c''', 'm8[2W]', ()),]",
    r#"[("it's", '|b1'), ('say "hi"', '<U3'), ('both\'"', '<c16'), ('\x00\u00e9\U0001d11e\
', '|S0')] # end"#,
    "[('é', '<i4'), ('π 𝄞\u{301}', '|V0', ), ('n', []), ('z', '<i4', (0, 2147483647))]",
];

/// What a mistake puts in.
const TOKENS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "'",
    "\"",
    "'''",
    "\\",
    "#",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\0",
    "-",
    "+",
    "_",
    "0",
    "1",
    "9",
    "2147483647",
    "99999999999999999999",
    "0x",
    "0b1",
    "L",
    ".",
    "e",
    "u",
    "r",
    "b",
    "f",
    "<",
    ">",
    "=",
    "|",
    "i4",
    "O",
    "M8[",
    "[s]",
    "S",
    "U",
    "V",
    "é",
    "𝄞",
    "\u{200b}",
    "\\x",
    "\\u",
    "\\ud800",
    "\\U0010ffff",
    "\\N{",
    "\\777",
    "''",
    "()",
    "[]",
    "(2,)",
    "(0, 3)",
    "None",
    "True",
    "'a'",
    "'<i4'",
    "'|V3'",
    "('', '|V2')",
    "('t', 'n')",
    "('<i4', (2,))",
];

/// Marsaglia's xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn among<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

fn mutated(text: &str, random: &mut Random) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(3) {
        let start = random.below(characters.len() + 1);
        let end = (start + random.below(8)).min(characters.len());
        let put: Vec<char> = match random.below(4) {
            0 => Vec::new(),
            1 => characters[start..end].iter().rev().copied().collect(),
            _ => random.among(TOKENS).chars().collect(),
        };
        let end = if random.below(2) == 0 { start } else { end };
        characters.splice(start..end, put);
    }
    characters.into_iter().collect()
}

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
