//! From a request to its endpoint and back: who asks, whether they may, what they ask with, how long it may take.
//!
//! An endpoint runs in a thread that may block. One that changes something runs alone: changes are made one after another,
//! so what one has planned is still so when it is applied. It is written down whatever comes of it, also when whoever
//! asked does not wait for the answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts as _, Query, RawPathParams};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, Request, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::audit::{Audit, Entry, Outcome};
use super::endpoint::{Access, BODY_PATIENCE, Call, Change, Content, Endpoint, Reply, Run};
use super::problem::Problem;
use super::serve::Peer;
use super::state::State;
use super::tokens::Caller;
use crate::config::suggestion;

/// How long an endpoint may take to look, waiting for its turn included.
const LOOK_PATIENCE: Duration = Duration::from_secs(30);

/// The same for a change: a plugin may take a minute of CPU time to compile.
const CHANGE_PATIENCE: Duration = Duration::from_secs(150);

/// The most bytes of a body where an endpoint takes none.
const NO_BODY: usize = 0;

/// Bodies with more bytes than this are read one after another, so that little is held at a time.
const LARGE: usize = 1 << 20;

/// The type of JSON objects, a line each.
pub(super) const LINES: &str = "application/x-ndjson";

/// The parameter of every endpoint that changes something.
pub(super) const DRY_RUN: &str = "dry_run";

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serves {
    /// Everything: at `listen`.
    Api,
    /// Metrics and health, at `metrics_listen`: nobody needs a token.
    Metrics,
}

/// One listener's way to the endpoints.
#[derive(Debug)]
pub(super) struct Door {
    state: Arc<State>,
    serves: Serves,
    /// Held by the one change that is made.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Held from the first byte of a large body until it is used.
    uploading: Arc<tokio::sync::Mutex<()>>,
    /// Why nobody is let in, if that is so and was told.
    told: Mutex<Option<String>>,
}

/// Who asks, and from where.
struct Asked {
    caller: Option<Caller>,
    from: String,
}

impl Door {
    pub(super) fn new(state: Arc<State>, serves: Serves) -> Door {
        Door { state, serves, changing: Arc::default(), uploading: Arc::default(), told: Mutex::default() }
    }

    /// Answers a request to this endpoint.
    pub(super) async fn answer(
        self: Arc<Door>,
        endpoint: &'static Endpoint,
        request: Request<Body>,
    ) -> Response {
        self.ask(endpoint, request).await.unwrap_or_else(Problem::into_response)
    }

    /// Answers what is asked where there is nothing; to who has no token that is not told.
    pub(super) async fn nothing(self: Arc<Door>, uri: Uri, request: Parts) -> Response {
        self.known(&request).map_or_else(Problem::into_response, |()| {
            Problem::not_found(
                format!("there is no {}", uri.path()),
                format!("GET {} names every path", super::routes::OPENAPI),
            )
            .into_response()
        })
    }

