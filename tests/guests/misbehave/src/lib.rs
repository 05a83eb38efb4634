//! A hook that does what its config says, good or bad: one guest for all tests of the host.
//!
//! Config: `{"read": FIELDS, "write": FIELDS, "do": MODE, "in": CALL, "from_call": N, "text": TEXT, "n": N,
//! "tick_ms": N, "hold": N, "single": true, "poison": TEXT, "after": TEXT, "save": WHAT}`. A field is `"path"` (kind text) or `{"path": ...,
//! "kind": ...}`. CALL is `init`, `process` (the default), `tick`, `save` or `teardown`, or several of them; N counts the calls of that kind in
//! this instance, from 1. In any mode a row whose first column has the `poison` traps; if there is an `after`, only in
//! an instance that has seen a row with that before. It holds `hold` MiB from `init` on. `save` is `trap`, or `huge`: N bytes. With `restored`, only an
//! instance that got a state does what is wrong.
//!
//! | mode | what it does |
//! | --- | --- |
//! | `trap`, `spin`, `grow`, `stack`, `error` | executes `unreachable`, loops for ever, takes memory until there is none, recurses for ever, returns an error; all in any call |
//! | `seen` | returns an error that tells how many events it saw before, from the Nth on; those of earlier instances count |
//! | `panic` | panics with TEXT; in any call |
//! | `flood` | writes N times 50,000 log lines of 1 KiB |
//! | `slow` | counts to N times ten million |
//! | `search` | looks through all of its memory for TEXT, whose bytes stand there each one higher, and logs how often it was there |
//! | `fail_row` | says that the rows with TEXT failed |
//! | `lie` | returns the thing wrong that TEXT names, see `lies` |
//! | `echo` | writes the first column as the first field |
//! | `set`, `null`, `remove`, `merge` | does that to the first written field of every row, with TEXT |
//! | `count` | counts events across instances and writes the count |
//! | `time` | writes the host time as the first written field, an integer |
//! | `emit_each`, `emit_end` | emits an event after each row, one at the end |
//! | `emit` | emits `{"emitted":TEXT}`, in `tick` or `teardown` |
//! | `drop` | drops each Nth row that it sees |
//! | `nothing` | nothing |

mod lies;

mod bindings {
    wit_bindgen::generate!({
        inline: "
            package hookaroon:misbehave;
            world misbehave {
                include hookaroon:hook/hook@0.1.0;
                import hookaroon:hook/log@0.1.0;
            }
        ",
        path: "../../../wit",
        world: "hookaroon:misbehave/misbehave",
        generate_all,
    });
}

use std::cell::RefCell;

use bindings::exports::hookaroon::hook::lifecycle::Guest;
use bindings::hookaroon::hook::log;
use bindings::hookaroon::hook::types::*;
use serde::Deserialize;

#[derive(Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    read: Vec<FieldConfig>,
    write: Vec<FieldConfig>,
    #[serde(rename = "do")]
    mode: String,
    #[serde(rename = "in")]
    call: String,
    from_call: u32,
    text: String,
    poison: String,
    after: String,
    save: String,
    n: u64,
    tick_ms: Option<u32>,
    single: bool,
    restored: bool,
    hold: usize,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            read: Vec::new(),
            write: Vec::new(),
            mode: "nothing".into(),
            call: "process".into(),
            from_call: 1,
            text: String::new(),
            poison: String::new(),
            after: String::new(),
            save: String::new(),
            n: 2,
            tick_ms: None,
            single: false,
            restored: false,
            hold: 0,
        }
    }
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum FieldConfig {
    Text(String),
    Kind { path: String, kind: String },
}

impl FieldConfig {
    fn field(&self) -> Field {
        let (path, kind) = match self {
            FieldConfig::Text(path) => (path, "text"),
            FieldConfig::Kind { path, kind } => (path, kind.as_str()),
        };
        let kind = match kind {
            "integer" => Kind::Integer,
            "float" => Kind::Float,
            "boolean" => Kind::Boolean,
            "json" => Kind::Json,
            _ => Kind::Text,
        };
        Field { path: path.clone(), kind }
    }
}

