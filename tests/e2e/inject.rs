//! Real hooks with something bad put into them.

use std::fs;
use std::path::Path;

/// The standard hook `count`, a core module, with these fields of the text format at its end.
pub fn into_module(fields: &str) -> Vec<u8> {
    into("plugins/count.wasm", fields)
}

/// The guest `worldly`, a component, likewise.
pub fn into_component(fields: &str) -> Vec<u8> {
    into("test-plugins/worldly.wasm", fields)
}

fn into(plugin: &str, fields: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target").join(plugin);
    let text = wasmprinter::print_bytes(fs::read(path).unwrap()).unwrap();
    let (plugin, _) = text.rsplit_once(')').unwrap();
    wat::parse_str(format!("{plugin} {fields})")).unwrap()
}