    /// The same for a method that a path does not have.
    pub(super) async fn no_method(self: Arc<Door>, method: Method, uri: Uri, request: Parts) -> Response {
        self.known(&request).map_or_else(Problem::into_response, |()| {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "no_method",
                format!("{} cannot be asked by {method}", uri.path()),
                "use one of the methods that `Allow` names",
            )
            .into_response()
        })
    }

    fn known(&self, request: &Parts) -> Result<(), Problem> {
        if self.serves == Serves::Metrics {
            return Ok(());
        }
        self.caller(request).map(|_| ())
    }

    async fn ask(&self, endpoint: &'static Endpoint, request: Request<Body>) -> Result<Response, Problem> {
        let (mut parts, body) = request.into_parts();
        let path = path(&mut parts).await;
        let from = parts.extensions.get().map_or_else(String::new, |Peer(peer)| peer.to_string());
        let caller = match self.admit(endpoint, &parts) {
            Ok(caller) => caller,
            Err((caller, problem)) => {
                if matches!(endpoint.run, Run::Change(_)) {
                    let target = path.map_or_else(|_| String::new(), |path| target(&path));
                    self.note_refused(Asked { caller, from }.entry(endpoint.id), target, &problem).await;
                }
                return Err(problem);
            }
        };
        let (path, query) = (path?, query(endpoint, &parts.uri)?);
        let is_large = endpoint.body.is_some_and(|body| body.most > LARGE);
        let upload = match is_large {
            true => {
                Some(timeout(CHANGE_PATIENCE, self.uploading.clone().lock_owned()).await.map_err(|_| {
                    Problem::unavailable(
                        "busy",
                        "other plugins are being handed over",
                        "try again in a minute",
                    )
                })?)
            }
            false => None,
        };
        let body = read(endpoint, &parts, body).await?;
        let asked = Asked { caller: caller.clone(), from };
        let call = Call { state: self.state.clone(), caller, body, path, query };
        match endpoint.run {
            Run::Look(look) => {
                let reply = within(LOOK_PATIENCE, spawn_blocking(move || look(&call))).await?;
                Ok(respond(endpoint, reply?))
            }
            Run::Change(plan) => {
                let changing = self.changing.clone();
                let change = async move {
                    let turn = changing.lock_owned().await;
                    spawn_blocking(move || {
                        let (_turn, _upload) = (turn, upload);
                        change(endpoint.id, plan, &call, asked)
                    })
                    .await
                };
                let reply = within(CHANGE_PATIENCE, change).await?;
                Ok(respond(endpoint, reply?))
            }
        }
    }

    /// Who asks, if they may. Whoever is known is named with the problem too.
    fn admit(
        &self,
        endpoint: &Endpoint,
        request: &Parts,
    ) -> Result<Option<Caller>, (Option<Caller>, Problem)> {
        if endpoint.access == Access::Scrape && self.serves == Serves::Metrics {
            return Ok(None);
        }
        let Some(needed) = endpoint.role() else { return Ok(None) };
        let caller = self.caller(request).map_err(|problem| (None, problem))?;
        if caller.role < needed {
            let problem = Problem::role_needed(needed, caller.role);
            return Err((Some(caller), problem));
        }
        Ok(Some(caller))
    }

    fn caller(&self, request: &Parts) -> Result<Caller, Problem> {
        let header = request.headers.get(AUTHORIZATION);
        let Some(token) = header.and_then(bearer) else {
            return Err(Problem::unknown_caller(header.is_some()));
        };
        // The file is looked at, which is of the size of a page and was just read: that blocks for no time that counts.
        match self.state.tokens.find(token) {
            Ok(found) => {
                *self.told() = None;
                found.ok_or_else(|| Problem::unknown_caller(true))
            }
            Err(error) => {
                // Once, however many ask.
                let reason = Some(error.to_string());
                let mut told = self.told();
                if *told != reason {
                    tracing::error!("admin: nobody is let in: {error}");
                    *told = reason;
                }
                Err(Problem::unavailable(
                    "no_tokens",
                    "the tokens cannot be read",
                    "the log of the run says why; mend tokens.toml in its data_dir",
                ))
            }
        }
    }

    fn told(&self) -> MutexGuard<'_, Option<String>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn note_refused(&self, entry: Entry, target: String, problem: &Problem) {
        let entry = Entry { target, error: Some(problem.message().to_owned()), ..entry };
        let state = self.state.clone();
        // That it could not be written is in the log.
        let _ = spawn_blocking(move || state.audit.refuse(entry)).await;
    }
}

impl Asked {
    fn entry(self, action: &'static str) -> Entry {
        let (who, role) = self.caller.map(|caller| (caller.token, caller.role)).unzip();
        Entry { who, role, from: self.from, action, ..Entry::default() }
    }
}

/// Plans a change, writes it down and, unless it is a dry run, makes it.
fn change(
    action: &'static str,
    plan: fn(&Call) -> Result<Change, Problem>,
    call: &Call,
    asked: Asked,
) -> Result<Reply, Problem> {
    let audit = &call.state.audit;
    let dry_run = call.flag(DRY_RUN);
    let entry = Entry { dry_run, ..asked.entry(action) };
    let pending = audit.begin().map_err(|error| unwritten(audit, &error))?;
    let planned = match plan(call) {
        Ok(planned) => planned,
        Err(problem) => {
            let target = target(&call.path);
            let error = Some(problem.message().to_owned());
            let result = if problem.is_refusal() { Outcome::Refused } else { Outcome::Failed };
            let failed = pending.end(Entry { target, result, error, ..entry });
            failed.map_err(|error| unwritten(audit, &error))?;
            return Err(problem);
        }
    };
    let Change { target, before, after, digest, plan, apply } = planned;
    let done = if dry_run { Ok(plan) } else { apply() };
    let (result, error) = match &done {
        Ok(_) => (Outcome::Done, None),
        Err(problem) => (Outcome::Failed, Some(problem.message().to_owned())),
    };
    let (to_tell, digest_to_tell) = ((target.clone(), before.clone(), after.clone()), digest.clone());
    let written = pending.end(Entry { target, before, after, digest, result, error, ..entry });
    if let Err(error) = written {
        tracing::error!("the audit log cannot be written: {error}; {action} of {} is not in it", to_tell.0);
        return Err(unwritten_after(&done, &error));
    }
    let details = done?;
    let (target, before, after) = to_tell;
    let mut answer = json!({ "target": target, "dry_run": dry_run, "before": before, "after": after });
    if let Some(members) = answer.as_object_mut() {
        members.extend(digest_to_tell.map(|digest| ("digest".to_owned(), digest.into())));
        members.extend((!details.is_null()).then(|| ("details".to_owned(), details)));
    }
    Ok(Reply::Json(answer))
}

