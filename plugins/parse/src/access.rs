//! What is special about access logs: their usual forms, the first line of a request, their time, and which of their
//! values are numbers.
//!
//! Form and order are those of Apache's mod_log_config, of nginx's `log_format`, and of the ingress controller for
//! Kubernetes. What is no request line or no such time stays as it is.

use hookaroon_find::is;

use crate::values::{Kind, Place, Values};

/// The template of a named form.
macro_rules! combined {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            r#"$client_ip $ident $user [$time] "$request" $status $bytes "$referer" "$user_agent""#,
            $after
        )
    };
}

/// `%h %l %u %t "%r" %>s %b`
pub const COMMON: &str = r#"$client_ip $ident $user [$time] "$request" $status $bytes"#;
/// And `"%{Referer}i" "%{User-Agent}i"`; nginx's own default.
pub const COMBINED: &str = combined!("", "");
/// Debian's Apache: with `%v:%p` before it.
pub const VHOST_COMBINED: &str = combined!("$vhost:$port ", "");
/// The `main` of nginx's packages: with `"$http_x_forwarded_for"` behind it.
pub const NGINX_MAIN: &str = combined!("", r#" "$forwarded_for""#);
/// The ingress controller's default.
pub const INGRESS_NGINX: &str = combined!(
    "",
    " $request_length $request_time [$upstream_name] [$upstream_alternative_name] $upstream_addr \
     $upstream_response_length $upstream_response_time $upstream_status $request_id"
);

/// What becomes of a request's first line: the last one is the line itself if it is none.
pub const REQUEST: [&str; 4] = ["method", "path", "protocol", "request"];

/// The longest name of a method that is believed.
const LONGEST_METHOD: usize = 32;

/// The kind that a value of this name has by default. Names are those of the forms above and of nginx's variables.
pub fn kind(name: &str) -> Kind {
    match name {
        "status"
        | "bytes"
        | "port"
        | "body_bytes_sent"
        | "bytes_sent"
        | "content_length"
        | "connection"
        | "connection_requests"
        | "remote_port"
        | "request_length"
        | "server_port" => Kind::Integer,
        "msec" | "request_time" => Kind::Float,
        _ => Kind::Text,
    }
}

/// Sets a request's method, path and protocol from `first` on, or the request itself if it is not one.
#[inline(never)]
pub fn request(first: usize, place: Place, line: &str, values: &mut Values) {
    let split = values.at(place, line).and_then(|text| {
        let (method, rest) = text.split_at_checked(hookaroon_find::first(text.as_bytes(), is(b' '))?)?;
        let rest = rest.get(1..)?;
        let is_method = (1..=LONGEST_METHOD).contains(&method.len())
            && method.bytes().all(|letter| letter.is_ascii_alphabetic() || letter == b'-' || letter == b'_');
        // A path may have spaces in it, however wrong that is.
        let last_space = rest.bytes().rposition(|byte| byte == b' ').unwrap_or(rest.len());
        let (path, protocol) = match (rest.get(..last_space), rest.get(last_space + 1..)) {
            (Some(path), Some(protocol)) if protocol.starts_with("HTTP/") => (path, protocol),
            _ => (rest, ""),
        };
        let at = method.len() + 1;
        (is_method && !path.is_empty()).then_some((
            method.len(),
            at..at + path.len(),
            protocol.len(),
            text.len(),
        ))
    });
    let Some((method, path, protocol, length)) = split else {
        return values.set(first + 3, place);
    };
    values.set(first, place.part(0..method));
    values.set(first + 1, place.part(path));
    if protocol > 0 {
        values.set(first + 2, place.part(length - protocol..length));
    }
}

/// Sets a time: `10/Oct/2000:13:55:36 -0700` as RFC 3339 has it, `2000-10-10T13:55:36-07:00`.
#[inline(never)]
pub fn time(number: usize, place: Place, line: &str, values: &mut Values) {
    let known = values.at(place, line).and_then(|text| rfc3339(text.as_bytes()));
    match known.as_ref().and_then(|time| std::str::from_utf8(time).ok()) {
        Some(time) => {
            let start = values.buffer.len();
            values.buffer.push_str(time);
            values.set(number, Place::buffer(start..values.buffer.len()));
        }
        None => values.set(number, place),
    }
}

/// The number of a month in two digits.
fn month(name: &[u8; 3]) -> Option<&'static [u8; 2]> {
    Some(match name {
        b"Jan" => b"01",
        b"Feb" => b"02",
        b"Mar" => b"03",
        b"Apr" => b"04",
        b"May" => b"05",
        b"Jun" => b"06",
        b"Jul" => b"07",
        b"Aug" => b"08",
        b"Sep" => b"09",
        b"Oct" => b"10",
        b"Nov" => b"11",
        b"Dec" => b"12",
        _ => return None,
    })
}

