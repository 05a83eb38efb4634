//! `hookaroon token`: who may use the admin API. It works on the files in `data_dir`, whether or not a run goes on.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{ConfigArguments, USAGE, failed, print};
use crate::admin::audit::{Audit, Entry, Outcome};
use crate::admin::role::Role;
use crate::admin::tokens::{TokenError, Tokens};
use crate::config::Config;

const EXAMPLES: &str = "\
Roles: read (look at what runs), tap (look at events), operate (change hooks), admin (everything); each may do what those
before it may. A change holds from the next request on, and is in the audit log.

Examples:
  hookaroon token list
  hookaroon token create grafana --role read
  hookaroon token revoke grafana";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TokenCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Shows the names and roles of all tokens, never the tokens
    #[command(after_help = "Example:\n  hookaroon token list -c /etc/hookaroon/hookaroon.toml")]
    List {
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Makes a token and prints it, once: only its digest is kept
    #[command(
        after_help = "Example:\n  HOOKAROON_TOKEN=$(hookaroon token create ci --role operate) hookaroon status"
    )]
    Create {
        /// Its name, which stands in the audit log
        name: String,
        /// What its bearer may do: read, tap, operate or admin
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        config: ConfigArguments,
    },
    /// Takes a token out
    #[command(after_help = "Example:\n  hookaroon token revoke ci")]
    Revoke {
        /// Its name
        name: String,
        #[command(flatten)]
        config: ConfigArguments,
    },
}

pub fn token(arguments: &TokenCommand) -> Result<(), ExitCode> {
    match &arguments.what {
        What::List { config } => list(&config.load()?),
        What::Create { name, role, config } => create(&config.load()?, name, *role),
        What::Revoke { name, config } => revoke(&config.load()?, name),
    }
}

fn list(config: &Config) -> Result<(), ExitCode> {
    let tokens = Tokens::new(&config.data_dir).all().map_err(|error| wrong(&error))?;
    let width = tokens.iter().map(|token| token.name.len()).max().unwrap_or(0).max(4);
    let lines: String =
        tokens.iter().map(|token| format!("{:width$}  {}\n", token.name, token.role)).collect();
    print(&format!("{:width$}  ROLE\n{lines}", "NAME"))
}

fn create(config: &Config, name: &str, role: Role) -> Result<(), ExitCode> {
    let tokens = Tokens::new(&config.data_dir);
    let entry = Entry { after: json!({ "name": name, "role": role }), ..entry("createToken", name) };
    let text = audited(config, entry, || tokens.create(name, role))?;
    print(&format!("{text}\n"))
}

fn revoke(config: &Config, name: &str) -> Result<(), ExitCode> {
    let tokens = Tokens::new(&config.data_dir);
    let before = tokens.get(name).map(|token| json!({ "name": name, "role": token.role }));
    let entry = Entry { before: before.unwrap_or(Value::Null), ..entry("revokeToken", name) };
    audited(config, entry, || tokens.revoke(name)).map(|_| ())
}

fn entry(action: &'static str, name: &str) -> Entry {
    let user = rustix::process::getuid().as_raw();
    Entry {
        who: Some(format!("user {user}")),
        from: "command line".to_owned(),
        action,
        target: name.to_owned(),
        ..Entry::default()
    }
}

/// Makes a change and writes down what came of it.
fn audited<T>(
    config: &Config,
    entry: Entry,
    change: impl FnOnce() -> Result<T, TokenError>,
) -> Result<T, ExitCode> {
    let audit = Audit::new(&config.data_dir);
    let pending = audit.begin().map_err(|error| failed(&error))?;
    let changed = change();
    let (result, error) = match &changed {
        Ok(_) => (Outcome::Done, None),
        Err(error) => (Outcome::Failed, Some(error.to_string())),
    };
    pending.end(Entry { result, error, ..entry }).map_err(|error| failed(&error))?;
    changed.map_err(|error| wrong(&error))
}

/// A name that cannot be meant is usage; what cannot be read is a failure.
fn wrong(error: &TokenError) -> ExitCode {
    let code = failed(error);
    if matches!(error, TokenError::Name(_)) { ExitCode::from(USAGE) } else { code }
}
