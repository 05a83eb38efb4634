//! What `#[config]` makes of a struct or an enum: serde's derive with its attributes, and the schema.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use syn::{
    Attribute, DeriveInput, Error, Expr, ExprLit, Field, Fields, Ident, Lit, LitStr, Meta, Result, Type,
    UnOp, Variant, parse_quote,
};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "`#[config]` takes no arguments"));
    }
    let mut input: DeriveInput = syn::parse2(item)?;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a config has no generics"));
    }
    let docs = docs(&input.attrs)?;
    let name = input.ident.clone();
    input.attrs.push(parse_quote!(#[derive(::hookaroon_sdk::serde::Deserialize)]));
    input.attrs.push(parse_quote!(#[serde(crate = "::hookaroon_sdk::serde")]));
    let (members, defaults) = match &mut input.data {
        syn::Data::Struct(data) => {
            input.attrs.push(parse_quote!(#[serde(deny_unknown_fields)]));
            table(&name, &mut data.fields)?
        }
        syn::Data::Enum(data) => {
            input.attrs.push(parse_quote!(#[serde(rename_all = "snake_case")]));
            (words(data.variants.iter())?, TokenStream::new())
        }
        syn::Data::Union(data) => return Err(Error::new_spanned(data.union_token, "a union is no config")),
    };
    Ok(quote! {
        #input
        #defaults
        impl ::hookaroon_sdk::Schema for #name {
            const DOCS: &'static str = #docs;
            const MEMBERS: ::hookaroon_sdk::Piece = ::hookaroon_sdk::Piece::All(&[#members]);
        }
    })
}

/// The schema of a struct, and the functions that make its defaults.
fn table(name: &Ident, fields: &mut Fields) -> Result<(TokenStream, TokenStream)> {
    let fields = match fields {
        Fields::Named(fields) => &mut fields.named,
        Fields::Unit | Fields::Unnamed(_) => {
            return Err(Error::new_spanned(
                name,
                "a config is a struct with named fields: `struct Config {}`",
            ));
        }
    };
    let mut members = TokenStream::new();
    let mut functions = TokenStream::new();
    let mut required = Vec::new();
    members.extend(json(r#""type":"object","additionalProperties":false,"properties":{"#));
    let mut first = true;
    for field in fields.iter_mut() {
        let default = take_value(field, "default")?;
        let example = take_value(field, "example")?;
        let key = key(field)?;
        if !std::mem::take(&mut first) {
            members.extend(json(","));
        }
        members.extend(quoted(&key));
        members.extend(json(":{"));
        let docs = docs(&field.attrs)?;
        if !docs.is_empty() {
            members.extend(json("\"description\":"));
            members.extend(quoted(&docs));
            members.extend(json(","));
        }
        if let Some(example) = example {
            members.extend(json(&format!("\"examples\":[{example}],")));
        }
        let kind = &field.ty;
        match default {
            Some(default) => {
                let default = default.to_string();
                members.extend(json(&format!("\"default\":{default},")));
                let function =
                    format_ident!("__default_{}", key.replace(|c: char| !c.is_alphanumeric(), "_"));
                let path = LitStr::new(&format!("{name}::{function}"), Span::call_site());
                field.attrs.push(parse_quote!(#[serde(default = #path)]));
                functions.extend(quote! {
                    fn #function() -> #kind {
                        ::hookaroon_sdk::default_of(#key, #default)
                    }
                });
            }
            None if is_option(kind) => {}
            None => required.push(key),
        }
        members.extend(quote!(<#kind as ::hookaroon_sdk::Schema>::MEMBERS,));
        members.extend(json("}"));
    }
    members.extend(json("}"));
    if !required.is_empty() {
        members.extend(json(",\"required\":"));
        members.extend(quote!(::hookaroon_sdk::Piece::List(&[#(#required),*]),));
    }
    let functions = if functions.is_empty() { functions } else { quote!(impl #name { #functions }) };
    Ok((members, functions))
}

/// The schema of an enum: one of its words.
fn words<'v>(variants: impl Iterator<Item = &'v Variant>) -> Result<TokenStream> {
    let mut words = Vec::new();
    let mut descriptions = Vec::new();
    for variant in variants {
        if !matches!(variant.fields, Fields::Unit) {
            let message = "a variant that holds something: implement `hookaroon_sdk::Schema` and serde's \
                           `Deserialize` by hand instead of `#[config]`";
            return Err(Error::new_spanned(variant, message));
        }
        words.push(renamed(&variant.attrs)?.unwrap_or_else(|| snake_case(&variant.ident.to_string())));
        descriptions.push(docs(&variant.attrs)?);
    }
    let mut members = json("\"enum\":");
    members.extend(quote!(::hookaroon_sdk::Piece::List(&[#(#words),*]),));
    if descriptions.iter().any(|text| !text.is_empty()) {
        members.extend(json(",\"enumDescriptions\":"));
        members.extend(quote!(::hookaroon_sdk::Piece::List(&[#(#descriptions),*]),));
    }
    Ok(members)
}

fn json(text: &str) -> TokenStream {
    quote!(::hookaroon_sdk::Piece::Json(#text),)
}

fn quoted(text: &str) -> TokenStream {
    quote!(::hookaroon_sdk::Piece::Quoted(#text),)
}

/// The doc comment: lines of a paragraph joined, paragraphs apart.
fn docs(attributes: &[Attribute]) -> Result<String> {
    let mut text = String::new();
    for attribute in attributes {
        let Meta::NameValue(value) = &attribute.meta else { continue };
        if !value.path.is_ident("doc") {
            continue;
        }
        // `#[doc = include_str!(...)]` has its text only later.
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &value.value else { continue };
        let line = line.value();
        match line.trim() {
            "" => text.push_str("\n\n"),
            line if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            line => {
                text.push(' ');
                text.push_str(line);
            }
        }
    }
    Ok(text.trim().to_owned())
}

/// Takes the attribute `name` off a field: its value as JSON.
fn take_value(field: &mut Field, name: &str) -> Result<Option<Value>> {
    let Some(place) = field.attrs.iter().position(|attribute| attribute.path().is_ident(name)) else {
        return Ok(None);
    };
    let attribute = field.attrs.remove(place);
    value(&attribute.parse_args()?).map(Some)
}

/// An expression as the JSON that it looks like.
fn value(expression: &Expr) -> Result<Value> {
    let wrong = |at: &dyn ToTokens| {
        let message = "a value is written as in JSON: \"text\", 12, -0.5, true, [\"a\", \"b\"]";
        Error::new_spanned(at.to_token_stream(), message)
    };
    Ok(match expression {
        Expr::Lit(ExprLit { lit, .. }) => match lit {
            Lit::Str(text) => text.value().into(),
            Lit::Bool(value) => value.value.into(),
            Lit::Int(number) => number.base10_parse::<u64>()?.into(),
            Lit::Float(number) => number.base10_parse::<f64>()?.into(),
            _ => return Err(wrong(lit)),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match value(&unary.expr)? {
            Value::Number(number) => {
                let text = format!("-{number}");
                serde_json::from_str(&text).map_err(|_| wrong(unary))?
            }
            _ => return Err(wrong(unary)),
        },
        Expr::Array(array) => array.elems.iter().map(value).collect::<Result<Vec<_>>>()?.into(),
        Expr::Block(block) if block.block.stmts.is_empty() => Value::Object(serde_json::Map::new()),
        _ => return Err(wrong(expression)),
    })
}

/// What a field is called in the config.
fn key(field: &Field) -> Result<String> {
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if ["flatten", "skip", "skip_deserializing", "alias", "default"]
                .iter()
                .any(|name| meta.path.is_ident(name))
            {
                return Err(
                    meta.error("`#[config]` does not understand this; a default is `#[default(...)]`")
                );
            }
            skip_value(&meta)
        })?;
    }
    let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
    let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
    Ok(renamed(&field.attrs)?.unwrap_or(name))
}

/// The name in `#[serde(rename = "name")]`.
fn renamed(attributes: &[Attribute]) -> Result<Option<String>> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<LitStr>()?.value());
                return Ok(());
            }
            skip_value(&meta)
        })?;
    }
    Ok(name)
}

fn skip_value(meta: &syn::meta::ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<Expr>()?;
    }
    Ok(())
}

fn is_option(kind: &Type) -> bool {
    let Type::Path(path) = kind else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == "Option")
}

/// As serde's `rename_all = "snake_case"` makes it of a variant's name.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (place, letter) in name.char_indices() {
        if place > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
