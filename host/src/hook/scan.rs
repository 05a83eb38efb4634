//! A look at a plugin before anything compiles it: is it WebAssembly, what does it import and export, and is it of a
//! size that compiles and runs in bounds.
//!
//! The file is walked once, section by section, without recursion; nothing in it is trusted or executed. What the
//! memory cap of a running hook never sees is counted here: globals, functions and the definitions of components,
//! as many times as they are instantiated. Bounds: [`Limits`]. What is over one of them, or cannot be read, is a
//! [`ScanError`], written to complete a sentence that starts with the plugin's name.

use serde::{Deserialize, Serialize};
use wasmparser::{
    BinaryReaderError, Chunk, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, Encoding, FromReader, Instance, Parser, Payload, SectionLimited,
};

use super::manifest;

/// The table of the configuration that raises [`Limits`].
pub const SETTING: &str = "plugin_limits";

/// Names over this are nobody's: real ones have under 100 bytes.
const MAX_NAME_BYTES: usize = 1024;

/// How many names of a core module are kept, to say what it is.
const MODULE_NAMES: usize = 16;

/// How much of each.
const MODULE_NAME_CHARS: usize = 64;

/// How large a plugin may be. An operator who trusts one can raise them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of the file. A JavaScript hook has 12 MB, a Python hook 18 MB.
    pub file_bytes: u64,
    /// Functions in the file, host calls included. JavaScript's engine has 30,000; 100,000 empty ones cost the
    /// compiler 4.4 s and 540 MB.
    pub functions: u64,
    /// Bytes of one function. Interpreter loops have up to 200 KB; 1 MiB costs the compiler 9 s and 560 MB.
    pub function_bytes: u64,
    /// Globals of one core module. Compilers make a handful.
    pub globals: u64,
    /// Globals, functions and definitions summed over everything that one instance instantiates: up to 48 bytes
    /// each that the memory cap does not see, so 12 MB.
    pub instantiated: u64,
    /// Components within components. Languages need 1, composed hooks 2 or 3.
    pub nesting: u64,
    /// Imports and exports of the component, each. The widest worlds have 60.
    pub names: u64,
}

impl Limits {
    /// Lets every language's hooks through and little else.
    pub const DEFAULT: Limits = Limits {
        file_bytes: 32 << 20,
        functions: 100_000,
        function_bytes: 1 << 20,
        globals: 10_000,
        instantiated: 250_000,
        nesting: 16,
        names: 1_000,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}

/// What kind of WebAssembly a plugin is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A core module, as `cargo build --target wasm32-unknown-unknown` makes them.
    Module,
    /// A component.
    Component,
}

/// What a plugin turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Module or component.
    pub kind: Kind,
    /// What it imports. Of a core module, the modules that it imports from, the first [`MODULE_NAMES`] of them.
    pub imports: Vec<String>,
    /// What it exports. Of a core module, the first [`MODULE_NAMES`].
    pub exports: Vec<String>,
    /// The bytes of the manifest. The outermost one counts, else the first within.
    pub manifest: Option<&'a [u8]>,
    /// Whether a core module carries the types from which a component is made.
    pub has_component_type: bool,
}

/// Which of the [`Limits`] a plugin is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // The variants are the fields of `Limits`.
pub enum Limit {
    FileBytes,
    Functions,
    FunctionBytes,
    Globals,
    Instantiated,
    Nesting,
    Names,
}

impl Limit {
    /// Its key in the table [`SETTING`].
    fn key(self) -> &'static str {
        match self {
            Limit::FileBytes => "file_bytes",
            Limit::Functions => "functions",
            Limit::FunctionBytes => "function_bytes",
            Limit::Globals => "globals",
            Limit::Instantiated => "instantiated",
            Limit::Nesting => "nesting",
            Limit::Names => "names",
        }
    }

    /// What is counted.
    fn unit(self) -> &'static str {
        match self {
            Limit::FileBytes => "bytes",
            Limit::Functions => "functions",
            Limit::FunctionBytes => "bytes in one function",
            Limit::Globals => "globals in one module",
            Limit::Instantiated => "instantiated globals, functions and definitions",
            Limit::Nesting => "levels of nested components",
            Limit::Names => "imports or exports",
        }
    }
}

