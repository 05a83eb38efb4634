use std::fs;

use tempfile::TempDir;

use super::super::load;
use super::*;

const MAIN: &str = "\
include = [\"conf.d/*.toml\"]
workers = \"auto\"
[admin]
listen = \"127.0.0.1:0\"
tls = { cert = \"tls/cert.pem\", key = \"/tls/key.pem\" }
[[sink]]
name = \"out\"
type = \"stdout\"
[[source]]
type = \"file\"
paths = \"logs/*.log\"
name = \"in\"
[[hook]]
name = \"first\"
plugin = \"redact\"
match = \"level >= info\"
[hook.config]
\"a.b\" = [1, 2.5, { x = \"one\\ntwo\" }]
hash = { key = { env = \"KEY\" } }
table = { file = \"rows.csv\" }
[[test]]
name = \"one\"
events = { file = \"rows.csv\" }
expect = { out = [] }
";
const INCLUDED: &str = "[[hook]]\nname = \"second\"\nplugin = \"own.wasm\"\nmemory = \"8MiB\"\n";

struct Trial(TempDir);

impl Trial {
    fn new() -> Trial {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("conf.d")).unwrap();
        for (name, text) in [("hookaroon.toml", MAIN), ("conf.d/a.toml", INCLUDED), ("rows.csv", "the rows")]
        {
            fs::write(dir.path().join(name), text).unwrap();
        }
        Trial(dir)
    }

    fn show(&self, file: &str, with_defaults: bool) -> Shown {
        show(&self.0.path().join(file), &environment, with_defaults).unwrap()
    }

    fn load(&self, file: &str) -> Config {
        load(&self.0.path().join(file), &environment).unwrap()
    }
}

fn environment(name: &str) -> Option<String> {
    (name == "KEY").then(|| "hidden".to_owned())
}

#[test]
fn only_what_is_set_is_shown_with_what_is_included_and_absolute_paths() {
    let trial = Trial::new();
    let dir = trial.0.path().display();
    let expected = format!(
        "\
workers = \"auto\"

[admin]
listen = \"127.0.0.1:0\"
[admin.tls]
cert = \"{dir}/tls/cert.pem\"
key = \"/tls/key.pem\"

[[source]]
name = \"in\"
type = \"file\"
paths = \"{dir}/logs/*.log\"

[[hook]]
name = \"first\"
plugin = \"redact\"
match = \"level >= info\"
[hook.config]
\"a.b\" = [1, 2.5, {{ x = \"\"\"
one
two\"\"\" }}]
hash = {{ key = {{ env = \"KEY\" }} }}
table = {{ file = \"{dir}/rows.csv\" }}

[[hook]]
name = \"second\"
plugin = \"{dir}/conf.d/own.wasm\"
memory = \"8MiB\"

[[sink]]
name = \"out\"
type = \"stdout\"

[[test]]
name = \"one\"
events = {{ file = \"{dir}/rows.csv\" }}
[test.expect]
out = []
"
    );
    assert_eq!(trial.show("hookaroon.toml", false).toml(), expected);
}

#[test]
fn what_is_shown_means_the_same_with_and_without_defaults_wherever_it_is_kept() {
    let trial = Trial::new();
    let before = trial.load("hookaroon.toml");
    fs::create_dir(trial.0.path().join("elsewhere")).unwrap();
    for with_defaults in [false, true] {
        let text = trial.show("hookaroon.toml", with_defaults).toml();
        fs::write(trial.0.path().join("elsewhere/shown.toml"), &text).unwrap();
        let after = trial.load("elsewhere/shown.toml");
        let everything = |config: &Config| {
            let hooks: Vec<String> = config
                .hooks
                .iter()
                .map(|hook| {
                    format!(
                        "{hook:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                        hook.enabled,
                        hook.from,
                        hook.conditions.len(),
                        (hook.memory_bytes, hook.deadlines),
                        hook.on_error,
                        hook.required,
                        hook.rollout,
                        hook.grant,
                        hook.config
                    )
                })
                .collect();
            format!(
                "{} {} {:?} {:?} {:?} {:?} {:?} {hooks:#?}",
                config.workers,
                config.max_event_bytes,
                config.plugin_limits,
                config.batch,
                config.sources,
                config.sinks,
                config.tests.iter().map(|test| (&test.events, test.now_ns, test.source)).collect::<Vec<_>>()
            )
        };
        assert_eq!(everything(&after), everything(&before), "{text}");
        assert_eq!(trial.show("elsewhere/shown.toml", with_defaults).toml(), text);
        if with_defaults {
            assert_eq!(after.data_dir, before.data_dir);
        }
    }
}

#[test]
fn with_defaults_every_key_is_named_and_no_secret_is() {
    let trial = Trial::new();
    let tried = "[[hook]]\nname = \"third\"\nplugin = \"redact\"\ncandidate = { plugin = \"redact\", shadow = true }\n";
    fs::write(trial.0.path().join("conf.d/b.toml"), tried).unwrap();
    let shown = trial.show("hookaroon.toml", true);
    let text = shown.toml();
    assert!(!text.contains("hidden") && !text.contains("the rows"), "{text}");
    assert!(!shown.json().to_string().contains("hidden"));
    fn named(section: &Section, text: &str) {
        for key in section.keys.iter().filter(|key| key.only.is_none()) {
            match &key.kind {
                Kind::Table(below) | Kind::Tables(below) => named(below, text),
                Kind::Open => {}
                _ => {
                    let set = text.contains(&format!("\n{} = ", key.name));
                    let told = text.contains(&format!("\n# {} is not set: ", key.name));
                    assert!(
                        set || told || key.name == "include" || text.starts_with(key.name),
                        "{}\n{text}",
                        key.name
                    );
                }
            }
        }
    }
    named(schema::TOP, &text);
    assert_eq!(shown.json()["hook"][1]["memory"], "8MiB");
    assert_eq!(shown.json()["hook"][1]["deadline"], "50ms");
}

#[test]
fn a_wrong_configuration_is_not_shown() {
    let trial = Trial::new();
    fs::write(trial.0.path().join("conf.d/b.toml"), "[[hook]]\nname = \"x\"\n").unwrap();
    let errors = show(&trial.0.path().join("hookaroon.toml"), &environment, false).unwrap_err();
    assert!(errors.to_string().contains("plugin is missing"), "{errors}");
}

#[test]
fn any_name_can_stand_before_an_equals_sign() {
    for name in ["", "a b", "a\"b", "line\nbreak", "\u{7f}\u{1}", "bare-1_"] {
        let text = format!("{} = 1", bare_or_quoted(name));
        assert_eq!(text.parse::<Table>().unwrap().get(name), Some(&Value::Integer(1)), "{text}");
    }
}

#[test]
fn a_table_that_means_something_is_not_made_up_and_a_sockets_path_is_absolute() {
    let trial = Trial::new();
    let file = trial.0.path().join("hookaroon.toml");
    let lines = MAIN.lines().filter(|line| !line.starts_with("listen") && !line.starts_with("tls"));
    let main: String = lines.map(|line| format!("{line}\n")).collect();
    fs::write(&file, main.replace("[admin]", "[admin]\nlisten = \"unix:h.sock\"")).unwrap();
    let shown = trial.show("hookaroon.toml", true).json();
    let socket = format!("unix:{}", trial.0.path().join("h.sock").display());
    assert_eq!((&shown["admin"]["listen"], shown["admin"].get("tls")), (&Json::from(socket), None));
    fs::write(&file, main.replace("[admin]", "")).unwrap();
    assert_eq!(trial.show("hookaroon.toml", true).json().get("admin"), None);
}
