//! Where the API listens: addresses, TLS, a Unix socket, metrics alone.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::http::{Answer, Host, connect, request, rest};
use crate::support::{FILE_TO_FILE, Ran, Trial};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/tls").join(name).canonicalize().unwrap()
}

/// A run over one event whose `[admin]` has these lines.
fn run(trial: &Trial, admin: &str) -> Ran {
    trial.write("in.log", "{\"a\":1}\n");
    trial.run(&format!("{FILE_TO_FILE}[admin]\n{admin}\n"))
}

#[test]
fn an_address_that_others_reach_needs_tls_or_the_operators_word() {
    for admin in ["listen = \"0.0.0.0:0\"", "listen = \"127.0.0.1:0\"\nmetrics_listen = \"[::]:0\""] {
        let ran = run(&Trial::new(), admin);
        assert_eq!((ran.code, ran.out.len()), (Some(78), 0));
        ran.says(&["others can reach that, and it would be plain HTTP", "insecure = true"]);
    }
    let host = Host::start("listen = \"0.0.0.0:0\"\ninsecure = true", "");
    assert!(host.url().starts_with("http://127.0.0.1:"), "{}", host.url());
    // Others call it by names that only they know.
    let answer = host.ask("GET", "/health/live", None, &[("Host", "logs.example")], b"");
    assert_eq!(answer.status, 200);
    host.end();
}

#[test]
fn what_is_in_the_way_is_told_before_anything_flows() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let trial = Trial::new();
    trial.write("file", "");
    for (admin, told) in [
        (format!("listen = \"{address}\""), "another process listens there"),
        (format!("listen = \"127.0.0.1:0\"\nmetrics_listen = \"{address}\""), "[admin] metrics_listen"),
        ("listen = \"unix:file\"".to_owned(), "there is something else than a socket; remove it"),
        ("listen = \"unix:no/where\"".to_owned(), "No such file or directory"),
        ("tls = { cert = \"none.pem\", key = \"file\" }".to_owned(), "[admin.tls] cert"),
        ("tls = { cert = \"file\", key = \"file\" }".to_owned(), "it has no certificate"),
        (format!("tls = {{ cert = {:?}, key = \"file\" }}", fixture("cert.pem")), "it has no private key"),
    ] {
        let admin =
            if admin.starts_with("tls") { format!("listen = \"127.0.0.1:0\"\n{admin}") } else { admin };
        let ran = run(&trial, &admin);
        assert_eq!((ran.code, ran.out.len()), (Some(1), 0), "{admin}: {}", ran.stderr);
        ran.says(&["error: [admin", told]);
        assert!(!trial.path("hookaroon-data/admin-address").exists());
    }
}

#[test]
fn a_socket_is_this_users_alone_and_gone_at_the_end() {
    let host = Host::start("listen = \"unix:api.sock\"", "");
    let socket = host.trial.path("api.sock");
    let metadata = fs::symlink_metadata(&socket).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let mut stream = UnixStream::connect(&socket).unwrap();
    stream
        .write_all(&request(
            "DELETE",
            "/api/v1/tokens/tap",
            Some(&host.token("admin")),
            &[("Host", "any")],
            b"",
        ))
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert_eq!(Answer::of(&answer).status, 200);
    let output = host.trial.command(["status", "--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let audit = String::from_utf8(host.trial.read("hookaroon-data/audit.ndjson")).unwrap();
    assert!(audit.contains("\"from\":\"unix\""), "{audit}");
    host.end();
    assert!(!socket.exists());
}

#[test]
fn a_socket_of_a_process_that_is_gone_is_replaced_and_one_that_lives_is_not() {
    let trial = Trial::new();
    drop(UnixListener::bind(trial.path("api.sock")).unwrap());
    let host = Host::start_in(trial, "listen = \"unix:api.sock\"", "");
    let other = Trial::new();
    let ran = run(&other, &format!("listen = \"unix:{}\"", host.trial.path("api.sock").display()));
    assert_eq!((ran.code, ran.out.len()), (Some(1), 0));
    ran.says(&["another process listens there; end it, or choose another path"]);
    assert_eq!(host.trial.command(["status"]).output().unwrap().status.code(), Some(0));
    host.end();
}

#[test]
fn with_tls_nothing_is_answered_in_the_open_and_the_command_line_knows_who_it_asks() {
    let tls = format!("tls = {{ cert = {:?}, key = {:?} }}", fixture("cert.pem"), fixture("key.pem"));
    let host = Host::start(&format!("listen = \"127.0.0.1:0\"\n{tls}"), "");
    let url = host.url();
    let port = url.strip_prefix("https://127.0.0.1:").unwrap().to_owned();
    let mut plain = connect(&format!("http://127.0.0.1:{port}"));
    plain.write_all(&request("GET", "/health/live", None, &[], b"")).unwrap();
    assert!(!String::from_utf8_lossy(&rest(plain)).contains("HTTP/1.1"));
    let by_name = format!("https://localhost:{port}");
    let certificate = fixture("cert.pem").display().to_string();
    for (arguments, code) in [
        (&["status", "--json"][..], 0),
        (&["hooks", "list", "--admin", &by_name, "--admin-ca", &certificate], 0),
        (&["status", "--admin", &by_name], 1),
    ] {
        let ran = host.trial.ended(host.trial.command(arguments).output().unwrap());
        assert_eq!(ran.code, Some(code), "{arguments:?}: {}", ran.stderr);
        if code == 1 {
            ran.says(&["does not prove who it is", "--admin-ca FILE names who vouches for it"]);
        }
    }
    host.end();
}

#[test]
fn metrics_have_an_address_of_their_own_where_nothing_else_can_be_asked() {
    // The line of the log tells which port it is.
    let host = Host::start("metrics_listen = \"127.0.0.1:0\"", "");
    let own = own_listeners(host.child.id());
    let api: u16 = host.url().rsplit(':').next().unwrap().parse().unwrap();
    let metrics: Vec<u16> = own.into_iter().filter(|port| *port != api).collect();
    let [port] = metrics[..] else { panic!("{metrics:?}") };
    let ask = |method: &str, path: &str, host: &str| {
        let mut stream = connect(&format!("http://127.0.0.1:{port}"));
        stream.write_all(&request(method, path, None, &[("Host", host)], b"")).unwrap();
        Answer::of(&rest(stream))
    };
    let page = ask("GET", "/metrics", "localhost");
    assert_eq!((page.status, page.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    assert!(page.body.contains("# TYPE hookaroon_source_events_total counter"));
    assert_eq!(ask("GET", "/health/ready", "localhost").status, 200);
    assert_eq!(ask("GET", "/metrics", "evil.example").status, 421);
    for (method, path, status) in [
        ("GET", "/api/v1/hooks", 404),
        ("DELETE", "/api/v1/tokens/tap", 404),
        ("POST", "/api/v1/explain", 404),
        ("POST", "/metrics", 405),
    ] {
        assert_eq!(ask(method, path, "localhost").status, status, "{path}");
    }
    host.end();
}

/// The ports that a process listens at, as /proc tells them.
fn own_listeners(pid: u32) -> Vec<u16> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().filter_map(|entry| {
        let link = fs::read_link(entry.unwrap().path()).ok()?.to_string_lossy().into_owned();
        Some(link.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
    });
    let inodes: Vec<String> = links.collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap();
    let listening = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let is_own = columns[3] == "0A" && inodes.iter().any(|inode| inode == columns[9]);
        is_own.then(|| u16::from_str_radix(columns[1].split(':').nth(1).unwrap(), 16).unwrap())
    });
    listening.collect()
}