/// Why a plugin is not compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ScanError {
    /// There is nothing in it.
    #[error("is empty; build it again")]
    Empty,
    /// It is something else.
    #[error("is not WebAssembly: it starts with {start}, not with \"\\0asm\"")]
    NotWasm {
        /// Its first bytes, printable.
        start: String,
    },
    /// It is WebAssembly to read, not to run.
    #[error("is in the text format; compile it with wasm-tools parse FILE.wat -o FILE.wasm")]
    Text,
    /// The file ends in the middle.
    #[error(
        "is cut off: it has {actual} bytes, and what starts at byte {offset} needs more; copy or build it again"
    )]
    Truncated {
        /// What it has.
        actual: usize,
        /// Where the unfinished part starts.
        offset: usize,
    },
    /// It breaks the format.
    #[error("is not valid WebAssembly: {reason} (at byte {offset})")]
    Invalid {
        /// What is wrong.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// It is over a limit.
    #[error(
        "has {actual} {unit}; {limit} are allowed; if you trust it, raise {key} in [{SETTING}]",
        unit = .which.unit(), key = .which.key()
    )]
    OverLimit {
        /// Which one.
        which: Limit,
        /// What it has, or how far it was counted.
        actual: u64,
        /// What it may have.
        limit: u64,
    },
    /// A component that is handed modules or components cannot be bounded by looking at it.
    #[error(
        "has a component that takes a {what} from outside, which is not supported; link it before it is shipped"
    )]
    Parametric {
        /// What it takes.
        what: String,
    },
    /// An import or export that cannot be meant.
    #[error("has a name of {actual} bytes among its imports or exports; {MAX_NAME_BYTES} are allowed")]
    LongName {
        /// How long it is.
        actual: usize,
    },
}

/// Looks at a whole plugin file.
pub fn scan<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Scan<'a>, ScanError> {
    let size = bytes.len() as u64;
    within(Limit::FileBytes, size, limits.file_bytes)?;
    if !bytes.starts_with(b"\0asm") {
        return Err(not_wasm(bytes));
    }
    Walk::new(bytes, limits).run()
}

/// Says what a file without WebAssembly's first four bytes is instead.
fn not_wasm(bytes: &[u8]) -> ScanError {
    if bytes.is_empty() {
        return ScanError::Empty;
    }
    if b"\0asm".starts_with(bytes) {
        return ScanError::Truncated { actual: bytes.len(), offset: 0 };
    }
    let text = bytes.trim_ascii_start();
    if text.starts_with(b"(") || text.starts_with(b";;") {
        return ScanError::Text;
    }
    let start = bytes.get(..bytes.len().min(8)).unwrap_or_default();
    ScanError::NotWasm { start: format!("\"{}\"", start.escape_ascii()) }
}

fn within(which: Limit, actual: u64, limit: u64) -> Result<(), ScanError> {
    if actual > limit { Err(ScanError::OverLimit { which, actual, limit }) } else { Ok(()) }
}

/// A walk through the sections, innermost first.
struct Walk<'a, 'l> {
    bytes: &'a [u8],
    offset: usize,
    limits: &'l Limits,
    /// The modules and components that the walk is in, outermost first.
    open: Vec<Frame>,
    functions: u64,
    outer_manifest: Option<&'a [u8]>,
    inner_manifest: Option<&'a [u8]>,
    found: Scan<'a>,
}

/// A module or component whose end is not reached yet.
struct Frame {
    parser: Parser,
    kind: Kind,
    globals: u64,
    /// What one instantiation of it makes.
    weight: u64,
    /// The same for the modules and components in its index spaces.
    modules: Vec<u64>,
    components: Vec<u64>,
}

