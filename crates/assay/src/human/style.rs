//! Colours. They are always written; where none are wanted, the stream takes them out.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use assay_standards::Verdict;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

pub(crate) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

pub(crate) fn bold(text: impl Display) -> String {
    paint(BOLD, text)
}

pub(crate) fn dim(text: impl Display) -> String {
    paint(DIM, text)
}

pub(crate) fn good(text: impl Display) -> String {
    paint(AnsiColor::Green.on_default(), text)
}

pub(crate) fn bad(text: impl Display) -> String {
    paint(AnsiColor::Red.on_default(), text)
}

pub(crate) fn warn(text: impl Display) -> String {
    paint(AnsiColor::Yellow.on_default(), text)
}

/// The colour of a verdict.
pub(crate) fn of(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Fail => AnsiColor::Red.on_default().bold(),
        Verdict::Abort => AnsiColor::Magenta.on_default(),
        Verdict::Miss => AnsiColor::Yellow.on_default(),
    }
}

/// A verdict in its colour, padded to the longest one.
pub(crate) fn verdict(verdict: Verdict) -> String {
    paint(of(verdict), format_args!("{verdict:<5}"))
}