fn rfc3339(text: &[u8]) -> Option<[u8; 25]> {
    #[rustfmt::skip]
    let &[d1, d2, b'/', n1, n2, n3, b'/', y1, y2, y3, y4, b':', h1, h2, b':', m1, m2, b':', s1, s2, b' ',
        sign @ (b'+' | b'-'), o1, o2, o3, o4] = text else { return None };
    let digits = [d1, d2, y1, y2, y3, y4, h1, h2, m1, m2, s1, s2, o1, o2, o3, o4];
    // All of them, without a branch for each.
    if !digits.iter().fold(true, |all, digit| all & digit.is_ascii_digit()) {
        return None;
    }
    let &[n1, n2] = month(&[n1, n2, n3])?;
    #[rustfmt::skip]
    let time = [y1, y2, y3, y4, b'-', n1, n2, b'-', d1, d2, b'T', h1, h2, b':', m1, m2, b':', s1, s2,
        sign, o1, o2, b':', o3, o4];
    Some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;

    /// The values of a line as `name=text`; nothing if it has another form.
    fn parse(form: &str, line: &str) -> Option<Vec<String>> {
        let template = Template::new(form).unwrap();
        let mut values = Values::default();
        template.parse(line, &mut values).ok()?;
        let known = template.names().iter().enumerate();
        Some(known.filter_map(|(at, name)| Some(format!("{name}={}", values.text(at, line)?))).collect())
    }

    #[test]
    fn the_usual_forms_are_taken_apart() {
        // The example of Apache's documentation.
        let line = r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326"#;
        let common = [
            "client_ip=127.0.0.1",
            "user=frank",
            "time=2000-10-10T13:55:36-07:00",
            "method=GET",
            "path=/apache_pb.gif",
            "protocol=HTTP/1.0",
            "status=200",
            "bytes=2326",
        ];
        assert_eq!(parse(COMMON, line).unwrap(), common);
        let line =
            format!(r#"{line} "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)""#);
        let combined = [
            &common[..],
            &["referer=http://www.example.com/start.html", "user_agent=Mozilla/4.08 [en] (Win98; I ;Nav)"],
        ]
        .concat();
        assert_eq!(parse(COMBINED, &line).unwrap(), combined);
        assert_eq!(
            parse(VHOST_COMBINED, &format!("www.example.com:443 {line}")).unwrap(),
            [&["vhost=www.example.com", "port=443"], &combined[..]].concat()
        );
        assert_eq!(
            parse(NGINX_MAIN, &format!(r#"{line} "10.1.2.3, 10.1.2.4""#)).unwrap(),
            [&combined[..], &["forwarded_for=10.1.2.3, 10.1.2.4"]].concat()
        );
        assert_eq!(
            parse(
                INGRESS_NGINX,
                &format!(
                    "{line} 459 0.103 [shop-web-80] [] 10.0.0.1:80, 10.0.0.2:80 0, 612 0.001, 0.102 502, 200 6e0aa0c5"
                )
            )
            .unwrap(),
            [
                &combined[..],
                &[
                    "request_length=459",
                    "request_time=0.103",
                    "upstream_name=shop-web-80",
                    "upstream_alternative_name=",
                    "upstream_addr=10.0.0.1:80, 10.0.0.2:80",
                    "upstream_response_length=0, 612",
                    "upstream_response_time=0.001, 0.102",
                    "upstream_status=502, 200",
                    "request_id=6e0aa0c5"
                ]
            ]
            .concat()
        );
    }

    #[test]
    fn a_request_is_split_and_what_is_none_is_kept_whole() {
        for (request, expected) in [
            ("GET / HTTP/1.1", &["method=GET", "path=/", "protocol=HTTP/1.1"][..]),
            ("GET /a b?c=\\\"d\\\" HTTP/2.0", &["method=GET", "path=/a b?c=\"d\"", "protocol=HTTP/2.0"]),
            ("GET /old", &["method=GET", "path=/old"]),
            ("M-SEARCH * HTTP/1.1", &["method=M-SEARCH", "path=*", "protocol=HTTP/1.1"]),
            (r"\x16\x03\x01\x02", &["request=\u{16}\u{3}\u{1}\u{2}"]),
            ("\\x16\\x03 x HTTP/1.1", &["request=\u{16}\u{3} x HTTP/1.1"]),
            ("GET  HTTP/1.1", &["request=GET  HTTP/1.1"]),
            ("GET ", &["request=GET "]),
            ("", &["request="]),
            ("-", &[]),
        ] {
            assert_eq!(parse("\"$request\"", &format!("\"{request}\"")).unwrap(), expected, "{request}");
        }
    }

    #[test]
    fn a_time_becomes_that_of_rfc_3339_and_what_is_none_stays() {
        for (time, expected) in [
            ("01/Jan/2024:00:00:00 +0000", "2024-01-01T00:00:00+00:00"),
            ("31/Dec/1999:23:59:59 +0530", "1999-12-31T23:59:59+05:30"),
            ("31/Dez/1999:23:59:59 +0530", "31/Dez/1999:23:59:59 +0530"),
            ("31/anF/1999:23:59:59 +0530", "31/anF/1999:23:59:59 +0530"),
            ("1/Jan/2024:00:00:00 +0000", "1/Jan/2024:00:00:00 +0000"),
            ("2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00"),
            ("", ""),
        ] {
            assert_eq!(parse("[$time]", &format!("[{time}]")).unwrap(), [format!("time={expected}")]);
        }
    }
}