impl Frame {
    fn new(parser: Parser, kind: Kind) -> Frame {
        Frame { parser, kind, globals: 0, weight: 1, modules: Vec::new(), components: Vec::new() }
    }

    fn add(&mut self, weight: u64) {
        self.weight = self.weight.saturating_add(weight);
    }
}

impl<'a, 'l> Walk<'a, 'l> {
    fn new(bytes: &'a [u8], limits: &'l Limits) -> Walk<'a, 'l> {
        // The outermost kind is known once its header is read.
        let found = Scan {
            kind: Kind::Module,
            imports: Vec::new(),
            exports: Vec::new(),
            manifest: None,
            has_component_type: false,
        };
        let open = vec![Frame::new(Parser::new(0), Kind::Module)];
        Walk {
            bytes,
            offset: 0,
            limits,
            open,
            functions: 0,
            outer_manifest: None,
            inner_manifest: None,
            found,
        }
    }

    fn run(mut self) -> Result<Scan<'a>, ScanError> {
        let mut rest = self.bytes;
        // Ends when everything is closed: each step takes bytes or closes a frame.
        while let Some(mut frame) = self.open.pop() {
            if self.open.is_empty() && rest.is_empty() {
                self.check(&frame)?;
                break;
            }
            // Where the bytes end, only what is nested can end too: it was checked that all of it is there.
            let (payload, consumed) = match frame.parser.parse(rest, rest.is_empty()).map_err(invalid)? {
                Chunk::Parsed { payload, consumed } => (payload, consumed),
                Chunk::NeedMoreData(_) => return Err(self.truncated()),
            };
            rest = rest.get(consumed..).unwrap_or_default();
            self.offset += consumed;
            let inner = match payload {
                Payload::End(_) => {
                    self.close(frame)?;
                    continue;
                }
                Payload::ModuleSection { unchecked_range: range, .. }
                | Payload::ComponentSection { unchecked_range: range, .. }
                    if range.end > self.bytes.len() =>
                {
                    return Err(self.truncated());
                }
                Payload::ModuleSection { parser, .. } => Some(Frame::new(parser, Kind::Module)),
                Payload::ComponentSection { parser, .. } => Some(Frame::new(parser, Kind::Component)),
                payload => {
                    self.section(&mut frame, payload)?;
                    None
                }
            };
            self.open.push(frame);
            if let Some(inner) = inner {
                self.open.push(inner);
                within(Limit::Nesting, self.open.len() as u64 - 1, self.limits.nesting)?;
            }
        }
        self.found.manifest = self.outer_manifest.or(self.inner_manifest);
        Ok(self.found)
    }

    fn truncated(&self) -> ScanError {
        ScanError::Truncated { actual: self.bytes.len(), offset: self.offset }
    }

    /// The end of a nested module or component.
    fn close(&mut self, frame: Frame) -> Result<(), ScanError> {
        self.check(&frame)?;
        if let Some(outer) = self.open.last_mut() {
            match frame.kind {
                Kind::Module => outer.modules.push(frame.weight),
                Kind::Component => outer.components.push(frame.weight),
            }
        }
        Ok(())
    }

    fn check(&self, frame: &Frame) -> Result<(), ScanError> {
        within(Limit::Globals, frame.globals, self.limits.globals)?;
        within(Limit::Instantiated, frame.weight, self.limits.instantiated)
    }

    /// Any section but those that open or close something. `frame` is not among `self.open` meanwhile.
    fn section(&mut self, frame: &mut Frame, payload: Payload<'a>) -> Result<(), ScanError> {
        let outermost = self.open.is_empty();
        match payload {
            Payload::Version { encoding, .. } => {
                let kind = if encoding == Encoding::Component { Kind::Component } else { Kind::Module };
                frame.kind = kind;
                if outermost {
                    self.found.kind = kind;
                }
            }
            Payload::CustomSection(section) => self.custom(section.name(), section.data(), outermost),
            // A core module.
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let module = import.map_err(invalid)?.module;
                    frame.add(1);
                    let list = &mut self.found.imports;
                    if outermost && list.len() < MODULE_NAMES && list.last().is_none_or(|last| last != module)
                    {
                        list.push(shortened(module));
                    }
                }
            }
            Payload::FunctionSection(section) => {
                self.count_functions(section.count())?;
                frame.add(section.count().into());
            }
            Payload::GlobalSection(section) => {
                frame.globals += u64::from(section.count());
                frame.add(section.count().into());
            }
            Payload::ExportSection(section) if outermost => {
                for export in section.into_iter().take(MODULE_NAMES) {
                    self.found.exports.push(shortened(export.map_err(invalid)?.name));
                }
            }
            Payload::CodeSectionEntry(body) => {
                within(Limit::FunctionBytes, body.range().len() as u64, self.limits.function_bytes)?;
            }
            // A component. Every definition counts, because wasmtime goes through them for each instantiation.
            Payload::ComponentTypeSection(section) => frame.add(section.count().into()),
            Payload::CoreTypeSection(section) => frame.add(section.count().into()),
            Payload::ComponentCanonicalSection(section) => {
                self.count_functions(section.count())?;
                frame.add(section.count().into());
            }
            Payload::InstanceSection(section) => each(section, |instance| {
                frame.add(match instance {
                    Instance::Instantiate { module_index, .. } => made(&frame.modules, module_index)?,
                    Instance::FromExports(_) => 1,
                });
                Ok(())
            })?,
            Payload::ComponentInstanceSection(section) => each(section, |instance| {
                frame.add(match instance {
                    ComponentInstance::Instantiate { component_index, .. } => {
                        made(&frame.components, component_index)?
                    }
                    ComponentInstance::FromExports(_) => 1,
                });
                Ok(())
            })?,
            Payload::ComponentAliasSection(section) => each(section, |alias| {
                frame.add(1);
                self.alias(frame, &alias)
            })?,
            Payload::ComponentImportSection(section) => each(section, |import| {
                frame.add(1);
                refuse_parameter(import.ty.kind())?;
                if outermost {
                    keep(&mut self.found.imports, import.name.name, self.limits.names)
                } else {
                    Ok(())
                }
            })?,
            Payload::ComponentExportSection(section) => each(section, |export| {
                frame.add(1);
                // An exported item gets a new index of its own.
                match export.kind {
                    ComponentExternalKind::Module => {
                        let weight = made(&frame.modules, export.index)?;
                        frame.modules.push(weight);
                    }
                    ComponentExternalKind::Component => {
                        let weight = made(&frame.components, export.index)?;
                        frame.components.push(weight);
                    }
                    _ => {}
                }
                if outermost {
                    keep(&mut self.found.exports, export.name.name, self.limits.names)
                } else {
                    Ok(())
                }
            })?,
            Payload::UnknownSection { id, range, .. } => {
                let reason = format!("a section of the unknown kind {id}");
                return Err(ScanError::Invalid { reason, offset: range.start });
            }
            _ => {}
        }
        Ok(())
    }

    fn custom(&mut self, name: &str, data: &'a [u8], outermost: bool) {
        if name == manifest::SECTION {
            let slot = if outermost { &mut self.outer_manifest } else { &mut self.inner_manifest };
            slot.get_or_insert(data);
        } else if outermost && name.starts_with("component-type") {
            self.found.has_component_type = true;
        }
    }

    /// Modules and components enter an index space through aliases of outer ones too.
    fn alias(&self, frame: &mut Frame, alias: &ComponentAlias<'_>) -> Result<(), ScanError> {
        match *alias {
            ComponentAlias::InstanceExport { kind, .. } => refuse_parameter(kind),
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::CoreModule, count, index } => {
                let weight = made(&self.outer(frame, count)?.modules, index)?;
                frame.modules.push(weight);
                Ok(())
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let weight = made(&self.outer(frame, count)?.components, index)?;
                frame.components.push(weight);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The component `count` levels further out than `frame`.
    fn outer<'f>(&'f self, frame: &'f Frame, count: u32) -> Result<&'f Frame, ScanError> {
        let count = count as usize;
        if count == 0 {
            return Ok(frame);
        }
        let level = self.open.len().checked_sub(count);
        level.and_then(|level| self.open.get(level)).ok_or_else(|| unknown("component", count))
    }

    fn count_functions(&mut self, count: u32) -> Result<(), ScanError> {
        self.functions += u64::from(count);
        within(Limit::Functions, self.functions, self.limits.functions)
    }
}

/// Adds to the names that the component's outside knows.
fn keep(list: &mut Vec<String>, name: &str, most: u64) -> Result<(), ScanError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(ScanError::LongName { actual: name.len() });
    }
    list.push(name.to_owned());
    within(Limit::Names, list.len() as u64, most)
}

