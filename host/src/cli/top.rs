//! `hookaroon top`: hooks, sources and sinks of a run and what they cost, every second, through its admin API.
//!
//! One thread asks the API, another draws and takes keys, so that a key is heard while an answer takes its time. What goes
//! wrong on the way stands in the last line, and the next answer may be fine again. However it ends, by a key, a signal or a
//! panic, the terminal is left as it was. Where there is none, one frame is printed as text.

mod board;
mod draw;
mod screen;

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use axum::http::Method;
use clap::Args;
use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::admin_client::{AdminArguments, Client, escaped};
use super::{failed, print};
use board::{Board, Moment, Sort};
use draw::View;
use screen::Screen;

/// How often the API is asked.
const EVERY: Duration = Duration::from_secs(1);

/// How often it is looked for a key, an answer or a signal.
const LOOK: Duration = Duration::from_millis(100);

/// The width of a frame that is printed.
const WIDTH: u16 = 100;

#[derive(Debug, Args)]
#[command(after_help = "\
Keys: q ends, s sorts, the arrows select a hook, p pauses it or lets it go on (for tokens of the role operate).

Examples:
  hookaroon top
  hookaroon top --once")]
pub struct TopArguments {
    #[command(flatten)]
    admin: AdminArguments,
    /// Print one frame, of one second, and end
    #[arg(long)]
    once: bool,
}

/// What the one who asks is told.
enum Order {
    /// Pause this hook.
    Pause(String),
    /// Let it go on.
    Resume(String),
}

/// What the one who asks tells.
enum News {
    /// How the run is.
    Moment(Box<Moment>),
    /// What came of an order, or what went wrong.
    Message(String),
}

pub fn top(arguments: &TopArguments) -> Result<(), ExitCode> {
    let client = arguments.admin.client()?;
    let wrong = |error: String| failed(&io::Error::other(error));
    let first = ask(&client).map_err(wrong)?;
    if arguments.once || !io::stdout().is_terminal() {
        thread::sleep(EVERY);
        let second = ask(&client).map_err(wrong)?;
        return print(&frame(&first, &second));
    }
    let ended = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, ended.clone()).map_err(|error| failed(&error))?;
    }
    let (orders, to_do) = sync_channel(1);
    let (tell, news) = sync_channel(1);
    thread::Builder::new()
        .name("asking".to_owned())
        .spawn(move || keep_asking(&client, &to_do, &tell))
        .map_err(|error| failed(&error))?;
    let result = Screen::open().and_then(|mut screen| watch(&mut screen, first, &orders, &news, &ended));
    result.map_err(|error| failed(&error))
}

/// How the run is now.
fn ask(client: &Client) -> Result<Moment, String> {
    let status = client.ask_for(Method::GET, "/api/v1/status")?;
    let hooks = client.ask_for(Method::GET, "/api/v1/hooks")?;
    Moment::new(status, hooks)
}

/// Asks until nobody listens any more.
fn keep_asking(client: &Client, orders: &Receiver<Order>, tell: &SyncSender<News>) {
    loop {
        match orders.recv_timeout(EVERY) {
            Ok(order) => {
                let done = client.ask_for(Method::POST, &order.path()).map(|_| order.done());
                if tell.send(News::Message(done.unwrap_or_else(|error| error))).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let news = match ask(client) {
            Ok(moment) => News::Moment(Box::new(moment)),
            Err(error) => News::Message(error),
        };
        if tell.send(news).is_err() {
            return;
        }
    }
}

impl Order {
    fn path(&self) -> String {
        match self {
            Order::Pause(hook) => format!("/api/v1/hooks/{}/pause", escaped(hook)),
            Order::Resume(hook) => format!("/api/v1/hooks/{}/resume", escaped(hook)),
        }
    }

    fn done(&self) -> String {
        match self {
            Order::Pause(hook) => format!("{hook} is paused: events pass it unprocessed"),
            Order::Resume(hook) => format!("{hook} goes on"),
        }
    }
}

/// Draws what is told, and does what keys say, until one of them ends it.
fn watch(
    screen: &mut Screen,
    first: Moment,
    orders: &SyncSender<Order>,
    news: &Receiver<News>,
    ended: &AtomicBool,
) -> io::Result<()> {
    let (mut before, mut after) = (Moment::default(), first);
    let (mut sort, mut selected, mut message) = (Sort::default(), 0usize, String::new());
    while !ended.load(Ordering::Relaxed) {
        loop {
            match news.try_recv() {
                Ok(News::Moment(moment)) => before = std::mem::replace(&mut after, *moment),
                Ok(News::Message(text)) => message = text,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let board = Board::new(&before, &after, sort);
        selected = selected.min(board.hooks.len().saturating_sub(1));
        screen.draw(&View { board: &board, selected: Some(selected), message: &message })?;
        if !poll(LOOK)? {
            continue;
        }
        let Event::Key(key) = read()? else { continue };
        match Key::of(&key) {
            Some(Key::End) => return Ok(()),
            Some(Key::Sort) => sort = sort.next(),
            Some(Key::Up) => selected = selected.saturating_sub(1),
            Some(Key::Down) => selected += 1,
            Some(Key::Pause) => {
                let Some(hook) = board.hooks.get(selected) else { continue };
                let name = hook.name.clone();
                let order = if hook.state == "paused" { Order::Resume(name) } else { Order::Pause(name) };
                message = match orders.try_send(order) {
                    Ok(()) => "asking".to_owned(),
                    Err(_) => "the last request is not answered yet".to_owned(),
                };
            }
            None => {}
        }
    }
    Ok(())
}

/// What a key means.
enum Key {
    End,
    Sort,
    Up,
    Down,
    Pause,
}

impl Key {
    fn of(key: &KeyEvent) -> Option<Key> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Key::End),
            KeyCode::Char('q') | KeyCode::Esc => Some(Key::End),
            KeyCode::Char('s') => Some(Key::Sort),
            KeyCode::Char('p') => Some(Key::Pause),
            KeyCode::Up | KeyCode::Char('k') => Some(Key::Up),
            KeyCode::Down | KeyCode::Char('j') => Some(Key::Down),
            _ => None,
        }
    }
}

/// One frame as text: as high as it needs to be.
fn frame(before: &Moment, after: &Moment) -> String {
    let board = Board::new(before, after, Sort::default());
    let view = View { board: &board, selected: None, message: "" };
    let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, view.height()));
    view.draw(&mut buffer);
    draw::text(&buffer)
}
