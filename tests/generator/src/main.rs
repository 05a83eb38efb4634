//! `generate`: writes the stream of logs, or the table of hosts, to standard output.
//!
//! Holds one block of lines at a time. Exit codes: 0 done, also when the reader has gone; 1 standard output cannot
//! be written; 2 usage.

use std::io::{self, Write};
use std::process::ExitCode;

use hookaroon_generator::{Generator, Options, hosts_csv};

const HELP: &str = "\
Writes logs as an application around large language models writes them, from a seed.

Usage: generate (--events N | --bytes N) [--seed S] [--plain]
       generate --hosts

  --events N   this many lines
  --bytes N    lines until there are at least this many bytes
  --seed S     another stream; the default is 1
  --plain      only whole JSON objects, compact, each key once
  --hosts      the hosts that clients come from, as CSV (ip,host,country,city)
  --help       this text

Example: generate --events 100000 --seed 7 > app.ndjson
";

/// How much is written at once: few calls, and still in the cache.
const BLOCK: usize = 128 << 10;

/// What was asked for.
enum Task {
    Help,
    Hosts,
    Lines { options: Options, events: u64, bytes: u64 },
}

fn main() -> ExitCode {
    let task = match parse(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(message) => {
            eprintln!("generate: {message}; see generate --help");
            return ExitCode::from(2);
        }
    };
    let mut out = io::stdout().lock();
    let written = match task {
        Task::Help => out.write_all(HELP.as_bytes()),
        Task::Hosts => out.write_all(hosts_csv().as_bytes()),
        Task::Lines { options, events, bytes } => lines(options, events, bytes, &mut out),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: cannot write to standard output: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes lines until there are `events` of them or at least `bytes` bytes.
fn lines(options: Options, events: u64, bytes: u64, out: &mut impl Write) -> io::Result<()> {
    let mut generator = Generator::new(options);
    let mut block = Vec::with_capacity(BLOCK + 4096);
    let (mut count, mut written) = (0, 0);
    while count < events && written + (block.len() as u64) < bytes {
        generator.line(&mut block);
        count += 1;
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            written += block.len() as u64;
            block.clear();
        }
    }
    out.write_all(&block)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task, String> {
    let mut options = Options::default();
    let (mut events, mut bytes) = (None, None);
    let mut hosts = false;
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{argument} needs a number, not {value:?}"))
        };
        match argument.as_str() {
            "--events" => events = Some(number()?),
            "--bytes" => bytes = Some(number()?),
            "--seed" => options.seed = number()?,
            "--plain" => options.plain = true,
            "--hosts" => hosts = true,
            "--help" | "-h" => return Ok(Task::Help),
            _ => return Err(format!("unknown argument {argument:?}")),
        }
    }
    match (hosts, events, bytes) {
        (true, None, None) => Ok(Task::Hosts),
        (true, ..) => Err("--hosts takes no other argument".to_owned()),
        (false, Some(events), None) => Ok(Task::Lines { options, events, bytes: u64::MAX }),
        (false, None, Some(bytes)) => Ok(Task::Lines { options, events: u64::MAX, bytes }),
        (false, ..) => Err("name either --events or --bytes".to_owned()),
    }
}
