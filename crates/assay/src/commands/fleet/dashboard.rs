//! A run on a terminal: a dashboard while it goes on, and the screen as it was after it.

mod model;
mod view;

#[cfg(test)]
mod tests;

use std::io::{self, IsTerminal as _, stderr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::ProgressDrawTarget;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use rustix::process::{Signal, getpgrp, getpid, kill_process};
use tokio_util::sync::CancellationToken;

use self::model::Look;
pub(crate) use self::model::{Extent, Model};
use crate::output::{held, hold, lines, note, release};

/// So often it is drawn.
const TICK: Duration = Duration::from_millis(100);
/// What is over before that is not worth another screen.
const PATIENCE: Duration = Duration::from_millis(400);
/// So many messages are looked at for the last few lines.
const RECENT: usize = 8;
/// The thread that draws.
const DRAWING: &str = "dashboard";

/// Whether the terminal shows the dashboard. Held while something is drawn, so that nothing is drawn on the screen that
/// was given back.
static IS_SHOWN: Mutex<bool> = Mutex::new(false);
static HOOKED: Once = Once::new();

/// Whether there is a terminal for it, and nobody else has that.
pub(crate) fn has_room() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    // A job in the background would be stopped for changing the terminal.
    let is_ours = || rustix::termios::tcgetpgrp(stderr()).is_ok_and(|group| group == getpgrp());
    stderr().is_terminal() && !is_dumb && is_ours()
}

/// The dashboard of a run, from its beginning until it is dropped.
pub(crate) struct Dashboard {
    model: Arc<Mutex<Model>>,
    is_over: Arc<AtomicBool>,
    /// Whether it could not be drawn any more.
    is_gone: Arc<AtomicBool>,
    drawing: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// From now on, what is said on standard error is kept until the end.
    pub(crate) fn open(model: Model, cancel: CancellationToken) -> Self {
        hold();
        lines().set_draw_target(ProgressDrawTarget::hidden());
        HOOKED.call_once(hook);
        let (model, is_over) = (Arc::new(Mutex::new(model)), Arc::new(AtomicBool::new(false)));
        let is_gone = Arc::new(AtomicBool::new(false));
        let (seen, end, gone) = (Arc::clone(&model), Arc::clone(&is_over), Arc::clone(&is_gone));
        let drawing = std::thread::Builder::new().name(DRAWING.into()).spawn(move || {
            let shown = catch_unwind(AssertUnwindSafe(|| show(&seen, &end, &cancel)));
            // The run goes on line by line.
            gone.store(true, Ordering::Relaxed);
            if !matches!(shown, Ok(Ok(()))) {
                leave();
            }
            if let Ok(Err(error)) = shown {
                note(&format!("the dashboard cannot be shown: {error}"));
            }
        });
        Dashboard { model, is_over, is_gone, drawing: drawing.ok() }
    }

    /// Whether somebody sees it.
    pub(crate) fn is_there(&self) -> bool {
        self.drawing.is_some() && !self.is_gone.load(Ordering::Relaxed)
    }

    /// Lets the model take something in.
    pub(crate) fn take(&self, something: impl FnOnce(&mut Model)) {
        something(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(drawing) = self.drawing.take() {
            drawing.thread().unpark();
            // That it panicked was told.
            let _ = drawing.join();
        }
        leave();
        lines().set_draw_target(ProgressDrawTarget::stderr());
    }
}

/// Draws, and hears keys, until the run is over.
fn show(model: &Mutex<Model>, is_over: &AtomicBool, cancel: &CancellationToken) -> io::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        std::thread::park_timeout(PATIENCE.saturating_sub(begun.elapsed()));
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
    enter()?;
    let colours = anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never;
    let mut terminal = Terminal::new(CrosstermBackend::new(stderr()))?;
    while !is_over.load(Ordering::Relaxed) {
        {
            let is_shown = IS_SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
            if !*is_shown {
                return Ok(());
            }
            let messages = held(RECENT);
            let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
            // Somebody else may have ended it, and a key after that is no second wish.
            if cancel.is_cancelled() {
                model.end();
            }
            let now = Timestamp::now();
            terminal.draw(|frame| {
                view::draw(&mut model, &messages, now, colours, frame.area(), frame.buffer_mut());
            })?;
        }
        let drawn = Instant::now();
        while let Some(rest) = TICK.checked_sub(drawn.elapsed()) {
            if !event::poll(rest)? {
                break;
            }
            if let Event::Key(key) = event::read()?
                && key.kind == KeyEventKind::Press
            {
                let height = terminal.size().map_or(0, |size| size.height);
                pressed(key, model, height);
            }
        }
    }
    Ok(())
}

/// Does what a key means.
fn pressed(key: KeyEvent, model: &Mutex<Model>, height: u16) {
    let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
    let is_interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    let look = match key.code {
        _ if is_interrupt => None,
        // A second Ctrl-C ends at once, a second q does not: it is too near to other keys.
        KeyCode::Char('q') if model.is_ending() => return,
        KeyCode::Char('q') => None,
        KeyCode::Up | KeyCode::Char('k') => Some(Look::By(-1)),
        KeyCode::Down | KeyCode::Char('j') => Some(Look::By(1)),
        KeyCode::PageUp => Some(Look::By(-view::page(height))),
        KeyCode::PageDown | KeyCode::Char(' ') => Some(Look::By(view::page(height))),
        KeyCode::Home => Some(Look::Top),
        KeyCode::End => Some(Look::Bottom),
        KeyCode::Char('f') => Some(Look::Failing),
        _ => return,
    };
    if let Some(look) = look {
        model.look(look);
    } else {
        model.end();
        // The terminal sends no signals while it hands over single keys; whoever waits for one hears it as ever.
        let _ = kill_process(getpid(), Signal::INT);
    }
}

fn enter() -> io::Result<()> {
    let mut is_shown = IS_SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    // Whoever panicked before let go of what is held back.
    hold();
    enable_raw_mode()?;
    *is_shown = true;
    execute!(stderr(), EnterAlternateScreen)
}

/// Gives the screen back, and says what was to be said meanwhile.
fn leave() {
    give_back();
    release();
}

fn give_back() {
    let mut is_shown = IS_SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::take(&mut *is_shown) {
        // If the terminal is gone, there is nothing to give back.
        let _ = disable_raw_mode();
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}

/// A panic shall be read, and be read on the normal screen, unless it ends the check of one subject alone.
fn hook() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        match thread.name() {
            Some(assay_fleet::CHECKING) if IS_SHOWN.lock().is_ok_and(|is_shown| *is_shown) => {
                note(&panic.to_string());
            }
            // It may hold what guards the screen, and gives that back itself.
            Some(DRAWING) => note(&panic.to_string()),
            _ => {
                leave();
                usual(panic);
            }
        }
    }));
}
