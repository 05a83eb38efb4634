//! A look at a plugin before anything compiles it: is it WebAssembly, what does it import and export, and is it of a
//! size that compiles and runs in bounds.
//!
//! The file is walked once, section by section, without recursion; nothing in it is trusted or executed. What the
//! memory cap of a running hook never sees is counted here: globals, functions, passive elements and the definitions
//! of components, as many times as they are instantiated. Bounds: [`Limits`]. What is over one of them, or cannot be read, is a
//! [`ScanError`], written to complete a sentence that starts with the plugin's name.

mod limits;

use serde::{Deserialize, Serialize};
use wasmparser::{
    BinaryReaderError, Chunk, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, ElementItems, ElementKind, Encoding, FromReader, Instance, Parser, Payload,
    SectionLimited,
};

use super::manifest;
pub use limits::{Limit, Limits, ScanError};

/// The table of the configuration that raises [`Limits`].
pub const SETTING: &str = "plugin_limits";

/// Names over this are nobody's: real ones have under 100 bytes.
const MAX_NAME_BYTES: usize = 1024;

/// How many names of a core module are kept, to say what it is.
const MODULE_NAMES: usize = 16;

/// How much of each.
const MODULE_NAME_CHARS: usize = 64;

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
            // The host keeps types too: 200,000 of them cost it 277 MB.
            Payload::TypeSection(section) => self.count_functions(section.count())?,
            Payload::FunctionSection(section) => {
                self.count_functions(section.count())?;
                frame.add(section.count().into());
            }
            Payload::GlobalSection(section) => {
                frame.globals += u64::from(section.count());
                frame.add(section.count().into());
            }
            // wasmtime keeps 16 bytes for each passive element in each instance, beside the memory cap.
            Payload::ElementSection(section) => each(section, |segment| {
                frame.add(1);
                if matches!(segment.kind, ElementKind::Passive) {
                    frame.add(match segment.items {
                        ElementItems::Functions(items) => items.count().into(),
                        ElementItems::Expressions(_, items) => items.count().into(),
                    });
                }
                Ok(())
            })?,
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
                    keep(&mut self.found.imports, import.name.name, self.limits.names, self.offset)
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
                    keep(&mut self.found.exports, export.name.name, self.limits.names, self.offset)
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
fn keep(list: &mut Vec<String>, name: &str, most: u64, offset: usize) -> Result<(), ScanError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(ScanError::LongName { actual: name.len() });
    }
    if name.contains(char::is_control) {
        // No valid name has any, and this one may be shown before anything validates it.
        let reason = format!("the name {name:?} has control characters");
        return Err(ScanError::Invalid { reason, offset });
    }
    list.push(name.to_owned());
    within(Limit::Names, list.len() as u64, most)
}

/// A core module's names are only there for messages, and mangled ones are long.
pub(super) fn shortened(name: &str) -> String {
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
mod tests;
