//! The status page as it is served: what a browser is told about it, and what is not in it. `make test-peers` opens it.

use super::http::Host;

/// What a browser may do for it.
const POLICY: [&str; 10] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
];

#[test]
fn the_page_is_there_without_a_token_under_a_policy_that_lets_in_nothing_else() {
    let host = Host::start("", "");
    let index = host.get("/", None);
    assert_eq!((index.status, index.header("content-type")), (200, "text/html; charset=utf-8"));
    let named = index.body.split('"').filter(|part| part.starts_with("page/"));
    let mut paths: Vec<String> = named.map(|path| format!("/{path}")).collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        let file = host.get(&path, None);
        assert_eq!(file.status, 200, "{path}");
        let policy: Vec<&str> = file.header("content-security-policy").split("; ").collect();
        assert_eq!(policy, POLICY, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(file.header("cache-control"), "no-store", "{path}");
        // What scripts import.
        for name in file.body.split('"').filter_map(|part| part.strip_prefix("./")) {
            let path = format!("/page/{name}");
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        at += 1;
    }
    assert_eq!(paths.len(), 7, "{paths:?}");
    assert_eq!(index.header("content-security-policy").split("; ").collect::<Vec<_>>(), POLICY);
    // It tells nothing of the run, and answers to no other name.
    assert!(!index.body.contains("hka_"));
    assert_eq!(host.ask("GET", "/", None, &[("Host", "evil.example")], b"").status, 421);
    host.end();
}
