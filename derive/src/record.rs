//! Expansion of a struct to its `Element` implementation: the fields, their names, and the bounds on generic types.

use crate::attributes::{Errors, FieldAttributes, Repr, crate_path};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Member, Path, Result, Type, WhereClause, parse_quote};

/// A field with a name in the dtype.
struct RecordField<'a> {
    member: Member,
    name: String,
    /// The position of the name, for errors.
    name_span: Span,
    renamed: bool,
    title: Option<LitStr>,
    ty: &'a Type,
}

/// Returns the implementation of `Element`, or all errors that were found.
pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => &data.fields,
        Data::Enum(data) => {
            let text = "an enum cannot be a record, since not all bytes of a file are values of it; map an integer and \
                        convert it";
            return Err(Error::new(data.enum_token.span, text));
        }
        Data::Union(data) => {
            let text = "a union cannot be a record, since its fields overlap; map bytes and view them as each type \
                        with `view_as`";
            return Err(Error::new(data.union_token.span, text));
        }
    };
    let mut errors = Errors::default();
    for lifetime in input.generics.lifetimes() {
        let text = "a record cannot have a lifetime, since a file holds values and no references";
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

/// Returns the fields that are not padding, with their names. The fields of a tuple struct are numbered as NumPy
/// numbers fields without names; padding is not counted.
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

/// Checks that each name and each title belongs to one field.
fn check_names(fields: &[RecordField<'_>], errors: &mut Errors) {
    let mut taken: HashMap<String, &Member> = HashMap::new();
    for field in fields {
        let title = field.title.as_ref().map(|title| ("title", title.value(), title.span()));
        for (what, text, span) in [("name", field.name.clone(), field.name_span)].into_iter().chain(title) {
            if let Some(other) = taken.get(&text) {
                let other = other.to_token_stream();
                let text = format!(
                    "the {what} {text:?} is already that of the field `{other}`; all names and titles must differ, so \
                     change one by `#[record({} = \"…\")]`",
                    if what == "name" { "rename" } else { what }
                );
                errors.add(Error::new(span, text));
            } else {
                taken.insert(text, &field.member);
            }
        }
    }
}

/// Checks that a transparent struct has one field, which has no name or title of its own.
fn check_transparent(input: &DeriveInput, fields: &[RecordField<'_>], errors: &mut Errors) {
    if fields.is_empty() {
        let text = "a transparent struct has the dtype of its one field, but here all fields are `pad`";
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
        let text = "a transparent struct has the dtype of its one field: mark fields without bytes as `#[record(pad)]`";
        errors.add(Error::new(field.ty.span(), text));
    }
}

/// Adds bounds: `Element` for the types of fields that depend on a type parameter, and what `Element` requires of the
/// struct itself. The bounds are on the fields' types and not on the parameters, since a parameter may be a mere
/// marker.
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

/// Returns the dtype of the field's type. The compiler reports errors at that type.
fn dtype_of(field: &RecordField<'_>, krate: &Path) -> TokenStream {
    let ty = field.ty;
    quote_spanned!(ty.span()=> <#ty as #krate::Element>::dtype())
}
