//! The terminal while `top` has it, left as it was however that ends: dropped, or by a panic, whose message is seen then.

use std::io::{self, Stdout, Write as _};
use std::panic;

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::draw::View;

/// A screen of one's own.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes the terminal.
    pub fn open() -> io::Result<Screen> {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            usual(panic);
        }));
        enable_raw_mode()?;
        let opened = execute!(io::stdout(), EnterAlternateScreen);
        let terminal = opened.and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        // Without a screen nobody is there to be dropped.
        Ok(Screen { terminal: terminal.inspect_err(|_| restore())? })
    }

    /// Draws a frame, in the size that the terminal has now.
    pub fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        self.terminal.draw(|frame| view.draw(frame.buffer_mut())).map(|_| ())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Gives it back. Where that fails there is no terminal any more.
fn restore() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = io::stdout().flush();
}
