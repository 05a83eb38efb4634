//! A real hook with something bad put into its module.

use std::fs;
use std::path::Path;

/// The standard hook `count`, with these fields, in the text format, at the end of its module.
pub fn into_count(fields: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/plugins/count.wasm");
    let text = wasmprinter::print_bytes(fs::read(path).unwrap()).unwrap();
    let (module, _) = text.rsplit_once(')').unwrap();
    wat::parse_str(format!("{module} {fields})")).unwrap()
}