/// A core module's names are only there for messages, and mangled ones are long.
fn shortened(name: &str) -> String {
    name.chars().take(MODULE_NAME_CHARS).collect()
}

/// Reads the items of a section to its end.
fn each<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
    mut take: impl FnMut(T) -> Result<(), ScanError>,
) -> Result<(), ScanError> {
    section.into_iter().try_for_each(|item| take(item.map_err(invalid)?))
}

/// What instantiating number `index` makes.
fn made(weights: &[u64], index: u32) -> Result<u64, ScanError> {
    let index = index as usize;
    weights.get(index).copied().ok_or_else(|| unknown("module or component", index))
}

fn refuse_parameter(kind: ComponentExternalKind) -> Result<(), ScanError> {
    let what = match kind {
        ComponentExternalKind::Module => "module",
        ComponentExternalKind::Component => "component",
        _ => return Ok(()),
    };
    Err(ScanError::Parametric { what: what.to_owned() })
}

fn unknown(what: &str, index: usize) -> ScanError {
    ScanError::Invalid { reason: format!("it refers to {what} {index}, which is not there"), offset: 0 }
}

fn invalid(error: BinaryReaderError) -> ScanError {
    ScanError::Invalid { reason: error.message().to_owned(), offset: error.offset() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wasm(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    fn over(text: &str, limits: &Limits) -> (Limit, u64) {
        match scan(&wasm(text), limits).unwrap_err() {
            ScanError::OverLimit { which, actual, .. } => (which, actual),
            error => panic!("{error}"),
        }
    }

    #[test]
    fn what_is_no_webassembly_is_told_from_what_is_text_or_cut_off() {
        let look = |bytes: &[u8]| scan(bytes, &Limits::DEFAULT).unwrap_err();
        assert_eq!(look(b""), ScanError::Empty);
        assert_eq!(look(b"\x7fELF\x02\x01"), ScanError::NotWasm { start: "\"\\x7fELF\\x02\\x01\"".into() });
        assert_eq!(look(b"\n (module)"), ScanError::Text);
        assert_eq!(look(b";; a hook"), ScanError::Text);
        assert_eq!(look(b"\0as"), ScanError::Truncated { actual: 3, offset: 0 });
        assert_eq!(look(b"\0asm\x01"), ScanError::Truncated { actual: 5, offset: 0 });
        assert!(matches!(look(b"\0asm\x01\0\0\0\x63\x01\0"), ScanError::Invalid { .. }));
    }

    #[test]
    fn every_prefix_of_a_plugin_is_refused_or_ends_between_sections() {
        let whole = wasm(r#"(component (core module (func (export "f") nop) (global i32 i32.const 0)))"#);
        let ends: Vec<usize> =
            (0..whole.len()).filter(|&end| scan(&whole[..end], &Limits::DEFAULT).is_ok()).collect();
        assert_eq!(ends, [8], "only the bare header is whole");
        assert!(scan(&whole, &Limits::DEFAULT).is_ok());
    }

    #[test]
    fn names_kind_and_manifest_are_found_and_the_outer_manifest_counts() {
        let bytes = wasm(
            r#"(component
                (import "hookaroon:hook/log@0.1.0" (instance))
                (core module (@custom "hookaroon:manifest" "inner"))
                (@custom "hookaroon:manifest" "outer")
                (instance $i)
                (export "hookaroon:hook/lifecycle@0.1.0" (instance $i)))"#,
        );
        let found = scan(&bytes, &Limits::DEFAULT).unwrap();
        assert_eq!(found.kind, Kind::Component);
        assert_eq!(found.imports, ["hookaroon:hook/log@0.1.0"]);
        assert_eq!(found.exports, ["hookaroon:hook/lifecycle@0.1.0"]);
        assert_eq!(found.manifest, Some(&b"outer"[..]));
        let bytes = wasm(r#"(component (core module (@custom "hookaroon:manifest" "inner")))"#);
        assert_eq!(scan(&bytes, &Limits::DEFAULT).unwrap().manifest, Some(&b"inner"[..]));
    }

    #[test]
    fn functions_bodies_globals_and_nesting_are_held_to_their_limits() {
        let small = Limits { functions: 2, function_bytes: 8, globals: 1, nesting: 1, ..Limits::DEFAULT };
        assert_eq!(over("(module (func) (func) (func))", &small), (Limit::Functions, 3));
        let long = format!("(module (func {}))", "nop ".repeat(20));
        assert_eq!(over(&long, &small).0, Limit::FunctionBytes);
        let globals = "(module (global i32 i32.const 0) (global i32 i32.const 0))";
        assert_eq!(over(globals, &small), (Limit::Globals, 2));
        assert_eq!(over("(component (component (component)))", &small), (Limit::Nesting, 2));
        assert_eq!(over("(module)", &Limits { file_bytes: 7, ..small }), (Limit::FileBytes, 8));
        let imports = r#"(component (import "a" (func)) (import "b" (func)))"#;
        assert_eq!(over(imports, &Limits { names: 1, ..small }), (Limit::Names, 2));
    }

    #[test]
    fn an_error_names_the_setting_that_raises_the_limit() {
        let error = scan(&wasm("(module (func))"), &Limits { functions: 0, ..Limits::DEFAULT }).unwrap_err();
        let wanted = "has 1 functions; 0 are allowed; if you trust it, raise functions in [plugin_limits]";
        assert_eq!(error.to_string(), wanted);
    }

    #[test]
    fn instantiations_are_counted_through_nested_components_aliases_and_exports() {
        // 100 globals; each component instantiates the one before ten times.
        let globals = "(global i32 i32.const 0)".repeat(100);
        let ten = |what: &str| format!("({what})").repeat(10);
        let text = format!(
            "(component
                (core module $m {globals})
                (component $a (alias outer 1 $m (core module $own)) {})
                (component $b (alias outer 1 $a (component $own)) {})
                {})",
            ten("core instance (instantiate $own)"),
            ten("instance (instantiate $own)"),
            ten("instance (instantiate $b)"),
        );
        let (which, actual) = over(&text, &Limits { instantiated: 50_000, ..Limits::DEFAULT });
        assert_eq!(which, Limit::Instantiated);
        assert!((100_000..110_000).contains(&actual), "{actual}");
        assert!(scan(&wasm(&text), &Limits::DEFAULT).is_ok());
    }

    #[test]
    fn doubling_nests_do_not_overflow_and_take_no_time() {
        let doubling: String = (1..200)
            .map(|level| {
                let inner = format!("(alias outer 1 {} (component $i))", level - 1);
                format!("(component {inner} (instance (instantiate $i)) (instance (instantiate $i)))")
            })
            .collect();
        let (which, _) = over(&format!("(component (component) {doubling})"), &Limits::DEFAULT);
        assert_eq!(which, Limit::Instantiated);
    }

    #[test]
    fn components_that_take_modules_are_refused() {
        let bytes = wasm(r#"(component (component (import "m" (core module))))"#);
        assert_eq!(
            scan(&bytes, &Limits::DEFAULT).unwrap_err(),
            ScanError::Parametric { what: "module".into() }
        );
    }
}
