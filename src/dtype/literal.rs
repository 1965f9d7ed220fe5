//! A parser for the Python literals in `.npy` headers.
//!
//! A `.npy` header is the text of a Python dict, written by `repr` and read by `ast.literal_eval`. Other programs write
//! it by hand with any syntax that Python allows: other quotes, prefixes, escapes, `0x2`, comments. It must therefore
//! be read as Python reads it. This module implements the part of `ast.literal_eval` that can occur in a valid header:
//! strings, integers, `True`, `False`, `None`, tuples, lists and dicts. Everything else that Python accepts (bytes,
//! floats, complex numbers, sets, `...`) is invalid in a header, and is refused here so that the error can point at it.
//!
//! The text comes from a file and may be arbitrary. Brackets are parsed without recursion and no deeper than Python
//! parses them, so that code that walks the literals may recurse. Memory use is proportional to the length of the text
//! and does not depend on its contents.
//!
//! Intended differences from Python 3.11:
//! - lone surrogates (`'\ud800'`), which no Rust string can contain, and named characters (`'\N{…}'`), which would need
//!   a table of names, are refused, as are integers beyond 64 bits, parentheses after a sign (`-(1)`), and a tuple
//!   without parentheses;
//! - white space before the first token and after the last token is never an error; Python refuses some of it as
//!   indentation.

use crate::error::{Error, Reason, Result};

/// The maximum nesting of brackets: that of Python's tokenizer (`MAXLEVEL`).
const MAX_NESTING: usize = 200;

/// A literal and the position of its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The byte offset of the literal in the text; [`error_at`] converts it into a character position.
    pub(crate) at: usize,
    /// The literal.
    pub(crate) literal: Literal,
}

/// The value of a literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// A string, with its escapes resolved and its adjacent parts joined.
    Text(String),
    /// An integer.
    Int(i64),
    /// `True` or `False`.
    Bool(bool),
    /// `None`.
    None,
    /// `(1, 2)`; `(1)` is 1.
    Tuple(Vec<Node>),
    /// `[1, 2]`.
    List(Vec<Node>),
    /// `{'a': 1}` as written: a key may occur twice, in which case Python uses the last one.
    Dict(Vec<(Node, Node)>),
}

/// The version of Python whose integers are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Python {
    /// `10L` is 10: Python 2 wrote headers of versions 1 and 2 in this way.
    Two,
    /// `10L` is an error.
    Three,
}

/// Parses a text that consists of one literal, with only white space and comments around it: `ast.literal_eval`.
///
/// # Errors
///
/// Returns [`DType`](crate::ErrorKind::DType) with the character at which the text is invalid.
pub(crate) fn parse(text: &str, python: Python) -> Result<Node> {
    if let Some(at) = text.find('\0') {
        return Err(error_at(text, at, "a NUL character, which Python source cannot contain"));
    }
    let mut parser = Parser { text, at: 0, nesting: 0, python };
    parser.blanks(true)?;
    let node = parser.value()?;
    parser.blanks(true)?;
    match parser.peek() {
        None => Ok(node),
        Some(_) => Err(parser.expected("the end of the text")),
    }
}

/// Returns an error about the literal that begins `at` bytes into the text. Its text shows the surrounding characters.
pub(crate) fn error_at(text: &str, at: usize, what: impl Into<String>) -> Error {
    /// The characters shown on each side, enough to find the position.
    const SHOWN: usize = 24;
    let (before, after) = text.split_at(at);
    let position = before.chars().count() + 1;
    let before = match before.char_indices().rev().nth(SHOWN - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &before[start..]),
        _ => before.to_owned(),
    };
    let after = match after.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &after[..end]),
        None => after.to_owned(),
    };
    let place = match (before.is_empty(), after.is_empty()) {
        (true, true) => "in an empty text".to_owned(),
        (true, false) => format!("at character {position}, before {after:?}"),
        (false, true) => format!("at the end, after {before:?}"),
        (false, false) => format!("at character {position}, after {before:?} and before {after:?}"),
    };
    Reason::Literal { what: what.into(), place }.error()
}

