//! The status page: files in the binary, which anybody who reaches the API may have, because there is nothing in them.
//!
//! What the page shows it asks the API for, with the token that somebody gives it; so it is let in as far as that token is.
//! The policy that goes with each file lets the page run its own scripts and ask its own origin, and nothing else: no
//! inline code, no other host, no frame around it, and no way for the script to make markup of what it is told.

use axum::Router;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::Response;
use axum::routing::get;

/// What a browser lets the page do.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
                      trusted-types 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page.
#[derive(Clone, Copy, Debug)]
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const fn file(path: &'static str, kind: &'static str, text: &'static str) -> File {
    File { path, kind, text }
}

/// All of them. They name each other by relative paths, so the page may lie behind a proxy's prefix.
const FILES: [File; 8] = [
    file("/", "text/html; charset=utf-8", include_str!("page/index.html")),
    file("/page/style.css", "text/css; charset=utf-8", include_str!("page/style.css")),
    file("/page/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    file("/page/page.js", SCRIPT, include_str!("page/page.js")),
    file("/page/api.js", SCRIPT, include_str!("page/api.js")),
    file("/page/figures.js", SCRIPT, include_str!("page/figures.js")),
    file("/page/hooks.js", SCRIPT, include_str!("page/hooks.js")),
    file("/page/tap.js", SCRIPT, include_str!("page/tap.js")),
];

/// The way to them.
pub(super) fn router() -> Router {
    FILES.into_iter().fold(Router::new(), |router, file| router.route(file.path, get(move || answer(file))))
}

async fn answer(file: File) -> Response {
    let mut response = Response::new(Body::from(file.text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(file.kind));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests;
