//! What a plugin says about itself: a constant in its custom section `hookaroon:manifest`, made by
//! [`export!`](macro@crate::export) and readable without running it.

use crate::schema::Piece;

/// The grant that a hook needs, in the words of `[hook.grant]`. It is a suggestion: what the hook gets is the
/// operator's to say.
///
/// ```
/// # use hookaroon_sdk::Grant;
/// const GRANT: Grant = Grant { read: &["message", "{by}"], drop: true, ..Grant::NONE };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The fields that it reads; `"."` is the whole event. `"{by}"` stands for the fields that the option `by` of its
    /// config names: a text, a list of them, or the keys of a table.
    pub read: &'static [&'static str],
    /// The fields that it writes, likewise.
    pub write: &'static [&'static str],
    /// Whether it drops events.
    pub drop: bool,
    /// Whether it emits events.
    pub emit: bool,
    /// The host interfaces that it calls: `"log"`.
    pub imports: &'static [&'static str],
}

impl Grant {
    /// Nothing at all.
    ///
    /// ```
    /// # use hookaroon_sdk::Grant;
    /// const DROPS: Grant = Grant { drop: true, ..Grant::NONE };
    /// assert!(DROPS.read.is_empty() && !DROPS.emit);
    /// ```
    pub const NONE: Grant = Grant { read: &[], write: &[], drop: false, emit: false, imports: &[] };
}

/// The name of a plugin: that of its package, without `hookaroon-`.
#[doc(hidden)]
pub const fn name_of(package: &'static str) -> &'static str {
    match package.as_bytes() {
        [b'h', b'o', b'o', b'k', b'a', b'r', b'o', b'o', b'n', b'-', name @ ..] => {
            match std::str::from_utf8(name) {
                Ok(name) => name,
                Err(_) => package,
            }
        }
        _ => package,
    }
}

/// `true` or `false`.
#[doc(hidden)]
pub const fn boolean(value: bool) -> Piece {
    Piece::Json(if value { "true" } else { "false" })
}

/// The manifest of a hook; its texts come from Cargo.toml.
#[doc(hidden)]
#[macro_export]
macro_rules! __manifest {
    ($hook:ty) => {{
        use $crate::Piece::{All, Json, List, Quoted};
        type Config = <$hook as $crate::Hook>::Config;
        const GRANT: $crate::Grant = <$hook as $crate::Hook>::GRANT;
        All(&[
            Json("{\"name\":"),
            Quoted($crate::name_of(env!("CARGO_PKG_NAME"))),
            Json(",\"version\":"),
            Quoted(env!("CARGO_PKG_VERSION")),
            Json(",\"description\":"),
            Quoted(env!("CARGO_PKG_DESCRIPTION")),
            Json(
                ",\"config\":{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\"description\":",
            ),
            Quoted(<Config as $crate::Schema>::DOCS),
            Json(","),
            <Config as $crate::Schema>::MEMBERS,
            match <$hook as $crate::Hook>::MEMORY {
                Some(memory) => All(&[Json("},\"memory\":"), Quoted(memory)]),
                None => Json("}"),
            },
            match <$hook as $crate::Hook>::PLACEMENT {
                $crate::Placement::EveryWorker => Json(",\"placement\":\"every-worker\""),
                $crate::Placement::Single => Json(",\"placement\":\"single\""),
            },
            Json(",\"grant\":{\"read\":"),
            List(GRANT.read),
            Json(",\"write\":"),
            List(GRANT.write),
            Json(",\"drop\":"),
            $crate::boolean(GRANT.drop),
            Json(",\"emit\":"),
            $crate::boolean(GRANT.emit),
            Json(",\"imports\":"),
            List(GRANT.imports),
            Json("}}"),
        ])
    }};
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Hook, NoConfig, Placement, Setup, Verdict};
    use serde_json::{Value, json};

    struct Nothing;

    impl Hook for Nothing {
        type Config = NoConfig;
        const GRANT: Grant = Grant { read: &["a.\"b.c\""], drop: true, ..Grant::NONE };
        const PLACEMENT: Placement = Placement::Single;
        const MEMORY: Option<&'static str> = Some("2MiB");

        fn init(_config: NoConfig, _setup: &mut Setup) -> Result<Nothing, String> {
            Ok(Nothing)
        }

        fn process(&mut self, _event: &mut Event<'_>) -> Verdict {
            Verdict::Keep
        }
    }

    #[test]
    fn the_manifest_says_what_the_type_and_cargo_say() {
        const MANIFEST: Piece = crate::__manifest!(Nothing);
        let bytes: [u8; MANIFEST.length()] = MANIFEST.bytes();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(manifest["name"], "sdk");
        assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(manifest["description"], "Write Hookaroon hooks in Rust");
        assert_eq!(manifest["config"]["additionalProperties"], false);
        assert_eq!((&manifest["memory"], &manifest["placement"]), (&json!("2MiB"), &json!("single")));
        assert_eq!(
            manifest["grant"],
            json!({"read": ["a.\"b.c\""], "write": [], "drop": true, "emit": false, "imports": []})
        );
    }

    #[test]
    fn a_plugin_is_called_as_its_package_without_the_prefix() {
        assert_eq!(name_of("hookaroon-redact"), "redact");
        assert_eq!(name_of("redact"), "redact");
    }
}
