//! The admin API of a run: who gets in, from where, and what cannot be done to it.

mod answers;
mod commands;
mod ends;
pub mod http;
mod listening;
mod page;
mod schema;
mod tokens;

use std::io::Write as _;

use rustix::process::Signal;
use serde_json::Value;

use http::{Answer, Host, operations, roles};

#[test]
fn nothing_answers_without_a_token_but_health_and_the_page_that_asks_for_one() {
    let host = Host::start("", "");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(host.get(path, None).status, 200, "{path}");
    }
    let mut asked = 0;
    for operation in operations().iter().filter(|operation| operation.role.is_some()) {
        let path = operation.path.replace("{name}", "any");
        for token in [None, Some("hka_wrong"), Some("")] {
            let answer = host.ask(&operation.method, &path, token, &[], b"");
            assert_eq!((answer.status, answer.code().as_str()), (401, "no_token"), "{path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"hookaroon\"");
            asked += 1;
        }
    }
    assert!(asked >= 30, "{asked}");
    // Nor is it told what there is.
    for (method, path) in [("GET", "/page"), ("POST", "/"), ("GET", "/api/v2"), ("POST", "/api/v1/hooks")] {
        assert_eq!(host.ask(method, path, None, &[], b"").status, 401, "{path}");
    }
    host.end();
}

#[test]
fn each_role_may_do_what_those_before_it_may_and_no_more() {
    let host = Host::start("", "");
    for operation in operations() {
        let Some(needed) = &operation.role else { continue };
        let path = operation.path.replace("{name}", "nobody");
        for (place, role) in roles().iter().enumerate() {
            let answer = host.ask(&operation.method, &path, Some(&host.token(role)), &[], b"");
            if place < roles().iter().position(|role| role == needed).unwrap() {
                assert_eq!((answer.status, answer.code().as_str()), (403, "role"), "{role} {path}");
                let message = format!("this needs the role {needed}, and the token has the role {role}");
                assert_eq!(answer.json()["error"]["message"], Value::from(message));
            } else {
                assert!(![401, 403].contains(&answer.status), "{role} {path}");
            }
        }
    }
    host.end();
}

#[test]
fn a_page_with_another_name_gets_no_answer() {
    let host = Host::start("", "");
    let token = host.token("admin");
    for name in ["evil.example", "evil.example:8650", "localhost.evil.example", "127.0.0.1.evil.example"] {
        for path in ["/health/live", "/api/v1/hooks"] {
            let answer = host.ask("GET", path, Some(&token), &[("Host", name)], b"");
            assert_eq!((answer.status, answer.code().as_str()), (421, "wrong_host"), "{name}");
        }
    }
    for name in ["localhost", "127.0.0.1:1", "[::1]:8650"] {
        assert_eq!(
            host.ask("GET", "/api/v1/hooks", Some(&token), &[("Host", name)], b"").status,
            200,
            "{name}"
        );
    }
    let answer = Answer::of(&host.raw(b"GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n"));
    assert_eq!((answer.status, answer.code().as_str()), (400, "no_host"));
    // No other origin is let in either.
    let answer = host.ask("OPTIONS", "/api/v1/hooks", None, &[("Origin", "https://evil.example")], b"");
    assert!(!answer.head.to_ascii_lowercase().contains("access-control"), "{}", answer.head);
    host.end();
}

#[test]
fn every_answer_is_json_that_nobody_keeps_or_takes_for_something_else() {
    let host = Host::start("", "");
    let token = host.token("read");
    for (path, token) in [("/health/live", None), ("/api/v1/hooks", None), ("/nothing", Some(token.as_str()))]
    {
        let answer = host.get(path, token);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    host.end();
}

#[test]
fn a_request_that_is_none_is_told_what_is_wrong_with_it() {
    let host = Host::start("", "");
    let token = host.token("admin");
    let ask = |method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]| {
        let answer = host.ask(method, path, Some(&token), headers, body);
        assert!(answer.json()["error"]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
        (answer.status, answer.code())
    };
    let json = ("Content-Type", "application/json");
    let told = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(ask("GET", "/api/v1/nothing", &[], b""), told(404, "not_found"));
    assert_eq!(ask("GET", "/api/v1/hooks/nobody", &[], b""), told(404, "not_found"));
    assert_eq!(ask("PUT", "/api/v1/hooks", &[], b""), told(405, "no_method"));
    assert_eq!(ask("GET", "/api/v1/hooks?limit=1", &[], b""), told(422, "invalid"));
    assert_eq!(ask("GET", "/api/v1/audit?limit=1001", &[], b""), told(422, "invalid"));
    assert_eq!(ask("GET", "/api/v1/audit?limit=1&limit=2", &[], b""), told(422, "invalid"));
    assert_eq!(ask("GET", "/api/v1/dead-letters?since=yesterday", &[], b""), told(422, "invalid"));
    assert_eq!(ask("GET", "/api/v1/hooks/%ff", &[], b""), told(400, "bad_path"));
    assert_eq!(ask("GET", "/api/v1/hooks", &[], b"a body"), told(413, "too_large"));
    assert_eq!(ask("POST", "/api/v1/explain", &[], b"{}"), told(415, "media_type"));
    assert_eq!(ask("POST", "/api/v1/explain", &[json], b""), told(422, "invalid"));
    assert_eq!(ask("POST", "/api/v1/explain?source=other", &[json], b"{}"), told(422, "invalid"));
    host.end();
}

#[test]
fn a_body_is_bounded_whether_or_not_it_says_how_large_it_is() {
    let host = Host::start("", "");
    let token = host.token("read");
    let head = format!(
        "POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n\
         Authorization: Bearer {token}\r\n"
    );
    // Not one byte of it is waited for.
    let answer = host.raw(format!("{head}Content-Length: 1048577\r\n\r\n").as_bytes());
    assert_eq!(Answer::of(&answer).status, 413);
    let mut stream = host.connect();
    write!(stream, "{head}Transfer-Encoding: chunked\r\n\r\n").unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'a'; 0x10000], b"\r\n"].concat();
    (0..17).for_each(|_| {
        // Whoever sends too much may be cut off.
        let _ = stream.write_all(&chunk);
    });
    assert_eq!(Answer::of(&http::rest(stream)).status, 413);
    // The largest that is taken.
    let fits = host.ask(
        "POST",
        "/api/v1/explain",
        Some(&token),
        &[("Content-Type", "text/plain")],
        &[b'a'; 1 << 20],
    );
    assert_eq!(fits.status, 200, "{}", fits.body);
    host.end();
}

#[test]
fn who_is_slow_holds_neither_others_nor_the_end() {
    let host = Host::start("", "");
    let token = host.token("admin");
    let slow: Vec<_> = (0..32)
        .map(|number| {
            let mut stream = host.connect();
            let begun = match number % 3 {
                // Nothing, half a head, half a body.
                0 => String::new(),
                1 => "GET /api/v1/hooks HTTP/1.1\r\nHost: loc".to_owned(),
                _ => format!(
                    "POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\
                     Authorization: Bearer {token}\r\n\r\nabc"
                ),
            };
            stream.write_all(begun.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..10 {
        assert_eq!(host.get("/api/v1/status", Some(&token)).status, 200);
    }
    host.signal(Signal::TERM);
    let ran = host.ended();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    drop(slow);
}
