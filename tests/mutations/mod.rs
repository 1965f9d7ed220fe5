//! Texts of dtypes, and mistakes to be made in them.

/// Texts that are read, for mistakes to be made in.
pub(crate) const TEXTS: &[&str] = &[
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
pub(crate) const TOKENS: &[&str] = &[
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
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(crate) fn among<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        texts[self.below(texts.len())]
    }
}

pub(crate) fn mutated(text: &str, random: &mut Random) -> String {
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
