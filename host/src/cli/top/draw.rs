//! One frame of `top` on any screen: a pure function of the board. What does not fit is left out, rows first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};

use super::board::{Board, HookRow, SinkRow};
use crate::cli::status::how_long;
use crate::hook::printable;
use crate::summary::bytes;
use crate::why::{count, percent, time};

/// The bars of memory have what is left of a line, within bounds: on a screen of 80 columns it just fits.
const BEFORE_BARS: u16 = 74;
const LEAST_BAR: u16 = 6;
const MOST_BAR: u16 = 20;

/// How much of a name is shown.
const NAME: usize = 13;

/// What is drawn.
pub struct View<'v> {
    /// The numbers.
    pub board: &'v Board,
    /// The hook that is selected, by its place; none: nobody selects.
    pub selected: Option<usize>,
    /// What there is to say; nothing: the keys.
    pub message: &'v str,
}

impl View<'_> {
    /// So many lines show all of it.
    pub fn height(&self) -> u16 {
        let Board { hooks, sinks, sources, .. } = self.board;
        // Title, two headers with a blank line each, and the last line.
        u16::try_from(hooks.len() + sinks.len() + sources.len() + 6).unwrap_or(u16::MAX)
    }

    /// Draws it over all of the buffer.
    pub fn draw(&self, buffer: &mut Buffer) {
        let area = buffer.area;
        let ends = self.ends();
        let bar = usize::from(area.width.saturating_sub(BEFORE_BARS).clamp(LEAST_BAR, MOST_BAR));
        // The ends have their lines, and the hooks what is left: as many as fit around the one that is selected.
        let room = usize::from(area.height).saturating_sub(ends.len() + 5).max(1);
        let first = self.selected.map_or(0, |selected| (selected + 1).saturating_sub(room));
        let mut lines = vec![self.title(), Line::default(), header(HookRow::header())];
        for (place, hook) in self.board.hooks.iter().enumerate().skip(first).take(room) {
            let line = hook.line(bar);
            let is_selected = self.selected == Some(place);
            lines.push(if is_selected { line.patch_style(Modifier::REVERSED) } else { line });
        }
        lines.push(Line::default());
        lines.extend(ends);
        lines.truncate(usize::from(area.height).saturating_sub(1));
        for (row, line) in (area.y..area.bottom()).zip(&lines) {
            buffer.set_line(area.x, row, line, area.width);
        }
        if self.selected.is_some() && area.height > 0 {
            buffer.set_line(area.x, area.bottom() - 1, &self.foot(), area.width);
        }
    }

    fn title(&self) -> Line<'static> {
        let Board { version, state, uptime_s, workers, busy, events_s, bytes_s, .. } = self.board;
        let workers = format!("{workers} worker{}", if *workers == 1 { "" } else { "s" });
        let bold = Style::new().add_modifier(Modifier::BOLD);
        Line::from(vec![
            Span::styled(format!("hookaroon {version}"), bold),
            Span::raw(format!("  {state} {}  {workers} ", how_long(*uptime_s))),
            Span::styled(format!("{} busy", percent(*busy)), heat(*busy)),
            Span::raw(format!("  {} events/s, {}/s", count(*events_s), bytes(*bytes_s as u64))),
        ])
    }

    /// Sources and sinks.
    fn ends(&self) -> Vec<Line<'static>> {
        let mut lines = vec![header(format!(
            "{:<6} {:<NAME$} {:<8} {:>12} {:>12} {:>14}",
            "", "NAME", "TYPE", "EVENTS/S", "BYTES/S", "WORKERS WAIT"
        ))];
        for (name, kind) in &self.board.sources {
            lines.push(Line::raw(format!("{:<6} {:<NAME$} {kind}", "source", name_of(name))));
        }
        lines.extend(self.board.sinks.iter().map(SinkRow::line));
        lines
    }

    fn foot(&self) -> Line<'static> {
        if self.message.is_empty() {
            let keys = format!("q end  s sort: {}  ↑↓ select  p pause, go on", self.board.sort.name());
            return Line::styled(keys, Modifier::DIM);
        }
        Line::styled(printable(self.message, 1000), Color::Yellow)
    }
}

impl HookRow {
    fn header() -> String {
        format!(
            "{:<NAME$} {:<7} {:<7} {:<6} {:>4} {:>8} {:>8} {:>6} {}",
            "HOOK", "VERSION", "SHARE", "STATE", "CPU", "ROWS/S", "PER ROW", "FAIL/S", "MEMORY"
        )
    }

    fn line(&self, width: usize) -> Line<'static> {
        let state = match self.state.as_str() {
            "ok" => Style::new().fg(Color::Green),
            "paused" | "off" => Style::new().fg(Color::Yellow),
            _ => Style::new().fg(Color::Red),
        };
        let failing = if self.failures_s > 0.0 { Style::new().fg(Color::Red) } else { Style::new() };
        let each = self.ns_per_row.map_or_else(|| "-".to_owned(), time);
        let (now, peak) = (self.memory_now.unwrap_or(self.memory_peak), self.memory_peak);
        vec![
            Span::raw(format!(
                "{:<NAME$} {:<7} {:<7} ",
                name_of(&self.name),
                self.version,
                cut(&self.share, 7)
            )),
            Span::styled(format!("{:<6} ", cut(&self.state, 6)), state),
            Span::styled(format!("{:>4} ", percent(self.cpu)), heat(self.cpu)),
            Span::raw(format!("{:>8} {each:>8} ", count(self.rows_s))),
            Span::styled(format!("{:>6} ", count(self.failures_s)), failing),
            Span::styled(bar(width, self.fullness(now), self.fullness(peak)), heat(self.fullness(peak))),
            Span::raw(format!(" {}", mebibytes(peak, self.memory_cap))),
        ]
        .into()
    }
}

impl SinkRow {
    fn line(&self) -> Line<'static> {
        vec![
            Span::raw(format!(
                "{:<6} {:<NAME$} {:<8} {:>12} {:>12} ",
                "sink",
                name_of(&self.name),
                self.kind,
                count(self.events_s),
                bytes(self.bytes_s as u64)
            )),
            Span::styled(format!("{:>14}", percent(self.waited)), heat(self.waited)),
        ]
        .into()
    }
}

/// Full up to now, half up to the peak: `██▒▒······`.
fn bar(width: usize, now: f64, peak: f64) -> String {
    let cells = |part: f64| (part.clamp(0.0, 1.0) * width as f64).ceil() as usize;
    let cell = |at: usize| match at {
        at if at < cells(now) => '█',
        at if at < cells(peak) => '▒',
        _ => '·',
    };
    (0..width).map(cell).collect()
}

/// `12/32M`
fn mebibytes(used: u64, cap: u64) -> String {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    format!("{}/{}M", mib(used), mib(cap))
}

fn header(text: String) -> Line<'static> {
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED))
}

/// The more, the warmer.
fn heat(part: f64) -> Style {
    match part {
        part if part >= 0.9 => Style::new().fg(Color::Red),
        part if part >= 0.6 => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    }
}

fn name_of(name: &str) -> String {
    cut(&printable(name, usize::MAX), NAME)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// What is in a buffer, without colours and without the space at the ends of lines.
pub fn text(buffer: &Buffer) -> String {
    let Rect { x, y, width, height } = buffer.area;
    let mut out = String::new();
    for row in y..y + height {
        let cells = (x..x + width).filter_map(|column| buffer.cell((column, row)));
        let line: String = cells.map(ratatui::buffer::Cell::symbol).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests;
