//! The derive macro of [mmap-array](https://docs.rs/mmap-array), which re-exports it with its feature `derive` and
//! documents it.
//!
//! A derive macro must be in a crate of its own. There is no reason to depend on this crate directly.

mod attributes;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `mmap_array::Element` for a struct. Use it as `mmap_array::Record`, where it is documented.
#[proc_macro_derive(Record, attributes(record))]
pub fn record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
