//! Output for people: 80 columns or more, with or without colour.

mod layout;
mod report;
mod style;

pub(crate) use layout::{Table, columns, counted, painted, plain, printable, wrapped};
pub(crate) use report::{Options, report};
pub(crate) use style::{bad, bold, dim, good, verdict, warn};
