//! The yardstick of the bench: a filter as one writes it without Hookaroon, each line to a serde_json tree and back.
//!
//! It does what the bench's hook does. It refuses to run if it was built together with something that asks serde_json
//! for more than a filter needs: it would be slower, and whoever is compared with it would look better.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let from = arguments.next().context("the file to read is missing: native-filter FROM TO")?;
    let to = arguments.next().context("the file to write is missing: native-filter FROM TO")?;
    let as_usual = serde_json::to_string(&serde_json::from_str::<Value>(r#"{"b":1.0e2,"a":1}"#)?)?;
    ensure!(
        as_usual == r#"{"a":1,"b":100.0}"#,
        "serde_json has features that a filter does not need; build it alone: cargo build --release -p native-filter"
    );
    filter(&from, &to)
}

fn filter(from: &str, to: &str) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to)?);
    let mut input = BufReader::with_capacity(1 << 18, File::open(from)?);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let mut event: Value = serde_json::from_slice(&line)?;
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        let country = country::country(text("level"), text("client_ip"));
        if let (Some(country), Some(object)) = (country, event.as_object_mut()) {
            object.insert("country".to_owned(), Value::from(country));
        }
        serde_json::to_writer(&mut out, &event)?;
        out.write_all(b"\n")?;
        line.clear();
    }
    Ok(out.flush()?)
}
