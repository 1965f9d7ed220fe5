//! From a struct to its `Element`: which fields it has, under which names, and what they ask of generic types.

use crate::attributes::{Errors, FieldAttributes, Repr, crate_path};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Member, Path, Result, Type, WhereClause, parse_quote};

/// A field that has a name in the dtype.
struct RecordField<'a> {
    member: Member,
    name: String,
    /// Where the name stands, for errors.
    name_span: Span,
    renamed: bool,
    title: Option<LitStr>,
    ty: &'a Type,
}

/// The implementation of `Element`, or every error that was found.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            let text =
                "an enum is no record, since not all bytes in a file are values of it: map an integer and convert it";
            return Err(Error::new(data.enum_token.span, text));
        }
        Data::Union(data) => {
            let text = "a union is no record, since its fields lie over one another: map bytes and see them as each type \
                        with `view_as`";
            return Err(Error::new(data.union_token.span, text));
        }
    };
    let mut errors = Errors::default();
    for lifetime in input.generics.lifetimes() {
        let text = "a record has no lifetime: a file holds values and no references";
        errors.add(Error::new(lifetime.lifetime.span(), text));
    }
    let repr = errors.take(Repr::of(input));
    let krate = errors.take(crate_path(input));
    let fields = record_fields(fields, &mut errors);
    match repr {
        Some(Repr::Transparent) => check_transparent(input, &fields, &mut errors),
        _ => check_names(&fields, &mut errors),
    }
    errors.finish()?;
    // Without an error both were found.
    let (Some(repr), Some(krate)) = (repr, krate) else { unreachable!("no error and no value") };

    let name = &input.ident;
    let (_, arguments, _) = input.generics.split_for_impl();
    let mut generics = input.generics.clone();
    add_bounds(generics.make_where_clause(), input, &fields, &krate);
    let (parameters, _, bounds) = generics.split_for_impl();
    let body = match (repr, &*fields) {
        (Repr::Transparent, [field]) => dtype_of(field, &krate),
        _ => {
            let count = fields.len();
            let fields = fields.iter().map(|field| describe(field, &krate));
            quote!(#krate::__private::record::<Self, #count>([#(#fields),*]))
        }
    };
    Ok(quote! {
        #[automatically_derived]
        impl #parameters #krate::Element for #name #arguments #bounds {
            #[allow(deprecated)] // fields may be
            fn dtype() -> #krate::DType {
                #body
            }
        }
    })
}

/// The fields that are no padding, with their names. Those of a tuple struct are numbered as NumPy numbers fields
/// without names: padding is not counted.
fn record_fields<'a>(fields: &'a Fields, errors: &mut Errors) -> Vec<RecordField<'a>> {
    let mut found: Vec<RecordField<'a>> = Vec::new();
    for (member, field) in fields.members().zip(fields) {
        let Some(attributes) = errors.take(FieldAttributes::of(field)) else { continue };
        if attributes.pad.is_some() {
            continue;
        }
        let renamed = attributes.rename.is_some();
        let (name, name_span) = match (attributes.rename, &member) {
            (Some(rename), _) => (rename.value(), rename.span()),
            (None, Member::Named(ident)) => (ident.unraw().to_string(), ident.span()),
            (None, Member::Unnamed(_)) => (format!("f{}", found.len()), field.ty.span()),
        };
        found.push(RecordField { member, name, name_span, renamed, title: attributes.title, ty: &field.ty });
    }
    found
}

/// Each name and each title must find one field.
fn check_names(fields: &[RecordField<'_>], errors: &mut Errors) {
    let mut taken: HashMap<String, &Member> = HashMap::new();
    for field in fields {
        let title = field.title.as_ref().map(|title| ("title", title.value(), title.span()));
        for (what, text, span) in [("name", field.name.clone(), field.name_span)].into_iter().chain(title) {
            if let Some(other) = taken.get(&text) {
                let other = other.to_token_stream();
                let text = format!(
                    "the {what} {text:?} is taken by the field `{other}`: all names and titles must differ, so give one \
                     another by `#[record({} = \"…\")]`",
                    if what == "name" { "rename" } else { what }
                );
                errors.add(Error::new(span, text));
            } else {
                taken.insert(text, &field.member);
            }
        }
    }
}

/// A transparent struct is its one field, so there must be one, and it can have no name.
fn check_transparent(input: &DeriveInput, fields: &[RecordField<'_>], errors: &mut Errors) {
    if fields.is_empty() {
        let text = "a transparent struct has the dtype of its one field, and here all are `pad`";
        errors.add(Error::new(input.ident.span(), text));
    }
    for field in fields {
        let title = field.title.as_ref().map(LitStr::span);
        if let Some(span) = title.or(field.renamed.then_some(field.name_span)) {
            let text = "a transparent struct has the dtype of its one field, which needs no name; with `#[repr(C)]` it \
                        is a record of one named field";
            errors.add(Error::new(span, text));
        }
    }
    for field in fields.iter().skip(1) {
        let text = "a transparent struct has the dtype of its one field: mark those of no bytes `#[record(pad)]`";
        errors.add(Error::new(field.ty.span(), text));
    }
}

/// `Element` for the types of fields that hang on a type parameter, and what `Element` asks of the struct itself.
/// Bounds on the fields' types and not on the parameters, since a parameter may be a mere marker.
fn add_bounds(clause: &mut WhereClause, input: &DeriveInput, fields: &[RecordField<'_>], krate: &Path) {
    let parameters: Vec<&Ident> = input.generics.type_params().map(|parameter| &parameter.ident).collect();
    if parameters.is_empty() {
        return;
    }
    for parameter in &parameters {
        clause.predicates.push(parse_quote!(#parameter: 'static));
    }
    for RecordField { ty, .. } in fields.iter().filter(|field| mentions(field.ty.to_token_stream(), &parameters)) {
        clause.predicates.push(parse_quote!(#ty: #krate::Element));
    }
    clause.predicates.push(parse_quote!(Self: ::core::marker::Copy));
}

fn mentions(tokens: TokenStream, names: &[&Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), names),
        TokenTree::Ident(ident) => names.contains(&&ident),
        _ => false,
    })
}

fn describe(field: &RecordField<'_>, krate: &Path) -> TokenStream {
    let RecordField { member, name, .. } = field;
    let title = match &field.title {
        Some(title) => quote!(::core::option::Option::Some(#title)),
        None => quote!(::core::option::Option::None),
    };
    let dtype = dtype_of(field, krate);
    quote!(#krate::__private::field(#name, #title, ::core::mem::offset_of!(Self, #member), #dtype))
}

/// The dtype of the field's type, or the compiler's error at that type.
fn dtype_of(field: &RecordField<'_>, krate: &Path) -> TokenStream {
    let ty = field.ty;
    quote_spanned!(ty.span()=> <#ty as #krate::Element>::dtype())
}
