//! The derive macro of [mmap-array](https://docs.rs/mmap-array), which exports it under its feature `derive` and
//! documents it.
//!
//! A macro must be a crate of its own; there is no other reason to have this one, and none to depend on it directly.

mod attributes;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// The macro is in the crate `mmap-array-derive`; the way to it is `mmap_array::Record`.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
