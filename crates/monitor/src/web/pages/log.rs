use askama::Template;

use super::Shown;
use crate::log::Entry;
use crate::store::ListedEntry;

/// The newest entries of the log.
#[derive(Template)]
#[template(path = "log.html")]
pub(super) struct LogPage<'l> {
    base: &'l str,
    size: u64,
    key: String,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "log.md", escape = "none")]
struct LogMarkdown<'l>(&'l LogPage<'l>);

struct Row {
    place: u64,
    at: String,
    what: &'static str,
    report: String,
    about: String,
}

impl<'l> LogPage<'l> {
    pub(super) fn new(base: &'l str, size: u64, key: String, entries: &[ListedEntry]) -> Self {
        let mut rows: Vec<Row> = entries.iter().filter_map(row).collect();
        rows.reverse();
        Self { base, size, key, rows }
    }
}

fn row(listed: &ListedEntry) -> Option<Row> {
    let row = |at: jiff::Timestamp, what, report, about| Row {
        place: listed.place,
        at: at.strftime("%F %T UTC").to_string(),
        what,
        report,
        about,
    };
    Some(match serde_json::from_slice(&listed.bytes).ok()? {
        Entry::Report { report, subject, received_at, .. } => row(received_at, "report", report, subject),
        Entry::Approval { report, testcase, approved: true, at, .. } => row(at, "approval", report, testcase),
        Entry::Approval { report, testcase, approved: false, at, .. } => {
            row(at, "approval withdrawn", report, testcase)
        }
    })
}

impl Shown for LogPage<'_> {
    fn title(&self) -> String {
        "Log".to_owned()
    }

    fn html(&self) -> Result<String, askama::Error> {
        self.render()
    }

    fn markdown(&self) -> Result<String, askama::Error> {
        LogMarkdown(self).render()
    }
}
