//! A small hook that uses the whole contract, in Rust. `tests/peers/c` and `tests/peers/python` are the same hook,
//! written on the contract itself; `tests/e2e/peers.rs` holds all three to the same bytes.
//!
//! The first of these that applies decides:
//!
//! | event | what becomes of it |
//! | --- | --- |
//! | `message` is `trap` | the call traps |
//! | `message` is `error` | the call fails |
//! | `status` is there, and neither an integer nor null | the row fails |
//! | `status` is 204 | it is dropped |
//!
//! All others stay, and each of these is done to them that applies:
//!
//! | event | what is done |
//! | --- | --- |
//! | `message` is `report` | the next `status` ticks emit how many events were seen |
//! | `status` is an integer | `row` becomes how many events were seen, by the instances before too |
//! | `status` is below 0 or from 500 on | an event that holds this one, as it came, follows it |
//! | `message` starts with `!` | that is taken off |
//! | `message` is a text; null; missing | `password` is removed; set to null; left, and the event's size merged into `meta` |
#![allow(missing_docs)]

use std::time::Duration;

use hookaroon_sdk::{
    Batch, Emitter, Event, Grant, Hook, Integer, Json, Mark, NoConfig, Read, Reason, Setup, Text, Verdict,
    Write, export,
};

pub struct Peer {
    message: Read<Text>,
    status: Read<Integer>,
    whole: Read<Json>,
    text: Write<Text>,
    row: Write<Integer>,
    password: Write<Text>,
    meta: Write<Json>,
    seen: u64,
    /// Ticks that are still to report.
    reports: i64,
}

impl Hook for Peer {
    type Config = NoConfig;
    const GRANT: Grant = Grant {
        read: &["message", "status", "."],
        write: &["message", "row", "password", "meta"],
        drop: true,
        emit: true,
        imports: &[],
    };

    fn init(_config: NoConfig, setup: &mut Setup) -> Result<Peer, String> {
        let mut seen = 0;
        for state in setup.states() {
            let count = std::str::from_utf8(state).ok().and_then(|text| text.parse::<u64>().ok());
            seen += count.ok_or("a saved state is not a number")?;
        }
        setup.tick_every(Duration::from_millis(20));
        Ok(Peer {
            message: setup.read("message"),
            status: setup.read("status"),
            whole: setup.read_event(),
            text: setup.write("message"),
            row: setup.write("row"),
            password: setup.write("password"),
            meta: setup.write("meta"),
            seen,
            reports: 0,
        })
    }

    fn process_batch(&mut self, batch: &mut Batch<'_>) -> Result<(), String> {
        while let Some(mut event) = batch.next_event() {
            if event.get(self.message) == Some("error") {
                return Err("told to fail".to_owned());
            }
            if self.process(&mut event) == Verdict::Drop {
                event.drop_it();
            }
        }
        Ok(())
    }

    fn process(&mut self, event: &mut Event<'_>) -> Verdict {
        self.seen += 1;
        let message = event.get(self.message);
        let status = event.get(self.status);
        if message == Some("trap") {
            #[allow(clippy::panic)] // That is what it is for.
            {
                panic!("told to trap");
            }
        }
        if event.mark(self.status) == Mark::Other {
            event.fail("status is not an integer");
            return Verdict::Keep;
        }
        if status == Some(204) {
            return Verdict::Drop;
        }
        let whole = event.get(self.whole).unwrap_or_default();
        if let Some(status) = status {
            if message == Some("report") {
                self.reports = status;
            }
            event.set(self.row, self.seen as i64);
            if !(0..500).contains(&status) {
                event.emit(&format!("{{\"alert\":{status},\"event\":{whole}}}"));
            }
        }
        if let Some(rest) = message.and_then(|message| message.strip_prefix('!')) {
            event.set(self.text, rest);
        }
        match event.mark(self.message) {
            Mark::Value => event.remove(self.password),
            Mark::Null => event.set_null(self.password),
            Mark::Absent => event.merge(self.meta, &format!("{{\"size\":{}}}", whole.len())),
            Mark::Other => {}
        }
        Verdict::Keep
    }

    fn tick(&mut self, _now_ns: u64, out: &mut Emitter) -> Result<(), String> {
        if self.reports > 0 {
            self.reports -= 1;
            out.emit(&format!("{{\"tick\":true,\"seen\":{}}}", self.seen));
        }
        Ok(())
    }

    fn save(&self) -> Option<Vec<u8>> {
        (self.seen > 0).then(|| self.seen.to_string().into_bytes())
    }

    fn teardown(&mut self, reason: Reason, out: &mut Emitter) {
        let reason = match reason {
            Reason::Unload => "unload",
            Reason::Swap => "swap",
            Reason::Recycle => "recycle",
            Reason::Shutdown => "shutdown",
        };
        out.emit(&format!("{{\"end\":\"{reason}\",\"seen\":{}}}", self.seen));
    }
}

export!(Peer);
