//! Parsing and checking of `#[repr(…)]` and `#[record(…)]`.

use proc_macro2::{Span, TokenStream};
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, DeriveInput, Error, Field, LitStr, Path, Result, Token, parenthesized, parse_quote, token};

/// The errors found so far, so that the compiler shows all of them at once.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value, or adds the error and returns `None`.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    pub(crate) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The layouts that a record may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repr {
    C,
    Transparent,
}

impl Repr {
    pub(crate) fn of(input: &DeriveInput) -> Result<Self> {
        let (mut repr, mut packed, mut rust) = (None, None, None);
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("repr")) {
            attribute.parse_nested_meta(|meta| {
                match word(&meta).as_str() {
                    "C" => repr = Some(Self::C),
                    "transparent" => repr = Some(Self::Transparent),
                    "packed" => packed = Some(meta.path.span()),
                    "Rust" => rust = Some(meta.path.span()),
                    _ => {}
                }
                if meta.input.peek(token::Paren) {
                    let number;
                    parenthesized!(number in meta.input);
                    number.parse::<TokenStream>()?;
                }
                Ok(())
            })?;
        }
        let free = "the compiler may place the fields of this struct in any order, unlike a file";
        match (repr, packed, rust) {
            (Some(repr), ..) => Ok(repr),
            (None, Some(packed), _) => Err(Error::new(packed, format!("{free}: write `repr(C, packed)`"))),
            (None, None, rust) => {
                let text = format!("{free}: write `#[repr(C)]`, or `#[repr(C, packed)]` for one without padding");
                Err(Error::new(rust.unwrap_or(input.ident.span()), text))
            }
        }
    }
}

/// The contents of `#[record(…)]` on a field.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) rename: Option<LitStr>,
    pub(crate) title: Option<LitStr>,
    /// The position of `pad`.
    pub(crate) pad: Option<Span>,
}

impl FieldAttributes {
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let mut this = Self::default();
        each_key(&field.attrs, |meta, key| match key {
            "rename" => set(&mut this.rename, meta, string(meta)),
            "title" => set(&mut this.title, meta, string(meta)),
            "pad" if meta.input.peek(Token![=]) => Err(meta.error("`pad` takes no value")),
            "pad" => set(&mut this.pad, meta, Ok(meta.path.span())),
            "crate" => Err(meta.error("`crate` goes before the struct, not before a field")),
            _ => Err(meta.error(format!(
                "unknown key `{key}` for a field, expected `rename = \"…\"`, `title = \"…\"` or `pad`"
            ))),
        })?;
        if let Some(rename) = this.rename.as_ref().filter(|rename| rename.value().is_empty()) {
            let text = "a name cannot be empty, which to NumPy means padding; use `#[record(pad)]` for padding";
            return Err(Error::new(rename.span(), text));
        }
        if let (Some(pad), Some(_)) = (this.pad, this.rename.as_ref().or(this.title.as_ref())) {
            return Err(Error::new(pad, "padding has no name and no title; remove them, or remove `pad`"));
        }
        Ok(this)
    }
}

/// Returns the path by which the struct's crate refers to mmap-array.
pub(crate) fn crate_path(input: &DeriveInput) -> Result<Path> {
    let mut path = None;
    each_key(&input.attrs, |meta, key| match key {
        "crate" => set(&mut path, meta, string(meta).and_then(|text| path_in(&text))),
        "rename" | "title" | "pad" => Err(meta.error(format!("`{key}` goes before a field, not before the struct"))),
        _ => Err(meta.error(format!("unknown key `{key}` for a struct, expected `crate = \"path\"`"))),
    })?;
    Ok(path.unwrap_or_else(|| parse_quote!(::mmap_array)))
}

fn each_key(attributes: &[Attribute], mut f: impl FnMut(&ParseNestedMeta<'_>, &str) -> Result<()>) -> Result<()> {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("record"))
        .try_for_each(|attribute| attribute.parse_nested_meta(|meta| f(&meta, &word(&meta))))
}

/// Returns the key as it is written.
fn word(meta: &ParseNestedMeta<'_>) -> String {
    let words: Vec<String> = meta.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    words.join("::")
}

fn string(meta: &ParseNestedMeta<'_>) -> Result<LitStr> {
    let value = meta.value().and_then(|value| value.parse());
    value.map_err(|_| meta.error(format!("`{0}` takes a string: `{0} = \"…\"`", word(meta))))
}

fn path_in(text: &LitStr) -> Result<Path> {
    let path = text.parse_with(Path::parse_mod_style);
    path.map_err(|_| Error::new(text.span(), "expected the path of a crate or module, such as `my_crate::mmap_array`"))
}

fn set<T>(target: &mut Option<T>, meta: &ParseNestedMeta<'_>, value: Result<T>) -> Result<()> {
    match target.replace(value?) {
        None => Ok(()),
        Some(_) => Err(meta.error(format!("`{}` is given twice", word(meta)))),
    }
}
