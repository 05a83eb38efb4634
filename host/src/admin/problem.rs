//! Why a request has no answer: a status, a word for programs, what is wrong and what to do about it.

use std::fmt::Display;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::role::Role;

/// What is told instead of an answer.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    remedy: String,
}

impl Problem {
    /// A problem; `code` is a word that never changes.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Problem {
        Problem { status, code, message: message.into(), remedy: remedy.into() }
    }

    /// There is no such thing as is asked for.
    pub fn not_found(message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", message, remedy)
    }

    /// What is asked for is understood and cannot be.
    pub fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message, remedy)
    }

    /// It could be another time, or once something outside is mended.
    pub fn unavailable(code: &'static str, message: impl Into<String>, remedy: impl Into<String>) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, message, remedy)
    }

    /// A fault of ours, or of the machine.
    pub fn internal(error: impl Display) -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            error.to_string(),
            "see the log of the run",
        )
    }

    /// Nobody known asks.
    pub(super) fn unknown_caller(shown: bool) -> Problem {
        let message = if shown { "the token is not known" } else { "no token was sent" };
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "no_token",
            message,
            "send `Authorization: Bearer TOKEN`, with a token from tokens.toml in the run's data_dir, or of `hookaroon token create`",
        )
    }

    /// Somebody asks who may not.
    pub(in crate::admin) fn role_needed(needed: Role, has: Role) -> Problem {
        Problem::new(
            StatusCode::FORBIDDEN,
            "role",
            format!("this needs the role {needed}, and the token has the role {has}"),
            format!("use a token of the role {needed}, or one above it"),
        )
    }

    /// What a status stands for, whatever the endpoint.
    pub(super) fn meaning(status: u16) -> &'static str {
        match status {
            400 => "The request is none.",
            401 => "No token, or one that is not known.",
            403 => "The token's role is not enough; the message names the one that is.",
            404 => "There is no such thing.",
            408 => "The body did not come in time.",
            409 => "As things are it makes no sense; the message says why.",
            413 => "The body is too large.",
            415 => "The body is of a type that is not taken here.",
            421 => "The request names another host.",
            422 => "It is understood and cannot be.",
            429 => "There are as many requests of this kind as there can be.",
            500 => "A fault of the host or its machine.",
            503 => "Not now; the message says why.",
            504 => "It takes too long, and goes on.",
            _ => "It is not as asked for.",
        }
    }

    /// Whether whoever asks may not, whatever they ask with.
    pub(super) fn is_refusal(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
    }

    /// What is wrong, without what to do.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { status, code, message, remedy } = self;
        let body = json!({ "error": { "code": code, "message": message, "remedy": remedy } });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"hookaroon\""));
        }
        response
    }
}
