//! The whole stage against a reference that is simple because it sees all bytes at once and keeps them all.

use proptest::prelude::*;

use super::*;

/// One line as a test sees it.
type Seen = (String, u64, Form);

fn options(max_event_bytes: usize, format: Format) -> Options {
    Options { max_event_bytes, format }
}

/// Feeds `bytes` in reads of these sizes, the last one again and again, and checks what holds for every block.
fn decode(bytes: &[u8], options: Options, reads: &[usize]) -> (Vec<Seen>, Counts) {
    let mut framer = Framer::new(options, 0);
    let (mut seen, mut counts) = (Vec::new(), Counts::default());
    let mut add = |lines: Option<Lines>| {
        let Some(lines) = lines else { return };
        let text = std::str::from_utf8(&lines.block).unwrap();
        counts.add(lines.counts);
        for line in &lines.lines {
            assert!(lines.block[line.end as usize] < 0x20);
            seen.push((text[line.start as usize..line.end as usize].to_owned(), line.offset, line.form));
        }
    };
    let mut rest = bytes;
    let mut sizes = reads.iter().copied().chain(std::iter::repeat(*reads.last().unwrap_or(&usize::MAX)));
    while !rest.is_empty() {
        let space = framer.space();
        assert!(space.len() >= 64 << 10);
        let size = sizes.next().unwrap().min(rest.len()).min(space.len());
        space[..size].copy_from_slice(&rest[..size]);
        rest = &rest[size..];
        framer.advance(size);
        add(framer.take());
    }
    add(framer.finish());
    assert!(framer.finish().is_none());
    (seen, counts)
}

/// The characters of a line, each with the offset of its first raw byte.
fn characters(raw: &[u8], offset: u64) -> Vec<(char, u64)> {
    let mut found = Vec::new();
    let mut at = offset;
    for chunk in raw.utf8_chunks() {
        found.extend(chunk.valid().char_indices().map(|(index, char)| (char, at + index as u64)));
        at += chunk.valid().len() as u64;
        if !chunk.invalid().is_empty() {
            found.push(('\u{fffd}', at));
            at += chunk.invalid().len() as u64;
        }
    }
    found
}

