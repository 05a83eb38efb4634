use super::*;
use crate::event::batch::{Origin, SourceId};
use crate::event::field::EventTime;
use crate::event::projection::Projection;
use crate::event::time::TimeFormat;

/// A batch of these events, of the source `in`, whose projection asks for nothing.
fn batch<'t>(texts: impl IntoIterator<Item = &'t str>) -> Batch {
    let projection = Arc::new(Projection::empty());
    let mut batch = Batch::new(projection.clone());
    let origin = batch.add_origin(Origin {
        source: SourceId::Source(0),
        source_name: Arc::from("in"),
        stream: Arc::from("stdin"),
        file: None,
        host: Arc::from("host"),
        time: EventTime::new(&TimeFormat::default(), &projection),
        received_ns: 0,
        identity: 0,
    });
    for (offset, text) in (0..).zip(texts) {
        assert!(batch.push_text(origin, offset, |out| out.extend_from_slice(text.as_bytes())));
    }
    batch
}

fn shown(tapped: &mut Tapped) -> Vec<String> {
    std::iter::from_fn(|| tapped.try_next()).map(|sight| String::from_utf8(sight.event).unwrap()).collect()
}

fn wanted(conditions: &[&str], events: u32) -> Wanted {
    let conditions = conditions.iter().map(|text| text.parse().unwrap()).collect();
    Wanted { conditions, rate: Rate { events, ..Rate::default() }, ..Wanted::default() }
}

#[test]
fn what_matches_is_shown_though_the_chain_asks_for_no_field() {
    let taps: Arc<Taps> = Arc::default();
    let mut tapped = taps.open(wanted(&["level in warn, error", "%source == in"], 10), &[]).unwrap();
    let texts = [r#"{"level":"ERROR","n":1}"#, r#"{"level":"info"}"#, r#"{"level":"Warning"}"#, "{}"];
    taps.leaving(&batch(texts));
    assert_eq!(shown(&mut tapped), [texts[0], texts[2]]);
    let counts = tapped.counts();
    assert_eq!((counts.passed.get(), counts.left_out.get(), counts.lost.get()), (4, 0, 0));
}

#[test]
fn the_time_of_an_event_can_be_asked_for() {
    let taps: Arc<Taps> = Arc::default();
    let mut tapped = taps.open(wanted(&["%time >= 1700000000000000000"], 10), &[]).unwrap();
    let texts = [r#"{"ts":1700000000}"#, r#"{"ts":1699999999}"#];
    taps.leaving(&batch(texts));
    assert_eq!(shown(&mut tapped), [texts[0]]);
}

#[test]
fn what_is_over_the_rate_is_left_out_and_counted() {
    let taps: Arc<Taps> = Arc::default();
    let mut tapped = taps.open(wanted(&[], 3), &[]).unwrap();
    taps.leaving(&batch(["{}"; 100]));
    assert_eq!(shown(&mut tapped).len(), 3);
    assert_eq!((tapped.counts().passed.get(), tapped.counts().left_out.get()), (100, 97));
}

#[test]
fn a_reader_that_does_not_read_loses_events_and_nobody_waits() {
    let taps: Arc<Taps> = Arc::default();
    let mut tapped = taps.open(wanted(&[], 1000), &[]).unwrap();
    taps.leaving(&batch(["{}"; 1000]));
    assert_eq!(tapped.counts().lost.get(), 1000 - MOST_WAITING as u64);
    assert_eq!(shown(&mut tapped).len(), MOST_WAITING);
    // The bytes are a bound too.
    let rate = Rate { events: 1000, bytes: u32::MAX };
    let mut tapped = taps.open(Wanted { rate, ..Wanted::default() }, &[]).unwrap();
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MOST_BYTES / 4));
    taps.leaving(&batch([large.as_str(); 10]));
    assert_eq!((shown(&mut tapped).len(), tapped.counts().lost.get()), (3, 7));
    taps.leaving(&batch([large.as_str(); 2]));
    assert_eq!(shown(&mut tapped).len(), 2);
}

#[test]
fn there_are_so_many_taps_at_most_and_one_that_is_dropped_is_gone() {
    let taps: Arc<Taps> = Arc::default();
    let mut open: Vec<Tapped> = (0..MOST_TAPS).map(|_| taps.open(Wanted::default(), &[]).unwrap()).collect();
    assert!(matches!(taps.open(Wanted::default(), &[]), Err(TapError::TooMany)));
    open.pop();
    assert!(taps.open(Wanted::default(), &[]).is_ok());
    open.clear();
    assert!(taps.are_none());
}

#[test]
fn only_the_source_that_was_asked_for_is_shown() {
    let taps: Arc<Taps> = Arc::default();
    let of = |source: &str| Wanted { source: Some(source.to_owned()), ..Wanted::default() };
    let mut ours = taps.open(of("in"), &[]).unwrap();
    let mut others = taps.open(of("hook:count"), &[]).unwrap();
    taps.leaving(&batch(["{}"]));
    assert_eq!((shown(&mut ours).len(), shown(&mut others).len()), (1, 0));
    assert_eq!(others.counts().passed.get(), 1);
}