#[derive(Default)]
struct State {
    config: Config,
    calls: [u32; 5],
    seen: u64,
    restored: bool,
    weakened: bool,
    hoard: Vec<Vec<u8>>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

struct Hook;

/// Notes a call; whether this one is to go wrong.
fn due(call: usize) -> Option<Config> {
    const NAMES: [&str; 5] = ["init", "process", "tick", "save", "teardown"];
    STATE.with_borrow_mut(|state| {
        state.calls[call] += 1;
        let config = &state.config;
        (config.call.split(' ').any(|name| name == NAMES[call]) && state.calls[call] >= config.from_call)
            .then(|| config.clone())
            .filter(|config| !config.restored || state.restored)
    })
}

/// What goes wrong in any call. Returns an error if the call is to return one.
fn act(config: &Config) -> Result<(), String> {
    match config.mode.as_str() {
        "trap" => core::arch::wasm32::unreachable(),
        "panic" => panic!("{}", config.text),
        "spin" => loop {
            std::hint::black_box(());
        },
        "slow" => {
            for turn in 0..config.n * 10_000_000 {
                std::hint::black_box(turn);
            }
        }
        "grow" => loop {
            STATE.with_borrow_mut(|state| state.hoard.push(vec![1; 1 << 20]));
        },
        "stack" => {
            std::hint::black_box(recurse(0));
        }
        "flood" => {
            let line = "x".repeat(1024);
            for _ in 0..config.n * 50_000 {
                log::log(log::Level::Info, &line);
            }
        }
        "search" => {
            log::log(log::Level::Info, &format!("found {} times", occurrences(config.text.as_bytes())))
        }
        "seen" => {
            let seen = STATE.with_borrow(|state| state.seen);
            if seen >= config.n {
                return Err(format!("{seen} were seen before"));
            }
        }
        "error" => {
            return Err(if config.text.is_empty() { "told to fail".into() } else { config.text.clone() });
        }
        _ => {}
    }
    Ok(())
}

/// How often bytes that are each one lower than these stand anywhere in memory.
fn occurrences(shifted: &[u8]) -> usize {
    let bytes = core::arch::wasm32::memory_size(0) << 16;
    let at = |place: usize| {
        // Every address below the size of the memory can be read; this does so where Rust knows of nothing.
        unsafe { core::ptr::read_volatile(std::hint::black_box(place) as *const u8) }
    };
    let is_there =
        |start: usize| shifted.iter().enumerate().all(|(place, byte)| at(start + place) == byte - 1);
    (1..bytes.saturating_sub(shifted.len())).filter(|start| is_there(*start)).count()
}

#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    std::hint::black_box(recurse(std::hint::black_box(depth) + 1)) + 1
}

fn nothing() -> Emission {
    Emission { events: BytesValues { data: Vec::new(), ends: Vec::new() }, after: Vec::new() }
}

fn events(texts: &[String]) -> BytesValues {
    let mut events = BytesValues { data: Vec::new(), ends: Vec::new() };
    for text in texts {
        events.data.extend_from_slice(text.as_bytes());
        events.ends.push(events.data.len() as u32);
    }
    events
}

fn told(config: &Config) -> Emission {
    if config.mode != "emit" {
        return nothing();
    }
    let text = format!("{{\"emitted\":{}}}", serde_json::Value::from(config.text.as_str()));
    Emission { events: events(&[text]), after: Vec::new() }
}

/// The text of a row of the first column.
fn text(batch: &Batch, row: usize) -> &[u8] {
    match batch.columns.first().map(|column| &column.values) {
        Some(Values::Text(bytes) | Values::Json(bytes)) => {
            let start = if row == 0 { 0 } else { bytes.ends[row - 1] as usize };
            &bytes.data[start..bytes.ends[row] as usize]
        }
        _ => &[],
    }
}

fn has(batch: &Batch, row: usize, wanted: &str) -> bool {
    String::from_utf8_lossy(text(batch, row)).contains(wanted)
}

/// A column of the first written field's kind with the same in each row.
fn same(config: &Config, rows: usize, mark: u8) -> Column {
    let kind = config.write.first().map_or(Kind::Text, |field| field.field().kind);
    let repeated = || events(&vec![config.text.clone(); rows]);
    let values = match kind {
        Kind::Text => Values::Text(repeated()),
        Kind::Json => Values::Json(repeated()),
        Kind::Integer => Values::Integer(vec![config.text.parse().unwrap_or(0); rows]),
        Kind::Float => Values::Float(vec![config.text.parse().unwrap_or(0.0); rows]),
        Kind::Boolean => Values::Boolean(vec![u8::from(config.text == "true"); rows]),
    };
    Column { values, marks: vec![mark; rows] }
}

/// Traps if there is poison in a row.
fn take(config: &Config, batch: &Batch) {
    for row in 0..batch.rows as usize {
        let is_weak = config.after.is_empty() || STATE.with_borrow(|state| state.weakened);
        if is_weak && has(batch, row, &config.poison) {
            core::arch::wasm32::unreachable();
        }
        if !config.after.is_empty() && has(batch, row, &config.after) {
            STATE.with_borrow_mut(|state| state.weakened = true);
        }
    }
}

