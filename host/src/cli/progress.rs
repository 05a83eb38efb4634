//! A line on the terminal that tells how far a long run is.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::drain::Drain;
use crate::metrics::Metrics;
use crate::summary::grouped;

/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(200);

/// Draws until it is ended. Without a terminal on standard error nothing is drawn.
pub struct Progress {
    bar: ProgressBar,
    end: Arc<Drain>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to draw how much of `bytes_to_read` has come in, or only how much has.
    pub fn start(metrics: &Arc<Metrics>, bytes_to_read: Option<u64>) -> Progress {
        let bar = ProgressBar::with_draw_target(bytes_to_read, ProgressDrawTarget::stderr());
        let style = match bytes_to_read {
            Some(_) => "  {bar:30} {percent:>3} %  {decimal_bytes_per_sec}  {msg}  eta {eta}",
            None => "  {spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        let end = Arc::new(Drain::default());
        let drawing = if bar.is_hidden() { None } else { draw(&bar, metrics, &end) };
        Progress { bar, end, drawing }
    }

    /// Takes the line away.
    pub fn end(self) {
        self.end.request();
        if let Some(drawing) = self.drawing {
            let _ = drawing.join();
        }
        self.bar.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, metrics: &Arc<Metrics>, end: &Arc<Drain>) -> Option<JoinHandle<()>> {
    let (bar, metrics, end) = (bar.clone(), metrics.clone(), end.clone());
    let draw = move || {
        while !end.wait(EVERY) {
            let input = metrics.input();
            bar.set_position(input.bytes.get());
            let failures: u64 = metrics.hooks().iter().map(|hook| hook.all_failures()).sum();
            let failed =
                if failures > 0 { format!(", {} hook failures", grouped(failures)) } else { String::new() };
            bar.set_message(format!("{} events{failed}", grouped(input.events.get())));
        }
    };
    thread::Builder::new().name("progress".to_owned()).spawn(draw).ok()
}