fn reference(bytes: &[u8], max: usize, form: Form) -> (Vec<Seen>, Counts) {
    let max = max.clamp(MIN_EVENT_BYTES, MAX_EVENT_BYTES);
    let mut counts = Counts { bytes: bytes.len() as u64, ..Counts::default() };
    let mut seen = Vec::new();
    let mut raw_lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    raw_lines.pop_if(|last| last.is_empty());
    let mut offset = 0;
    for raw in raw_lines {
        let mark = if offset == 0 && raw.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = &raw[mark..];
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let streamed = raw.len() > max * LOOK_AHEAD;
        let repaired = String::from_utf8_lossy(text);
        if !streamed && text.iter().all(|byte| b" \t\r".contains(byte)) {
            counts.blank_lines += 1;
        } else {
            counts.repaired_lines += u64::from(repaired.as_bytes() != text);
            if streamed || repaired.len() > max {
                counts.oversize_lines += 1;
                let mut parts: Vec<(String, u64)> = Vec::new();
                for (char, at) in characters(text, offset + mark as u64) {
                    match parts.last_mut() {
                        Some((part, _)) if part.len() + char.len_utf8() <= max => part.push(char),
                        _ => parts.push((char.to_string(), at)),
                    }
                }
                let total = parts.len();
                for (number, (part, at)) in parts.into_iter().enumerate() {
                    let number = number + 1;
                    let known = !streamed || number == total;
                    let parts = if known { total.to_string() } else { "null".to_owned() };
                    let message = serde_json::to_string(&part).unwrap();
                    let text = format!("{{\"message\":{message},\"part\":{number},\"parts\":{parts}}}");
                    seen.push((text, at, Form::Event));
                }
            } else {
                seen.push((repaired.into_owned(), offset, form));
            }
        }
        offset += raw.len() as u64 + 1;
    }
    (seen, counts)
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b" \t\r".to_vec()),
        1 => Just(b"\xef\xbb\xbf".to_vec()),
        2 => proptest::collection::vec(any::<u8>(), 1..4),
        4 => "[a-z\"\\\\é€😀]{1,12}".prop_map(String::into_bytes),
        1 => (1..400usize).prop_map(|len| vec![b'x'; len]),
        1 => (1..200usize).prop_map(|len| vec![0xf0; len]),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_in_any_reads_give_the_lines_of_the_reference(
        bytes in bytes(), max in 0..200usize, reads in proptest::collection::vec(1..50usize, 0..8),
    ) {
        let expected = reference(&bytes, max, Form::Auto);
        prop_assert_eq!(&decode(&bytes, options(max, Format::Auto), &reads), &expected);
        prop_assert_eq!(&decode(&bytes, options(max, Format::Auto), &[1]), &expected);
    }

    #[test]
    fn container_logs_do_not_depend_on_the_reads_and_lose_no_text(
        pieces in proptest::collection::vec(("[a-z{}\" ]{0,20}", any::<bool>(), any::<bool>()), 0..20),
        max in 120..200usize, reads in proptest::collection::vec(1..50usize, 0..8),
    ) {
        let mut cri = String::new();
        let mut docker = String::new();
        for (text, stderr, complete) in &pieces {
            let stream = if *stderr { "stderr" } else { "stdout" };
            cri += &format!("2025-10-01T12:00:00Z {stream} {} {text}\n", if *complete { "F" } else { "P" });
            let log = if *complete { format!("{text}\n") } else { text.clone() };
            docker += &serde_json::json!({"log": log, "stream": stream, "time": "2025-10-01T12:00:00Z"}).to_string();
            docker += "\n";
        }
        let expected = decode(cri.as_bytes(), options(max, Format::Cri), &[]);
        prop_assert_eq!(&decode(cri.as_bytes(), options(max, Format::Cri), &reads), &expected);
        let docker = decode(docker.as_bytes(), options(max, Format::Docker), &reads).0;
        let texts = |seen: &[Seen]| seen.iter().map(|line| line.0.clone()).collect::<Vec<_>>();
        prop_assert_eq!(texts(&docker), texts(&expected.0));
        for stream in ["stdout", "stderr"] {
            let written: String =
                pieces.iter().filter(|piece| piece.1 == (stream == "stderr")).map(|piece| piece.0.as_str()).collect();
            let read: String = texts(&expected.0).iter().filter_map(|text| {
                let event: serde_json::Value = serde_json::from_str(text).unwrap();
                // An object of the program is not a message; the only one these letters make is the empty one.
                let text = event["message"].as_str().unwrap_or("{}").to_owned();
                (event["stream"] == stream).then_some(text)
            }).collect();
            prop_assert_eq!(read.replace(' ', ""), written.replace(' ', ""));
        }
    }
}

fn texts(bytes: &str, format: Format, max: usize) -> Vec<String> {
    decode(bytes.as_bytes(), options(max, format), &[]).0.into_iter().map(|line| line.0).collect()
}

#[test]
fn blocks_larger_than_a_buffer_and_lines_longer_than_one_come_out_whole() {
    let mut bytes = Vec::new();
    for index in 0..9000 {
        bytes.extend_from_slice(
            format!("{{\"index\":{index},\"pad\":\"{}\"}}\r\n", "p".repeat(index % 300)).as_bytes(),
        );
        if index % 1000 == 7 {
            bytes.extend_from_slice(&"é€".repeat(100_000).into_bytes());
            bytes.push(b'\n');
        }
    }
    for max in [1000, 40_000, 1 << 20] {
        for read in [1000, 65_536, usize::MAX] {
            assert!(
                decode(&bytes, options(max, Format::Auto), &[read]) == reference(&bytes, max, Form::Auto)
            );
        }
    }
}

#[test]
fn a_line_without_an_end_holds_no_more_than_the_look_ahead() {
    let mut framer = Framer::new(options(10_000, Format::Auto), 0);
    let mut parts = 0;
    for _ in 0..300 {
        let space = framer.space();
        assert!(space.len() <= 512 << 10);
        let read = space.len();
        space.fill(0xff);
        framer.advance(read);
        parts += framer.take().map_or(0, |lines| lines.lines.len());
    }
    assert!(parts > 10_000);
}

#[test]
fn the_format_says_what_to_do_with_a_line() {
    for (format, form) in [(Format::Auto, Form::Auto), (Format::Json, Form::Json), (Format::Text, Form::Text)]
    {
        let (seen, counts) = decode(b"one\n\n two", options(100, format), &[]);
        assert_eq!(seen, [("one".to_owned(), 0, form), (" two".to_owned(), 5, form)]);
        assert_eq!(counts, Counts { bytes: 9, blank_lines: 1, ..Counts::default() });
    }
}

