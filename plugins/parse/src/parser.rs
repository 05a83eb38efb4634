//! From a config to what takes a text apart and where its values go.
//!
//! A config that does not say how, or says it twice, is an error that names the options.

use hookaroon_sdk::{Event, Setup};

use crate::pattern::Patterns;
use crate::target::{Columns, Object, Options};
use crate::template::Template;
use crate::values::{Kind, Mismatch, Values};
use crate::{Config, Format, MAX_TEXT, Regexes, access, logfmt, syslog};

/// How texts are taken apart, and where their values go.
#[derive(Debug)]
pub enum Parser {
    /// By a template, and what people call it.
    Template(Box<Template>, &'static str, Columns),
    /// By regular expressions.
    Regex(Patterns, Columns),
    /// As lines of syslog.
    Syslog(Columns),
    /// As pairs of keys and values, words that stand alone included or not.
    Logfmt { flags: bool, object: Object },
}

impl Parser {
    /// The parser that a config asks for.
    pub fn new(config: Config, setup: &mut Setup) -> Result<Parser, String> {
        let Config { field, into, format, flags, remove, overwrite, .. } = &config;
        if field == into || into.strip_prefix(field.as_str()).is_some_and(|below| below.starts_with('.')) {
            return Err(format!("into: {into:?} is the text itself, or lies in it; name another field"));
        }
        if *flags && *format != Some(Format::Logfmt) {
            return Err("flags: it is for format = \"logfmt\"; leave it out".to_owned());
        }
        let options = Options { field, into, remove: *remove, overwrite: *overwrite };
        let built_in = |text| Template::new(text);
        let (template, name) = match (config.format, &config.template, &config.regex) {
            (Some(Format::Logfmt), None, None) => {
                let object = Object::new(config.types.clone(), options, setup)?;
                return Ok(Parser::Logfmt { flags: *flags, object });
            }
            (Some(Format::Syslog), None, None) => {
                let columns = columns(&syslog::NAMES, syslog::kind, &config, options, setup)?;
                return Ok(Parser::Syslog(columns));
            }
            (None, None, Some(regexes)) => {
                let patterns = match regexes {
                    Regexes::One(regex) => Patterns::new(std::slice::from_ref(regex))?,
                    Regexes::Many(regexes) => Patterns::new(regexes)?,
                };
                let columns = columns(patterns.names(), |_| Kind::Text, &config, options, setup)?;
                return Ok(Parser::Regex(patterns, columns));
            }
            (None, Some(text), None) => {
                (Template::new(text).map_err(|error| format!("template: {error}"))?, "template")
            }
            (Some(Format::Common), None, None) => (built_in(access::COMMON)?, "common"),
            (Some(Format::Combined), None, None) => (built_in(access::COMBINED)?, "combined"),
            (Some(Format::VhostCombined), None, None) => {
                (built_in(access::VHOST_COMBINED)?, "vhost_combined")
            }
            (Some(Format::NginxMain), None, None) => (built_in(access::NGINX_MAIN)?, "nginx_main"),
            (Some(Format::IngressNginx), None, None) => (built_in(access::INGRESS_NGINX)?, "ingress_nginx"),
            (None, None, None) => {
                return Err(
                    "it does not say how to parse; write format = \"combined\" (or another), a template or \
                            a regex"
                        .to_owned(),
                );
            }
            _ => {
                return Err("format, template and regex exclude each other; leave all but one out".to_owned());
            }
        };
        let columns = columns(template.names(), access::kind, &config, options, setup)?;
        Ok(Parser::Template(Box::new(template), name, columns))
    }

    /// Takes a text apart and sets its values in the event.
    pub fn parse(&mut self, text: &str, values: &mut Values, event: &mut Event<'_>) -> Result<(), Mismatch> {
        let line = text.trim_end();
        match self {
            Parser::Template(template, _, columns) => {
                template.parse(line, values)?;
                columns.check(values, line)?;
                columns.set(values, line, event);
            }
            Parser::Syslog(columns) => {
                syslog::parse(line, values)?;
                columns.check(values, line)?;
                columns.set(values, line, event);
            }
            Parser::Regex(patterns, columns) => {
                patterns.parse(text, values, |values| columns.check(values, text))?;
                columns.set(values, text, event);
            }
            Parser::Logfmt { flags, object } => {
                logfmt::parse(line, *flags, values)?;
                object.set(values, line, event)?;
            }
        }
        Ok(())
    }

    /// Why a text was not parsed, for people. `values` are those of the attempt.
    pub fn describe(&self, mismatch: Mismatch, values: &Values, text: &str) -> String {
        match mismatch {
            Mismatch::Length => {
                format!("it has {} bytes, or its values have too many; {MAX_TEXT} is the most", text.len())
            }
            Mismatch::Count => format!("it has more than {} pairs", logfmt::MAX_PAIRS),
            Mismatch::Kind(number) => {
                let (name, kind) = match self {
                    Parser::Template(template, _, columns) => {
                        (template.names().get(number).map(String::as_str), columns.kind(number))
                    }
                    Parser::Regex(patterns, columns) => {
                        (patterns.names().get(number).map(String::as_str), columns.kind(number))
                    }
                    Parser::Syslog(columns) => (syslog::NAMES.get(number).copied(), columns.kind(number)),
                    Parser::Logfmt { object, .. } => {
                        let key = values.text(number.saturating_sub(1), text);
                        (key, object.kind(key.unwrap_or("")))
                    }
                };
                format!("its value {} is not {}", name.unwrap_or(""), kind.a_name())
            }
            Mismatch::Form => match self {
                Parser::Template(_, "template", _) => "it is not of the template's form".to_owned(),
                Parser::Template(_, name, _) => format!("it is not of the form {name}"),
                Parser::Regex(..) => "no regex matches".to_owned(),
                Parser::Syslog(_) => "it is not of the form syslog".to_owned(),
                Parser::Logfmt { .. } => "it has no pair of logfmt".to_owned(),
            },
        }
    }
}

/// Fields for values of these names.
fn columns(
    names: &[impl AsRef<str>],
    by_default: impl Fn(&str) -> Kind,
    config: &Config,
    options: Options<'_>,
    setup: &mut Setup,
) -> Result<Columns, String> {
    if let Some(wrong) = config.types.keys().find(|key| !names.iter().any(|name| name.as_ref() == *key)) {
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        return Err(format!("types: there is no value {wrong:?}; there is {}", names.join(", ")));
    }
    let kind = |name: &str| config.types.get(name).copied().unwrap_or_else(|| by_default(name));
    let values = names.iter().map(|name| (name.as_ref(), kind(name.as_ref())));
    Ok(Columns::new(values, options, setup))
}
