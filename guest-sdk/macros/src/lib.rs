//! The macros of `hookaroon-sdk`, which re-exports them: use them from there.
//!
//! What a macro does not understand is a compiler error at the place that it does not understand.

mod config;

use proc_macro::TokenStream;

/// Makes a struct the config of a hook, or of a part of it.
///
/// It is read from `[hook.config]` by serde, and described by a JSON Schema in the plugin's manifest, so that
/// `hookaroon check` finds what is wrong with a config, and where, without running the hook. Doc comments become the
/// options' descriptions. An option without a default must be given; `Option` fields need not. Unknown options are
/// refused.
///
/// ```
/// use hookaroon_sdk::{Percent, config};
///
/// #[config]
/// struct Config {
///     /// The share of events that is kept.
///     keep: Percent,
///     /// The field in which the severity stands.
///     #[default("level")]
///     level: String,
///     /// What becomes of the others.
///     #[default("drop")]
///     otherwise: Otherwise,
///     /// Only these applications; all of them if it is not given.
///     apps: Option<Vec<String>>,
/// }
///
/// /// Its words are written in lower case, `mark_only`.
/// #[config]
/// enum Otherwise {
///     /// They are dropped.
///     Drop,
///     /// They get the field `sampled`.
///     MarkOnly,
/// }
/// # fn main() {}
/// ```
///
/// `#[example("10%")]` is a value to try out, which is in the manifest and on the hook's page.
/// A default is written as JSON would write it: `"level"`, `12`, `-0.5`, `true`, `["email", "card"]`, and is read as
/// if the operator had written it. Every field's type must have a `Schema`: texts, numbers, `bool`, `Vec`, `Option`,
/// `BTreeMap<String, _>` and `serde_json::Value` have one, types under `#[config]` get one, and for others it is
/// implemented by hand. Serde's attributes can be used beside it; `rename` is understood, `flatten` is not.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(arguments.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