#[test]
fn offsets_go_on_from_where_a_stream_was_left() {
    let mut framer = Framer::new(options(100, Format::Auto), 1000);
    framer.space()[..8].copy_from_slice(b"ab\n\ncd\nx");
    framer.advance(8);
    let lines = framer.take().unwrap();
    assert_eq!(lines.lines.iter().map(|line| line.offset).collect::<Vec<_>>(), [1000, 1004]);
    assert_eq!(framer.finish().unwrap().lines[0].offset, 1007);
}

#[test]
fn a_wrapped_line_reads_back_as_it_was() {
    let mut out = Vec::new();
    wrap("a \"b\" \\ \t é".as_bytes(), &mut out);
    let event: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(event, serde_json::json!({"message": "a \"b\" \\ \t é"}));
}

#[test]
fn an_object_in_a_container_log_gets_the_members_that_it_lacks() {
    let lines = "2025-10-01T12:00:00Z stdout F {\"a\":1} \n\
                 2025-10-01T12:00:00Z stderr F {}\n\
                 2025-10-01T12:00:00Z stdout F {\"\\u0074ime\":2, \"stream\":3}\n\
                 2025-10-01T12:00:00Z stdout F {\"a\":1,}\n";
    assert_eq!(
        texts(lines, Format::Cri, 200),
        [
            r#"{"a":1,"stream":"stdout","time":"2025-10-01T12:00:00Z"}"#,
            r#"{"stream":"stderr","time":"2025-10-01T12:00:00Z"}"#,
            r#"{"\u0074ime":2, "stream":3}"#,
            r#"{"message":"{\"a\":1,}","stream":"stdout","time":"2025-10-01T12:00:00Z"}"#,
        ]
    );
}

#[test]
fn a_newline_inside_an_object_of_a_container_log_does_not_make_two_lines_of_it() {
    let line = r#"{"log":"{\n\"a\":1}\n","stream":"stdout","time":"t"}"#;
    assert_eq!(texts(line, Format::Docker, 200), [r#"{ "a":1,"stream":"stdout","time":"t"}"#]);
}

#[test]
fn the_pieces_of_a_line_are_joined_per_stream_and_leave_in_parts_when_they_are_too_many() {
    let time = "2025-10-01T12:00:00Z";
    let lines = format!("{time} stdout P ab\n{time} stderr F err\n{time} stdout F cd\n");
    assert_eq!(
        texts(&lines, Format::Cri, 200),
        [
            format!(r#"{{"message":"err","stream":"stderr","time":"{time}"}}"#),
            format!(r#"{{"message":"abcd","stream":"stdout","time":"{time}"}}"#),
        ]
    );
    let piece = "x".repeat(30);
    let lines = format!("{time} stdout P {piece}\n{time} stdout P {piece}\n{time} stdout F {piece}\n");
    let (seen, counts) = decode(lines.as_bytes(), options(62, Format::Cri), &[]);
    assert_eq!(counts.oversize_lines, 1);
    assert_eq!(seen.len(), 2);
    assert!(seen[0].0.contains(r#""part":1,"parts":null"#) && seen[1].0.contains(r#""part":2,"parts":2"#));
    assert_eq!((seen[0].1, seen[1].1), (0, 2 * (lines.len() as u64 / 3)));
}

#[test]
fn a_container_log_line_of_another_shape_is_a_text() {
    for (line, format) in [
        ("panic: no envelope", Format::Cri),
        ("2025-10-01T12:00:00Z stdin F text", Format::Cri),
        ("2025-10-01T12:00:00Z stdout X text", Format::Cri),
        ("{\"log\":1}", Format::Docker),
        ("{\"log\":\"a\\n\",\"stream\":\"other\",\"time\":\"t\"}", Format::Docker),
    ] {
        assert_eq!(decode(line.as_bytes(), options(200, format), &[]).0, [(line.to_owned(), 0, Form::Text)]);
    }
}

#[test]
fn the_look_ahead_decides_to_the_byte_whether_a_line_knows_its_parts() {
    for byte in [b'x', b' ', 0xff] {
        for len in 16 * 64 - 1..=16 * 64 + 2 {
            for end in [&b"\n"[..], b"\r\n", b"\nend", b""] {
                let bytes = [&vec![byte; len], end].concat();
                let expected = reference(&bytes, 64, Form::Auto);
                for read in [1, 100, usize::MAX] {
                    assert_eq!(
                        decode(&bytes, options(64, Format::Auto), &[read]),
                        expected,
                        "{len} {end:?} {read}"
                    );
                }
            }
        }
    }
}
