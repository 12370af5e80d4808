//! What several targets look at: what is said of a file that cannot be used.

use assay_yaml::{Place, Problems, Wrong};
use miette::{GraphicalReportHandler, GraphicalTheme};

/// A place lies within the text, and cuts no character in two.
///
/// # Panics
/// It does not.
pub fn within(text: &str, place: Place) {
    assert!(place.line >= 1 && place.column >= 1, "{place:?}");
    assert!(text.get(place.start..place.start + place.len).is_some(), "{place:?} of {} bytes", text.len());
}

/// A file that cannot be used has something wrong with it, at places within it, and that can be shown.
///
/// # Panics
/// One of these is not so.
pub fn told<K: Wrong>(text: &str, error: &Problems<K>) {
    assert!(!error.problems().is_empty(), "refused, and nothing is said to be wrong");
    for problem in error.problems() {
        within(text, problem.spot().place);
    }
    let mut shown = String::new();
    // The program shows it so; a label outside of the text would make that fail.
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    assert!(handler.render_report(&mut shown, error).is_ok(), "{error}");
}