/// What is returned for a batch.
fn outcome(config: &Config, batch: &Batch) -> Outcome {
    let rows = batch.rows as usize;
    let mut outcome = Outcome { keep: Vec::new(), writes: Vec::new(), emit: nothing(), errors: Vec::new() };
    match config.mode.as_str() {
        "fail_row" => {
            let failed = (0..rows).filter(|&row| has(batch, row, &config.text));
            outcome.errors =
                failed.map(|row| RowError { row: row as u32, message: "told to fail".into() }).collect();
        }
        "echo" => outcome.writes = batch.columns.first().map(echoed).into_iter().collect(),
        "set" => outcome.writes = vec![same(config, rows, 1)],
        "remove" => outcome.writes = vec![same(config, rows, 2)],
        "null" => outcome.writes = vec![same(config, rows, 3)],
        "merge" => outcome.writes = vec![same(config, rows, 4)],
        "count" => {
            let seen = STATE.with_borrow(|state| state.seen) as i64;
            let values = Values::Integer((1..=rows as i64).map(|row| seen + row).collect());
            outcome.writes = vec![Column { values, marks: Vec::new() }];
        }
        "time" => {
            let values = Values::Integer(vec![batch.now_ns as i64; rows]);
            outcome.writes = vec![Column { values, marks: Vec::new() }];
        }
        "emit_each" => {
            let texts: Vec<String> = (0..rows).map(|row| format!("{{\"emitted\":{row}}}")).collect();
            outcome.emit = Emission { events: events(&texts), after: (0..rows as u32).collect() };
        }
        "emit_end" => {
            outcome.emit = Emission { events: events(&["{\"emitted\":\"end\"}".into()]), after: Vec::new() }
        }
        "drop" => {
            let seen = STATE.with_borrow(|state| state.seen);
            outcome.keep =
                (1..=rows as u64).map(|row| u8::from(!(seen + row).is_multiple_of(config.n))).collect();
        }
        "lie" => lies::tell(config, batch, &mut outcome),
        _ => {}
    }
    outcome
}

/// What was read as something to write: values are set, null stays null, all else is left.
fn echoed(column: &Column) -> Column {
    let marks = column.marks.iter().map(|mark| match mark {
        1 => 1,
        2 => 3,
        _ => 0,
    });
    Column { values: column.values.clone(), marks: marks.collect() }
}

impl Guest for Hook {
    fn init(setup: Setup) -> Result<Interest, String> {
        let config: Config =
            serde_json::from_str(&setup.config).map_err(|error| format!("config: {error}"))?;
        let seen = setup
            .states
            .iter()
            .filter_map(|state| std::str::from_utf8(state).ok()?.parse::<u64>().ok())
            .sum();
        STATE.with_borrow_mut(|state| {
            state.config = config.clone();
            state.seen = seen;
            state.restored = !setup.states.is_empty();
            state.hoard = (0..config.hold).map(|_| vec![1; 1 << 20]).collect();
        });
        if let Some(config) = due(0) {
            act(&config)?;
        }
        Ok(Interest {
            read: config.read.iter().map(FieldConfig::field).collect(),
            write: config.write.iter().map(FieldConfig::field).collect(),
            tick_ms: config.tick_ms,
            placement: if config.single { Placement::Single } else { Placement::EveryWorker },
            extra: Vec::new(),
        })
    }

    fn process(batch: Batch) -> Result<Outcome, String> {
        let config = STATE.with_borrow(|state| state.config.clone());
        if !config.poison.is_empty() {
            take(&config, &batch);
        }
        let result = match due(1) {
            Some(config) => {
                act(&config)?;
                outcome(&config, &batch)
            }
            None => outcome(&Config::default(), &batch),
        };
        STATE.with_borrow_mut(|state| state.seen += u64::from(batch.rows));
        Ok(result)
    }

    fn tick(_now_ns: u64) -> Result<Emission, String> {
        let Some(config) = due(2) else { return Ok(nothing()) };
        act(&config)?;
        Ok(told(&config))
    }

    fn save() -> Option<Vec<u8>> {
        if let Some(config) = due(3) {
            let _ = act(&config);
        }
        let (config, seen) = STATE.with_borrow(|state| (state.config.clone(), state.seen));
        match config.save.as_str() {
            "trap" => core::arch::wasm32::unreachable(),
            "huge" => Some(vec![0; config.n as usize]),
            _ => Some(seen.to_string().into_bytes()),
        }
    }

    fn teardown(_reason: Reason) -> Emission {
        let Some(config) = due(4) else { return nothing() };
        let _ = act(&config);
        told(&config)
    }
}

bindings::export!(Hook with_types_in bindings);