/// An open bracket and its contents so far; those of a dict are alternating keys and values.
struct Bracket {
    at: usize,
    close: char,
    items: Vec<Node>,
    /// Whether a comma was found.
    comma: bool,
}

struct Parser<'a> {
    text: &'a str,
    /// The number of bytes read, always a character boundary.
    at: usize,
    /// The number of open brackets.
    nesting: usize,
    python: Python,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Consumes a line ending in any of its three forms, which are equal to Python.
    fn eat_line_end(&mut self) -> bool {
        self.eat("\r\n") || self.eat("\n") || self.eat("\r")
    }

    fn error(&self, what: impl Into<String>) -> Error {
        error_at(self.text, self.at, what)
    }

    fn expected(&self, what: &str) -> Error {
        self.error(format!("expected {what}"))
    }

    /// Skips white space, comments and `\` at the end of a line, and line endings if they have no meaning.
    fn blanks(&mut self, line_ends: bool) -> Result<()> {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\x0c') => self.at += 1,
                Some('\n' | '\r') if line_ends => self.at += 1,
                Some('#') => self.at += self.rest().find(['\n', '\r']).unwrap_or(self.rest().len()),
                Some('\\') => {
                    self.at += 1;
                    if !self.eat_line_end() || self.peek().is_none() {
                        return Err(self.expected("another line after `\\`"));
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    /// Skips blanks between the tokens of a value. Outside brackets a line ending ends the value.
    fn inner_blanks(&mut self) -> Result<()> {
        self.blanks(self.nesting > 0)
    }

    /// Parses a value and its contents. Open brackets are kept on an explicit stack, so that deep nesting only costs
    /// memory in proportion to the text.
    fn value(&mut self) -> Result<Node> {
        let mut open: Vec<Bracket> = Vec::new();
        loop {
            let mut node = match self.bracket_ahead() {
                Some(bracket) => {
                    if open.len() == MAX_NESTING {
                        return Err(self.error(format!("more than {MAX_NESTING} brackets nested in one another")));
                    }
                    self.at += 1;
                    self.nesting += 1;
                    self.blanks(true)?;
                    if self.peek() != Some(bracket.close) {
                        open.push(bracket);
                        continue;
                    }
                    self.closed(bracket)
                }
                None => self.scalar()?,
            };
            loop {
                let Some(mut bracket) = open.pop() else { return Ok(node) };
                self.blanks(true)?;
                bracket.items.push(node);
                let key = bracket.close == '}' && bracket.items.len() % 2 == 1;
                match self.peek() {
                    None => {
                        let text = format!("a bracket without its closing `{}`", bracket.close);
                        return Err(error_at(self.text, bracket.at, text));
                    }
                    Some(':') if key => {}
                    Some(_) if key => return Err(self.expected("`:` and the value of the key")),
                    Some(',') => bracket.comma = true,
                    Some(close) if close == bracket.close => {
                        node = self.closed(bracket);
                        continue;
                    }
                    Some(_) => return Err(self.expected(&format!("a comma or `{}`", bracket.close))),
                }
                self.at += 1;
                self.blanks(true)?;
                if !key && self.peek() == Some(bracket.close) {
                    node = self.closed(bracket);
                    continue;
                }
                open.push(bracket);
                break;
            }
        }
    }

    fn bracket_ahead(&self) -> Option<Bracket> {
        let close = match self.peek()? {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            _ => return None,
        };
        Some(Bracket { at: self.at, close, items: Vec::new(), comma: false })
    }

    /// Consumes the closing bracket, which is the next character.
    fn closed(&mut self, mut bracket: Bracket) -> Node {
        self.at += 1;
        self.nesting -= 1;
        let literal = match (bracket.close, bracket.items.pop()) {
            // Parentheses around one value are no tuple.
            (')', Some(only)) if bracket.items.is_empty() && !bracket.comma => return only,
            ('}', last) => {
                bracket.items.extend(last);
                let mut items = bracket.items.into_iter();
                Literal::Dict(std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect())
            }
            (close, last) => {
                bracket.items.extend(last);
                if close == ')' { Literal::Tuple(bracket.items) } else { Literal::List(bracket.items) }
            }
        };
        Node { at: bracket.at, literal }
    }

    /// Parses a value without parts.
    fn scalar(&mut self) -> Result<Node> {
        let at = self.at;
        let literal = match self.peek() {
            Some('+' | '-') => {
                let negative = self.next() == Some('-');
                self.inner_blanks()?;
                Literal::Int(self.integer(negative)?)
            }
            Some('0'..='9') => Literal::Int(self.integer(false)?),
            _ if self.quote_ahead().is_some() => Literal::Text(self.strings()?),
            _ => self.word()?,
        };
        Ok(Node { at, literal })
    }

    /// Parses an integer: digits with an optional base prefix, `_` between digits, and optionally Python 2's `L`.
    fn integer(&mut self, negative: bool) -> Result<i64> {
        let start = self.at;
        let radix = match self.rest().as_bytes() {
            [b'0', b'x' | b'X', ..] => 16,
            [b'0', b'o' | b'O', ..] => 8,
            [b'0', b'b' | b'B', ..] => 2,
            _ => 10,
        };
        if radix != 10 {
            self.at += 2;
        }
        let mut value = Some(0_i128);
        // One `_` may stand behind a digit or the base, and a digit must follow it.
        let (mut digit_needed, mut underscore_allowed) = (true, radix != 10);
        loop {
            match self.peek() {
                Some('_') if underscore_allowed => (digit_needed, underscore_allowed) = (true, false),
                Some(digit) if digit.is_digit(radix) => {
                    let digit = i128::from(digit.to_digit(radix).unwrap_or_default());
                    value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit));
                    (digit_needed, underscore_allowed) = (false, true);
                }
                _ => break,
            }
            self.at += 1;
        }
        if digit_needed {
            return Err(self.expected("a digit"));
        }
        let end = self.at;
        match self.peek() {
            Some('.' | 'e' | 'E' | 'j' | 'J') if radix == 10 => {
                return Err(self.expected("an integer, not a float or complex number"));
            }
            Some('L') if self.python == Python::Two => self.at += 1,
            Some('L') => return Err(self.expected("the end of the integer; `L` is Python 2's")),
            _ => {}
        }
        if self.peek().is_some_and(is_name) {
            return Err(self.expected("the end of the integer"));
        }
        let digits = &self.text[start..end];
        if radix == 10 && digits.starts_with('0') && digits.contains(|digit| matches!(digit, '1'..='9')) {
            return Err(error_at(self.text, start, "a decimal integer with leading zeros"));
        }
        let value = value.and_then(|value| i64::try_from(if negative { -value } else { value }).ok());
        value.ok_or_else(|| error_at(self.text, start, "an integer that does not fit in 64 bits"))
    }

    /// Returns the length of the string prefix if a string follows: 1 for `u'…'`.
    fn quote_ahead(&self) -> Option<usize> {
        let prefix = self.rest().find(|c: char| !c.is_ascii_alphabetic())?;
        matches!(self.rest().as_bytes()[prefix], b'\'' | b'"').then_some(prefix)
    }

    /// Parses a string, or several adjacent strings, which are one.
    fn strings(&mut self) -> Result<String> {
        let mut joined = String::new();
        while let Some(prefix) = self.quote_ahead() {
            let start = self.at;
            let raw = match self.rest()[..prefix].to_ascii_lowercase().as_str() {
                "" | "u" => false,
                "r" => true,
                "b" | "br" | "rb" => return Err(error_at(self.text, start, "bytes where text is needed")),
                _ => return Err(error_at(self.text, start, "a string prefix that is not supported in a header")),
            };
            self.at += prefix;
            self.string(raw, &mut joined)?;
            self.inner_blanks()?;
        }
        Ok(joined)
    }

    fn string(&mut self, raw: bool, out: &mut String) -> Result<()> {
        let start = self.at;
        let (quote, triple) = if self.rest().starts_with('"') { ("\"", "\"\"\"") } else { ("'", "'''") };
        let long = self.eat(triple);
        let quote = if long { triple } else { quote };
        if !long {
            self.at += 1;
        }
        loop {
            if self.eat(quote) {
                return Ok(());
            }
            let at = self.at;
            if self.eat_line_end() {
                if !long {
                    return Err(error_at(self.text, at, "a line that ends inside a string"));
                }
                out.push('\n');
            } else if self.eat("\\") {
                if raw {
                    // The backslash stays, and what follows it does not end the string.
                    out.push('\\');
                    match self.eat_line_end() {
                        true => out.push('\n'),
                        false => out.extend(self.next()),
                    }
                } else if !self.eat_line_end() {
                    self.escape(at, out)?;
                }
            } else {
                match self.next() {
                    Some(plain) => out.push(plain),
                    None => return Err(error_at(self.text, start, format!("a string without its closing {quote}"))),
                }
            }
        }
    }

    /// Parses the rest of an escape whose backslash is at `at`.
    fn escape(&mut self, at: usize, out: &mut String) -> Result<()> {
        let plain = match self.next() {
            Some(same @ ('\\' | '\'' | '"')) => same,
            Some('a') => '\x07',
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('v') => '\x0b',
            Some('x') => self.character(at, 2)?,
            Some('u') => self.character(at, 4)?,
            Some('U') => self.character(at, 8)?,
            Some('N') => return Err(error_at(self.text, at, "a named character, which is not supported")),
            Some(first @ '0'..='7') => {
                let mut code = first as u32 - '0' as u32;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else { break };
                    code = code * 8 + digit;
                    self.at += 1;
                }
                // At most 0o777.
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            // Python leaves a backslash that means nothing where it is; an end of the text is found by the caller.
            other => {
                out.push('\\');
                out.extend(other);
                return Ok(());
            }
        };
        out.push(plain);
        Ok(())
    }

    /// Parses a character code of that many hexadecimal digits.
    fn character(&mut self, at: usize, digits: usize) -> Result<char> {
        let wrong = |what: String| Err(error_at(self.text, at, what));
        let code = self.rest().get(..digits).filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(code) = code.and_then(|code| u32::from_str_radix(code, 16).ok()) else {
            return wrong(format!("an escape without its {digits} hexadecimal digits"));
        };
        let Some(character) = char::from_u32(code) else {
            return wrong(match code {
                0xD800..=0xDFFF => "half a surrogate pair, which is not a character".to_owned(),
                _ => "an escape beyond the last character, U+10FFFF".to_owned(),
            });
        };
        self.at += digits;
        Ok(character)
    }

    fn word(&mut self) -> Result<Literal> {
        let length = self.rest().find(|c| !is_name(c)).unwrap_or(self.rest().len());
        let literal = match &self.rest()[..length] {
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "None" => Literal::None,
            _ => return Err(self.expected("a string, an integer, `True`, `False`, `None`, a tuple, a list or a dict")),
        };
        self.at += length;
        Ok(literal)
    }
}