/// What a path names.
fn target(path: &BTreeMap<String, String>) -> String {
    path.values().cloned().collect::<Vec<_>>().join("/")
}

fn unwritten(audit: &Audit, error: &std::io::Error) -> Problem {
    Problem::unavailable(
        "no_audit",
        format!("nothing is changed, because it could not be written down: {error}"),
        format!("make room on the disk, and {} this user's own", audit.file().display()),
    )
}

/// The room for its line was reserved, so this is a disk that fails.
fn unwritten_after(done: &Result<serde_json::Value, Problem>, error: &std::io::Error) -> Problem {
    let what = if done.is_ok() { "it is done" } else { "nothing is changed" };
    Problem::internal(format!("{what}, but the audit log could not be written: {error}"))
}

/// Waits for a thread, and not for ever. What it does goes on, but nobody hears of it.
async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, tokio::task::JoinError>>,
) -> Result<T, Problem> {
    match timeout(patience, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => {
            Err(Problem::internal("a thread panicked; this is a fault of Hookaroon, please report it"))
        }
        Err(_) => Err(Problem::new(
            StatusCode::GATEWAY_TIMEOUT,
            "timeout",
            format!("it is not done after {} s; it goes on", patience.as_secs()),
            "look later at what came of it",
        )),
    }
}

/// The token of `Bearer TOKEN`.
fn bearer(header: &HeaderValue) -> Option<&str> {
    let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

async fn path(parts: &mut Parts) -> Result<BTreeMap<String, String>, Problem> {
    let path = RawPathParams::from_request_parts(parts, &()).await;
    let path = path.map_err(|error| {
        Problem::new(StatusCode::BAD_REQUEST, "bad_path", error.body_text(), "escape UTF-8 by its bytes")
    })?;
    Ok(path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// What the query says, if all of it is known.
fn query(endpoint: &Endpoint, uri: &Uri) -> Result<BTreeMap<&'static str, Vec<String>>, Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|error| Problem::invalid(error.body_text(), "write it as name=value&name=value"))?;
    let known = endpoint.parameters();
    let names: Vec<&str> = known.iter().map(|parameter| parameter.name).collect();
    let mut query: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (name, value) in pairs {
        let Some(parameter) = known.iter().find(|parameter| parameter.name == name) else {
            let remedy = match names.as_slice() {
                [] => "leave the query out".to_owned(),
                names => suggestion(&name, names),
            };
            return Err(Problem::invalid(format!("there is no parameter {name:?} here"), remedy));
        };
        if let Some(wrong) = parameter.kind.wrong(&value) {
            return Err(Problem::invalid(format!("{name} = {value:?}: {wrong}"), parameter.doc));
        }
        let values = query.entry(parameter.name).or_default();
        values.push(value);
        match parameter.kind.most() {
            most if values.len() <= most => {}
            1 => return Err(Problem::invalid(format!("{name} is there twice"), "leave one out")),
            most => {
                let wrong = format!("{name} is there over {most} times, the most that is taken");
                return Err(Problem::invalid(wrong, "leave some out"));
            }
        }
    }
    Ok(query)
}

/// The body, if it is what the endpoint takes and comes in time.
async fn read(endpoint: &Endpoint, parts: &Parts, body: Body) -> Result<Bytes, Problem> {
    let most = endpoint.body.map_or(NO_BODY, |body| body.most);
    let too_large = || {
        let remedy = match most {
            NO_BODY => "send it without a body".to_owned(),
            most => format!("send at most {most} bytes"),
        };
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body has over {most} bytes, the most that is taken here"),
            remedy,
        )
    };
    let length =
        parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large());
    }
    if let Some(takes) = endpoint.body {
        let sent = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = sent.split(';').next().unwrap_or_default().trim();
        if !takes.types.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media_type",
                format!("the body is {kind:?}, which is not taken here"),
                format!("send `Content-Type: {}`", takes.types.join("` or `")),
            ));
        }
    }
    let patience = endpoint.body.map_or(BODY_PATIENCE, |body| body.patience);
    match timeout(patience, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_body",
            format!("the body did not come whole: {error}"),
            "send it again",
        )),
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            format!("the body did not come within {} s", patience.as_secs()),
            "send it faster",
        )),
    }
}

fn respond(endpoint: &Endpoint, reply: Reply) -> Response {
    let body = match reply {
        Reply::Json(value) => Body::from(value.to_string()),
        Reply::Text(text) => Body::from(text),
        Reply::Stream(body) => body,
    };
    let kind = match endpoint.answer {
        Content::Json(_) => "application/json",
        Content::Text(kind) => kind,
        Content::Lines(_) => LINES,
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
