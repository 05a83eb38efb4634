//! What a tap sees as an answer that goes on: a line of JSON for each event, one for what is not shown, one for the end.
//!
//! It ends after a time, after so many events, when the run ends, or with whoever reads: a reader that takes nothing for as
//! long as a connection may stall is cut off, and until then loses events. Lines are made when they can be sent, so none
//! pile up here. What is told of events that are not shown comes once a second at most, and only if it is new.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Bytes, HttpBody};
use hyper::body::Frame;
use serde::Serialize;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::tap::{Counts, Tapped};

/// How often it is told what is not shown.
const TELL: Duration = Duration::from_secs(1);

/// When a stream ends by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    /// After so long.
    pub(super) seconds: u64,
    /// After so many events.
    pub(super) events: u64,
}

/// An answer that goes on.
pub(super) struct Stream {
    tapped: Tapped,
    ends: Ends,
    /// Events that were shown.
    shown: u64,
    /// What was told of those that are not.
    told: Unseen,
    /// When the stream ends, and the next time to tell; none: nobody has asked for a line yet.
    times: Option<(Instant, Pin<Box<Sleep>>)>,
    /// The last line was said.
    is_over: bool,
}

/// Events that are not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Unseen {
    /// Not looked at, because the rate was used up; whether they match is not known.
    left_out: u64,
    /// Because the reader was too slow.
    lost: u64,
}

/// The last line.
#[derive(Debug, Serialize)]
struct End {
    end: &'static str,
    passed: u64,
    shown: u64,
    #[serde(flatten)]
    unseen: Unseen,
}

impl Unseen {
    fn of(counts: &Counts) -> Unseen {
        Unseen { left_out: counts.left_out.get(), lost: counts.lost.get() }
    }
}

impl Stream {
    pub(super) fn new(tapped: Tapped, ends: Ends) -> Stream {
        Stream { tapped, ends, shown: 0, told: Unseen::default(), times: None, is_over: false }
    }

    fn end(&mut self, end: &'static str) -> Bytes {
        self.is_over = true;
        let counts = self.tapped.counts();
        line(&End { end, passed: counts.passed.get(), shown: self.shown, unseen: Unseen::of(counts) })
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        let now = Instant::now();
        let after = Duration::from_secs(self.ends.seconds);
        let (until, tell) = self
            .times
            .get_or_insert_with(|| (now + after, Box::pin(sleep_until((now + after).min(now + TELL)))));
        let until = *until;
        if self.shown >= self.ends.events {
            return Poll::Ready(self.end("limit"));
        }
        if now >= until {
            return Poll::Ready(self.end("time"));
        }
        if tell.as_mut().poll(context).is_ready() {
            tell.as_mut().reset(until.min(now + TELL));
            // So that it wakes this task again.
            let _ = tell.as_mut().poll(context);
            let unseen = Unseen::of(self.tapped.counts());
            if std::mem::replace(&mut self.told, unseen) != unseen {
                return Poll::Ready(line(&unseen));
            }
        }
        match self.tapped.poll_next(context) {
            Poll::Ready(Some(sight)) => {
                self.shown += 1;
                Poll::Ready(line(&sight.told()))
            }
            Poll::Ready(None) => Poll::Ready(self.end("run")),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl HttpBody for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.next(context).map(|line| Some(Ok(Frame::data(line))))
    }
}

fn line(value: &impl Serialize) -> Bytes {
    // Numbers and texts, so this cannot fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    Bytes::from(line)
}