/// Returns whether the character can be part of a name. Beyond ASCII this is an approximation, since names are refused
/// anyway.
fn is_name(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Literal {
        parse(text, Python::Three).unwrap_or_else(|error| panic!("{text:?}: {error}")).literal
    }

    fn refused(text: &str) -> String {
        match parse(text, Python::Three) {
            Ok(node) => panic!("{text:?} is {node:?}"),
            Err(error) => {
                assert_eq!(error.kind(), crate::ErrorKind::DType);
                error.to_string()
            }
        }
    }

    fn text(text: &str) -> Literal {
        Literal::Text(text.to_owned())
    }

    #[test]
    fn strings_in_all_their_quotes() {
        for (source, value) in [
            ("'a'", "a"),
            ("\"it's\"", "it's"),
            ("'say \"hi\"'", "say \"hi\""),
            ("''", ""),
            ("''''''", ""),
            ("'''a'b''c'''", "a'b''c"),
            ("''''a'''", "'a"),
            ("\"\"\"a\nb\rc\r\nd\"\"\"", "a\nb\nc\nd"),
            ("u'a'", "a"),
            ("U\"a\"", "a"),
            ("r'\\n\\''", "\\n\\'"),
            ("R'a\\\r\nb'", "a\\\nb"),
            ("'a''b'", "ab"),
            ("'a' \"b\"\\\n u'c'", "abc"),
            ("('a' # first\n 'b')", "ab"),
            ("'é 𝄞'", "é 𝄞"),
        ] {
            assert_eq!(read(source), text(value), "{source:?}");
        }
    }

    #[test]
    fn escapes_as_python_resolves_them() {
        for (source, value) in [
            (r#"'\a\b\f\n\r\t\v\\\'\"'"#, "\x07\x08\x0c\n\r\t\x0b\\'\""),
            (r"'\x41\xe9'", "Aé"),
            (r"'\u00e9\U0001d11e'", "é𝄞"),
            (r"'\0\12\1012\8\777'", "\0\nA2\\8\u{1ff}"),
            (r"'\d\(\é'", r"\d\(\é"),
            ("'a\\\nb\\\r\nc\\\rd'", "abcd"),
        ] {
            assert_eq!(read(source), text(value), "{source:?}");
        }
    }

    #[test]
    fn strings_that_are_none() {
        for (source, why) in [
            ("'a", "without its closing ' (at character 1"),
            ("'''a''", "without its closing '''"),
            ("'a\\", "without its closing '"),
            ("r'\\'", "without its closing '"),
            ("'a\n'", "a line that ends inside a string (at character 3"),
            ("'a\r'", "a line that ends"),
            ("b'a'", "bytes where text is needed (at character 1"),
            ("'a' Rb'c'", "bytes where text is needed (at character 5"),
            ("f'a'", "a string prefix"),
            ("ur'a'", "a string prefix"),
            ("u 'a'", "expected a string"),
            (r"'\x4'", "without its 2 hexadecimal digits (at character 2"),
            (r"'\x+4'", "without its 2"),
            (r"'\u12é4'", "without its 4"),
            (r"'\U00110000'", "beyond the last character"),
            (r"'a\ud83d\ude00'", "half a surrogate pair, which is not a character (at character 3"),
            (r"'\N{DIGIT ONE}'", "a named character"),
            ("'a\0'", "NUL"),
            ("'a'\n'b'", "expected the end of the text (at character 5"),
            ("'a'1", "expected the end of the text"),
        ] {
            assert!(refused(source).contains(why), "{source:?}: {}", refused(source));
        }
    }

    #[test]
    fn integers_in_every_base() {
        for (source, value) in [
            ("10", 10),
            ("+2", 2),
            ("- 1", -1),
            ("[-\n1]", -1),
            ("0x2", 2),
            ("0X_fF", 255),
            ("0o17", 15),
            ("0b1_01", 5),
            ("1_000", 1000),
            ("00", 0),
            ("0_0", 0),
            ("-9223372036854775808", i64::MIN),
        ] {
            let literal = match read(source) {
                Literal::List(mut items) => items.remove(0).literal,
                literal => literal,
            };
            assert_eq!(literal, Literal::Int(value), "{source:?}");
        }
        let refusals = "02,0_1,1__0,1_,_1,0x,0x_,0b2,0o8,0xg,1.5,1e3,1j,1.,--1,+True,1 2,1if,10l,10L,0x1L,-\n1,1é";
        for source in refusals.split(',') {
            refused(source);
        }
        for source in ["9223372036854775808", &"1".repeat(100_000)] {
            assert!(refused(source).contains("64 bits"));
        }
    }

    #[test]
    fn an_l_behind_an_integer_is_python_2() {
        let node = parse("(10L, 0x2L)", Python::Two).unwrap();
        let items = vec![Node { at: 1, literal: Literal::Int(10) }, Node { at: 6, literal: Literal::Int(2) }];
        assert_eq!(node.literal, Literal::Tuple(items));
        for source in ["10l", "10LL", "10 L", "10L1", "L"] {
            parse(source, Python::Two).unwrap_err();
        }
        assert_eq!(
            refused("(10L,)"),
            "expected the end of the integer; `L` is Python 2's (at character 4, after \"(10\" and before \"L,)\")"
        );
    }

    #[test]
    fn brackets_commas_and_what_is_between() {
        let one = |at| Node { at, literal: Literal::Int(1) };
        assert_eq!(read("((1))"), Literal::Int(1));
        assert_eq!(read("()"), Literal::Tuple(vec![]));
        assert_eq!(read("(1,)"), Literal::Tuple(vec![one(1)]));
        assert_eq!(read("[1, 1,]"), Literal::List(vec![one(1), one(4)]));
        assert_eq!(read("[\t1#]\n\r\n\x0c, \\\n 1\n]"), Literal::List(vec![one(2), one(14)]));
        assert_eq!(read("{1: 1,}"), Literal::Dict(vec![(one(1), one(4))]));
        assert_eq!(read("{1:1,1:1}"), Literal::Dict(vec![(one(1), one(3)), (one(5), one(7))]));
        let constants = [(1, Literal::Bool(true)), (7, Literal::Bool(false)), (14, Literal::None)];
        let constants = constants.map(|(at, literal)| Node { at, literal });
        assert_eq!(read("[True, False, None]"), Literal::List(constants.into()));
        for source in [" [] ", "\n# why\n[] # because", "\\\n[]\n", "\t[]\r\n\n", "[]\\\n "] {
            assert_eq!(read(source), Literal::List(vec![]), "{source:?}");
        }
        let refusals = "; ;#;(;[;{;[1;[1,;{1;{1:;{1:1;[1);(1];];(,);[,];[1,,];[1 1];{,};{1};{1:1 1:1};{1,1};{**{}};[*[]];\
             1,;1, 1;[] [];true;null;Truex;set();...;1+1;(yield);[\x0b];[\u{a0}];\u{feff}[];[]\\\n;[]\\ \n;\\;[1\\];é;١";
        for source in refusals.split(';') {
            refused(source);
        }
    }

    #[test]
    fn nesting_ends_where_python_ends_it() {
        for (open, close) in [("(", ")"), ("[", "]"), ("(", ",)"), ("{1:", "}")] {
            let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            read(&nested(200));
            assert!(refused(&nested(201)).contains("more than 200 brackets"));
            refused(&open.repeat(1_000_000));
        }
        // Brackets beside one another are not inside one another.
        read(&format!("[{}]", "[],".repeat(1000)));
    }

    #[test]
    fn errors_show_the_place() {
        assert_eq!(
            refused("[('a', '<i4') x, ('b', '<f4'), ('c', '<f4')]"),
            "expected a comma or `]` (at character 15, after \"[('a', '<i4') \" and before \"x, ('b', '<f4'), ('c', '…\")"
        );
        assert_eq!(
            refused("[('é', '<i4'), ('ü', '<f4'), 'ö': 1]"),
            "expected a comma or `]` (at character 33, after \"…<i4'), ('ü', '<f4'), 'ö'\" and before \": 1]\")"
        );
        assert_eq!(
            refused("x"),
            "expected a string, an integer, `True`, `False`, `None`, a tuple, a list or a dict (at character 1, before \"x\")"
        );
        assert!(refused("").ends_with("(in an empty text)"));
        assert!(refused("{'descr':").ends_with("(at the end, after \"{'descr':\")"));
        assert!(refused("  [1, ").contains("at the end"));
        assert!(refused("  [1 ").contains("a bracket without its closing `]` (at character 3"));
    }
}
