//! The reference of `hookaroon.toml` as Markdown: `docs/configuration.md`.

use std::fmt::Write as _;

use super::schema::{self, Key, Kind, Section, Unset};
use crate::hook::standard;

const INTRO: &str = "\
<!-- Made by `hookaroon config reference`. -->

# Configuration

`hookaroon.toml` is TOML. `hookaroon check` tells every error with its line, and `hookaroon config show --defaults` what is
in force. For an editor that reads JSON Schema (taplo, Even Better TOML):

```sh
hookaroon config schema > hookaroon.schema.json    # and in the first line of hookaroon.toml: #:schema ./hookaroon.schema.json
```

- Sizes are numbers of bytes or texts such as `\"32MiB\"`, `\"10MB\"`, `\"512B\"`; times are texts such as `\"50ms\"`, `\"1s\"`, `\"2m\"`, `\"1h\"`.
- Relative paths are relative to the file that they stand in.
- Where a list of texts is asked for, one text will do.
- Unknown keys are errors.
";

const CONFIG: &str = "\
### `[hook.config]`

What the hook itself is told, handed to it as JSON. Its keys are the plugin's own: `hookaroon inspect PLUGIN` names them.

A text may be kept elsewhere: `{ env = \"NAME\" }` is the value of a variable of the environment, `{ file = \"PATH\" }` the text
of a file. The host reads them; the hook needs no rights for it, and `config show` shows where the text is, not what it is.
";

const CONDITIONS: &str = "\
## Conditions

`match`, and `only` of a rollout, are lists of conditions, and all must hold: `PATH OP VALUE`, with `==`, `!=`, `<`, `<=`, `>`, `>=`, `in a, b`,
`not in a, b`, `like \"GET *\"`, or `PATH exists`, `PATH missing`. A path that ends in `level` or `severity` compares as
severity, whatever the case and the library's names: `level >= warn`. A key that holds a dot is quoted: `resource.\"service.name\"`.
";

/// The whole page.
pub fn reference() -> String {
    let mut page = INTRO.to_owned();
    section(schema::TOP, &mut page);
    page.push('\n');
    page.push_str(CONDITIONS);
    page
}

fn section(section: &Section, page: &mut String) {
    let nested = section.header.contains('.');
    match section.header {
        "" => page.push_str("\n## At the top\n\n"),
        header if nested => {
            let _ = write!(page, "\n### `{header}`\n\n");
        }
        header => {
            let _ = write!(page, "\n## `{header}`\n\n");
        }
    }
    let _ = write!(page, "{}\n\n", section.doc);
    page.push_str("| key | what it may be | by default | |\n| --- | --- | --- | --- |\n");
    for key in section.keys.iter().filter(|key| !is_table(key)) {
        row(key, page);
    }
    let example = example(section);
    let _ = write!(page, "\n```toml\n{example}```\n");
    for key in section.keys {
        match &key.kind {
            Kind::Table(below) | Kind::Tables(below) => self::section(below, page),
            Kind::Open if is_table(key) => {
                page.push('\n');
                page.push_str(CONFIG);
                page.push_str("\nThe standard hooks: ");
                let hooks: Vec<String> =
                    standard::NAMES.iter().map(|name| format!("[`{name}`](hooks/{name}.md)")).collect();
                let _ = writeln!(page, "{}.", hooks.join(", "));
            }
            _ => {}
        }
    }
}

/// Whether it is told in a section of its own: it has no example in one line.
fn is_table(key: &Key) -> bool {
    key.example.is_empty()
}

fn row(key: &Key, page: &mut String) {
    let mut doc = key.doc.to_owned();
    if let Kind::Word(words) = &key.kind {
        for (word, meaning) in *words {
            let _ = write!(doc, "<br>`{word}`: {meaning}.");
        }
    }
    if let Some(kind) = key.only {
        let _ = write!(doc, " Only with `type = \"{kind}\"`.");
    }
    let default = match (key.default(), key.unset) {
        (Some(value), _) => format!("`{value}`"),
        (None, Unset::Means(meaning)) => meaning.to_owned(),
        (None, _) => "needed".to_owned(),
    };
    let _ = writeln!(page, "| `{}` | {} | {default} | {doc} |", key.name, key.kind.describe());
}

/// The table with every key set.
pub(super) fn example(section: &Section) -> String {
    let mut lines = String::new();
    if !section.header.is_empty() {
        let _ = writeln!(lines, "{}", section.header);
    }
    for key in section.keys.iter().filter(|key| !is_table(key)) {
        let _ = writeln!(lines, "{} = {}", key.name, key.example);
    }
    lines
}

#[cfg(test)]
mod tests;
